//! Variables of the kernel that walks begin at, and their types: the kernel's own description of types knows no
//! variables but those of CPUs.

use base::{Gap, VirtAddr};

use super::Kernel;

/// A variable of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    /// Its symbol.
    pub name: &'static str,
    /// Its type as C writes it.
    pub type_name: &'static str,
    /// Whether each CPU has its own: the symbol then tells where it is in the area of each CPU.
    pub is_per_cpu: bool,
}

const fn global(name: &'static str, type_name: &'static str) -> Global {
    Global {
        name,
        type_name,
        is_per_cpu: false,
    }
}

const fn per_cpu(name: &'static str, type_name: &'static str) -> Global {
    Global {
        name,
        type_name,
        is_per_cpu: true,
    }
}

/// Those that are known. One whose type changed has a line for each, the newest first; whether a target has it is
/// asked of its symbols and types.
static GLOBALS: &[Global] = &[
    global("init_task", "struct task_struct"),
    global("init_mm", "struct mm_struct"),
    global("init_pid_ns", "struct pid_namespace"),
    global("init_net", "struct net"),
    global("super_blocks", "struct list_head"),
    global("slab_caches", "struct list_head"),
    global("nr_node_ids", "unsigned int"),
    global("page_offset_base", "unsigned long"),
    global("vmemmap_base", "unsigned long"),
    global("vmalloc_base", "unsigned long"),
    // Since d093602919ad ("mm: vmalloc: remove global vmap_area_root rb-tree", 6.9) areas are in several trees.
    global("vmap_nodes", "struct vmap_node *"),
    global("nr_vmap_nodes", "unsigned int"),
    global("single", "struct vmap_node"),
    global("vmap_area_list", "struct list_head"),
    global("vmap_area_root", "struct rb_root"),
    global("__per_cpu_start", "char []"),
    global("__per_cpu_end", "char []"),
    per_cpu("runqueues", "struct rq"),
    per_cpu("pcpu_hot", "struct pcpu_hot"),
    per_cpu("current_task", "struct task_struct *"),
    per_cpu("hardirq_stack_ptr", "void *"),
];

/// Their symbols.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    GLOBALS.iter().map(|global| global.name)
}

impl Kernel<'_> {
    /// The variable `name` and where it is, where it is one of those whose types are known.
    pub fn global(&self, name: &str) -> Result<(VirtAddr, Global), Gap> {
        let mut all = GLOBALS.iter().filter(|global| global.name == name);
        let first = all.next().ok_or_else(|| {
            let why = "its type is in no table of ours";
            Gap::new(format!("the type of the variable {name}"), why)
        })?;
        let address = self.symbol(name)?;
        // Of types that end in a name the target must have one.
        let is_there = |global: &&Global| {
            let mut bare = global.type_name.trim_end_matches([' ', '*']);
            bare = bare.trim_end_matches(" []");
            !bare.starts_with("struct ") || self.types().layout(bare).is_ok()
        };
        let found = std::iter::once(first).chain(all).find(is_there);
        let found = found.ok_or_else(|| {
            let why = "the types of the target have none that it could be of";
            Gap::new(format!("the type of the variable {name}"), why)
        })?;
        Ok((address, *found))
    }
}
