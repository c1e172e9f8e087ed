//! Functions that work for their callers: where one of them stands, its caller is meant.

/// Parts of names of functions that allocate, free, copy, lock, print or check for others.
const HELPERS: &[&str] = &[
    // Sanitizers, allocators and their records.
    "kasan",
    "kfence",
    "kmsan",
    "kcsan",
    "sanitizer",
    "__asan",
    "slab",
    "kmem_cache",
    "kmalloc",
    "kzalloc",
    "kfree",
    "kvfree",
    "kvmalloc",
    "vfree",
    "vmalloc",
    "krealloc",
    "__alloc",
    "alloc_pages",
    "free_pages",
    "___cache",
    "__cache",
    "stack_trace",
    "save_stack",
    "stack_depot",
    "stackdepot",
    "set_track",
    "save_track",
    "poison",
    "check_object",
    "check_bytes",
    "object_err",
    "alloc_debug_processing",
    "free_debug_processing",
    "free_to_partial_list",
    "get_partial_node",
    "get_any_partial",
    // What prints a report.
    "dump_stack",
    "dump_backtrace",
    "show_stack",
    "print_",
    "panic",
    "__warn",
    "warn_slowpath",
    "report_bug",
    "object_not_found",
    "dump_header",
    "oom_kill_process",
    "out_of_memory",
    "warn_alloc",
    // What checks for others.
    "refcount_",
    "list_add",
    "list_del",
    "usercopy",
    "__check_object_size",
    "check_heap_object",
    "lockdep",
    "lock_acquire",
    "lock_release",
    "debug_object",
    "fortify",
    "__ubsan",
    "ubsan_",
    // Traps, interrupts and the scheduler.
    "fixup_bug",
    "do_error_trap",
    "do_invalid_op",
    "invalid_op",
    "exc_",
    "asm_",
    "bug_handler",
    "sched_show_task",
    "nmi_cpu_backtrace",
    "rcu_check_callbacks",
    "rcu_dump",
    "rcu_sched_clock_irq",
    "check_cpu_stall",
    "should_fail",
    "check_memory_region",
    "check_preemption",
    "smp_processor_id",
    "unwind_",
    "context_switch",
    "schedule",
    "msleep",
    "usleep",
    "rcu_note_context",
    "reschedule_interrupt",
    "apic_timer",
    "indirect_thunk",
    "watchdog_timer_fn",
    "error_entry",
    "kzfree",
    "debug_print_object",
    "debug_check_no_obj",
    "show_regs",
    "kernel_init_freeable",
    // Locks, copies and strings.
    "spin_lock",
    "spin_unlock",
    "mutex_lock",
    "mutex_unlock",
    "down_read",
    "down_write",
    "memcpy",
    "memmove",
    "memset",
    "memcmp",
    "strlen",
    "strcmp",
    "strcpy",
    "strncpy",
    "strscpy",
    "copy_to_user",
    "copy_from_user",
    "copy_user",
    "rep_movs",
    "queued_",
];

/// Whether a function works for its caller: what goes wrong in it is the caller's.
pub fn is_helper(function: &str) -> bool {
    HELPERS.iter().any(|part| function.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_told_from_work() {
        for name in [
            "memcpy_erms",
            "refcount_warn_saturate",
            "__list_del_entry_valid",
            "queued_spin_lock_slowpath",
        ] {
            assert!(is_helper(name), "{name}");
        }
        for name in ["rlb_arp_recv", "ext4_lookup", "download", "copy_process"] {
            assert!(!is_helper(name), "{name}");
        }
    }
}
