//! Where the members of SLUB's structures are.

use base::{Gap, ReadError, VirtAddr};
use value::{AddressSpace, Field, Types};

use super::Cache;

/// Longest name of a cache that is read.
const LONGEST_NAME: usize = 256;

/// Nodes that a kernel can have (`CONFIG_NODES_SHIFT` is 10 at most).
const MOST_NODES: u64 = 1 << 10;

/// Members of `struct kmem_cache`.
pub(super) struct CacheShape {
    pub(super) list: Field,
    name: Field,
    object_size: Field,
    size: Field,
    red_left_pad: Option<Field>,
    free_pointer: Field,
    users: Field,
    flags: Field,
    random: Option<Field>,
    /// The structures of its nodes, and how many fit.
    nodes: Field,
    node_count: u64,
    /// Bytes from one to the next, and from there to the pointers to the node and to its barn.
    node_size: u64,
    node_pointer: u64,
    barn_pointer: Option<u64>,
    /// What its CPUs have.
    pub(super) current: Option<Field>,
    pub(super) sheaves: Option<Field>,
}

/// Members of `struct kmem_cache_node`.
pub(super) struct NodeShape {
    pub(super) partial: Field,
    slabs: Option<Field>,
    objects: Option<Field>,
    barn: Option<Field>,
}

/// Members of a slab.
pub(super) struct SlabShape {
    pub(super) cache: Field,
    pub(super) freelist: Field,
    pub(super) in_use: Field,
    pub(super) objects: Field,
    pub(super) list: Field,
    pub(super) next: Option<Field>,
}

/// Members of `struct kmem_cache_cpu`.
pub(super) struct CurrentShape {
    pub(super) freelist: Field,
    pub(super) slab: Field,
    pub(super) partial: Option<Field>,
}

/// Sheaves: arrays of free objects of each CPU, and barns of them of each node.
pub(super) struct SheafShape {
    pub(super) of_cpu: Vec<Field>,
    pub(super) size: Field,
    pub(super) objects: Field,
    pub(super) list: Field,
    pub(super) full: Field,
}

pub(super) struct Shape {
    pub(super) cache: CacheShape,
    pub(super) node: NodeShape,
    pub(super) slab: SlabShape,
    pub(super) current: Option<CurrentShape>,
    pub(super) sheaf: Option<SheafShape>,
}

/// A cache, and what of it its slabs are read by.
pub(super) struct Read {
    pub(super) cache: Cache,
    pub(super) random: Option<u64>,
    /// Its nodes: number, structure, and barn where it has one.
    pub(super) nodes: Vec<(u32, VirtAddr, Option<VirtAddr>)>,
}

impl Shape {
    pub(super) fn new(types: &Types<'_, '_>) -> Result<Self, Gap> {
        let cache = types.layout("struct kmem_cache")?;
        let node = types.layout("struct kmem_cache_node")?;
        // Since d122019bf061 ("mm: Split slab into its own type", 5.17).
        let slab = types
            .layout("struct slab")
            .or_else(|_| types.layout("struct page"))?;
        let free_pointer = cache.any(&["offset"]).map_err(|_| {
            let why = "the kernel has another allocator than SLUB";
            Gap::new("slab caches", why)
        })?;
        // Since 5ba6bc27b1f9 ("slab: decouple pointer to barn from kmem_cache_node", 7.1).
        let (nodes, element) = match cache.find("per_node[0]") {
            Some(first) => (cache.any(&["per_node"])?, first),
            None => (cache.any(&["node"])?, cache.any(&["node[0]"])?),
        };
        let pair = cache
            .find("per_node[0].node")
            .zip(cache.find("per_node[0].barn"));
        let current = types.layout("struct kmem_cache_cpu");
        let current = current.ok().zip(cache.find("cpu_slab"));
        let current = current.map(|(current, place)| {
            Ok::<_, Gap>((
                place,
                CurrentShape {
                    freelist: current.any(&["freelist"])?,
                    // Since bb192ed9aa71 ("mm/slub: Convert most struct page to struct slab by spatch", 5.17).
                    slab: current.any(&["slab", "page"])?,
                    partial: current.find("partial"),
                },
            ))
        });
        let current = current.transpose()?;
        // Since 2d517aa09bbc ("slab: add opt-in caching layer of percpu sheaves", 6.18).
        let sheaves = cache.find("cpu_sheaves");
        let sheaf = sheaves.map(|_| {
            let of_cpu = types.layout("struct slub_percpu_sheaves")?;
            let sheaf = types.layout("struct slab_sheaf")?;
            let barn = types.layout("struct node_barn")?;
            // Objects of the sheaf `rcu_free` wait for a grace period: nobody may have them yet.
            Ok::<_, Gap>(SheafShape {
                of_cpu: vec![of_cpu.any(&["main"])?, of_cpu.any(&["spare"])?],
                size: sheaf.any(&["size"])?,
                objects: sheaf.any(&["objects"])?,
                list: sheaf.any(&["barn_list"])?,
                full: barn.any(&["sheaves_full"])?,
            })
        });
        Ok(Shape {
            cache: CacheShape {
                list: cache.any(&["list"])?,
                name: cache.any(&["name"])?,
                object_size: cache.any(&["object_size"])?,
                size: cache.any(&["size"])?,
                red_left_pad: cache.find("red_left_pad"),
                free_pointer,
                users: cache.any(&["refcount"])?,
                flags: cache.any(&["flags"])?,
                random: cache.find("random"),
                nodes,
                node_count: (nodes.size / element.size.max(1)).min(MOST_NODES),
                node_size: element.size,
                node_pointer: pair.map_or(0, |(node, _)| node.offset - element.offset),
                barn_pointer: pair.map(|(_, barn)| barn.offset - element.offset),
                current: current.as_ref().map(|(place, _)| *place),
                sheaves,
            },
            node: NodeShape {
                partial: node.any(&["partial"])?,
                slabs: node.any(&["nr_slabs.counter", "nr_slabs"]).ok(),
                objects: node.any(&["total_objects.counter", "total_objects"]).ok(),
                barn: node.find("barn"),
            },
            slab: SlabShape {
                cache: slab.any(&["slab_cache"])?,
                freelist: slab.any(&["freelist"])?,
                in_use: slab.any(&["inuse"])?,
                objects: slab.any(&["objects"])?,
                // Since 916ac0527837 ("slub: use slab_list instead of lru", 5.2).
                list: slab.any(&["slab_list", "lru"])?,
                next: slab.find("next"),
            },
            current: current.map(|(_, current)| current),
            sheaf: sheaf.transpose()?,
        })
    }
}

impl Shape {
    /// The `struct kmem_cache` at `address`, of a kernel with so many nodes.
    pub(super) fn read(
        &self,
        space: &AddressSpace<'_>,
        address: VirtAddr,
        nodes: u64,
    ) -> Result<Read, ReadError> {
        let shape = &self.cache;
        let read = |field: &Field| field.read(space, address);
        let perhaps = |field: &Option<Field>| field.as_ref().map(read).transpose();
        let mut found = Vec::new();
        for number in 0..nodes.min(shape.node_count) {
            let at = shape
                .nodes
                .at(address)
                .0
                .wrapping_add(number.wrapping_mul(shape.node_size));
            let node = space.u64(VirtAddr(at.wrapping_add(shape.node_pointer)))?;
            if node == 0 {
                continue;
            }
            let barn = match (shape.barn_pointer, &self.node.barn) {
                (Some(pointer), _) => Some(space.u64(VirtAddr(at.wrapping_add(pointer)))?),
                (None, Some(field)) => Some(field.read(space, VirtAddr(node))?),
                (None, None) => None,
            };
            let barn = barn.filter(|barn| *barn != 0).map(VirtAddr);
            found.push((number as u32, VirtAddr(node), barn));
        }
        let counted = match (&self.node.slabs, &self.node.objects) {
            (Some(slabs), Some(objects)) => {
                let (mut sum, mut all) = (0_u64, 0_u64);
                for (_, node, _) in &found {
                    sum = sum.wrapping_add(slabs.read(space, *node)?);
                    all = all.wrapping_add(objects.read(space, *node)?);
                }
                Some((sum, all))
            }
            _ => None,
        };
        let name = shape.name.pointer(space, address)?;
        Ok(Read {
            cache: Cache {
                address,
                name: space.text(name, LONGEST_NAME)?,
                object_size: read(&shape.object_size)?,
                size: read(&shape.size)?,
                red_left_pad: perhaps(&shape.red_left_pad)?.unwrap_or(0),
                free_pointer: read(&shape.free_pointer)?,
                users: read(&shape.users)?,
                flags: read(&shape.flags)?,
                counted,
            },
            random: perhaps(&shape.random)?,
            nodes: found,
        })
    }
}
