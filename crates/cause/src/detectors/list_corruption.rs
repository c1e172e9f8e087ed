//! The links of a list do not fit each other.

use base::{Confidence, LogEvent, Trust};

use crate::draft::Draft;
use crate::pointers::{Bad, Proof, classify};
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// `CONFIG_DEBUG_LIST` reports.
pub const ENTRY: Detector = Detector {
    name: "list_corruption",
    sees: "a list_add() or list_del() whose neighbours do not point back",
    needs: "the line that says which pointer was wrong",
    false_friends: "memory that was freed and reused, which looks like a broken list; a list used \
                    without its lock, where each step was right",
    nature: |event| (event.kind == "list_corruption").then_some(Nature::Damage),
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "list_corruption" {
        return None;
    }
    let said = event.detail("corruption").unwrap_or(&event.headline);
    let place = clues::in_place(event);
    let draft = Draft::new(event)
        .quote(event, "corruption", 1)
        .call_path(event);
    let bad = stray(said).and_then(|value| classify(value, event.machine.arch.as_deref()));
    Some(
        if says_poison(said) || matches!(bad, Some(Bad::ListPoison1(_) | Bad::ListPoison2(_))) {
            draft
            .verdict(format!("A list entry was deleted twice{place}."))
            .verdict("Its pointers hold the poison that the first list_del() left; who deleted it first the log does not tell.")
            .cause_named(Confidence::Medium)
            .next(format!("Find the other path that removes the entry which {} removes, and the lock that both need.", clues::culprit(event)))
        } else if said.contains("double add") {
            draft
            .verdict(format!("A list entry was added to a list that it is on already{place}."))
            .cause_named(Confidence::Medium)
            .next("Find the path that adds the entry without removing it first, and the lock that both need.")
        } else if let Some(Bad::Pattern(pattern, _)) = bad
            && pattern.proof == Proof::Freed
        {
            draft
            .verdict(format!("A neighbour of a list entry lies in {}{place}.", pattern.means))
            .verdict("An object was freed while it was still on the list.")
            .confidence(Confidence::High)
            .says(
                format!("The pointer holds the byte {:#04x} repeated, {}", pattern.byte, pattern.name),
                Trust::Computed,
                None,
            )
            .next("Find who frees entries of this list without removing them; KASAN names the free.")
        } else {
            neighbours(draft, event, said, &place)
        },
    )
}

fn neighbours(draft: Draft, event: &LogEvent, said: &str, place: &str) -> Draft {
    let which = if said.contains("list_add") {
        "adding"
    } else {
        "removing"
    };
    draft
        .verdict(format!("The kernel found a broken list while {which} an entry{place}."))
        .verdict("A neighbour was freed, overwritten, or changed without the lock; which one the log alone does not tell.")
        .confidence(Confidence::Medium)
        .needs_debug_info(event, "which list it is")
        .next("Reproduce with KASAN, which tells a freed neighbour from an unlocked change.")
}

fn says_poison(said: &str) -> bool {
    said.contains("LIST_POISON")
}

/// The value that stands where another was expected: `…, but was dead000000000122`.
fn stray(said: &str) -> Option<u64> {
    let (_, rest) = said
        .split_once("but was ")
        .or_else(|| said.split_once("is LIST_POISON"))?;
    let digits: String = rest
        .chars()
        .skip_while(|c| *c == '(')
        .take_while(char::is_ascii_hexdigit)
        .collect();
    u64::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, event, finding};

    fn told(said: &str) -> base::Finding {
        let mut report = event("list_corruption", 1);
        report.frame = Some("ticket_cancel".into());
        report.details = vec![detail("corruption", said)];
        finding(report)
    }

    #[test]
    fn poison_means_deleted_twice() {
        let told =
            told("list_del corruption, ffff8c43c297e2d0->next is LIST_POISON1 (dead000000000100)");
        assert!(
            told.verdict
                .starts_with("A list entry was deleted twice in ticket_cancel.")
        );
        assert!(told.cause_named);
    }

    #[test]
    fn freed_neighbours_are_told_from_broken_ones() {
        let freed = told(
            "list_add corruption. next->prev should be prev (ffff88), but was 6b6b6b6b6b6b6b6b. (next=ffff88).",
        );
        assert!(
            freed
                .verdict
                .contains("memory of the slab allocator that was freed")
        );
        assert!(!freed.cause_named);
        let broken = told(
            "list_del corruption. prev->next should be ffff888000000010, but was ffff888000000050. (prev=ffff88)",
        );
        assert!(
            broken
                .verdict
                .starts_with("The kernel found a broken list while removing an entry")
        );
        assert!(!broken.cause_named);
    }
}
