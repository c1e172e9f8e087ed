//! KASAN: the address sanitizer found a bad access or a bad free.

use crate::naming::{Details, Entry, Naming, Reading, never, says};
use crate::plumbing::Names;
use crate::stack::{Recipe, Seen, Step, call_trace};

/// `BUG: KASAN: slab-use-after-free in f+0x1/0x2` (mm/kasan/report.c, `print_error_description`).
pub static ENTRY: Entry = Entry {
    name: "kasan",
    meaning: "the kernel address sanitizer caught an access to memory that the code may not touch",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| says(text, "BUG: KASAN:"),
    folds: never,
    describe,
    details,
};

/// Frames of the hardware tag check stand above the access.
const TAG_CHECK: Names = Names {
    contains: &["kernel_fault", "tag_check", "mem_abort"],
    starts: &["el1_", "el1h_"],
    ..Names::NONE
};

const ACCESS: Recipe = Recipe {
    steps: &[Step::Seek(head), Step::Seek(call_trace), Step::Trace],
    skip: TAG_CHECK,
    ..Recipe::TRACE
};
const FREE: Recipe = ACCESS.skipping(Names::containing(&["slab_", "kfree", "vunmap", "vfree"]));

fn head(text: &str) -> Seen<'_> {
    match text
        .split_once("BUG: KASAN: ")
        .and_then(|(_, rest)| place(rest))
    {
        Some(function) => Seen::Function(function),
        None => Seen::No,
    }
}

/// The function in `what in function+0x1/0x2`.
fn place(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(" in ")?;
    let symbol = crate::frames::symbol(rest)?;
    (symbol.offset.is_some() || symbol.rest.starts_with('+')).then_some(symbol.name)
}

/// `Read of size 8 at addr ffff…`: the word, where a line says it.
fn access(text: &str) -> Option<&'static str> {
    for word in ["Read", "Write"] {
        for form in [" of size ", " at addr "] {
            if let Some((head, rest)) = text.split_once(form)
                && head.ends_with(word)
                && rest.starts_with(|c: char| c.is_ascii_hexdigit())
            {
                return Some(word);
            }
        }
    }
    None
}

fn describe(reading: &Reading<'_>) -> Naming {
    let Some(what) = reading.after("BUG: KASAN: ") else {
        return Naming::bare(reading.head_from("BUG: KASAN:"));
    };
    let word = what.split(' ').next().unwrap_or_default();
    // The head itself carries the access in the form used until 2016; only a later line counts.
    let access = reading
        .lines
        .iter()
        .skip(1)
        .find_map(|line| access(&line.text));
    let bad_free = ["double-free or invalid-free", "double-free", "invalid-free"];
    if let (Some(access), Some(_)) = (access, place(what)) {
        return Naming::located(
            &format!("KASAN: {word} {access}"),
            reading.responsible(&ACCESS),
        )
        .also("bad-access")
        .class(class(word, Some(access)));
    }
    if bad_free
        .iter()
        .any(|free| what.starts_with(&format!("{free} in ")))
        && place(what).is_some()
    {
        return Naming::located("KASAN: invalid-free", reading.responsible(&FREE))
            .also("invalid-free")
            .class("KASAN-INVALID-FREE");
    }
    if let (Some(access), true) = (access, what.contains(" on address")) {
        return Naming::with_stack(format!("KASAN: {word} {access}"))
            .class(class(word, Some(access)));
    }
    let class = class(word.trim_end_matches(':'), None);
    Naming::plain(format!("KASAN: {what}"))
        .class(class)
        .untrusted("the report does not say what was accessed")
}

fn class(what: &str, access: Option<&str>) -> &'static str {
    let write = access == Some("Write");
    match (what, write) {
        ("null-ptr-deref", true) => "KASAN-NULL-POINTER-DEREFERENCE-WRITE",
        ("null-ptr-deref", false) => "KASAN-NULL-POINTER-DEREFERENCE-READ",
        ("use-after-free" | "slab-use-after-free", true) => "KASAN-USE-AFTER-FREE-WRITE",
        ("use-after-free" | "slab-use-after-free", false) => "KASAN-USE-AFTER-FREE-READ",
        ("double-free" | "invalid-free", _) => "KASAN-INVALID-FREE",
        _ if access.is_none()
            && !matches!(
                what,
                "slab-out-of-bounds" | "stack-out-of-bounds" | "wild-memory-access"
            ) =>
        {
            "KASAN-UNKNOWN"
        }
        (_, true) => "KASAN-WRITE",
        (_, false) => "KASAN-READ",
    }
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    for line in reading.lines {
        let text = line.text.trim();
        let name = if access(text).is_some() {
            "access"
        } else if text.starts_with("The buggy address belongs to the object at") {
            "object"
        } else if text.starts_with("which belongs to the cache") {
            "cache"
        } else if text.starts_with("The buggy address is located") {
            "position"
        } else if text.starts_with("The buggy address belongs to the variable") {
            "variable"
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
