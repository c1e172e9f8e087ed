//! How the memory of processes lies in the kernel: shapes newest first.

use base::Gap;
use value::Field;

use crate::linux::walkers::structures::maple::MapleTree;
use crate::linux::{Kernel, XArray};

/// How the mappings of a process hang together.
#[derive(Clone, Debug)]
pub(super) enum Mappings {
    /// In a tree, since 763ecb035029 ("mm: remove the vma linked list", 6.1).
    Tree(Field, Box<MapleTree>),
    /// In a list: its head, and the link in each.
    List(Field, Field),
}

/// Members that lead from a task to the bytes of its files.
#[derive(Clone, Debug)]
pub(crate) struct UserShape {
    pub(super) mm: Field,
    pub(super) tables: Field,
    pub(super) vdso: Option<Field>,
    pub(super) mappings: Mappings,
    pub(super) start: Field,
    pub(super) end: Field,
    pub(super) flags: Field,
    pub(super) file: Field,
    pub(super) page: Field,
    pub(super) dentry: Field,
    pub(super) inode: Field,
    pub(super) name: Field,
    pub(super) mapping: Field,
    pub(super) cached: Field,
    pub(super) cache: XArray,
}

impl UserShape {
    fn new(kernel: &Kernel<'_>) -> Result<Self, Gap> {
        let types = kernel.types();
        let task = types.layout("struct task_struct")?;
        let mm = types.layout("struct mm_struct")?;
        let area = types.layout("struct vm_area_struct")?;
        let file = types.layout("struct file")?;
        let mappings = match mm.find("mm_mt") {
            Some(tree) => Mappings::Tree(tree, Box::new(MapleTree::new(&types)?)),
            None => Mappings::List(mm.any(&["mmap"])?, area.any(&["vm_next"])?),
        };
        Ok(UserShape {
            mm: task.any(&["mm"])?,
            tables: mm.any(&["pgd"])?,
            vdso: mm.find("context.vdso"),
            mappings,
            start: area.any(&["vm_start"])?,
            end: area.any(&["vm_end"])?,
            flags: area.any(&["vm_flags"])?,
            file: area.any(&["vm_file"])?,
            page: area.any(&["vm_pgoff"])?,
            dentry: file.any(&["f_path.dentry"])?,
            inode: file.any(&["f_inode"])?,
            name: types.layout("struct dentry")?.any(&["d_name.name"])?,
            mapping: types.layout("struct inode")?.any(&["i_mapping"])?,
            cached: types.layout("struct address_space")?.any(&["i_pages"])?,
            cache: XArray::new(&types)?,
        })
    }
}

impl Kernel<'_> {
    pub(super) fn user_shape(&self) -> &Result<UserShape, Gap> {
        self.walked.user_shape.get_or_init(|| UserShape::new(self))
    }
}
