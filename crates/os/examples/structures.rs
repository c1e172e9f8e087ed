//! What walks over the structures of a dump find, as JSON: for `lab/drgn/structures.py`, which holds it against what
//! drgn says.
#![allow(clippy::print_stdout, reason = "an example is its own renderer")]
#![allow(clippy::unwrap_used, reason = "a program of the laboratory")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use base::{Budget, Gap, VirtAddr};
use debuginfo::{DebugInfo, Kind, Store, TypeId};
use os::linux::{
    AddressIs, Held, Idr, Kernel, MapleTree, ObjectState, RbTree, XArray, walk_hlist, walk_list,
};
use serde_json::{Map, Value, json};

/// Caches whose every object is told: the largest.
const CACHES: usize = 16;

/// Elements of an array and levels of structures that are told of one structure.
const ELEMENTS: u64 = 2;
const LEVELS: usize = 5;

fn budget() -> Budget {
    Budget::new("nodes", 1 << 22)
}

struct Facts<'k, 'a> {
    kernel: &'k Kernel<'a>,
    gaps: Vec<Gap>,
}

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let path = PathBuf::from(arguments.next().unwrap());
    let file = std::fs::File::open(path).unwrap();
    // SAFETY: nobody writes to the dump of a laboratory.
    #[allow(unsafe_code, reason = "a mapping is a dump that nobody has to copy")]
    let map = unsafe { memmap2::Mmap::map(&file).unwrap() };
    let image = image::Image::open(Box::new(map)).unwrap();
    let store = Store::new();
    let kernel = Kernel::open(&image, &store).unwrap().value;
    kernel.cpus();
    let started = Instant::now();
    let slabs = kernel.slabs();
    eprintln_time("slabs", started);
    let mut facts = Facts {
        kernel: &kernel,
        gaps: slabs.gaps.clone(),
    };
    let mut told = Map::new();
    let map = kernel.memory_map().as_ref().unwrap();
    told.insert("map".into(), json!([map.linear.0, map.pages.0]));
    told.insert("caches".into(), facts.caches());
    let sampled = (0..1 << 17).step_by(61).map(|pfn| facts.page(pfn));
    told.insert("pages".into(), sampled.collect());
    told.insert("xarrays".into(), facts.xarrays());
    let (pids, lists) = facts.pids();
    told.insert("pids".into(), pids);
    told.insert("hlists".into(), lists);
    told.insert("maples".into(), facts.maples());
    told.insert("rbtrees".into(), facts.rbtrees());
    told.insert("members".into(), facts.members());
    told.insert("areas".into(), facts.areas());
    told.insert("queues".into(), facts.queues());
    told.insert("waiters".into(), facts.waiters());
    told.insert("identified".into(), facts.identified());
    let gaps = facts.gaps.iter();
    let gaps: Vec<_> = gaps
        .map(|gap| format!("{}: {}", gap.what, gap.why))
        .collect();
    told.insert("gaps".into(), json!(gaps));
    println!("{}", Value::Object(told));
}

impl Facts<'_, '_> {
    fn field(&self, layout: &'static str, path: &str) -> value::Field {
        self.kernel
            .types()
            .layout(layout)
            .unwrap()
            .any(&[path])
            .unwrap()
    }

    fn caches(&self) -> Value {
        let slabs = &self.kernel.slabs().value;
        // drgn looks at all of memory for each.
        let mut largest: Vec<_> = slabs.caches().iter().collect();
        largest.sort_by_key(|cache| std::cmp::Reverse(slabs.objects(cache).count()));
        let told: BTreeSet<_> = largest
            .iter()
            .take(CACHES)
            .map(|cache| cache.address)
            .collect();
        let caches = slabs.caches().iter().map(|cache| {
            let is_free = |state: &ObjectState| *state == ObjectState::Free;
            let free = slabs
                .objects(cache)
                .filter(|(_, state)| is_free(state))
                .count();
            let allocated = slabs.objects(cache).filter(|(_, state)| !is_free(state));
            let allocated = allocated.map(|(at, _)| at.0).collect::<Vec<_>>();
            json!({
                "name": cache.name, "address": cache.address.0, "size": cache.size,
                "object_size": cache.object_size, "slabs": slabs.slabs_of(cache).count(),
                "objects": slabs.objects(cache).count(), "free": free,
                "allocated": told.contains(&cache.address).then_some(allocated),
            })
        });
        caches.collect()
    }

    fn page(&self, pfn: u64) -> Value {
        match self.kernel.page(pfn) {
            Ok(page) => json!([
                pfn,
                page.flags,
                page.head,
                format!("{:?}", page.kind).split(['(', ' ']).next()
            ]),
            Err(gap) => json!([pfn, gap.why]),
        }
    }

    /// The inodes of every file system that is mounted.
    fn inodes(&mut self) -> Vec<VirtAddr> {
        let space = self.kernel.space();
        let (head, _) = self.kernel.global("super_blocks").unwrap();
        let list = self.field("struct super_block", "s_list");
        let inodes = self.field("struct super_block", "s_inodes");
        let link = self.field("struct inode", "i_sb_list");
        let mut all = Vec::new();
        let supers = walk_list(space, head, "super blocks", &mut budget());
        self.gaps.extend(supers.gaps);
        for node in supers.value {
            let at = inodes.at(VirtAddr(node.0 - list.offset));
            let found = walk_list(space, at, "inodes", &mut budget());
            self.gaps.extend(found.gaps);
            all.extend(
                found
                    .value
                    .iter()
                    .map(|node| VirtAddr(node.0 - link.offset)),
            );
        }
        all
    }

    /// The pages of every file, and the entries of each of their maps.
    fn xarrays(&mut self) -> Value {
        let space = self.kernel.space();
        let xarray = XArray::new(&self.kernel.types()).unwrap();
        let pages = self.field("struct inode", "i_data.i_pages");
        let mut all = Vec::new();
        for inode in self.inodes() {
            let at = pages.at(inode);
            let found = xarray.walk(space, at, "the pages of a file", &mut budget());
            self.gaps.extend(found.gaps);
            let entries = found.value.iter().map(|entry| {
                let held = match entry.held {
                    Held::Pointer(held) => held,
                    Held::Value(value) => value << 1 | 1,
                    Held::Reserved => 1030,
                };
                json!([entry.first, entry.last, held])
            });
            all.push(json!([at.0, entries.collect::<Vec<_>>()]));
        }
        all.into()
    }

    /// The numbers of processes, and the lists of the tasks that each is one of.
    fn pids(&mut self) -> (Value, Value) {
        let space = self.kernel.space();
        let idr = Idr::new(&self.kernel.types()).unwrap();
        let (namespace, _) = self.kernel.global("init_pid_ns").unwrap();
        let at = self.field("struct pid_namespace", "idr").at(namespace);
        let found = idr.walk(space, at, "the numbers of processes", &mut budget());
        self.gaps.extend(found.gaps);
        let count = self.kernel.types().layout("struct pid").unwrap();
        let count = count.count("tasks").unwrap();
        let (mut pids, mut lists) = (Vec::new(), Vec::new());
        for (number, held) in found.value {
            let Held::Pointer(pid) = held else { continue };
            pids.push(json!([number, pid]));
            for kind in 0..count {
                let head = self.field("struct pid", &format!("tasks[{kind}]"));
                let head = head.at(VirtAddr(pid));
                let nodes = walk_hlist(space, head, "tasks of a number", &mut budget());
                self.gaps.extend(nodes.gaps);
                let nodes: Vec<_> = nodes.value.iter().map(|node| node.0).collect();
                lists.push(json!([pid, kind, nodes]));
            }
        }
        (pids.into(), lists.into())
    }

    /// What is mapped in every process.
    fn maples(&mut self) -> Value {
        let space = self.kernel.space();
        let maple = MapleTree::new(&self.kernel.types()).unwrap();
        let mm = self.field("struct task_struct", "mm");
        let tree = self.field("struct mm_struct", "mm_mt");
        let tasks = self.kernel.tasks().value;
        let found = tasks
            .iter()
            .map(|task| mm.pointer(space, task.address).unwrap());
        let found: BTreeSet<_> = found.filter(|mm| mm.0 != 0).collect();
        let mut all = Vec::new();
        for mm in found {
            let walked = maple.walk(space, tree.at(mm), "a process's memory", &mut budget());
            self.gaps.extend(walked.gaps);
            let entries = walked.value.iter();
            let entries = entries.map(|entry| json!([entry.first, entry.last, entry.held]));
            all.push(json!([tree.at(mm).0, entries.collect::<Vec<_>>()]));
        }
        all.into()
    }

    /// The directories of sysfs and its like: each has its names in a tree.
    fn rbtrees(&mut self) -> Value {
        let space = self.kernel.space();
        let rbtree = RbTree::new(&self.kernel.types()).unwrap();
        let slabs = &self.kernel.slabs().value;
        let children = self.field("struct kernfs_node", "dir.children");
        let flags = self.field("struct kernfs_node", "flags");
        let mut all = Vec::new();
        // KERNFS_DIR is 1.
        for (node, state) in slabs.objects(slabs.named("kernfs_node_cache").unwrap()) {
            let is_directory = flags.read(space, node).unwrap() & 0xf == 1;
            if state != ObjectState::Allocated || !is_directory {
                continue;
            }
            let walked = rbtree.walk(space, children.at(node), "a directory", &mut budget());
            self.gaps.extend(walked.gaps);
            let nodes: Vec<_> = walked.value.iter().map(|node| node.0).collect();
            all.push(json!([children.at(node).0, nodes]));
        }
        all.into()
    }

    fn areas(&mut self) -> Value {
        let areas = self.kernel.vmalloc_areas();
        self.gaps.extend(areas.gaps.clone());
        let owner = |area: &os::linux::VmallocArea| {
            area.owner
                .map(|owner| json!([owner.address.0, owner.flags, owner.pages, owner.caller.0]))
        };
        let areas = areas.value.iter();
        areas
            .map(|area| json!([area.address.0, area.start.0, area.end.0, owner(area)]))
            .collect()
    }

    fn queues(&mut self) -> Value {
        let queues = self.kernel.run_queues();
        self.gaps.extend(queues.gaps);
        let queues = queues.value.iter();
        queues
            .map(|queue| {
                let fair: Vec<_> = queue.fair.iter().map(|task| task.0).collect();
                let real_time = queue.real_time.iter();
                let real_time: Vec<_> = real_time.map(|(at, task)| json!([at, task.0])).collect();
                let deadline: Vec<_> = queue.deadline.iter().map(|task| task.0).collect();
                json!({
                    "cpu": queue.cpu, "address": queue.address.0, "running": queue.running,
                    "current": queue.current.0, "fair": fair, "real_time": real_time, "deadline": deadline,
                })
            })
            .collect()
    }

    /// Who waits in the queues of these variables; threads of the kernel do in most.
    fn waiters(&mut self) -> Value {
        let names = [
            "kauditd_wait",
            "oom_reaper_wait",
            "log_wait",
            "khugepaged_wait",
        ];
        let mut told = Map::new();
        for name in names {
            let Ok(at) = self.kernel.symbol(name) else {
                continue;
            };
            let waiters = self.kernel.waiters(at).unwrap();
            self.gaps.extend(waiters.gaps);
            let waiters = waiters.value.iter();
            let waiters = waiters.map(|waiter| {
                let name = waiter.name.as_ref().map(|name| name.symbol.clone());
                json!([waiter.address.0, name, waiter.task.map(|task| task.0)])
            });
            told.insert(name.to_owned(), waiters.collect());
        }
        told.into()
    }

    /// What addresses of every kind are.
    fn identified(&mut self) -> Value {
        let kernel = self.kernel;
        let slabs = &kernel.slabs().value;
        let mut all = vec![kernel.symbol("init_task").unwrap().0 + 9];
        let objects = slabs.caches().iter().flat_map(|cache| slabs.objects(cache));
        all.extend(objects.step_by(331).map(|(at, _)| at.0 + 5));
        all.extend(
            kernel
                .tasks()
                .value
                .iter()
                .map(|task| task.stack.0 + 0x3f07),
        );
        all.extend(
            kernel
                .vmalloc_areas()
                .value
                .iter()
                .map(|area| area.start.0 + 11),
        );
        let map = kernel.memory_map().as_ref().unwrap();
        all.extend((0..1 << 17).step_by(3001).map(|pfn| map.page(pfn).0 + 17));
        let identifier = kernel.identifier();
        let mut told = Vec::new();
        for address in all {
            let found = identifier.identify(VirtAddr(address));
            self.gaps.extend(found.gaps);
            let found = found.value.iter().filter_map(|is| match is {
                AddressIs::Stack { task, offset } => Some(json!(["stack", task.address.0, offset])),
                AddressIs::Object {
                    cache,
                    start,
                    state,
                    ..
                } => Some(json!([
                    "object",
                    cache,
                    start.0,
                    *state == ObjectState::Allocated
                ])),
                AddressIs::Vmalloc { area, .. } => Some(json!(["area", area.address.0])),
                AddressIs::PageStruct { pfn, .. } => Some(json!(["page", pfn])),
                _ => None,
            });
            told.push(json!([address, found.collect::<Vec<_>>()]));
        }
        told.into()
    }

    /// Every number in one of each of some large structures.
    fn members(&mut self) -> Value {
        let kernel = self.kernel;
        let space = kernel.space();
        let slabs = &kernel.slabs().value;
        let first = |cache: &str| {
            let mut objects = slabs.objects(slabs.named(cache)?);
            let mut found = objects.find(|(_, state)| *state == ObjectState::Allocated);
            found.take().map(|(at, _)| at)
        };
        let (init, _) = kernel.global("init_task").unwrap();
        let (net, _) = kernel.global("init_net").unwrap();
        let (queue, _) = kernel.global("runqueues").unwrap();
        let task = kernel
            .tasks()
            .value
            .iter()
            .find(|task| task.pid == 1)
            .unwrap()
            .address;
        let mm = self
            .field("struct task_struct", "mm")
            .pointer(space, task)
            .unwrap();
        let device = self.field("struct net", "loopback_dev");
        let inode = *self.inodes().last().unwrap();
        let place = self
            .field("struct inode", "i_sb")
            .pointer(space, inode)
            .unwrap();
        let root = self
            .field("struct super_block", "s_root")
            .pointer(space, place)
            .unwrap();
        let queue = VirtAddr(
            queue
                .0
                .wrapping_add(kernel.cpus().value.first().unwrap().offset),
        );
        let all = [
            ("struct task_struct", Some(init)),
            ("struct task_struct", Some(task)),
            ("struct mm_struct", Some(mm)),
            (
                "struct module",
                kernel.modules().value.first().map(|module| module.address),
            ),
            ("struct file", first("filp")),
            ("struct inode", Some(inode)),
            ("struct dentry", Some(root)),
            ("struct super_block", Some(place)),
            ("struct net_device", device.pointer(space, net).ok()),
            ("struct rq", Some(queue)),
            (
                "struct kmem_cache",
                slabs.caches().first().map(|cache| cache.address),
            ),
        ];
        let (info, _) = kernel.all_types().unwrap();
        let types = value::Types::new(&info);
        let mut told = Vec::new();
        for (name, address) in all {
            let address = address.unwrap();
            let type_id = info.types_named(name, None).unwrap();
            let (mut paths, layout) = (Vec::new(), types.layout(name).unwrap());
            leaves(&info, type_id.first().copied(), "", 0, &mut paths);
            let mut values = Map::new();
            for path in paths {
                let Some(field) = layout.find(&path) else {
                    self.gaps
                        .push(Gap::new(path, "it is not found by its path"));
                    continue;
                };
                match field.read(space, address) {
                    Ok(value) => drop(values.insert(path, json!(value))),
                    Err(error) => self.gaps.push(Gap::new(path, error.to_string())),
                }
            }
            told.push(json!([name, address.0, values]));
        }
        told.into()
    }
}

/// The paths of the numbers in a type.
fn leaves(
    info: &DebugInfo<'_>,
    type_id: Option<TypeId>,
    path: &str,
    level: usize,
    into: &mut Vec<String>,
) {
    let Ok(Some((_, shape))) = info.strip(type_id) else {
        return;
    };
    match &shape.kind {
        Kind::Base(_) | Kind::Pointer(_) | Kind::Enumeration(_) => {
            into.push(path.to_owned());
        }
        Kind::Record { members, .. } if level < LEVELS => {
            for member in members {
                let dot = if path.is_empty() || member.name.is_empty() {
                    ""
                } else {
                    "."
                };
                let path = format!("{path}{dot}{}", member.name);
                leaves(info, member.type_id, &path, level + 1, into);
            }
        }
        Kind::Array { element, counts } if counts.len() == 1 => {
            let count = counts.first().copied().flatten().unwrap_or(0);
            for index in 0..count.min(ELEMENTS) {
                leaves(info, *element, &format!("{path}[{index}]"), level + 1, into);
            }
        }
        _ => {}
    }
}

#[allow(clippy::print_stderr, reason = "figures go beside the facts")]
fn eprintln_time(what: &str, started: Instant) {
    eprintln!("{what}: {:.1} ms", started.elapsed().as_secs_f64() * 1000.0);
}
