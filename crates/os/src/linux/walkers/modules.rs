//! The modules that are loaded (`modules`, a list of `struct module`).

use base::{Budget, Gap, Partial, ReadError, VirtAddr};
use value::{Field, Layout};

use crate::linux::Kernel;
use crate::linux::list::walk_list;

/// Modules that are read; a large system has some hundred.
const MOST: u64 = 1 << 14;

/// A piece of memory of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where it begins.
    pub base: VirtAddr,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it begins with code; where the kernel does not keep them apart, data follows.
    pub is_code: bool,
}

impl Region {
    pub(crate) fn contains(&self, address: u64) -> bool {
        address.wrapping_sub(self.base.0) < self.size
    }
}

/// A module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Where its `struct module` is.
    pub address: VirtAddr,
    /// Its name.
    pub name: String,
    /// Its memory that stays, its code first.
    pub regions: Vec<Region>,
}

/// How a region's base and size are called, and whether it has code.
struct Shape {
    base: Field,
    size: Field,
    code: Option<Field>,
    is_code: bool,
}

/// `enum mod_mem_type`: the kinds up to this one stay, those behind it are for initialisation only.
const LAST_KEPT: u64 = 3;

fn shapes(layout: &Layout<'_, '_>) -> Result<Vec<Shape>, Gap> {
    // Since Linux 6.4 each kind of memory has its own piece (`struct module_memory mem[MOD_MEM_NUM_TYPES]`).
    if let Some(count) = layout.count("mem") {
        let kept = (0..count.min(LAST_KEPT + 1)).map(|n| {
            Ok(Shape {
                base: layout.any(&[&format!("mem[{n}].base")])?,
                size: layout.any(&[&format!("mem[{n}].size")])?,
                code: None,
                is_code: n == 0,
            })
        });
        return kept.collect();
    }
    let mut shapes = vec![Shape {
        base: layout.any(&["core_layout.base", "module_core"])?,
        size: layout.any(&["core_layout.size", "core_size"])?,
        code: layout
            .any(&["core_layout.text_size", "core_text_size"])
            .ok(),
        is_code: true,
    }];
    // Some architectures keep data in a piece of its own (`CONFIG_ARCH_WANTS_MODULES_DATA_IN_VMALLOC`).
    if let (Some(base), Some(size)) = (
        layout.find("data_layout.base"),
        layout.find("data_layout.size"),
    ) {
        shapes.push(Shape {
            base,
            size,
            code: None,
            is_code: false,
        });
    }
    Ok(shapes)
}

impl Kernel<'_> {
    pub(crate) fn walk_modules(&self) -> Partial<Vec<Module>> {
        self.try_modules().unwrap_or_else(|gap| Partial {
            value: Vec::new(),
            gaps: vec![gap],
        })
    }

    fn try_modules(&self) -> Result<Partial<Vec<Module>>, Gap> {
        let head = self.symbol("modules")?;
        let layout = self.types().layout("struct module")?;
        let (list, name) = (layout.any(&["list"])?, layout.any(&["name"])?);
        let shapes = shapes(&layout)?;
        let mut budget = Budget::new("modules", MOST);
        let nodes = walk_list(self.space(), head, "the list of modules", &mut budget);
        let (mut modules, mut gaps) = (Vec::new(), nodes.gaps);
        for node in nodes.value {
            let address = VirtAddr(node.0.wrapping_sub(list.offset));
            match self.module(address, &name, &shapes) {
                Ok(module) => modules.push(module),
                Err(error) => gaps.push(Gap::new(
                    format!("the module at {address}"),
                    error.to_string(),
                )),
            }
        }
        Ok(Partial {
            value: modules,
            gaps,
        })
    }

    fn module(
        &self,
        address: VirtAddr,
        name: &Field,
        shapes: &[Shape],
    ) -> Result<Module, ReadError> {
        let space = self.space();
        let mut regions = Vec::new();
        for shape in shapes {
            let (base, size) = (
                shape.base.pointer(space, address)?,
                shape.size.read(space, address)?,
            );
            let mut push = |base: u64, size, is_code| {
                if size > 0 {
                    let base = VirtAddr(base);
                    regions.push(Region {
                        base,
                        size,
                        is_code,
                    });
                }
            };
            match &shape.code {
                // Code and data in one piece, the code first.
                Some(code) => {
                    let code = code.read(space, address)?.min(size);
                    push(base.0, code, true);
                    push(base.0.wrapping_add(code), size - code, false);
                }
                None => push(base.0, size, shape.is_code),
            }
        }
        Ok(Module {
            address,
            name: space.text(name.at(address), name.size as usize)?,
            regions,
        })
    }
}

impl Module {
    /// Where its memory begins.
    pub fn base(&self) -> VirtAddr {
        self.regions
            .first()
            .map_or(self.address, |region| region.base)
    }

    /// Bytes of its memory that stays.
    pub fn size(&self) -> u64 {
        self.regions
            .iter()
            .fold(0, |sum: u64, region| sum.saturating_add(region.size))
    }
}
