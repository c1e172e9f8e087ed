//! What the headline of a report says of the access that failed, in any form.

use super::{Dump, scan};

/// Reads the lines that sanitizers print whatever the architecture.
pub fn common(dump: &mut Dump<'_>, text: &str) {
    match text.as_bytes().first() {
        // print_address_description and print_error_description of mm/kasan/report.c.
        Some(b'R') => sized(dump, text, "Read of size ", "read"),
        Some(b'W') => sized(dump, text, "Write of size ", "write"),
        // Before 4.10 the address stood in the headline: `… in f+0x1/0x2 at addr ffff…`.
        Some(b'B') => {
            if let Some(address) = scan::after(text, "BUG: KASAN: ")
                .and_then(|rest| scan::hex(scan::behind(rest, " at addr ")?))
            {
                dump.fault_printed(address, "KASAN");
            }
        }
        // kasan_non_canonical_hook names the address that the shadow address stands for.
        Some(b'K') => {
            if let Some(rest) = scan::after(text, "KASAN:")
                && rest.contains(" in range [")
            {
                dump.detail("KASAN range", rest);
            }
        }
        _ => {}
    }
}

fn sized(dump: &mut Dump<'_>, text: &str, head: &str, access: &str) {
    let Some((size, rest)) = text.strip_prefix(head).and_then(scan::decimal) else {
        return;
    };
    if dump.event.fault.as_ref().is_some_and(|f| f.size.is_some()) {
        return;
    }
    dump.access(access);
    dump.fault().size = Some(size);
    if let Some(address) = scan::after(rest, " at addr ").and_then(scan::hex) {
        dump.fault_printed(address, "KASAN");
    }
}

/// Reads `Unable to handle kernel … at virtual address 0318 …`, which arm, arm64
/// and riscv share (die_kernel_fault), and returns the digits of the address.
pub fn unable(dump: &mut Dump<'_>, text: &str, source: &str) -> Option<usize> {
    let rest = text.strip_prefix("Unable to handle kernel ")?;
    let address = scan::hex(scan::behind(rest, " at virtual address ")?)?;
    dump.fault_printed(address, source);
    dump.page_fault = true;
    // arm says since 6.0 what the access was.
    match address.rest.trim() {
        "when read" => dump.access("read"),
        "when write" => dump.access("write"),
        "when execute" => dump.access("execute"),
        _ => {}
    }
    Some(address.digits)
}
