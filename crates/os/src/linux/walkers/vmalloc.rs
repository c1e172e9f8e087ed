//! Areas of memory that is mapped page by page (`vmalloc`, `ioremap`, stacks, modules).

use base::{Budget, Gap, Partial, ReadError, VirtAddr};
use value::Field;

use super::structures::Gaps;
use super::structures::rbtree::RbTree;
use crate::linux::Kernel;
use crate::linux::list::walk_list;

/// Areas; a large system has some hundred thousand.
const MOST: u64 = 1 << 22;

/// Trees of areas (`nr_vmap_nodes` is 128 at most).
const MOST_NODES: u64 = 1 << 10;

/// An area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmallocArea {
    /// Its `struct vmap_area`.
    pub address: VirtAddr,
    /// Where it begins.
    pub start: VirtAddr,
    /// Where it ends; a guard page is part of it.
    pub end: VirtAddr,
    /// What it is for, where it has a `struct vm_struct`; what is about to be given back has none.
    pub owner: Option<VmallocOwner>,
}

/// What an area is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmallocOwner {
    /// Its `struct vm_struct`.
    pub address: VirtAddr,
    /// `VM_…` flags of include/linux/vmalloc.h.
    pub flags: u64,
    /// Pages that are mapped there.
    pub pages: u64,
    /// The first physical address of what is mapped by `ioremap`; else 0.
    pub physical: u64,
    /// The code that asked for it.
    pub caller: VirtAddr,
}

/// Members of an area and of its owner.
struct Shape {
    start: Field,
    end: Field,
    owner: Field,
    tree: Field,
    list: Field,
    flags: Field,
    pages: Field,
    physical: Field,
    caller: Field,
}

impl Kernel<'_> {
    /// The areas, in the order of their addresses.
    pub fn vmalloc_areas(&self) -> &Partial<Vec<VmallocArea>> {
        self.walked.areas.get_or_init(|| {
            self.walk_areas().unwrap_or_else(|gap| Partial {
                value: Vec::new(),
                gaps: vec![gap],
            })
        })
    }

    fn walk_areas(&self) -> Result<Partial<Vec<VmallocArea>>, Gap> {
        let types = self.types();
        let (area, owner) = (
            types.layout("struct vmap_area")?,
            types.layout("struct vm_struct")?,
        );
        let shape = Shape {
            start: area.any(&["va_start"])?,
            end: area.any(&["va_end"])?,
            owner: area.any(&["vm"])?,
            tree: area.any(&["rb_node"])?,
            list: area.any(&["list"])?,
            flags: owner.any(&["flags"])?,
            pages: owner.any(&["nr_pages"])?,
            physical: owner.any(&["phys_addr"])?,
            caller: owner.any(&["caller"])?,
        };
        let what = "the areas of vmalloc";
        let mut gaps = Gaps::default();
        let mut found = self.area_nodes(&shape, what, &mut gaps)?;
        let mut areas = Vec::new();
        for address in found.drain(..) {
            match self.area(&shape, address) {
                Ok(area) => areas.push(area),
                Err(error) => gaps.push(|| format!("the area at {address}"), error),
            }
        }
        areas.sort_by_key(|area| (area.start, area.address));
        let gaps = gaps.of(what);
        Ok(Partial { value: areas, gaps })
    }

    /// Where each `struct vmap_area` is.
    fn area_nodes(&self, shape: &Shape, what: &str, gaps: &mut Gaps) -> Result<Vec<VirtAddr>, Gap> {
        let space = self.space();
        let mut budget = Budget::new("areas", MOST);
        let mut told = |walked: Partial<Vec<VirtAddr>>, link: &Field| -> Vec<VirtAddr> {
            for gap in walked.gaps {
                gaps.push(|| gap.what, gap.why);
            }
            let area = |node: VirtAddr| VirtAddr(node.0.wrapping_sub(link.offset));
            walked.value.into_iter().map(area).collect()
        };
        // Since d093602919ad ("mm: vmalloc: remove global vmap_area_root rb-tree", 6.9) there are several trees.
        if let Ok((nodes, _)) = self.global("vmap_nodes") {
            let failed = |error: ReadError| Gap::new(what, error.to_string());
            let node = self.types().layout("struct vmap_node")?;
            let busy = node.any(&["busy.root"])?;
            let rbtree = RbTree::new(&self.types())?;
            let base = space.u64(nodes).map_err(failed)?;
            let count = self.known("nr_vmap_nodes");
            let count = count.map_or(Ok(1), |at| space.u32(VirtAddr(at)));
            let count = u64::from(count.map_err(failed)?);
            let mut areas = Vec::new();
            for number in 0..count.min(MOST_NODES) {
                let at = VirtAddr(base.wrapping_add(number.wrapping_mul(node.size())));
                let walked = rbtree.walk(space, busy.at(at), what, &mut budget);
                areas.extend(told(walked, &shape.tree));
            }
            return Ok(areas);
        }
        let (head, _) = self.global("vmap_area_list")?;
        let walked = walk_list(space, head, what, &mut budget);
        Ok(told(walked, &shape.list))
    }

    fn area(&self, shape: &Shape, address: VirtAddr) -> Result<VmallocArea, ReadError> {
        let space = self.space();
        let owner = shape.owner.pointer(space, address)?;
        let read = |field: &Field| field.read(space, owner);
        let owner = match owner.0 {
            0 => None,
            _ => Some(VmallocOwner {
                address: owner,
                flags: read(&shape.flags)?,
                pages: read(&shape.pages)?,
                physical: read(&shape.physical)?,
                caller: VirtAddr(read(&shape.caller)?),
            }),
        };
        Ok(VmallocArea {
            address,
            start: shape.start.pointer(space, address)?,
            end: shape.end.pointer(space, address)?,
            owner,
        })
    }

    /// The area that `address` is in.
    pub fn vmalloc_area_at(&self, address: VirtAddr) -> Option<&VmallocArea> {
        let areas = &self.vmalloc_areas().value;
        let end = areas.partition_point(|area| area.start <= address);
        let area = areas.get(end.checked_sub(1)?)?;
        (address < area.end).then_some(area)
    }
}
