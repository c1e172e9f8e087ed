//! A page is in a state that it cannot be in.

use crate::naming::{Details, Entry, Naming, Reading, never, says};
use crate::plumbing::Names;
use crate::stack::{Choice, Recipe, Seen, Step};

/// mm/page_alloc.c `bad_page`, mm/memory.c `print_bad_pte`, mm/filemap.c.
pub static ENTRY: Entry = Entry {
    name: "bad_page",
    meaning: "a page of memory was freed or mapped while its fields say that it cannot be",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| {
        says(text, "BUG: Bad page state")
            || says(text, "BUG: Bad page cache")
            || says(text, "BUG: Bad page map")
    },
    folds: never,
    describe,
    details,
};

/// Whoever allocated the page last; the checks run where it is freed.
const OWNER: Recipe = Recipe {
    steps: &[Step::Seek(owner), Step::Trace],
    or: &[],
    skip: Names {
        contains: &[
            "free_page",
            "put_page",
            "get_page",
            "update_page",
            "release_page",
            "free_unref",
            "truncate_inode_pages",
            "page_frag_free",
            "alloc",
            "vmap",
            "page_owner",
        ],
        starts: &["folio", "_folio", "__folio"],
        ends: &[],
        is: &[],
    },
    choose: Choice::First,
};

fn owner(text: &str) -> Seen<'_> {
    if text.contains("page last allocated") {
        Seen::Here
    } else {
        Seen::No
    }
}

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head();
    if head.contains("BUG: Bad page map") {
        return Naming::with_stack("BUG: Bad page map");
    }
    let what = if head.contains("BUG: Bad page cache") {
        "cache"
    } else {
        "state"
    };
    Naming::located(
        &format!("BUG: Bad page {what}"),
        reading.responsible(&OWNER),
    )
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    for line in reading.lines.iter().take(40) {
        let text = line.text.trim();
        let name = if text.starts_with("page:") || text.starts_with("page: ") {
            "page"
        } else if text.starts_with("page dumped because:") {
            "reason"
        } else if text.starts_with("bad because of flags") {
            "flags"
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
