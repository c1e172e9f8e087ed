//! Every kind of event that a kernel log can tell of, one file each.

use crate::naming::Entry;

base::registry! {
    /// Every kind of event, in the order of probing: the particular before
    /// the general, notes and leftovers last.
    pub static EVENTS: [Entry] = [
        kasan, kmsan, kcsan, kfence, ubsan,
        general_protection, divide_error, double_fault, invalid_opcode, stack_overflow,
        oops, list_corruption, usercopy, bug,
        lockdep, held_lock, rcu_usage, lock_key, unwinder, refcount, warning,
        spinlock, preemption, atomic_sleep, soft_lockup, hard_lockup, rcu_stall,
        hung_task, workqueue, kmemleak, slab_corruption, bad_page, mm_counters,
        dentry, netdevice_refs, vfs, rust_panic, panic, nmi, reboot,
        hardware_error, filesystem, page_allocation_failure, oom_kill,
        user_fault, sysrq, trusty, program, other,
    ];
}
