//! A grace period of RCU: it ends when each CPU has passed a quiescent state, and each reader that was preempted has
//! left. The tree of `struct rcu_node` says which of them have not.

use base::{Budget, Gap, Mode, VirtAddr};
use value::Field;

use super::Kind;
use crate::linux::locks::reading::{event, inferred, unread, who};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{Owner, State, Wanted, seen};

pub(super) static ENTRY: Kind = Kind {
    name: "rcu_grace_period",
    waits_in: &[
        "synchronize_rcu_expedited",
        "synchronize_rcu_expedited_wait",
        "synchronize_rcu_expedited_wait_once",
        "rcu_exp_wait_wake",
        "rcu_exp_sel_wait_wake",
        "synchronize_rcu",
        "synchronize_rcu_normal",
        "synchronize_sched",
        "cond_synchronize_rcu",
        "rcu_barrier",
    ],
    asked_by: &[
        "__wait_rcu_gp",
        "wait_rcu_gp",
        "synchronize_net",
        "wait_for_completion_state",
        "wait_for_completion",
        "__wait_for_common",
    ],
    any_suffices: false,
    wait,
    state,
};

/// Nodes of the tree, and preempted readers in them.
const MOST: u64 = 1 << 20;
/// Those that are told of one grace period.
const MOST_OWNERS: usize = 256;
/// `RCU_SEQ_STATE_MASK` of kernel/rcu/rcu.h: other than 0 while a grace period is under way.
const UNDER_WAY: u64 = 3;

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let function = blocked.stack.frames.get(blocked.frame);
    let function = function.and_then(|frame| survey.function(frame));
    let function = function.unwrap_or_default();
    let member: Option<&'static [&'static str]> = match function {
        "rcu_barrier" => Some(&["barrier_sequence"]),
        of if of.starts_with("synchronize_rcu_expedited") || of.starts_with("rcu_exp") => {
            Some(&["expedited_sequence"])
        }
        _ => None,
    };
    let address = match member {
        Some(member) => {
            let state = survey.kernel.symbol("rcu_state")?;
            Some(survey.field("struct rcu_state", member)?.at(state))
        }
        None => None,
    };
    Ok(event(address, None, seen(format!("it is in {function}"))))
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    try_state(survey, address).unwrap_or_else(unread)
}

/// Which kind of grace period is looked at, and the members of a node that tell of it.
struct Sort {
    sequence: &'static str,
    mask: &'static str,
    readers: &'static str,
}

static NORMAL: Sort = Sort {
    sequence: "gp_seq",
    mask: "qsmask",
    readers: "gp_tasks",
};
static EXPEDITED: Sort = Sort {
    sequence: "expedited_sequence",
    mask: "expmask",
    readers: "exp_tasks",
};

fn try_state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> Result<State, Gap> {
    let root = survey.kernel.symbol("rcu_state")?;
    // Since the flavors of RCU became one (4.20) there is one state.
    let tree = survey.kernel.types().layout("struct rcu_state")?;
    let at = |member| tree.find(member).map(|field| field.at(root));
    let is_expedited = address.is_some() && address == at("expedited_sequence");
    let is_barrier = address.is_some() && address == at("barrier_sequence");
    let sort = if is_expedited { &EXPEDITED } else { &NORMAL };
    let sequence = tree.any(&[sort.sequence])?;
    let sequence = sequence.read(survey.kernel.space(), root);
    let sequence = sequence
        .map_err(|error| Gap::new("the number of RCU's grace period", error.to_string()))?;
    let is_under_way = sequence & UNDER_WAY != 0;
    let mut state = State {
        name: Some(
            match (is_expedited, is_barrier) {
                (true, _) => "an expedited RCU grace period",
                (_, true) => "the RCU callbacks that were queued (rcu_barrier)",
                _ => "an RCU grace period",
            }
            .to_owned(),
        ),
        ..State::default()
    };
    let mut found = Found::default();
    if is_under_way {
        found.read(survey, root, sort)?;
    }
    let mut idle = 0_u64;
    for cpu in &found.cpus {
        match survey.running_on(*cpu) {
            // RCU sees by itself that a CPU is idle: it only has not looked yet.
            Some(running) if running.task.pid == 0 => idle += 1,
            Some(running) => {
                let says = format!(
                    "CPU {cpu}, which runs {}, has passed no quiescent state ({} of its rcu_node)",
                    who(running),
                    sort.mask
                );
                // A process that is in user space passes one soon; where it is in the kernel it may be in a reader,
                // which counts itself only where readers can be preempted.
                let depth = survey.field("struct task_struct", &["rcu_read_lock_nesting"]);
                let depth = depth.ok();
                let depth = depth.and_then(|depth| survey.value(&depth, running.task.address));
                let is_certain = running.task.is_kernel || depth.is_some_and(|depth| depth != 0);
                push(&mut state, running.task.address, is_certain, says);
            }
            None => {
                let what = format!("what CPU {cpu} runs, which RCU waits for");
                state
                    .gaps
                    .push(Gap::new(what, "no task is known to run there"));
            }
        }
    }
    for reader in &found.readers {
        let says = format!("it was preempted in a reader of RCU ({})", sort.readers);
        push(&mut state, *reader, true, says);
    }
    state.gaps.extend(found.gaps);
    let words = match is_under_way {
        true => format!(
            "{} {sequence:#x}: under way; {} CPUs have passed no quiescent state ({idle} of them idle), {} readers are preempted",
            sort.sequence,
            found.cpus.len(),
            found.readers.len()
        ),
        false => format!("{} {sequence:#x}: none is under way", sort.sequence),
    };
    state.words = Some(words);
    if is_barrier {
        // Callbacks are called after grace periods; whether these wait for this one is written nowhere.
        for owner in &mut state.owners {
            owner.is_certain = false;
            owner.known.push(inferred(
                "callbacks are called only after grace periods, and this one does not end",
            ));
        }
    }
    if state.owners.is_empty() && !is_expedited && !is_barrier && idle == 0 {
        grace_thread(survey, root, &mut state)?;
    }
    Ok(state)
}

/// Nobody keeps the grace period from its end or its start: the thread that drives it must.
fn grace_thread(survey: &Survey<'_, '_>, root: VirtAddr, state: &mut State) -> Result<(), Gap> {
    let thread = survey.field("struct rcu_state", &["gp_kthread"])?;
    if let Some(task) = survey.pointer(&thread, root)
        && survey.task_at(task).is_some()
    {
        state.owners.push(Owner {
            task,
            mode: Mode::Event,
            is_certain: false,
            known: vec![inferred(
                "it drives grace periods, and nobody else is in their way",
            )],
        });
    }
    Ok(())
}

fn push(state: &mut State, task: VirtAddr, is_certain: bool, says: String) {
    if let Some(known) = state.owners.iter_mut().find(|owner| owner.task == task) {
        known.is_certain |= is_certain;
        known.known.push(seen(says));
    } else if state.owners.len() < MOST_OWNERS {
        state.owners.push(Owner {
            task,
            mode: Mode::Event,
            is_certain,
            known: vec![seen(says)],
        });
    }
}

/// Whom a grace period waits for.
#[derive(Default)]
struct Found {
    cpus: Vec<u32>,
    readers: Vec<VirtAddr>,
    gaps: Vec<Gap>,
}

struct Node {
    mask: Field,
    low: Field,
    high: Field,
    level: Field,
    readers: Option<(Field, Field, Field)>,
}

impl Found {
    fn read(&mut self, survey: &Survey<'_, '_>, root: VirtAddr, sort: &Sort) -> Result<(), Gap> {
        let types = survey.kernel.types();
        let (tree, node) = (
            types.layout("struct rcu_state")?,
            types.layout("struct rcu_node")?,
        );
        let (first, size) = (tree.any(&["node"])?, node.size());
        let count = tree.count("node").unwrap_or(1);
        let levels = tree.count("level").unwrap_or(1);
        let link = types.layout("struct task_struct")?.find("rcu_node_entry");
        // A kernel whose readers cannot be preempted keeps no list of them.
        let readers = node
            .find(sort.readers)
            .zip(node.find("blkd_tasks"))
            .zip(link);
        let shape = Node {
            mask: node.any(&[sort.mask])?,
            low: node.any(&["grplo"])?,
            high: node.any(&["grphi"])?,
            level: node.any(&["level"])?,
            readers: readers.map(|((first, all), link)| (first, all, link)),
        };
        // The array is as large as the most CPUs ask; a tree for fewer has so many nodes.
        let number = |name: &str, most: u64| {
            let at = survey.kernel.symbol(name).ok()?;
            let number = survey.kernel.space().u32(at).ok().map(u64::from)?;
            Some(number).filter(|number| (1..=most).contains(number))
        };
        let count = number("rcu_num_nodes", count).unwrap_or(count);
        let leaves = number("rcu_num_lvls", levels).map(|levels| levels - 1);
        let mut budget = Budget::new("nodes of RCU and readers", MOST);
        for place in 0..count {
            if let Err(exhausted) = budget.spend(1) {
                self.gaps
                    .push(Gap::new("some nodes of RCU", exhausted.to_string()));
                break;
            }
            let at = VirtAddr(first.at(root).0.wrapping_add(size.wrapping_mul(place)));
            if let Err(error) = self.node(survey, &shape, at, leaves, &mut budget) {
                self.gaps
                    .push(Gap::new(format!("the rcu_node at {at}"), error.to_string()));
            }
        }
        Ok(())
    }

    fn node(
        &mut self,
        survey: &Survey<'_, '_>,
        shape: &Node,
        at: VirtAddr,
        leaves: Option<u64>,
        budget: &mut Budget,
    ) -> Result<(), base::ReadError> {
        let space = survey.kernel.space();
        let level = shape.level.read(space, at)?;
        // Bits of nodes above the leaves are of nodes.
        if leaves.is_some_and(|leaves| leaves == level) {
            let mask = shape.mask.read(space, at)?;
            let (low, high) = (shape.low.read(space, at)?, shape.high.read(space, at)?);
            let cpus = (0..64).filter(|bit| mask >> bit & 1 != 0);
            let cpus = cpus.map(|bit| low.saturating_add(bit));
            let cpus = cpus.filter(|cpu| *cpu <= high);
            self.cpus
                .extend(cpus.filter_map(|cpu| u32::try_from(cpu).ok()));
        }
        let Some((first, all, link)) = &shape.readers else {
            return Ok(());
        };
        // Those that are in its way are the first one that it names and all behind it.
        let (head, mut node) = (all.at(at), first.pointer(space, at)?);
        while node.0 != 0 && node != head && budget.spend(1).is_ok() {
            let task = VirtAddr(node.0.wrapping_sub(link.offset));
            if survey.task_at(task).is_none() || self.readers.contains(&task) {
                let what = format!("readers in the rcu_node at {at}");
                let why = format!("the list leads to {task}, which is no task of its own");
                self.gaps.push(Gap::new(what, why));
                break;
            }
            self.readers.push(task);
            node = VirtAddr(space.u64(node)?);
        }
        Ok(())
    }
}
