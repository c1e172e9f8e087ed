//! What a sleeping task waits for, told by the function that it sleeps in.

use base::{Frame, LogEvent, Trust};

use crate::clues;

/// What the function of a wait waits for, by the beginning of its name.
const WAITS: &[(&str, &str)] = &[
    ("__mutex_lock", "a mutex"),
    ("mutex_lock", "a mutex"),
    ("__ww_mutex_lock", "a mutex"),
    ("rt_mutex", "a mutex"),
    ("__rt_mutex", "a mutex"),
    ("rwsem_down_read", "a read-write semaphore, for reading"),
    ("down_read", "a read-write semaphore, for reading"),
    ("__down_read", "a read-write semaphore, for reading"),
    ("rwsem_down_write", "a read-write semaphore, for writing"),
    ("down_write", "a read-write semaphore, for writing"),
    ("__down_write", "a read-write semaphore, for writing"),
    (
        "percpu_down_write",
        "a per-CPU read-write semaphore, for writing",
    ),
    ("percpu_rwsem_wait", "a per-CPU read-write semaphore"),
    (
        "__percpu_down_read",
        "a per-CPU read-write semaphore, for reading",
    ),
    ("__down", "a semaphore"),
    ("down", "a semaphore"),
    ("__flush_work", "a work item to finish"),
    ("flush_work", "a work item to finish"),
    ("__flush_workqueue", "a workqueue to become empty"),
    ("flush_workqueue", "a workqueue to become empty"),
    ("drain_workqueue", "a workqueue to become empty"),
    ("kthread_stop", "a kernel thread to end"),
    ("synchronize_srcu", "an SRCU grace period"),
    ("__synchronize_srcu", "an SRCU grace period"),
    ("synchronize_rcu", "an RCU grace period"),
    ("__wait_rcu_gp", "an RCU grace period"),
    ("rcu_barrier", "all RCU callbacks"),
    (
        "jbd2_log_wait_commit",
        "a commit of the file system's journal",
    ),
    ("jbd2_journal_commit", "the buffers of a journal commit"),
    (
        "wait_transaction_locked",
        "a journal transaction that is locked",
    ),
    ("folio_wait_bit", "a page that is locked or under I/O"),
    ("folio_wait_writeback", "the writing back of a page"),
    ("wait_on_page_bit", "a page that is locked or under I/O"),
    ("__lock_page", "a locked page"),
    ("__folio_lock", "a locked page"),
    ("__wait_on_buffer", "a disk buffer"),
    ("submit_bio_wait", "a disk request"),
    (
        "blk_mq_freeze_queue_wait",
        "the requests of a disk queue to drain",
    ),
    ("blk_mq_get_tag", "a free request of a disk queue"),
    ("rpc_wait_bit_killable", "an answer of an RPC server (NFS)"),
    ("wait_on_inode", "an inode"),
    ("__wait_on_freeing_inode", "an inode that is being freed"),
    ("io_schedule", "input or output"),
    (
        "wait_for_completion",
        "a completion that somebody must signal",
    ),
    (
        "__wait_for_common",
        "a completion that somebody must signal",
    ),
    (
        "do_wait_for_common",
        "a completion that somebody must signal",
    ),
];

/// Frames of the scheduler, above what waits.
const SCHEDULER: &[&str] = &[
    "__switch_to",
    "__schedule",
    "schedule",
    "context_switch",
    "preempt_schedule",
];

/// What the task of this trace waits for, and the frame that tells it.
pub fn waits_for(event: &LogEvent) -> Option<(&'static str, &Frame)> {
    let trace = event.traces.first()?;
    let near = trace
        .frames
        .iter()
        .filter(|frame| frame.trust != Trust::PrintedAsUnreliable)
        .take(12);
    let mut found: Option<(usize, &'static str, &Frame)> = None;
    for frame in near {
        let name = clues::plain(frame.function.as_deref().unwrap_or_default());
        if SCHEDULER
            .iter()
            .any(|scheduler| name.starts_with(scheduler))
        {
            continue;
        }
        let known = WAITS.iter().position(|(start, _)| match *start {
            "down" => name == "down",
            start => name.starts_with(start),
        });
        // The more telling a wait, the earlier it stands in the list.
        if let Some((rank, (_, what))) =
            known.and_then(|rank| WAITS.get(rank).map(|wait| (rank, wait)))
            && found.is_none_or(|(best, ..)| rank < best)
        {
            found = Some((rank, what, frame));
        }
    }
    found.map(|(_, what, frame)| (what, frame))
}

/// Whether a function of this name waits for others.
pub fn is_wait(name: &str) -> bool {
    WAITS.iter().any(|(start, _)| name.starts_with(start))
}
