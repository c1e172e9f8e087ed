//! Memory of processes, and their threads as they know them themselves.

use base::{PhysAddr, ReadError, VirtAddr};

use super::survey::{Survey, Surveyed};
use crate::linux::walkers::tasks::Task;

/// A number that a thread has in a namespace of processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    /// The number.
    pub(crate) number: u64,
    /// The `struct pid_namespace`.
    pub(crate) space: VirtAddr,
}

impl Survey<'_, '_> {
    /// Where an address of a process lies in physical memory; `mm` is its `struct mm_struct`.
    pub(crate) fn user_page(&self, mm: VirtAddr, address: VirtAddr) -> Result<PhysAddr, ReadError> {
        let kernel = self.kernel;
        let unmapped = ReadError::Unmapped(address);
        let pgd = self
            .field("struct mm_struct", &["pgd"])
            .map_err(|_| unmapped)?;
        let paging = kernel.arch.paging.ok_or(unmapped)?;
        let table = pgd.pointer(kernel.space(), mm)?;
        let (table, _) = kernel.space().translate(table)?;
        let levels = kernel.found().root.levels;
        let page = paging.walk(kernel.space().memory(), table, levels, address)?;
        let within = address.0.wrapping_sub(page.start.0);
        Ok(PhysAddr(page.physical.0.wrapping_add(within)))
    }

    /// The number of a thread in the innermost namespace that it is in: what it calls itself.
    pub(crate) fn own_number(&self, task: VirtAddr) -> Option<Number> {
        // Since 2c4704756cab ("pids: Move the pgrp and session pid pointers from task_struct to signal_struct", 4.19);
        // before, as the first of several.
        let pid = self
            .field("struct task_struct", &["thread_pid", "pids[0].pid"])
            .ok()?;
        let pid = self.pointer(&pid, task)?;
        let level = self.field("struct pid", &["level"]).ok()?;
        let level = self.value(&level, pid)?;
        // `MAX_PID_NS_LEVEL` is 32.
        if level > 32 {
            return None;
        }
        let numbers = self.field("struct pid", &["numbers"]).ok()?;
        let size = self.kernel.types().layout("struct upid").ok()?.size();
        let own = VirtAddr(numbers.at(pid).0.wrapping_add(size.wrapping_mul(level)));
        let number = self.field("struct upid", &["nr"]).ok()?;
        let space = self.field("struct upid", &["ns"]).ok()?;
        Some(Number {
            number: self.value(&number, own)?,
            space: self.pointer(&space, own)?,
        })
    }

    /// The thread of the process of `of` that this process knows by a number.
    pub(crate) fn numbered(&self, of: &Task, number: u64) -> Option<&Surveyed> {
        let wanted = Number {
            number,
            ..self.own_number(of.address)?
        };
        let is_it = |other: &&Surveyed| self.own_number(other.task.address) == Some(wanted);
        let near = || {
            let all = self.all.iter();
            all.filter(|other| other.task.tgid == of.tgid && !other.task.is_kernel)
        };
        // Outside of containers it is the number that the kernel's own namespace has.
        let mut same = near().filter(|other| u64::from(other.task.pid) == number);
        same.find(is_it).or_else(|| near().find(is_it))
    }
}
