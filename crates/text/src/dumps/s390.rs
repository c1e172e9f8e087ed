//! s390x.
//!
//! `show_registers`, `show_last_breaking_event` and `die` of `arch/s390/kernel/dumpstack.c`,
//! `show_code` of `arch/s390/kernel/dis.c`, `dump_fault_info` and `handle_fault_error` of
//! `arch/s390/mm/fault.c`.

use base::{Code, CodeUnit, Endian, RegisterSet};

use super::Form;
use super::parts::{self, Continues, Dump, USER, scan};

pub static ENTRY: Form = Form {
    archs: &["s390x"],
    sign,
    line,
    user,
};

fn sign(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'K') => text.starts_with("Krnl "),
        Some(b'U') => {
            text.starts_with("User PSW :")
                || text.starts_with("User GPRS:")
                || text.starts_with("Unable to handle kernel pointer dereference in virtual ")
                || text.starts_with("User process fault: interruption code ")
        }
        Some(b'F') => text.starts_with("Failing address: ") && text.contains(" TEID: "),
        Some(b'O') => text.starts_with("Oops: ") && text.contains(" ilc:"),
        _ => false,
    }
}

fn user(set: &RegisterSet) -> bool {
    set.whose == USER
}

fn line(dump: &mut Dump<'_>, text: &str) {
    match dump.continues {
        Continues::Registers(first) => {
            if general(dump, text, first) {
                return;
            }
            dump.continues = Continues::Nothing;
        }
        Continues::Code(next) => {
            if instruction(dump, text, next) {
                return;
            }
            dump.continues = Continues::Nothing;
        }
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'K' | b'U') => {
            let rest = scan::after(text, "Krnl ").or_else(|| scan::after(text, "User "));
            if let Some(rest) = rest {
                state(dump, rest, text.starts_with('U'));
            }
            if text.starts_with("Unable to handle ") {
                dump.page_fault = true;
            }
        }
        Some(b'R') if text.starts_with("R:") && text.contains(" CC:") => dump.detail("PSW", text),
        Some(b'F') => failing(dump, text),
        Some(b'A') if text.starts_with("AS:") => dump.detail("tables", text),
        Some(b'[') => last_break(dump, text),
        Some(b'C' | b'L') => {}
        _ => interruption(dump, text),
    }
}

/// What follows `Krnl ` or `User `.
fn state(dump: &mut Dump<'_>, text: &str, is_user: bool) {
    if let Some(rest) = scan::labelled(text, "PSW") {
        dump.begin();
        if is_user {
            dump.whose(USER);
        }
        dump.arch("s390x");
        dump.event.machine.endian = Some(Endian::Big);
        let rest = dump.take("pswm", rest, 16);
        let rest = dump.take("pswa", rest, 16);
        let Some(pc) = dump.known("pswa") else { return };
        let line = dump.line;
        let symbol = rest.trim_start().strip_prefix('(').unwrap_or_default();
        let frame = parts::symbol(symbol, Some(pc), line).unwrap_or_else(|| parts::place(pc, line));
        dump.pc(frame);
    } else if let Some(rest) = scan::labelled(text, "GPRS") {
        general(dump, rest, 0);
    } else if let Some(rest) = scan::labelled(text, "Code") {
        instruction(dump, rest, None);
    }
}

/// Four registers in a row; `r14` holds the return address, `r15` the stack.
fn general(dump: &mut Dump<'_>, text: &str, first: usize) -> bool {
    let mut number = first;
    for value in text.split_whitespace() {
        let plain = value.bytes().all(|b| b.is_ascii_hexdigit());
        if number > 15 || !plain && first > 0 {
            return false;
        }
        let name = format!("r{number}");
        if value.chars().count() > 16 {
            dump.damaged(&name);
            return false;
        }
        dump.take(&name, value, 16);
        if number == 14
            && let Some(link) = dump.known(&name)
        {
            let line = dump.line;
            dump.link(parts::place(link, line));
        }
        number += 1;
    }
    dump.continues = match number {
        16.. => Continues::Nothing,
        _ => Continues::Registers(number),
    };
    true
}

/// `>00000000001b6f38: 58302000  l %r3,0(%r2)`: an address, the halfwords of an instruction
/// (the same digits without blanks), then its text. `>` stands where the PSW points, `#` at
/// the instruction before it.
fn instruction(dump: &mut Dump<'_>, text: &str, next: Option<u64>) -> bool {
    let text = text.trim_start();
    let (text, is_marked) = match text.as_bytes().first() {
        Some(b'>') => (text.get(1..).unwrap_or_default(), true),
        Some(b'#' | b'*') => (text.get(1..).unwrap_or_default(), false),
        _ => (text, false),
    };
    let Some(address) = scan::hex(text) else {
        return false;
    };
    let Some(rest) = address.rest.strip_prefix(':') else {
        return false;
    };
    let Some(code) = rest
        .split_whitespace()
        .next()
        .and_then(|word| halfwords(word, is_marked, dump.line))
    else {
        // The next address then tells that something is missing.
        dump.continues = Continues::Code(next);
        return true;
    };
    let behind = address.value.wrapping_add(2 * code.units.len() as u64);
    let gap_before = next.is_some_and(|next| next != address.value);
    let more = parts::more_code(dump, code, gap_before);
    dump.continues = Continues::Code(Some(behind));
    more
}

fn halfwords(word: &str, is_marked: bool, line: u64) -> Option<Code> {
    if !matches!(word.len(), 4 | 8 | 12) {
        return None;
    }
    let value = u64::from_str_radix(word, 16).ok()?;
    let count = u32::try_from(word.len() / 4).ok()?;
    let units = (0..count)
        .rev()
        .map(|i| CodeUnit {
            value: u32::try_from(value >> (16 * i) & 0xffff).unwrap_or_default(),
            size: 2,
        })
        .collect();
    Some(Code {
        units,
        marked: is_marked.then_some(0),
        line,
    })
}

/// `Failing address: 0000000000000000 TEID: 0000000000000483`, `Fault in home space mode …`.
fn failing(dump: &mut Dump<'_>, text: &str) {
    if let Some(address) = scan::after(text, "Failing address: ").and_then(scan::hex) {
        // The translation-exception identification knows the page only.
        dump.fault_printed(address, "TEID");
        if let Some(teid) = scan::after(address.rest, " TEID: ") {
            dump.detail("TEID", teid);
        }
    } else if text.starts_with("Fault in ") {
        dump.fault_word(text);
    }
}

/// The line below `Last Breaking-Event-Address:`: where the last branch came from.
fn last_break(dump: &mut Dump<'_>, text: &str) {
    let heading = dump
        .above
        .last()
        .is_some_and(|line| line.text.trim_start().starts_with("Last Breaking-Event"));
    if heading && let Some(number) = scan::bracketed(text) {
        dump.detail("last breaking event", text);
        dump.put_new("last_break", number.value);
    }
}

/// `Oops: 0004 ilc:2 [#1] SMP`: the name of the exception, its program-interruption code and
/// the length of the instruction in halfwords.
fn interruption(dump: &mut Dump<'_>, text: &str) {
    let Some((head, tail)) = text.split_once(" ilc:") else {
        return;
    };
    let Some((name, code)) = head.rsplit_once(": ") else {
        return;
    };
    let Some(code) = scan::hex(code).filter(|code| code.rest.is_empty()) else {
        return;
    };
    if let Some((length, _)) = scan::decimal(tail) {
        dump.detail("ilc", &length.to_string());
    }
    // A monitor call is BUG or WARN.
    if code.value & 0xff != 0x40 {
        dump.fault_code(code.value, "program interruption");
        if name != "Oops" {
            dump.fault_word(name);
        }
    }
}
