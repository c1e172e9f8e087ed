//! Functions that never name a crash: the machinery that detects, prints and
//! copies, through which every defect passes.
//!
//! The title of a crash names the first function of the stack that is not
//! plumbing. Which functions those are is part of the title convention
//! (syzkaller's `pkg/report`), so that titles agree with those that the
//! kernel community deduplicates by; here they are grouped by what they do.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// A set of function names given by their parts.
#[derive(Clone, Copy)]
pub struct Names {
    /// The name contains one of these.
    pub contains: &'static [&'static str],
    /// The name begins with one of these.
    pub starts: &'static [&'static str],
    /// The name ends with one of these.
    pub ends: &'static [&'static str],
    /// The name is one of these.
    pub is: &'static [&'static str],
}

impl Names {
    /// The set that holds no name.
    pub const NONE: Names = Names {
        contains: &[],
        starts: &[],
        ends: &[],
        is: &[],
    };

    /// The set of names that contain one of `contains`.
    pub const fn containing(contains: &'static [&'static str]) -> Names {
        Names {
            contains,
            ..Names::NONE
        }
    }

    /// Whether `name` is in the set.
    pub fn has(&self, name: &str) -> bool {
        self.contains.iter().any(|part| name.contains(part))
            || self.starts.iter().any(|part| name.starts_with(part))
            || self.ends.iter().any(|part| name.ends_with(part))
            || self.is.contains(&name)
    }
}

/// Parts of names of plumbing, by family.
const FAMILIES: &[&[&str]] = &[
    // Sanitizers and their instrumentation.
    &[
        "__sanitizer",
        "__asan",
        "kasan",
        "hwasan",
        "__msan",
        "kmsan",
        "kcsan_setup_watchpoint",
    ],
    &[
        "check_memory_region",
        "check_heap_object",
        "check_object",
        "read_word_at_a_time",
    ],
    &[
        "print_address_description",
        "print_report",
        "print_tainted",
        "ubsan_epilogue",
    ],
    // What turns a trap into a report.
    &[
        "panic",
        "invalid_op",
        "report_bug",
        "fixup_bug",
        "do_error",
        "do_trap",
        "print_usage_bug",
    ],
    &[
        "show_stack",
        "unwind_backtrace",
        "dump_stack",
        "walk_stack",
        "dump_backtrace",
        "arch_stack_walk",
    ],
    &["stack_trace_consume_entry", "stack_trace_save"],
    &[
        "warn_slowpath",
        "warn_alloc",
        "warn_bogus",
        "__warn",
        "assertfail",
        "__fortify_report",
    ],
    &["program_check_exception", "program_check_common"],
    &[
        "do_kernel_fault",
        "do_translation_fault",
        "do_mem_abort",
        "el1_abort",
        "el1h_64_sync",
    ],
    // Allocators: the caller chose what to allocate.
    &[
        "alloc_page",
        "malloc",
        "zalloc",
        "calloc",
        "krealloc",
        "kmem_cache",
        "allocate_slab",
    ],
    &[
        "__alloc_frozen_pages_noprof",
        "folio_alloc",
        "folio_unlock",
        "filemap_alloc_folio",
    ],
    &[
        "__filemap_get_folio",
        "find_or_create_page",
        "do_read_cache_folio",
        "read_cache_page",
    ],
    &[
        "pagecache_get_page",
        "grab_cache_page_write_begin",
        "slab_",
        "kfree_skb",
    ],
    // Debugging of objects, locks and references.
    &[
        "debug_object",
        "timer_is_static_object",
        "work_is_static_object",
        "__might_fault",
    ],
    &[
        "print_unlock",
        "imbalance_bug",
        "lockdep",
        "perf_trace",
        "lock_acquire",
        "lock_release",
    ],
    &[
        "lock_class",
        "mark_lock",
        "reacquire_held_locks",
        "mark_held_locks",
        "seqprop_assert",
    ],
    &[
        "ref_tracker",
        "might_fault",
        "might_sleep",
        "__might_resched",
    ],
    &[
        "trace_hardirq",
        "trace_softirq",
        "lockdep_hardirq",
        "lockdep_softirq",
    ],
    // Locks and waiting.
    &[
        "bh_enable",
        "bh_disable",
        "raw_spin_rq",
        "spin_lock",
        "spin_trylock",
        "spin_unlock",
    ],
    &[
        "read_lock",
        "read_trylock",
        "write_lock",
        "write_trylock",
        "read_unlock",
        "write_unlock",
    ],
    &[
        "down_read",
        "down_write",
        "down_trylock",
        "up_read",
        "up_write",
    ],
    &[
        "owner_on_cpu",
        "osq_lock",
        "osq_unlock",
        "__wake_up",
        "finish_wait",
        "wait_for_completion",
    ],
    // Atomics, bits, lists, trees.
    &[
        "list_add",
        "list_del",
        "list_replace",
        "list_move",
        "list_splice",
        "rhashtable_lookup",
    ],
    &[
        "set_bit",
        "clear_bit",
        "change_bit",
        "test_bit",
        "xas_start",
        "xas_load",
        "xas_find",
    ],
    // Memory and string functions, copies across the user boundary.
    &[
        "memcpy",
        "memcmp",
        "memset",
        "memchr",
        "memmove",
        "memdup",
        "hex_dump_to_buffer",
    ],
    &[
        "strcmp", "strncmp", "strcpy", "strlcpy", "strncpy", "strscpy", "strlen", "strstr",
    ],
    &[
        "strnstr",
        "strnlen",
        "strchr",
        "strdup",
        "strndup",
        "print_hex_dump",
        "crc_itu_t",
    ],
    &[
        "copy_to_user",
        "copy_from_user",
        "copy_to_iter",
        "copy_from_iter",
        "copy_page_to_iter",
    ],
    &[
        "copy_page_from_iter",
        "copy_folio_to_iter",
        "put_user",
        "get_user",
        "_indirect_thunk_",
    ],
    &["extract_user_to_sg", "extract_iter_to_sg"],
    // Formatting and printing.
    &[
        "string",
        "pointer",
        "snprintf",
        "scnprintf",
        "kasprintf",
        "kvasprintf",
        "printk",
    ],
    &[
        "va_format",
        "dev_info",
        "dev_notice",
        "dev_warn",
        "dev_err",
        "dev_alert",
        "dev_crit",
    ],
    &["dev_emerg"],
    // Deferred work and timers.
    &[
        "del_timer",
        "lock_timer_base",
        "__timer_delete_sync",
        "sk_stop_timer_sync",
        "__mod_timer",
    ],
    &[
        "flush_work",
        "__cancel_work_timer",
        "cancel_work_sync",
        "try_to_grab_pending",
    ],
    &[
        "flush_workqueue",
        "drain_workqueue",
        "destroy_workqueue",
        "queue_work",
        "insert_work",
    ],
    &[
        "__queue_delayed_work",
        "queue_delayed_work_on",
        "kthread_stop",
        "cleanup_srcu_struct",
    ],
    // Life of devices and kernel objects.
    &[
        "kobject_",
        "add_uevent_var",
        "get_device_parent",
        "device_add",
        "device_del",
    ],
    &[
        "device_unregister",
        "device_destroy",
        "device_release",
        "devres_release_all",
    ],
    &[
        "hwrng_unregister",
        "i2c_del_adapter",
        "__unregister_client",
        "device_for_each_child",
    ],
    &[
        "rollback_registered",
        "unregister_netdev",
        "sysfs_remove",
        "device_remove_file",
    ],
    &[
        "tty_unregister_device",
        "dummy_urb_enqueue",
        "usb_kill_urb",
        "usb_kill_anchored_urbs",
    ],
    &[
        "usb_control_msg",
        "usb_hcd_submit_urb",
        "usb_submit_urb",
        "ida_free",
    ],
    // Generic helpers of the file layer.
    &[
        "find_lock_entries",
        "truncate_inode_pages_range",
        "__phys_addr",
        "drop_nlink",
    ],
    &["fast_dput", "dput", "logic_in", "logic_out"],
];

/// Plumbing told by the beginning, the end or the whole of a name.
const SHAPES: Names = Names {
    contains: &[],
    starts: &[
        "mutex_",
        "__mutex_",
        "rt_mutex_",
        "refcount_",
        "kref_",
        "rb_",
        "__rb_",
        "klist_",
        "lock_page",
        "unlock_page",
    ],
    ends: &[
        "_trap", "readb", "readw", "readl", "readq", "writeb", "writew", "writel", "writeq",
    ],
    is: &[
        "down",
        "complete",
        "kfree",
        "kvfree",
        "copyin",
        "copyout",
        "iput",
        "iput_final",
        "ihold",
        "get_taint",
        "put_device",
    ],
};

static PARTS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .build(FAMILIES.iter().copied().flatten())
        .ok()
});

/// Whether `function` never names a crash.
pub fn is_plumbing(function: &str) -> bool {
    let part = match &*PARTS {
        Some(parts) => parts.is_match(function),
        None => FAMILIES
            .iter()
            .copied()
            .flatten()
            .any(|part| function.contains(part)),
    };
    part || SHAPES.has(function) || is_atomic(function) || is_crc(function) || is_once(function)
}

/// `atomic_inc`, `raw_atomic64_fetch_add` …
fn is_atomic(function: &str) -> bool {
    const VERBS: &[&str] = &[
        "dec", "inc", "read", "set", "or", "xor", "and", "add", "sub", "fetch", "xchg", "cmpxchg",
        "try",
    ];
    ["atomic_", "atomic64_"].iter().any(|family| {
        function.match_indices(family).any(|(at, _)| {
            function
                .get(at + family.len()..)
                .is_some_and(|verb| VERBS.iter().any(|known| verb.starts_with(known)))
        })
    })
}

/// `crc32_le`, `crc16` …
fn is_crc(function: &str) -> bool {
    function
        .strip_prefix("crc")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `__read_once_word_nocheck` …
fn is_once(function: &str) -> bool {
    (function.contains("read_once_") || function.contains("write_once_"))
        && function.contains("nocheck")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plumbing_is_told_from_work() {
        for name in [
            "kasan_report",
            "dump_stack_lvl",
            "_raw_spin_lock_irqsave",
            "__mutex_lock",
            "kmalloc_trace",
            "__list_del_entry_valid",
            "atomic_inc",
            "raw_atomic64_fetch_add",
            "crc32c",
            "down",
            "kfree",
            "refcount_warn_saturate",
            "vsnprintf",
            "kvmalloc_node",
            "_test_bit",
        ] {
            assert!(is_plumbing(name), "{name}");
        }
        for name in [
            "rlb_arp_recv",
            "shutdown",
            "ext4_read",
            "kfree_rcu_work",
            "atomic_open",
            "download",
            "sock_complete",
        ] {
            assert!(!is_plumbing(name), "{name}");
        }
    }
}
