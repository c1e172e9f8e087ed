//! A checker caught an access outside an object.

use base::{Confidence, LogEvent};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues, words};

/// KASAN, KFENCE, UBSAN and SLUB reports of accesses past the end or before the start.
pub const ENTRY: Detector = Detector {
    name: "out_of_bounds_report",
    sees: "a report of KASAN, KFENCE, UBSAN, SLUB or hardened usercopy that an access left its object",
    needs: "the report; the stack of the allocation tells whose object it was",
    false_friends: "a wild pointer that hit the guard zone of an innocent object; with SLUB the damage is \
                    found when the object is freed, not when it was written",
    nature: |event| (event.kind == "usercopy").then_some(Nature::Death),
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
        "kasan" | "kfence" if says("out-of-bounds") || says("memory corruption") => {
            Some(caught(event))
        }
        "kasan" if says("wild-memory-access") || says("user-memory-access") => Some(wild(event)),
        "kfence" if says("invalid read") || says("invalid write") => Some(wild(event)),
        "ubsan" if says("index-out-of-bounds") => Some(index(event)),
        "slab_corruption" if says("redzone") || says("right redzone") || says("padding") => {
            Some(slub(event))
        }
        "usercopy" => Some(usercopy(event)),
        _ => None,
    }
}

fn caught(event: &LogEvent) -> Draft {
    let place = clues::in_place(event);
    let did = if clues::says(&event.title, "write") {
        "wrote"
    } else {
        "read"
    };
    let whose = [
        ("slab", "a heap object"),
        ("stack", "a variable on the stack"),
        ("global", "a global variable"),
        ("vmalloc", "a vmalloc area"),
        ("alloca", "a stack array of variable size"),
    ]
    .into_iter()
    .find(|(word, _)| clues::says(&event.headline, word))
    .map_or("an object", |(_, whose)| whose);
    let mut draft = Draft::new(event)
        .verdict(format!("The kernel {did} outside {whose}{place}."))
        .cause_named(Confidence::Medium);
    for name in ["access", "object", "cache", "position", "variable"] {
        draft = draft.quote(event, name, 1);
    }
    draft = draft.call_path(event);
    if let Some(trace) = clues::trace(event, &["allocated"]) {
        let by = clues::worker(trace).map(words::frame).unwrap_or_default();
        draft = draft
            .says(
                format!("{}: {by}", trace.label),
                base::Trust::PrintedByKernel,
                Some(trace.line),
            )
            .next(format!(
                "Compare the size asked for in {by} with what {} needs.",
                clues::culprit(event)
            ));
    }
    draft.needs_debug_info(event, "which index or length was too large")
}

fn wild(event: &LogEvent) -> Draft {
    Draft::new(event)
        .verdict(format!(
            "The kernel used a value that is no kernel address as a pointer{}; {} caught the access.",
            clues::in_place(event), event.kind.to_ascii_uppercase()
        ))
        .quote(event, "access", 1)
        .confidence(Confidence::High)
        .call_path(event)
        .needs_debug_info(event, "which pointer was bad and where it came from")
}

fn index(event: &LogEvent) -> Draft {
    Draft::new(event)
        .verdict(format!(
            "The kernel used an array index that is out of range{}.",
            clues::in_place(event)
        ))
        .quote(event, "message", 3)
        .cause_named(Confidence::High)
        .call_path(event)
        .next(
            "Find out whether the index or the declared size of the array is wrong: an old-style \
               one-element array at the end of a structure is a frequent false friend.",
        )
}

fn slub(event: &LogEvent) -> Draft {
    let cache = event
        .detail("cache")
        .map_or_else(String::new, |cache| format!(" of cache {cache}"));
    let mut draft =
        Draft::new(event).verdict(format!("Something wrote past the end of an object{cache}."));
    if let Some(allocated) = event.detail("allocated") {
        let site = allocated
            .split_once(" in ")
            .map_or(allocated, |(_, rest)| rest);
        let site = site.split(" age=").next().unwrap_or(site).trim();
        draft = draft.verdict(format!("The object was allocated in {site}."));
    }
    draft
        .quote_where(event, "overwritten", 2, |text| !clues::says(text, "poison"))
        .quote(event, "allocated", 1)
        .quote(event, "freed", 1)
        .confidence(Confidence::Medium)
        .noticed_late()
        .call_path(event)
        .gap(
            base::Gap::new(
                "who wrote past the end",
                "SLUB checks the guard zone later, not at the write",
            )
            .supply("a run with KASAN, which catches the write itself"),
        )
        .next("Compare the size of the allocation with the largest write to it.")
}

fn usercopy(event: &LogEvent) -> Draft {
    Draft::new(event)
        .verdict(format!(
            "A copy between kernel and user space would have left its object{}; the kernel stopped it.",
            clues::in_place(event)
        ))
        .quote(event, "message", 2)
        .cause_named(Confidence::Medium)
        .call_path(event)
        .next("Check the length that is copied against the size of the object.")
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, event, finding, trace};

    #[test]
    fn an_access_past_a_heap_object_is_named() {
        let mut report = event("kasan", 1);
        report.title = "KASAN: slab-out-of-bounds Write in fill".into();
        report.headline = "BUG: KASAN: slab-out-of-bounds in fill+0x1/0x2".into();
        report.frame = Some("fill".into());
        report.details = vec![detail(
            "position",
            "The buggy address is located 0 bytes to the right of 64-byte region",
        )];
        report.traces = vec![
            trace("Call Trace", &["fill"]),
            trace("Allocated by task 7", &["kmalloc", "make"]),
        ];
        let told = finding(report);
        assert!(
            told.verdict
                .starts_with("The kernel wrote outside a heap object in fill")
        );
        assert!(told.cause_named);
        assert!(
            told.evidence
                .iter()
                .any(|item| item.says.contains("64-byte region"))
        );
    }

    #[test]
    fn a_redzone_is_found_late() {
        let mut report = event("slab_corruption", 1);
        report.headline = "BUG kmalloc-64 (Tainted: G): Right Redzone overwritten".into();
        report.details = vec![
            detail("cache", "kmalloc-64"),
            detail("allocated", "Allocated in make+0x1/0x2 age=1 cpu=0 pid=1"),
        ];
        let told = finding(report);
        assert!(told.verdict.contains("past the end of an object of cache kmalloc-64. The object was allocated in make+0x1/0x2."));
        assert!(!told.cause_named);
    }
}
