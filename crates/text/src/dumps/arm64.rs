//! arm64.
//!
//! `__show_regs` and `print_pstate` of `arch/arm64/kernel/process.c`, `mem_abort_decode`,
//! `data_abort_decode` and `die_kernel_fault` of `arch/arm64/mm/fault.c`, `die` and
//! `dump_kernel_instr` of `arch/arm64/kernel/traps.c`.

use base::RegisterSet;

use super::Form;
use super::parts::{self, Dump, Marks, scan};

pub static ENTRY: Form = Form {
    archs: &["arm64"],
    sign,
    line,
    user,
};

fn sign(text: &str) -> bool {
    let starts = |heads: &[&str]| heads.iter().any(|head| text.starts_with(head));
    match text.as_bytes().first() {
        Some(b'p') => {
            starts(&["pstate: "])
                || scan::labelled(text, "pc").is_some_and(|pc| match scan::bracketed(pc) {
                    Some(address) => address.digits == 16,
                    // riscv and loongarch have no such line.
                    None => !pc.starts_with('[') && !text.contains(" psr: "),
                })
        }
        Some(b'M') => text.starts_with("Mem abort info:"),
        Some(b'E') => starts(&["ESR = 0x", "EC = 0x", "Exception class = "]),
        Some(b'x') => scan::labelled(text, "x29").is_some(),
        Some(b'u') => text.starts_with("user pgtable: "),
        Some(b's') => text.starts_with("swapper pgtable: "),
        Some(b'D') => text.starts_with("Data abort info:"),
        _ => false,
    }
}

/// `PSTATE.M`: EL0 with either register width.
fn user(set: &RegisterSet) -> bool {
    set.get("pstate").is_some_and(|pstate| pstate & 0xf == 0)
}

fn line(dump: &mut Dump<'_>, text: &str) {
    match text.as_bytes().first() {
        Some(b'p') => {
            if let Some(rest) = scan::labelled(text, "pstate") {
                dump.begin();
                pstate(dump, rest);
            } else if let Some(rest) = scan::labelled(text, "pc") {
                program_counter(dump, rest);
            } else if text.starts_with("pmr") {
                registers(dump, text);
            }
        }
        Some(b'P') => {
            if let Some(rest) = scan::after(text, "PC is at ") {
                dump.begin();
                place(dump, rest, false);
            }
        }
        Some(b'L') => {
            if let Some(rest) = scan::after(text, "LR is at ") {
                place(dump, rest, true);
            }
        }
        Some(b'l') => {
            if let Some(rest) = scan::labelled(text, "lr") {
                link(dump, rest);
            }
        }
        Some(b's' | b'x') => registers(dump, text),
        Some(b'S') => {
            if let Some(rest) = scan::after(text, "Stack:") {
                parts::stack(dump, rest, 16);
            } else if text.starts_with("SET = ") || text.starts_with("SError ") {
                reported(dump, text);
            }
        }
        Some(b'U') if parts::unable(dump, text, "FAR").is_none() => reported(dump, text),
        Some(b'E') => {
            if let Some(code) = scan::after(text, "ESR = ").and_then(scan::hex) {
                dump.page_fault = true;
                dump.fault_code(code.value, "ESR");
            } else if let Some(rest) = scan::after(text, "EC = ") {
                explained(dump, rest);
            } else if let Some(rest) = scan::after(text, "Exception class = ") {
                dump.fault_word(rest);
            }
        }
        Some(b'F') => {
            if let Some(rest) = scan::after(text, "FSC = ") {
                explained(dump, rest);
            }
        }
        // `CM = 0, WnR = 1, TnD = 0, TagAccess = 0`
        Some(b'C') => {
            if let Some(bit) = scan::behind(text, "WnR = ") {
                dump.access(if bit.starts_with('1') {
                    "write"
                } else {
                    "read"
                });
            } else if let Some(rest) = scan::after(text, "Code:") {
                parts::code(dump, rest, Marks::Rounds, &[8], false);
            }
        }
        Some(b'I') => internal_error(dump, text),
        Some(b'B') => reported(dump, text),
        _ => {}
    }
}

/// `60000005 (nZCv daif -PAN -UAO)`.
fn pstate(dump: &mut Dump<'_>, text: &str) {
    let rest = dump.take("pstate", text, 8);
    dump.arch("arm64");
    if let Some((words, _)) = scan::enclosed(rest, "(", ")") {
        dump.detail("pstate", words);
    }
}

/// `pc : f+0x1/0x2 [m]`, before 4.15 `pc : [<addr>] lr : [<addr>] pstate: 60000145`,
/// in user mode `pc : 0000aaaa00001000`.
fn program_counter(dump: &mut Dump<'_>, text: &str) {
    let Some(number) = scan::bracketed(text) else {
        place(dump, text, false);
        return;
    };
    let line = dump.line;
    dump.pc(parts::place(number.value, line));
    dump.put("pc", number.value);
    let mut rest = number.rest;
    if let Some(number) = scan::behind(rest, ":").and_then(scan::bracketed) {
        dump.link(parts::place(number.value, line));
        dump.put("lr", number.value);
        rest = number.rest;
    }
    if let Some(rest) = scan::after(rest, " pstate:") {
        pstate(dump, rest);
    }
}

fn link(dump: &mut Dump<'_>, text: &str) {
    match scan::bracketed(text) {
        Some(number) => {
            let line = dump.line;
            dump.link(parts::place(number.value, line));
            dump.put("lr", number.value);
        }
        None => place(dump, text, true),
    }
}

/// A symbol, or the 16 digits of an address without one.
fn place(dump: &mut Dump<'_>, text: &str, is_link: bool) {
    let line = dump.line;
    let name = if is_link { "lr" } else { "pc" };
    let frame = match scan::hex(text).filter(|n| n.digits == 16 && !n.rest.starts_with('+')) {
        Some(number) => Some(parts::place(number.value, line)),
        None => parts::symbol(text, None, line),
    };
    let Some(frame) = frame else { return };
    let address = frame.pc;
    if is_link {
        dump.link(frame);
    } else {
        dump.pc(frame);
    }
    if let Some(address) = address {
        dump.put(name, address.0);
    }
}

/// `x29: … x28: …`, two or (since 5.12) three in a row.
fn registers(dump: &mut Dump<'_>, text: &str) {
    let mut rest = text;
    while let Some((name, value)) = scan::label(rest) {
        let is_general = name
            .strip_prefix('x')
            .and_then(|n| n.parse().ok())
            .is_some_and(|n: u8| n <= 30);
        rest = match name {
            "sp" => dump.take(name, value, 16),
            "pmr_save" | "pmr" => dump.take("pmr", value, 8),
            _ if is_general => dump.take(name, value, 16),
            _ => return,
        };
    }
    dump.arch("arm64");
}

/// `0x25: DABT (current EL), IL = 32 bits`: a field and its meaning.
fn explained(dump: &mut Dump<'_>, text: &str) {
    if let Some((_, words)) = text.split_once(": ") {
        if words.starts_with("IABT") {
            dump.access("execute");
        }
        dump.fault_word(words);
    }
}

/// `Internal error: Oops: 0000000096000004 [#1] SMP`: `die` prints the ESR.
fn internal_error(dump: &mut Dump<'_>, text: &str) {
    let Some((head, _)) = text.split_once(" [#") else {
        return;
    };
    if let Some((name, code)) = head.rsplit_once(": ")
        && let Some(code) = scan::hex(code).filter(|code| code.value != 0)
    {
        dump.arch("arm64");
        dump.fault_code(code.value, "ESR");
        if let Some(name) = scan::after(name, "Internal error:").filter(|name| *name != "Oops") {
            dump.fault_word(name);
        }
    }
}

/// Reports of do_mem_abort, `__show_bad…`/`bad_mode` and arm64_serror_panic, which hold the
/// ESR in the middle: `Unhandled fault: alignment fault (0x96000021) at 0xffff…`,
/// `Bad mode in Synchronous Abort handler detected on CPU0, code 0x86000006 -- IABT`,
/// `SError Interrupt on CPU0, code 0x00000000be000011 -- SError`.
fn reported(dump: &mut Dump<'_>, text: &str) {
    let marks = [" (0x", ", code 0x", ", ESR 0x"];
    let Some(code) = marks
        .iter()
        .find_map(|mark| scan::hex(scan::behind(text, mark)?))
    else {
        return;
    };
    dump.fault_code(code.value, "ESR");
    if let Some(words) = scan::behind(code.rest, " -- ") {
        dump.fault_word(words);
    }
    if let Some(rest) = scan::after(text, "Unhandled fault: ") {
        dump.fault_word(rest.split(" (0x").next().unwrap_or_default());
        if let Some(address) = scan::behind(code.rest, " at ").and_then(scan::hex) {
            dump.fault_at(address.value, "FAR");
        }
    }
}
