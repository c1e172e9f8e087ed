//! A page, page table or counter of memory is in a state that it cannot be in.

use base::{Confidence, Gap};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// `Bad page state`, `Bad page map`, counters of memory that do not add up.
pub const ENTRY: Detector = Detector {
    name: "bad_page",
    sees: "a page whose flags, counts or owner contradict what is done with it",
    needs: "the report; CONFIG_PAGE_OWNER adds who allocated the page",
    false_friends: "a failing memory chip: several pages with a bit changed each, in unrelated tasks",
    nature: |event| {
        matches!(event.kind.as_str(), "bad_page" | "mm_counters").then_some(Nature::Damage)
    },
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "bad_page" {
        return None;
    }
    let what = if clues::says(&event.title, "page map") {
        "A page table holds an entry that cannot be right"
    } else {
        "A page was freed, or taken from the cache, while its fields say that it is in use"
    };
    Some(
        Draft::new(event)
            .verdict(format!("{what}{}.", clues::in_place(event)))
            .verdict("Who damaged it, the log alone does not tell.")
            .confidence(Confidence::Medium)
            .quote(event, "page", 1)
            .quote(event, "reason", 1)
            .quote(event, "flags", 1)
            .call_path(event)
            .gap(
                Gap::new(
                    "who used the page last",
                    "the check runs when the page is freed or reused",
                )
                .supply("a run with page_owner=on, or with KASAN"),
            )
            .next("If such reports come from unrelated tasks, test the memory (memtest86+) first."),
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, event, finding};

    #[test]
    fn the_reason_is_quoted() {
        let mut page = event("bad_page", 1);
        page.title = "BUG: Bad page state in desk_free".into();
        page.details = vec![detail("reason", "page dumped because: nonzero _refcount")];
        let told = finding(page);
        assert!(!told.cause_named);
        assert!(
            told.evidence
                .iter()
                .any(|item| item.says.contains("nonzero _refcount"))
        );
    }
}
