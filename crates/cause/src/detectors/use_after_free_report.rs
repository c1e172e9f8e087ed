//! A checker caught the use of freed memory, and says who freed it.

use base::{Confidence, LogEvent, Trust};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues, words};

/// KASAN and KFENCE reports of use after free, double and invalid free; SLUB's overwritten poison.
pub const ENTRY: Detector = Detector {
    name: "use_after_free_report",
    sees: "a report of KASAN, KFENCE or SLUB that memory was used, or freed again, after it was freed",
    needs: "the report; the stacks of allocation and free make the cause known",
    false_friends: "a stray write from an unrelated object; memory that was freed and given to somebody \
                    else, whose stacks the report then shows; with SLUB the damage is found late, in \
                    whatever task allocates next",
    nature: |event| {
        matches!(event.kind.as_str(), "kasan" | "kfence" | "slab_corruption")
            .then_some(Nature::Damage)
    },
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    let overwritten = event.detail("overwritten").unwrap_or_default();
    let says = |words: &str| {
        [&event.title, &event.headline, overwritten]
            .iter()
            .any(|text| clues::says(text, words))
    };
    match event.kind.as_str() {
        "slab_corruption" if says("poison overwritten") || says("already free") => {
            Some(slub(event))
        }
        "slab_corruption" if says("object corrupt") && !says("redzone") => Some(damaged(event)),
        "kasan" | "kfence"
            if says("double-free") || says("invalid-free") || says("invalid free") =>
        {
            Some(bad_free(event))
        }
        "kasan" | "kfence" if says("use-after-free") || says("invalid-access") => {
            Some(use_after_free(event))
        }
        _ => None,
    }
}

fn use_after_free(event: &LogEvent) -> Draft {
    let place = clues::in_place(event);
    let did = if clues::says(&event.title, "write") {
        "wrote to"
    } else {
        "read"
    };
    // Tag-based KASAN cannot tell an old pointer from one out of bounds.
    let surely = !clues::says(&event.title, "invalid-access");
    let what = if surely {
        "freed memory"
    } else {
        "memory that its pointer does not own"
    };
    let draft = Draft::new(event).verdict(format!("The kernel {did} {what}{place}."));
    stacks(facts(draft, event), event, surely)
}

fn bad_free(event: &LogEvent) -> Draft {
    let place = clues::in_place(event);
    let twice =
        clues::trace(event, &["freed"]).is_some() || clues::says(&event.headline, "double-free");
    let what = if twice {
        "freed memory that was free already"
    } else {
        "freed a pointer that no allocation returned"
    };
    let draft = Draft::new(event).verdict(format!("The kernel {what}{place}."));
    stacks(facts(draft, event), event, true)
}

fn slub(event: &LogEvent) -> Draft {
    let cache = event
        .detail("cache")
        .map_or_else(String::new, |cache| format!(" of cache {cache}"));
    let twice = clues::says(&event.headline, "already free");
    let mut draft = Draft::new(event);
    if twice {
        let draft = draft.verdict(format!(
            "The kernel freed an object{cache} that was free already{}.",
            clues::in_place(event)
        ));
        return stacks(facts(draft, event), event, true);
    }
    draft = draft
        .verdict(format!(
            "Something wrote to an object{cache} after it had been freed."
        ))
        .quote_where(event, "overwritten", 2, |text| {
            !clues::says(text, "redzone")
        })
        .quote(event, "allocated", 1)
        .quote(event, "freed", 1);
    if let (Some(freed), Some(allocated)) = (event.detail("freed"), event.detail("allocated")) {
        draft = draft.verdict(format!(
            "The object was allocated in {} and freed in {}; the writer kept a pointer to it.",
            site(allocated),
            site(freed)
        ));
    }
    draft
        .confidence(Confidence::Medium)
        .noticed_late()
        .says(
            "SLUB finds the damage when it hands the object out again: the task and the stack of this \
             report are not the writer's",
            Trust::Inferred,
            None,
        )
        .gap(
            base::Gap::new("who wrote to the freed object", "SLUB checks the memory later, not at the write")
                .supply("a run with KASAN, which catches the write itself"),
        )
        .next("Look for pointers to the object that outlive the function that freed it.")
}

/// SLUB says only that an object is damaged.
fn damaged(event: &LogEvent) -> Draft {
    let cache = event.detail("cache").unwrap_or("unknown");
    let mut draft =
        Draft::new(event).verdict(format!("An object of cache {cache} was found damaged."));
    if let (Some(freed), Some(allocated)) = (event.detail("freed"), event.detail("allocated")) {
        draft = draft.verdict(format!(
            "Its memory was last allocated in {} and last freed in {}; it was written to after the free, \
             or past the end of a neighbour.",
            site(allocated),
            site(freed)
        ));
    }
    draft
        .quote_where(event, "overwritten", 2, |text| {
            !clues::says(text, "redzone")
        })
        .quote(event, "allocated", 1)
        .quote(event, "freed", 1)
        .noticed_late()
        .gap(
            base::Gap::new(
                "who wrote to the object",
                "SLUB checks the memory later, not at the write",
            )
            .supply("the lines before the report, or a run with KASAN"),
        )
}

/// The function in `Freed in ticket_cancel+0xa/0x10 [whyfail] age=0 cpu=0 pid=93`.
fn site(text: &str) -> &str {
    let text = text.split_once(" in ").map_or(text, |(_, rest)| rest);
    text.split(" age=").next().unwrap_or(text).trim()
}

/// What the report says about the access and the object.
fn facts(draft: Draft, event: &LogEvent) -> Draft {
    ["access", "object", "cache", "position"]
        .into_iter()
        .fold(draft, |draft, name| draft.quote(event, name, 1))
        .call_path(event)
}

/// The stacks of allocation and free: with the free, the cause is named.
fn stacks(mut draft: Draft, event: &LogEvent, surely: bool) -> Draft {
    let allocated = clues::trace(event, &["allocated", "alloc"]);
    let freed = clues::trace(event, &["freed", "free "]);
    let name = |trace| clues::worker(trace).map(words::frame);
    if let Some(trace) = allocated {
        let by = name(trace).unwrap_or_default();
        draft = draft.says(
            format!("{}: {by}", trace.label),
            Trust::PrintedByKernel,
            Some(trace.line),
        );
    }
    draft = draft.quote(event, "allocated", 1).quote(event, "freed", 1);
    if let (None, Some(said)) = (freed, event.detail("freed")) {
        let by = site(said);
        return draft
            .verdict(format!("The memory had been freed in {by}."))
            .cause_named(Confidence::High)
            .next(format!(
                "Decide whether {by} or {} is the one too many.",
                clues::culprit(event)
            ))
            .needs_debug_info(event, "which member or variable held the stale pointer");
    }
    let Some(trace) = freed else {
        return draft.confidence(Confidence::Medium).gap(
            base::Gap::new("who freed the memory", "the report holds no stack of the free")
                .supply("the whole report, or a kernel built with CONFIG_STACKTRACE and KASAN's free stacks"),
        );
    };
    let by = name(trace).unwrap_or_else(|| "an unknown function".to_owned());
    draft = draft
        .says(
            format!("{}: {by}", trace.label),
            Trust::PrintedByKernel,
            Some(trace.line),
        )
        .verdict(format!("The memory had been freed in {by}."));
    if surely {
        draft = draft.cause_named(Confidence::High);
    }
    draft
        .next(format!(
            "Check what keeps the object alive between {by} and {}: a missing reference, a timer or \
             work item not cancelled, a list entry not removed.",
            clues::culprit(event)
        ))
        .needs_debug_info(event, "which member or variable held the stale pointer")
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, event, finding, trace};

    #[test]
    fn with_the_free_stack_the_cause_is_named() {
        let mut report = event("kasan", 1);
        report.title = "KASAN: slab-use-after-free Read in desk_show".into();
        report.frame = Some("desk_show".into());
        report.traces = vec![
            trace("Call Trace", &["dump_stack", "desk_show", "seq_read"]),
            trace(
                "Allocated by task 7",
                &["kasan_save_stack", "__kmalloc", "desk_open"],
            ),
            trace(
                "Freed by task 9",
                &["kasan_save_stack", "kfree", "desk_close"],
            ),
        ];
        let told = finding(report.clone());
        assert!(told.cause_named);
        assert_eq!(
            told.verdict,
            "The kernel read freed memory in desk_show+0x10/0x20. \
             The memory had been freed in desk_close+0x10/0x20."
        );
        report.traces.pop();
        let told = finding(report);
        assert!(!told.cause_named, "without the free the cause is open");
        assert_eq!(told.gaps[0].what, "who freed the memory");
    }

    #[test]
    fn slub_finds_the_damage_late() {
        let mut report = event("slab_corruption", 1);
        report.title = "BUG: Poison overwritten".into();
        report.headline = "BUG whyfail_ticket (Tainted: G): Poison overwritten".into();
        report.details = vec![
            detail("cache", "whyfail_ticket"),
            detail(
                "allocated",
                "Allocated in ticket_open+0x37/0x80 [whyfail] age=0 cpu=0 pid=93",
            ),
            detail(
                "freed",
                "Freed in ticket_cancel+0xa/0x10 [whyfail] age=0 cpu=0 pid=93",
            ),
        ];
        let told = finding(report);
        assert!(!told.cause_named);
        assert!(
            told.verdict
                .contains("freed in ticket_cancel+0xa/0x10 [whyfail]")
        );
    }
}
