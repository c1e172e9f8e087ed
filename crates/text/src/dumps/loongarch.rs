//! loongarch64, as printed since 6.4.
//!
//! `__show_regs`, `print_crmd`, `print_estat` … and `show_code` of
//! `arch/loongarch/kernel/traps.c`, `no_context` of `arch/loongarch/mm/fault.c`.

use base::{Endian, RegisterSet};

use super::Form;
use super::parts::{self, Dump, Marks, scan};

pub static ENTRY: Form = Form {
    archs: &["loongarch64"],
    sign,
    line,
    user,
};

fn sign(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'E') => ["ERA: ", "ESTAT: ", "EUEN: ", "ECFG: "]
            .iter()
            .any(|head| text.starts_with(head)),
        Some(b'C') => text.starts_with("CRMD: ") || text.contains(", era == "),
        Some(b'P') => text.starts_with("PRMD: "),
        Some(b'B') => text.starts_with("BADV: "),
        Some(b'p') => text.starts_with("pc ") && text.contains(" ra ") && text.contains(" tp "),
        _ => false,
    }
}

/// `PRMD.PPLV`: the privilege level before the exception.
fn user(set: &RegisterSet) -> bool {
    set.get("prmd").is_some_and(|prmd| prmd & 3 == 3)
}

fn line(dump: &mut Dump<'_>, text: &str) {
    match text.as_bytes().first() {
        Some(b'p') if text.starts_with("pc ") => {
            dump.begin();
            registers(dump, text);
        }
        Some(b'r') => {
            if let Some(rest) = scan::labelled(text, "ra") {
                place(dump, rest, "ra");
            }
        }
        Some(b'a' | b't' | b's' | b'u' | b'f') => registers(dump, text),
        Some(b'E') => {
            if let Some(rest) = scan::labelled(text, "ERA") {
                place(dump, rest, "era");
            } else if let Some(rest) = scan::labelled(text, "ESTAT") {
                exception(dump, rest);
            } else {
                control(dump, text, &["EUEN", "ECFG"]);
            }
        }
        Some(b'C') => {
            if let Some(rest) = scan::after(text, "Code:") {
                parts::code(dump, rest, Marks::Angles, &[8], false);
            } else if text.starts_with("CPU ") {
                headline(dump, text);
            } else {
                control(dump, text, &["CRMD"]);
            }
        }
        Some(b'P') => control(dump, text, &["PRMD", "PRID"]),
        Some(b'B') => {
            if let Some(rest) = scan::labelled(text, "BADV") {
                dump.take("badv", rest, 16);
                if let Some(address) = dump.known("badv") {
                    dump.fault_register(address, "BADV");
                }
            }
        }
        Some(b'S') => {
            if let Some(rest) = scan::labelled(text, "Stack") {
                parts::stack(dump, rest, 16);
            }
        }
        _ => {}
    }
}

/// `a0 0000000000000000 a1 …`: names without colons.
fn registers(dump: &mut Dump<'_>, text: &str) {
    let mut words = text.split_whitespace();
    while let (Some(name), value) = (words.next(), words.next()) {
        if !is_register(name) {
            return;
        }
        let Some(value) = value else {
            dump.damaged(name);
            return;
        };
        let name = match name {
            // The ABI's names of r21 and r22.
            "s9" => "fp",
            name => name,
        };
        dump.take(name, value, 16);
        let known = dump.known(name);
        if let ("pc", Some(pc)) = (name, known) {
            let line = dump.line;
            dump.pc(parts::place(pc, line));
        }
        dump.arch("loongarch64");
        dump.event.machine.endian = Some(Endian::Little);
    }
}

fn is_register(name: &str) -> bool {
    let numbered = |letter, last: u8| {
        name.strip_prefix(letter)
            .and_then(|n| n.parse().ok())
            .is_some_and(|n: u8| n <= last)
    };
    matches!(name, "pc" | "ra" | "tp" | "sp" | "u0" | "fp")
        || numbered('a', 7)
        || numbered('t', 8)
        || numbered('s', 9)
}

/// `ra: 9000000000001000 f+0x1/0x2`.
fn place(dump: &mut Dump<'_>, text: &str, name: &str) {
    let rest = dump.take(name, text, 16);
    let Some(address) = dump.known(name) else {
        return;
    };
    let line = dump.line;
    let frame =
        parts::symbol(rest, Some(address), line).unwrap_or_else(|| parts::place(address, line));
    if name == "ra" {
        dump.link(frame);
    } else {
        dump.pc(frame);
    }
}

/// `CRMD: 000000b0 (PLV0 -IE -DA +PG …)`: a register and its fields.
fn control(dump: &mut Dump<'_>, text: &str, names: &[&str]) {
    for name in names {
        if let Some(rest) = scan::labelled(text, name) {
            let rest = dump.take(name, rest, 8);
            if let Some((words, _)) = scan::enclosed(rest, "(", ")") {
                dump.detail(name, words);
            }
        }
    }
}

/// `ESTAT: 00010000 [PIL] (IS= ECode=1 EsubCode=0)`.
fn exception(dump: &mut Dump<'_>, text: &str) {
    let rest = dump.take("estat", text, 8);
    let Some(estat) = dump.known("estat") else {
        return;
    };
    // Interrupts (0), system calls (0xb) and breakpoints (0xc), which are BUG and WARN, are
    // no faults.
    if !matches!(estat >> 16 & 0x3f, 0 | 0xb | 0xc) {
        dump.fault_code(estat, "ESTAT");
        if let Some((name, _)) = scan::enclosed(rest, "[", "]") {
            dump.fault_word(name);
        }
    }
}

/// `CPU 1 Unable to handle kernel paging request at virtual address …, era == …, ra == …`.
fn headline(dump: &mut Dump<'_>, text: &str) {
    if let Some(address) = scan::behind(text, " at virtual address ").and_then(scan::hex) {
        dump.page_fault = true;
        dump.fault_printed(address, "BADV");
    }
    if let Some(pc) = scan::behind(text, ", era == ").and_then(scan::hex) {
        dump.early_pc = Some(parts::place(pc.value, dump.line));
    }
}
