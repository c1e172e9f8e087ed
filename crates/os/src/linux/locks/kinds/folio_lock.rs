//! The lock of a page (`folio_lock`): a bit of its flags. Who has it is written nowhere.

use base::{Gap, VirtAddr};

use super::Kind;
use crate::linux::PageKind;
use crate::linux::locks::reading::{event, unread};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{State, Wanted, queued, seen};

pub(super) static ENTRY: Kind = Kind {
    name: "folio_lock",
    waits_in: WAITS_IN,
    asked_by: &[],
    any_suffices: false,
    wait,
    state,
};

/// Functions in which a thread waits for a bit of a page.
pub(super) const WAITS_IN: &[&str] = &[
    // Pages became folios in 5.16 (6f31a5a261db, "mm/filemap: Add folio_wait_bit()").
    "folio_wait_bit_common",
    "wait_on_page_bit_common",
    "folio_wait_bit",
    "folio_wait_bit_killable",
    "__folio_lock",
    "__folio_lock_killable",
    "__folio_lock_or_retry",
    "folio_wait_writeback",
    "wait_on_page_writeback",
    "migration_entry_wait_on_locked",
    "softleaf_entry_wait_on_locked",
];

/// Longest name of a file system's device (`s_id`).
const NAME: usize = 32;

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    waits_for(survey, blocked, "locked")
}

/// The page whose flag a thread waits for, where it is the one called `flag` (`enum pageflags` without `PG_`).
pub(super) fn waits_for(
    survey: &Survey<'_, '_>,
    blocked: &Blocked<'_>,
    flag: &str,
) -> Result<Wanted, Gap> {
    let of = survey.field("struct wait_page_queue", &["wait"])?;
    let page = survey.field("struct wait_page_queue", &["folio", "page"])?;
    let bit = survey.field("struct wait_page_queue", &["bit_nr"])?;
    let entry = queued::entry(survey, blocked)?;
    let Some(entry) = entry.filter(|entry| entry.function == "wake_page_function") else {
        return Err(blocked.unknown("no struct wait_page_queue of its own is on its stack"));
    };
    let at = VirtAddr(entry.at.0.wrapping_sub(of.offset));
    let read = survey.pointer(&page, at).zip(survey.value(&bit, at));
    let Some((page, bit)) = read else {
        return Err(blocked.unknown(format!("the page of the entry at {at} cannot be read")));
    };
    let flags = survey.kernel.types().enumerators("enum pageflags")?;
    let is_it = |(name, number): &(&str, i64)| {
        name.strip_prefix("PG_") == Some(flag) && u64::try_from(*number) == Ok(bit)
    };
    if !flags.iter().any(is_it) {
        return Err(blocked.unknown(format!("it waits for bit {bit} of the page at {page}")));
    }
    // Others of the same hash may stand before it in the queue.
    Ok(event(
        Some(page),
        None,
        seen(format!(
            "the wait_page_queue at {at} on its stack names it, and the flag {flag} of the page at {page}"
        )),
    ))
}

/// What a page is, in words, and its flags.
pub(super) fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let Some(address) = address else {
        return State::default();
    };
    let kernel = survey.kernel;
    let read = || {
        let map = kernel.memory_map().as_ref().map_err(Clone::clone)?;
        let pfn = map.pfn(address).ok_or_else(|| {
            Gap::new(
                format!("the page at {address}"),
                "no struct page begins there",
            )
        })?;
        kernel.page(pfn)
    };
    let page = match read() {
        Ok(page) => page,
        Err(gap) => return unread(gap),
    };
    let name = match page.kind {
        PageKind::File(mapping) => file(survey, mapping, address),
        PageKind::Anonymous(_) => Some("an anonymous page".to_owned()),
        PageKind::Shared(_) => Some("a page that processes share (KSM)".to_owned()),
        _ => None,
    };
    State {
        name,
        words: Some(format!(
            "page {:#x}, flags {}",
            page.pfn,
            page.flag_names.join(" ")
        )),
        ..State::default()
    }
}

/// Which part of which file a page is.
fn file(survey: &Survey<'_, '_>, mapping: VirtAddr, page: VirtAddr) -> Option<String> {
    let host = survey.field("struct address_space", &["host"]).ok()?;
    let host = survey.pointer(&host, mapping)?;
    let number = survey.field("struct inode", &["i_ino"]).ok()?;
    let number = survey.value(&number, host)?;
    let system = survey.field("struct inode", &["i_sb"]).ok()?;
    let system = survey.pointer(&system, host)?;
    let name = survey.field("struct super_block", &["s_id"]).ok()?;
    let name = survey.kernel.space().text(name.at(system), NAME).ok()?;
    // A union with other things since 6.16 (`__folio_index`).
    let index = survey
        .field("struct page", &["index", "__folio_index"])
        .ok()?;
    let index = survey.value(&index, page)?;
    Some(format!("page {index:#x} of inode {number} on {name}"))
}
