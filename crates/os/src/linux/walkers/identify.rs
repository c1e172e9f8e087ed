//! What is this address: the most particular answer first, and everything else that holds as well.

use base::{Gap, Partial, VirtAddr};

use super::pages::Page;
use super::slab::ObjectState;
use super::tasks::Task;
use super::vmalloc::VmallocArea;
use crate::linux::{Kernel, Name};

/// One thing that an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressIs {
    /// It is too small to be one: a NULL pointer, or a member through one.
    Null,
    /// No address of this machine: a pointer that was overwritten, or a number.
    NotCanonical,
    /// Of user space; whose memory it is depends on the process.
    User,
    /// In a function or variable of the kernel or of a module.
    Symbol(Name),
    /// In a variable of one CPU.
    PerCpu {
        /// Whose.
        cpu: u32,
        /// Which.
        name: Name,
    },
    /// In the memory of a module, which is where its symbols are.
    Module {
        /// Its name.
        name: String,
        /// Bytes from the start of the piece of its memory.
        offset: u64,
    },
    /// On the stack of a task.
    Stack {
        /// Whose.
        task: Task,
        /// Bytes from its lowest address.
        offset: u64,
    },
    /// In an object of a slab cache.
    Object {
        /// The name of the cache.
        cache: String,
        /// Where the object begins.
        start: VirtAddr,
        /// Bytes from there; negative in the red zone before it.
        offset: i64,
        /// Bytes of the object that its user may use.
        size: u64,
        /// Whether it is allocated.
        state: ObjectState,
    },
    /// In an area of memory that is mapped page by page.
    Vmalloc {
        /// The area.
        area: VmallocArea,
        /// What asked for it.
        caller: Option<Name>,
    },
    /// The `struct page` of a page.
    PageStruct {
        /// The page's number.
        pfn: u64,
        /// Bytes from the start of the structure.
        offset: u64,
    },
    /// In memory that this page is.
    Page(Page),
}

/// What addresses are asked of: what is looked through for each is looked up once.
#[derive(Debug)]
pub struct Identifier<'k, 'a> {
    kernel: &'k Kernel<'a>,
    /// In the order of their stacks.
    tasks: Vec<Task>,
    stack: u64,
    per_cpu: Option<std::ops::Range<u64>>,
    gaps: Vec<Gap>,
}

impl<'a> Kernel<'a> {
    /// Looks up what addresses are held against.
    pub fn identifier(&self) -> Identifier<'_, 'a> {
        let tasks = self.tasks();
        let (mut tasks, gaps) = (tasks.value, tasks.gaps);
        tasks.sort_by_key(|task| task.stack);
        let stack = self.stack_size();
        let per_cpu = self
            .known("__per_cpu_start")
            .zip(self.known("__per_cpu_end"));
        Identifier {
            kernel: self,
            tasks,
            stack,
            per_cpu: per_cpu.map(|(start, end)| start..end),
            gaps,
        }
    }

    /// The variable of a CPU whose symbol is `name`: where that CPU has it.
    pub fn per_cpu(&self, name: &str, cpu: u32) -> Result<VirtAddr, Gap> {
        let symbol = self.symbol(name)?;
        let range = self
            .known("__per_cpu_start")
            .zip(self.known("__per_cpu_end"));
        if range.is_some_and(|(start, end)| !(start..end).contains(&symbol.0)) {
            let why = "all CPUs share it";
            return Err(Gap::new(format!("the variable {name} of a CPU"), why));
        }
        let mut cpus = self.cpus().value.iter();
        let cpu = cpus.find(|known| known.number == cpu).ok_or_else(|| {
            let why = format!("the kernel has no CPU {cpu}");
            Gap::new(format!("the variable {name} of a CPU"), why)
        })?;
        Ok(VirtAddr(symbol.0.wrapping_add(cpu.offset)))
    }
}

impl Identifier<'_, '_> {
    /// What could not be read of what addresses are held against; slab caches and areas have theirs.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Everything that `address` is, the most particular first; nothing where nothing is mapped there.
    pub fn identify(&self, address: VirtAddr) -> Partial<Vec<AddressIs>> {
        let kernel = self.kernel;
        let levels = kernel.found().root.levels;
        let mut gaps = Vec::new();
        let paging = kernel.arch.paging;
        if address.0 < 4096 {
            return Partial::whole(vec![AddressIs::Null]);
        }
        if paging.is_some_and(|paging| !paging.is_canonical(levels, address)) {
            return Partial::whole(vec![AddressIs::NotCanonical]);
        }
        if address.0 >> 63 == 0 {
            return Partial::whole(vec![AddressIs::User]);
        }
        let mut all = Vec::new();
        all.extend(kernel.name(address).map(AddressIs::Symbol));
        all.extend(self.per_cpu_at(address));
        all.extend(self.module(address));
        all.extend(self.stack(address));
        all.extend(self.object(address));
        if let Some(area) = kernel.vmalloc_area_at(address) {
            let caller = area.owner.and_then(|owner| kernel.name(owner.caller));
            all.push(AddressIs::Vmalloc {
                area: *area,
                caller,
            });
        }
        if let Ok(map) = kernel.memory_map()
            && let Some(offset) = address.0.checked_sub(map.pages.0)
            && let (pfn, within) = (offset / map.page_struct, offset % map.page_struct)
            && self.is_memory(pfn << map.page_bits)
        {
            let offset = within;
            all.push(AddressIs::PageStruct { pfn, offset });
        }
        match kernel.pfn_at(address) {
            Ok(pfn) if self.is_memory(pfn << paging.map_or(12, |paging| paging.page_bits)) => {
                match kernel.page(pfn) {
                    Ok(page) => all.push(AddressIs::Page(page)),
                    Err(gap) => gaps.push(gap),
                }
            }
            // A device's registers, or nothing.
            Ok(_) | Err(base::ReadError::Unmapped(_)) => {}
            Err(error) => {
                gaps.push(Gap::new(
                    format!("what {address} is mapped to"),
                    error.to_string(),
                ));
            }
        }
        Partial { value: all, gaps }
    }

    fn is_memory(&self, physical: u64) -> bool {
        let ranges = self.kernel.space().memory().physical_ranges();
        ranges.iter().any(|range| range.contains(&physical))
    }

    fn per_cpu_at(&self, address: VirtAddr) -> Option<AddressIs> {
        let range = self.per_cpu.as_ref()?;
        let mut cpus = self
            .kernel
            .cpus()
            .value
            .iter()
            .filter(|cpu| cpu.offset != 0);
        let (cpu, at) = cpus.find_map(|cpu| {
            let at = address.0.wrapping_sub(cpu.offset);
            range.contains(&at).then_some((cpu, at))
        })?;
        let symbol = self.kernel.kallsyms().at(at)?;
        if !range.contains(&symbol.address) {
            return None;
        }
        Some(AddressIs::PerCpu {
            cpu: cpu.number,
            name: Name {
                offset: at - symbol.address,
                size: symbol.size,
                symbol: symbol.name,
                module: None,
            },
        })
    }

    fn module(&self, address: VirtAddr) -> Option<AddressIs> {
        let (_, module) = self.kernel.module_at(address)?;
        let region = module
            .regions
            .iter()
            .find(|region| region.contains(address.0))?;
        Some(AddressIs::Module {
            name: module.name.clone(),
            offset: address.0 - region.base.0,
        })
    }

    fn stack(&self, address: VirtAddr) -> Option<AddressIs> {
        let end = self.tasks.partition_point(|task| task.stack <= address);
        let task = self.tasks.get(end.checked_sub(1)?)?;
        let offset = address.0 - task.stack.0;
        (task.stack.0 != 0 && offset < self.stack).then(|| AddressIs::Stack {
            task: task.clone(),
            offset,
        })
    }

    /// The object of an address where all memory is mapped in one piece.
    fn object(&self, address: VirtAddr) -> Option<AddressIs> {
        let found = self.kernel.slabs().value.object_at(address)?;
        Some(AddressIs::Object {
            cache: found.cache.name.clone(),
            start: found.start,
            offset: found.offset,
            size: found.cache.object_size,
            state: found.state,
        })
    }
}
