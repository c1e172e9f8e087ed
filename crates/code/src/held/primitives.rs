//! The functions that take and give back locks: data, a line each.

use base::Mode;
use base::Mode::{Exclusive, Shared};

/// When a call has taken what it was to take, by what it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Whenever it returns.
    Always,
    /// If it returns zero: all else are errors.
    Zero,
    /// If it returns zero, else it returns 1.
    ZeroNotOne,
    /// If it returns anything but zero.
    NonZero,
    /// If it returns anything but zero; always where its second argument is the constant zero: it does not try only.
    NonZeroIfTrying,
}

/// What a call does with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Takes it in a mode.
    Takes(Mode, When),
    /// Gives back what was had in that mode.
    Releases(Mode),
    /// Had alone, it is had with others from now on.
    Downgrades,
    /// What is held goes to another thread, which gives it back: the locks of the running queue go with the CPU to
    /// the next thread (`finish_task_switch`, kernel/sched/core.c).
    HandsOver,
}

/// One function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Primitive {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    /// The number of the argument that is the address of the lock, from 0.
    pub(crate) argument: u8,
    pub(crate) does: Does,
}

const fn takes(name: &'static str, kind: &'static str, mode: Mode, when: When) -> Primitive {
    Primitive {
        name,
        kind,
        argument: 0,
        does: Does::Takes(mode, when),
    }
}

const fn takes_second(name: &'static str, kind: &'static str, when: When) -> Primitive {
    Primitive {
        name,
        kind,
        argument: 1,
        does: Does::Takes(Exclusive, when),
    }
}

const fn releases(name: &'static str, kind: &'static str, mode: Mode) -> Primitive {
    Primitive {
        name,
        kind,
        argument: 0,
        does: Does::Releases(mode),
    }
}

const MUTEX: &str = "mutex";
const WW_MUTEX: &str = "ww_mutex";
const RT_MUTEX: &str = "rt_mutex";
const RWSEM: &str = "rw_semaphore";
/// The kind that the slow path of a reader and its inlined fast path tell of.
pub(crate) const PERCPU: &str = "percpu_rw_semaphore";
const SEMAPHORE: &str = "semaphore";
/// The kind that may be given back by one store.
pub(crate) const SPIN: &str = "spinlock";
/// The same, by writers; readers subtract from its count.
pub(crate) const RWLOCK: &str = "rwlock";
/// The kind whose fast path is one instruction.
pub(crate) const FOLIO: &str = "folio lock";
const SOCKET: &str = "socket lock";
const SRCU: &str = "srcu";

use When::{Always, NonZero, NonZeroIfTrying, Zero, ZeroNotOne};

/// All of them. The names are those of include/linux/{mutex,ww_mutex,rwsem,percpu-rwsem,semaphore,
/// spinlock_api_smp,rwlock_api_smp,rtmutex,spinlock_rt,rwlock_rt,pagemap,srcu}.h and include/net/sock.h; names that a
/// kernel does not have cost nothing.
pub(crate) const PRIMITIVES: &[Primitive] = &[
    takes("mutex_lock", MUTEX, Exclusive, Always),
    takes("mutex_lock_nested", MUTEX, Exclusive, Always),
    takes("mutex_lock_io", MUTEX, Exclusive, Always),
    takes("mutex_lock_io_nested", MUTEX, Exclusive, Always),
    takes("_mutex_lock_nest_lock", MUTEX, Exclusive, Always),
    takes("mutex_lock_interruptible", MUTEX, Exclusive, Zero),
    takes("mutex_lock_interruptible_nested", MUTEX, Exclusive, Zero),
    takes("mutex_lock_killable", MUTEX, Exclusive, Zero),
    takes("mutex_lock_killable_nested", MUTEX, Exclusive, Zero),
    takes("_mutex_lock_killable", MUTEX, Exclusive, Zero),
    takes("mutex_trylock", MUTEX, Exclusive, NonZero),
    takes("_mutex_trylock_nest_lock", MUTEX, Exclusive, NonZero),
    takes_second("atomic_dec_and_mutex_lock", MUTEX, NonZero),
    takes_second("refcount_dec_and_mutex_lock", MUTEX, NonZero),
    releases("mutex_unlock", MUTEX, Exclusive),
    takes("ww_mutex_lock", WW_MUTEX, Exclusive, Zero),
    takes("ww_mutex_lock_interruptible", WW_MUTEX, Exclusive, Zero),
    takes("ww_mutex_trylock", WW_MUTEX, Exclusive, NonZero),
    releases("ww_mutex_unlock", WW_MUTEX, Exclusive),
    takes("rt_mutex_lock", RT_MUTEX, Exclusive, Always),
    takes("rt_mutex_lock_nested", RT_MUTEX, Exclusive, Always),
    takes("rt_mutex_lock_interruptible", RT_MUTEX, Exclusive, Zero),
    takes("rt_mutex_lock_killable", RT_MUTEX, Exclusive, Zero),
    takes("rt_mutex_trylock", RT_MUTEX, Exclusive, NonZero),
    releases("rt_mutex_unlock", RT_MUTEX, Exclusive),
    takes("down_read", RWSEM, Shared, Always),
    takes("down_read_nested", RWSEM, Shared, Always),
    takes("down_read_non_owner", RWSEM, Shared, Always),
    takes("down_read_interruptible", RWSEM, Shared, Zero),
    takes("down_read_killable", RWSEM, Shared, Zero),
    takes("down_read_killable_nested", RWSEM, Shared, Zero),
    takes("down_read_trylock", RWSEM, Shared, NonZero),
    releases("up_read", RWSEM, Shared),
    releases("up_read_non_owner", RWSEM, Shared),
    takes("down_write", RWSEM, Exclusive, Always),
    takes("down_write_nested", RWSEM, Exclusive, Always),
    takes("_down_write_nest_lock", RWSEM, Exclusive, Always),
    takes("down_write_killable", RWSEM, Exclusive, Zero),
    takes("down_write_killable_nested", RWSEM, Exclusive, Zero),
    takes("down_write_trylock", RWSEM, Exclusive, NonZero),
    releases("up_write", RWSEM, Exclusive),
    Primitive {
        name: "downgrade_write",
        kind: RWSEM,
        argument: 0,
        does: Does::Downgrades,
    },
    takes("percpu_down_write", PERCPU, Exclusive, Always),
    releases("percpu_up_write", PERCPU, Exclusive),
    // It returns whether it has the lock; asked to wait it always has (kernel/locking/percpu-rwsem.c).
    takes("__percpu_down_read", PERCPU, Shared, NonZeroIfTrying),
    takes("down", SEMAPHORE, Exclusive, Always),
    takes("down_interruptible", SEMAPHORE, Exclusive, Zero),
    takes("down_killable", SEMAPHORE, Exclusive, Zero),
    takes("down_timeout", SEMAPHORE, Exclusive, Zero),
    takes("down_trylock", SEMAPHORE, Exclusive, ZeroNotOne),
    releases("up", SEMAPHORE, Exclusive),
    takes("_raw_spin_lock", SPIN, Exclusive, Always),
    takes("_raw_spin_lock_nested", SPIN, Exclusive, Always),
    takes("_raw_spin_lock_nest_lock", SPIN, Exclusive, Always),
    takes("_raw_spin_lock_irq", SPIN, Exclusive, Always),
    takes("_raw_spin_lock_irqsave", SPIN, Exclusive, Always),
    takes("_raw_spin_lock_irqsave_nested", SPIN, Exclusive, Always),
    takes("_raw_spin_lock_bh", SPIN, Exclusive, Always),
    takes("_raw_spin_trylock", SPIN, Exclusive, NonZero),
    takes("_raw_spin_trylock_bh", SPIN, Exclusive, NonZero),
    takes_second("_atomic_dec_and_lock", SPIN, NonZero),
    takes_second("_atomic_dec_and_lock_irqsave", SPIN, NonZero),
    takes_second("_atomic_dec_and_raw_lock", SPIN, NonZero),
    takes_second("refcount_dec_and_lock", SPIN, NonZero),
    takes_second("refcount_dec_and_lock_irqsave", SPIN, NonZero),
    releases("_raw_spin_unlock", SPIN, Exclusive),
    releases("_raw_spin_unlock_irq", SPIN, Exclusive),
    releases("_raw_spin_unlock_irqrestore", SPIN, Exclusive),
    releases("_raw_spin_unlock_bh", SPIN, Exclusive),
    takes("rt_spin_lock", SPIN, Exclusive, Always),
    takes("rt_spin_lock_nested", SPIN, Exclusive, Always),
    takes("rt_spin_trylock", SPIN, Exclusive, NonZero),
    takes("rt_spin_trylock_bh", SPIN, Exclusive, NonZero),
    releases("rt_spin_unlock", SPIN, Exclusive),
    takes("_raw_read_lock", RWLOCK, Shared, Always),
    takes("_raw_read_lock_irq", RWLOCK, Shared, Always),
    takes("_raw_read_lock_irqsave", RWLOCK, Shared, Always),
    takes("_raw_read_lock_bh", RWLOCK, Shared, Always),
    takes("_raw_read_trylock", RWLOCK, Shared, NonZero),
    releases("_raw_read_unlock", RWLOCK, Shared),
    releases("_raw_read_unlock_irq", RWLOCK, Shared),
    releases("_raw_read_unlock_irqrestore", RWLOCK, Shared),
    releases("_raw_read_unlock_bh", RWLOCK, Shared),
    takes("_raw_write_lock", RWLOCK, Exclusive, Always),
    takes("_raw_write_lock_nested", RWLOCK, Exclusive, Always),
    takes("_raw_write_lock_irq", RWLOCK, Exclusive, Always),
    takes("_raw_write_lock_irqsave", RWLOCK, Exclusive, Always),
    takes("_raw_write_lock_bh", RWLOCK, Exclusive, Always),
    takes("_raw_write_trylock", RWLOCK, Exclusive, NonZero),
    releases("_raw_write_unlock", RWLOCK, Exclusive),
    releases("_raw_write_unlock_irq", RWLOCK, Exclusive),
    releases("_raw_write_unlock_irqrestore", RWLOCK, Exclusive),
    releases("_raw_write_unlock_bh", RWLOCK, Exclusive),
    takes("rt_read_lock", RWLOCK, Shared, Always),
    takes("rt_read_trylock", RWLOCK, Shared, NonZero),
    releases("rt_read_unlock", RWLOCK, Shared),
    takes("rt_write_lock", RWLOCK, Exclusive, Always),
    takes("rt_write_trylock", RWLOCK, Exclusive, NonZero),
    releases("rt_write_unlock", RWLOCK, Exclusive),
    takes("__folio_lock", FOLIO, Exclusive, Always),
    takes("__folio_lock_killable", FOLIO, Exclusive, Zero),
    // Before folios (4f66170119107, "mm: Add folio_lock()", in 5.16).
    takes("__lock_page", FOLIO, Exclusive, Always),
    takes("__lock_page_killable", FOLIO, Exclusive, Zero),
    releases("folio_unlock", FOLIO, Exclusive),
    releases("unlock_page", FOLIO, Exclusive),
    takes("lock_sock_nested", SOCKET, Exclusive, Always),
    takes("__lock_sock_fast", SOCKET, Exclusive, NonZero),
    releases("release_sock", SOCKET, Exclusive),
    takes("__srcu_read_lock", SRCU, Shared, Always),
    releases("__srcu_read_unlock", SRCU, Shared),
    Primitive {
        name: "__switch_to_asm",
        kind: SPIN,
        argument: 0,
        does: Does::HandsOver,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_means_one_thing_and_what_is_taken_can_be_given_back() {
        let mut names = std::collections::BTreeSet::new();
        for primitive in PRIMITIVES {
            assert!(names.insert(primitive.name), "{}", primitive.name);
            if let Does::Takes(mode, _) = primitive.does {
                let back = |other: &Primitive| {
                    other.kind == primitive.kind && other.does == Does::Releases(mode)
                };
                // A reader of a per-CPU semaphore gives it back inline.
                let inline = primitive.name == "__percpu_down_read";
                assert!(inline || PRIMITIVES.iter().any(back), "{}", primitive.name);
            }
        }
    }
}
