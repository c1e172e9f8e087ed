//! The stacks of all tasks, equal ones together.

use std::collections::BTreeMap;

use base::{Gap, Partial, ThreadGroup, VirtAddr};
use rayon::prelude::*;
use unwind::{End, Rule, Stack};

use super::Kernel;
use super::user::{UserKey, UserStack};
use super::walkers::tasks::Task;

/// Tasks that one thread unwinds before it looks for more: a stack takes some microseconds.
const PIECE: usize = 16;

/// What makes two stacks equal: where their frames are and how they were had, and how they end; and the same of user
/// space.
type Key = (u8, Vec<(VirtAddr, Rule, bool)>, u8, String, Option<UserKey>);

impl Kernel<'_> {
    /// All tasks by their stacks: those on CPUs first, by CPU, then those that cannot be interrupted, then the
    /// others, the most common stack first.
    pub fn thread_groups(&self) -> Partial<Vec<ThreadGroup>> {
        let tasks = self.tasks();
        let mut gaps = tasks.gaps;
        let stacks: Vec<_> = tasks
            .value
            .par_iter()
            .with_min_len(PIECE)
            .map(|task| self.stack(task))
            .collect();
        let users = self.user_stacks(&tasks.value, &stacks);
        let mut groups = Vec::new();
        for (first, members) in group(&tasks.value, &stacks, &users) {
            let Some((task, stack)) = tasks.value.get(first).zip(stacks.get(first)) else {
                continue;
            };
            let threads = members.iter().filter_map(|place| tasks.value.get(*place));
            let (stack, missing) = match stack {
                Ok(stack) => {
                    let mut trace = self.trace_of(stack, Some(task));
                    let user = users.get(first).and_then(Option::as_ref);
                    trace.user = user.map(|user| Box::new(user.trace()));
                    (Some(trace), None)
                }
                Err(gap) => (None, Some(gap.clone())),
            };
            gaps.extend(missing.clone());
            groups.push(ThreadGroup {
                threads: threads.map(Task::facts).collect(),
                stack,
                missing,
            });
        }
        Partial {
            value: groups,
            gaps,
        }
    }
}

/// The places of the tasks that share a stack, each list behind the place of its first, in the order of telling.
fn group(
    tasks: &[Task],
    stacks: &[Result<Stack, Gap>],
    users: &[Option<UserStack>],
) -> Vec<(usize, Vec<usize>)> {
    let mut groups: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let mut alone = Vec::new();
    for (place, (task, stack)) in tasks.iter().zip(stacks).enumerate() {
        match stack {
            // What cannot be read is told task by task.
            Ok(stack) if task.cpu.is_none() => {
                let user = users.get(place).and_then(Option::as_ref);
                let key = key(task, stack, user);
                groups.entry(key).or_default().push(place);
            }
            _ => alone.push(vec![place]),
        }
    }
    let mut all: Vec<Vec<usize>> = groups.into_values().chain(alone).collect();
    let rank = |members: &Vec<usize>| {
        let first = members.first().copied().unwrap_or(usize::MAX);
        let task = tasks.get(first);
        let cpu = task.and_then(|task| task.cpu).map_or(u64::MAX, u64::from);
        let is_waiting = task.is_some_and(|task| task.letter() == 'D');
        (cpu, !is_waiting, std::cmp::Reverse(members.len()), first)
    };
    all.sort_by_cached_key(rank);
    let with_first = |members: Vec<usize>| Some((members.first().copied()?, members));
    all.into_iter().filter_map(with_first).collect()
}

fn key(task: &Task, stack: &Stack, user: Option<&UserStack>) -> Key {
    let frames = stack.frames.iter();
    let frames = frames.map(|frame| (frame.pc, frame.rule, frame.is_guess));
    let (end, why) = match &stack.end {
        End::Bottom => (0, ""),
        End::User(_) => (1, ""),
        End::NotRunYet => (2, ""),
        End::Lost(why) => (3, why.as_str()),
    };
    (
        u8::try_from(task.letter()).unwrap_or(0),
        frames.collect(),
        end,
        why.to_owned(),
        user.map(UserStack::key),
    )
}

#[cfg(test)]
mod tests {
    use unwind::{Frame, Registers};

    use super::*;

    fn task(pid: u32, state: u64, cpu: Option<u32>) -> Task {
        Task {
            address: VirtAddr(u64::from(pid)),
            pid,
            tgid: pid,
            comm: "x".to_owned(),
            state,
            is_kernel: false,
            cpu,
            stack: VirtAddr(0),
        }
    }

    fn stack(pcs: &[u64], end: End) -> Result<Stack, Gap> {
        let frame = |pc: &u64| Frame {
            pc: VirtAddr(*pc),
            sp: VirtAddr(0),
            rule: Rule::Orc,
            is_exact: false,
            is_guess: false,
            registers: Registers::default(),
        };
        Ok(Stack {
            frames: pcs.iter().map(frame).collect(),
            end,
        })
    }

    #[test]
    fn equal_stacks_are_told_once_and_running_tasks_first() {
        let tasks = [
            task(1, 1, None),
            task(2, 1, None),
            task(3, 2, None),
            task(4, 0, Some(1)),
            task(5, 0, Some(0)),
            task(6, 1, None),
            task(7, 1, None),
            task(8, 2, None),
        ];
        let stacks = [
            stack(&[1, 2], End::Bottom),
            stack(&[1, 3], End::Bottom),
            stack(&[1, 2], End::Bottom),
            stack(&[9], End::Bottom),
            stack(&[9], End::Bottom),
            stack(&[1, 3], End::Bottom),
            // The same frames that end otherwise are another stack.
            stack(&[1, 3], End::Lost("cut".to_owned())),
            Err(Gap::new("the stack of task 8", "it was filtered")),
        ];
        let told: Vec<Vec<u32>> = group(&tasks, &stacks, &[])
            .into_iter()
            .map(|(_, members)| members.iter().map(|place| tasks[*place].pid).collect())
            .collect();
        assert_eq!(
            told,
            [
                vec![5],
                vec![4],
                vec![3],
                vec![8],
                vec![2, 6],
                vec![1],
                vec![7]
            ]
        );
    }
}
