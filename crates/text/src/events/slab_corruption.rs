//! SLUB found an object or a slab overwritten, or freed twice.

use crate::naming::{Details, Entry, Naming, Reading, never, opens};

/// mm/slub.c, `slab_bug`: `BUG kmalloc-64 (Tainted: G    B): Right Redzone overwritten`.
pub static ENTRY: Entry = Entry {
    name: "slab_corruption",
    meaning: "the allocator found memory around or inside a freed object overwritten, or an object freed twice",
    crash: true,
    anchors: &["BUG "],
    starts: |text| opens(text, "BUG ") && form(text).is_some(),
    folds: never,
    describe,
    details,
};

/// What `BUG cache (taint): ` says.
fn form(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("BUG ")?;
    let (head, what) = rest.split_once("): ").or_else(|| rest.split_once(": "))?;
    let cache = head.split(' ').next()?;
    // The taint is printed in parentheses since 2.6.33. KASAN began its reports
    // through the slab printer until 2015; its own head follows.
    let is_slab = head.contains("ainted") || cache.starts_with("kmalloc-");
    (is_slab && !what.starts_with("kasan:")).then_some((cache, what))
}

fn describe(reading: &Reading<'_>) -> Naming {
    let Some((_, what)) = form(reading.head()) else {
        return Naming::bare(reading.head());
    };
    if what.starts_with("Object already free") {
        return Naming::with_stack("BUG: Object already free").class("DoS");
    }
    // 6.16 and later: `[Poison overwritten] 0x… @offset=24.` stands before the head.
    let said = reading.before.iter().rev().find_map(|line| {
        let (what, rest) = line
            .text
            .trim_start()
            .strip_prefix('[')?
            .split_once("] 0x")?;
        rest.contains("@offset=").then_some(what)
    });
    let what = match said {
        Some(said) if what == "Object corrupt" => said,
        _ => what,
    };
    // The whole head is how the report is known where nobody names the cache's part in it.
    Naming {
        alt: vec![reading.head_from("BUG ").to_owned()],
        ..Naming::plain(format!("BUG: {what}"))
    }
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    let line = reading.lines.first().map_or(0, |line| line.number);
    if let Some((cache, what)) = form(reading.head()) {
        details.push(base::Detail {
            name: "cache".to_owned(),
            value: cache.to_owned(),
            line,
        });
        details.push(base::Detail {
            name: "corruption".to_owned(),
            value: what.to_owned(),
            line,
        });
    }
    for line in reading.lines.iter().take(200) {
        let text = line.text.trim();
        let name = if text.starts_with("Allocated in ") || text.starts_with("INFO: Allocated in ") {
            "allocated"
        } else if text.starts_with("Freed in ") || text.starts_with("INFO: Freed in ") {
            "freed"
        } else if text.contains(" @offset=") && text.contains("First byte") {
            "overwritten"
        } else if text.starts_with("Object 0x") && text.contains(" @offset=")
            || text.starts_with("INFO: Object 0x")
        {
            "object"
        } else {
            continue;
        };
        details.push(base::Detail {
            name: name.to_owned(),
            value: text.to_owned(),
            line: line.number,
        });
    }
}
