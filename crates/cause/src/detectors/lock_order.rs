//! The lock validator proved that locks can deadlock.

use base::{Confidence, LogEvent, Trust};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues, waits, words};

/// Lockdep's reports: circles, recursion, interrupts, locks not released.
pub const ENTRY: Detector = Detector {
    name: "lock_order",
    sees: "locks that are taken in two orders, twice, or in contexts that exclude each other",
    needs: "the report with its chain",
    false_friends: "locks of one class that are different objects with an order of their own (nesting \
                    that lockdep was not told); two orders that can never run at once",
    nature: |event| {
        matches!(
            event.kind.as_str(),
            "lockdep" | "held_lock" | "rcu_usage" | "lock_key" | "spinlock"
        )
        .then_some(Nature::Complaint)
    },
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    match event.kind.as_str() {
        "lockdep" => Some(lockdep(event)),
        "held_lock" => Some(held(event)),
        "rcu_usage" => Some(rcu(event)),
        "lock_key" => Some(
            Draft::new(event)
                .verdict(format!("A lock was used that nobody initialised{}.", clues::in_place(event)))
                .cause_named(Confidence::Medium)
                .call_path(event)
                .next("Look for the object's lock before its spin_lock_init() or mutex_init(), or after the object was freed."),
        ),
        "spinlock" if !clues::says(&event.headline, "lockup") => Some(spinlock(event)),
        _ => None,
    }
}

fn lockdep(event: &LogEvent) -> Draft {
    let head = &event.headline;
    let wants = event.detail("wants").map(waits::lock);
    let holds = event.detail("holds").map(waits::lock);
    let draft = Draft::new(event);
    let task = words::task(&event.task).map_or("A task".to_owned(), |task| format!("Task {task}"));
    if clues::says(head, "circular") {
        return circular(draft, event, &task, wants, holds);
    }
    let place = clues::in_place(event);
    let draft = draft
        .quote(event, "wants", 1)
        .quote(event, "holds", 1)
        .quote(event, "state", 4);
    let draft = if clues::says(head, "recursive") {
        let class = wants.map_or("a lock".to_owned(), |(_, class, _)| class.to_owned());
        draft
            .verdict(format!("{task} takes {class}{place} while it holds a lock of the same class."))
            .verdict("If both are the same lock, the task waits for itself for ever.")
            .next("If they are different objects with a fixed order, tell lockdep so with a nested lock class.")
    } else if clues::says(head, "inconsistent lock state") {
        draft
            .verdict(format!("A lock is taken in an interrupt and, elsewhere, with interrupts on{place}."))
            .verdict("An interrupt that comes while the lock is held waits for it for ever.")
            .next("Take the lock with interrupts off (spin_lock_irqsave, spin_lock_bh) wherever the interrupt can come.")
    } else {
        draft
            .verdict(format!("Locks that interrupts take depend on a lock that is held with interrupts on{place}."))
            .verdict("An interrupt at the wrong moment deadlocks its CPU.")
            .next("Take the outer lock with interrupts off, or take the inner one outside of it.")
    };
    draft
        .quote(event, "held lock", 4)
        .call_path(event)
        .cause_named(Confidence::Medium)
}

/// Both orders of the locks: the one seen before, and the one of this task.
fn circular(
    draft: Draft,
    event: &LogEvent,
    task: &str,
    wants: Option<(&str, &str, &str)>,
    holds: Option<(&str, &str, &str)>,
) -> Draft {
    let mut chain: Vec<(u32, &str, u64)> = clues::details(event, "in the chain")
        .filter_map(|detail| {
            let rest = detail.value.strip_prefix("-> #")?;
            let (number, lock) = rest.split_once(' ')?;
            Some((number.parse().ok()?, waits::lock(lock).1, detail.line))
        })
        .collect();
    // Lockdep prints the lock that was taken last first.
    chain.sort_by_key(|(number, ..)| *number);
    let (Some((_, wanted, wanted_at)), Some((_, held, held_at))) = (wants, holds) else {
        return draft
            .verdict(format!(
                "Locks are taken in two orders{}.",
                clues::in_place(event)
            ))
            .confidence(Confidence::Medium)
            .call_path(event);
    };
    let mut draft = draft
        .verdict(format!(
            "{task} takes {wanted} in {wanted_at} while it holds {held}, taken in {held_at}; elsewhere they \
             are taken in the opposite order."
        ))
        .verdict("If both happen at once, the tasks wait for each other for ever.")
        .cause_named(Confidence::High)
        .quote(event, "wants", 1)
        .quote(event, "holds", 1);
    if let Some((_, _, line)) = chain.last() {
        let order: Vec<&str> = chain.iter().map(|(_, class, _)| *class).collect();
        draft = draft.says(
            format!("Order seen before, outermost first: {}", order.join(" → ")),
            Trust::PrintedByKernel,
            Some(*line),
        );
    }
    draft
        .says(
            format!("Order of this task: {held} → {wanted}"),
            Trust::PrintedByKernel,
            event.details.iter().find(|detail| detail.name == "wants").map(|detail| detail.line),
        )
        .quote(event, "held lock", 4)
        .call_path(event)
        .next(format!(
            "Choose one order for {wanted} and {held} and take them so on every path; the stacks under \
             each \"-> #\" in the log show where the other order comes from."
        ))
}

fn held(event: &LogEvent) -> Draft {
    let place = clues::in_place(event);
    let head = &event.headline;
    let (what, next) = if clues::says(head, "unlock balance") {
        (
            "A task released a lock that it did not hold",
            "Compare every lock and unlock on the path, errors included.",
        )
    } else if clues::says(head, "lock freed") {
        (
            "Memory was freed that holds a lock still held",
            "Release the lock before the object is freed, or keep the object alive.",
        )
    } else if clues::says(head, "returning to user space") {
        (
            "A task returned to user space with a lock still held",
            "Compare every lock and unlock on the path, errors included.",
        )
    } else if clues::says(head, "ested lock") {
        (
            "A lock was taken as nested, but the outer lock was not held",
            "Take the outer lock first.",
        )
    } else {
        (
            "A task went on with a lock still held",
            "Compare every lock and unlock on the path, errors included.",
        )
    };
    Draft::new(event)
        .verdict(format!("{what}{place}."))
        .cause_named(Confidence::Medium)
        .quote(event, "held lock", 4)
        .call_path(event)
        .next(next)
}

fn rcu(event: &LogEvent) -> Draft {
    Draft::new(event)
        .verdict(format!("Data protected by RCU was used outside of a read-side section{}.", clues::in_place(event)))
        .verdict("It may be freed while it is used.")
        .cause_named(Confidence::Medium)
        .quote(event, "message", 2)
        .call_path(event)
        .next("Take rcu_read_lock() there, or tell rcu_dereference_protected() which lock protects the access.")
}

fn spinlock(event: &LogEvent) -> Draft {
    let place = clues::in_place(event);
    let head = &event.headline;
    let what = if clues::says(head, "recursion") {
        "A CPU or task took a spinlock that it holds already"
    } else if clues::says(head, "already unlocked") {
        "A spinlock was released that nobody held"
    } else if clues::says(head, "bad magic") {
        "A spinlock was used that is not initialised, or whose memory was overwritten"
    } else {
        "A spinlock was released by a task or CPU that does not hold it"
    };
    Draft::new(event)
        .verdict(format!("{what}{place}."))
        .cause_named(Confidence::Medium)
        .quote(event, "lock", 2)
        .call_path(event)
        .needs_debug_info(event, "which object the lock belongs to")
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, event, finding};

    #[test]
    fn both_orders_are_told() {
        let mut report = event("lockdep", 1);
        report.headline = "WARNING: possible circular locking dependency detected".into();
        report.details = vec![
            detail(
                "wants",
                "(sk_lock-AF_INET){+.+.}, at: [<0000000075c3d11e>] do_ip_getsockopt+0x1b3/0x2170",
            ),
            detail(
                "holds",
                "(rtnl_mutex){+.+.}, at: [<0000000058d7a825>] rtnl_lock+0x17/0x20",
            ),
            detail("in the chain", "-> #2 (rtnl_mutex){+.+.}:"),
            detail("in the chain", "-> #1 (&xt[i].mutex){+.+.}:"),
            detail("in the chain", "-> #0 (sk_lock-AF_INET){+.+.}:"),
        ];
        let told = finding(report);
        assert!(told.cause_named);
        assert!(told.verdict.starts_with(
            "A task takes sk_lock-AF_INET in do_ip_getsockopt+0x1b3/0x2170 while it holds rtnl_mutex, \
             taken in rtnl_lock+0x17/0x20;"
        ));
        let says: Vec<&str> = told
            .evidence
            .iter()
            .map(|item| item.says.as_str())
            .collect();
        assert!(says.contains(
            &"Order seen before, outermost first: sk_lock-AF_INET → &xt[i].mutex → rtnl_mutex"
        ));
        assert!(says.contains(&"Order of this task: rtnl_mutex → sk_lock-AF_INET"));
    }

    #[test]
    fn a_lock_taken_twice_is_told_from_two_orders() {
        let mut report = event("lockdep", 1);
        report.headline = "WARNING: possible recursive locking detected".into();
        assert!(
            finding(report)
                .verdict
                .contains("while it holds a lock of the same class")
        );
    }
}
