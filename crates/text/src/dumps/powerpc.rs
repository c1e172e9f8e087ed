//! powerpc, 64 and 32 bits wide, both byte orders.
//!
//! `__show_regs`, `print_msr_bits` and `show_instructions` of `arch/powerpc/kernel/process.c`,
//! `__die` of `arch/powerpc/kernel/traps.c`, `bad_page_fault` of `arch/powerpc/mm/fault.c`.

use base::{Endian, RegisterSet};

use super::Form;
use super::parts::{self, Continues, Dump, INTERRUPTED, Marks, scan};

pub static ENTRY: Form = Form {
    archs: &["ppc64", "ppc"],
    sign,
    line,
    user,
};

/// Digits of an instruction.
const WORD: &[usize] = &[8];

fn sign(text: &str) -> bool {
    let starts = |heads: &[&str]| heads.iter().any(|head| text.starts_with(head));
    match text.as_bytes().first() {
        Some(b'N') => starts(&["NIP: ", "NIP ["]),
        Some(b'R') => text.starts_with("REGS: ") && text.contains(" TRAP: "),
        Some(b'M') => text.starts_with("MSR: ") && text.contains(" <"),
        Some(b'G') => starts(&["GPR00: ", "GPR04: ", "GPR08: "]),
        Some(b'I') => text.starts_with("Instruction dump:"),
        Some(b'L' | b'B') if starts(&["LE PAGE_SIZE=", "BE PAGE_SIZE="]) => true,
        Some(b'F') => text.starts_with("Faulting instruction address: "),
        Some(b'O') => starts(&[
            "Oops: Kernel access of bad area",
            "Oops: Exception in kernel",
        ]),
        Some(b'B') => starts(&[
            "BUG: Kernel NULL pointer dereference ",
            "BUG: Unable to handle kernel ",
        ]),
        _ => false,
    }
}

/// `MSR.PR`: problem state.
fn user(set: &RegisterSet) -> bool {
    set.get("msr").is_some_and(|msr| msr & 0x4000 != 0)
}

fn line(dump: &mut Dump<'_>, text: &str) {
    if dump.continues == Continues::Code(None) {
        if parts::code_row(dump, text, Marks::Angles, WORD) {
            return;
        }
        dump.continues = Continues::Nothing;
    }
    match text.as_bytes().first() {
        Some(b'N') => {
            if let Some(rest) = scan::after(text, "NIP [") {
                bracketed(dump, rest, "nip");
            } else if text.starts_with("NIP:") {
                interrupted(dump);
                registers(dump, text);
            }
        }
        Some(b'L') => {
            if let Some(rest) = scan::after(text, "LR [") {
                bracketed(dump, rest, "lr");
            } else if text.starts_with("LE PAGE_SIZE") {
                dump.event.machine.endian = Some(Endian::Little);
            }
        }
        Some(b'B') => {
            if text.starts_with("BE PAGE_SIZE") {
                dump.event.machine.endian = Some(Endian::Big);
            } else if let Some(rest) = scan::after(text, "BUG: ") {
                headline(dump, rest);
            }
        }
        Some(b'U') => headline(dump, text),
        Some(b'R') if text.starts_with("REGS:") => registers(dump, text),
        Some(b'M') => {
            if let Some(rest) = scan::labelled(text, "MSR") {
                machine_state(dump, text, rest);
            }
        }
        Some(b'C' | b'D') => {
            if let Some(rest) = scan::after(text, "Code:") {
                parts::code(dump, rest, Marks::Angles, WORD, false);
            } else if !text.starts_with("CPU:") {
                registers(dump, text);
            }
        }
        Some(b'S' | b'I' | b'P') => {
            if text.starts_with("Instruction dump:") {
                dump.continues = Continues::Code(None);
            } else if text.starts_with("IRQMASK:") || text.starts_with("SOFTE:") {
                registers(dump, text);
            }
        }
        Some(b'G') => general(dump, text),
        Some(b'F') => {
            if let Some(pc) =
                scan::after(text, "Faulting instruction address: ").and_then(scan::hex)
            {
                dump.early_pc = Some(parts::place(pc.value, dump.line));
            }
        }
        Some(b'O') => {
            if let Some((words, _)) =
                scan::after(text, "Oops: ").and_then(|rest| rest.split_once(", sig: "))
            {
                dump.detail("Oops", words);
            }
        }
        _ => {}
    }
}

/// A dump behind `--- interrupt: 300 at f+0x1/0x2` is of the code that the exception found.
fn interrupted(dump: &mut Dump<'_>) {
    dump.begin();
    let inside = dump
        .above
        .last()
        .is_some_and(|line| line.text.trim_start().starts_with("--- interrupt: "));
    if inside {
        dump.whose(INTERRUPTED);
    }
}

fn width(dump: &mut Dump<'_>, value: &str) -> usize {
    match dump.event.machine.arch.as_deref() {
        Some("ppc") => 8,
        Some("ppc64") => 16,
        _ => match scan::hex(value) {
            // What ends with its eighth digit may be cut.
            Some(number) if number.digits == 8 && !number.rest.is_empty() => {
                dump.arch("ppc");
                8
            }
            Some(number) if number.digits == 16 => {
                dump.arch("ppc64");
                16
            }
            _ => 16,
        },
    }
}

fn registers(dump: &mut Dump<'_>, text: &str) {
    let mut rest = text;
    while let Some((name, value)) = scan::label(rest) {
        rest = match name {
            "NIP" | "LR" | "CTR" | "CFAR" | "DAR" | "DEAR" => {
                let width = width(dump, value);
                let rest = dump.take(name, value, width);
                special(dump, name);
                rest
            }
            "CR" | "XER" => dump.take(name, value, 8),
            "TRAP" => {
                let rest = dump.take("trap", value, 4);
                trap(dump);
                rest
            }
            "DSISR" | "ESR" => {
                // 64-bit kernels before 3.x printed it as wide as the registers.
                match scan::hex(value).filter(|n| matches!(n.digits, 8 | 16)) {
                    Some(number) => {
                        dump.put(name, number.value);
                        let trap = dump.known("trap");
                        if trap.is_none_or(|trap| matches!(trap & !0xf, 0x200 | 0x300 | 0x600)) {
                            dump.fault_detail(number.value, name);
                        }
                        number.rest
                    }
                    None => {
                        dump.damaged(name);
                        value
                    }
                }
            }
            _ => value,
        };
    }
}

fn special(dump: &mut Dump<'_>, name: &str) {
    let Some(value) = dump.known(name) else {
        return;
    };
    let line = dump.line;
    match name {
        "NIP" => dump.pc(parts::place(value, line)),
        "LR" => dump.link(parts::place(value, line)),
        // Only a data access fault sets it, and only for such it is printed.
        "DAR" | "DEAR" => {
            let trap = dump.known("trap").unwrap_or(0x300);
            if matches!(trap & !0xf, 0x200 | 0x300 | 0x380 | 0x600) {
                dump.fault_register(value, name);
            }
        }
        _ => {}
    }
}

/// Traps that are faults; program checks (700) are also BUG and WARN, c00 is a system call.
fn trap(dump: &mut Dump<'_>) {
    if let Some(trap) = dump.known("trap")
        && matches!(
            trap & !0xf,
            0x200 | 0x300 | 0x380 | 0x400 | 0x480 | 0x600 | 0x800
        )
    {
        dump.fault_code(trap, "TRAP");
        if matches!(trap & !0xf, 0x400 | 0x480) {
            dump.access("execute");
        }
    }
}

/// `MSR:  8000000000009033 <SF,EE,ME,IR,DR,RI,LE>  CR: 24002222  XER: 20040000`.
fn machine_state(dump: &mut Dump<'_>, text: &str, value: &str) {
    let width = width(dump, value);
    let rest = dump.take("msr", value, width);
    if let Some((bits, _)) = scan::enclosed(rest, "<", ">") {
        dump.detail("MSR", bits);
        if let Some(msr) = dump.known("msr") {
            let endian = if msr & 1 == 1 {
                Endian::Little
            } else {
                Endian::Big
            };
            dump.event.machine.endian.get_or_insert(endian);
        }
    }
    registers(dump, scan::behind(text, ">").unwrap_or(rest));
}

/// `GPR04: …`: four registers in a row on 64 bits, eight on 32.
fn general(dump: &mut Dump<'_>, text: &str) {
    let Some((first, rest)) = text.strip_prefix("GPR").and_then(scan::decimal) else {
        return;
    };
    let Some(values) = rest.strip_prefix(':') else {
        return;
    };
    for (number, value) in (first..32).zip(values.split_whitespace()) {
        let width = width(dump, value);
        let name = format!("r{number}");
        if value.chars().count() > width {
            dump.damaged(&name);
            return;
        }
        dump.take(&name, value, width);
    }
}

/// `c000000000001000] f+0x1/0x2 [m]`.
fn bracketed(dump: &mut Dump<'_>, text: &str, name: &str) {
    let Some(number) = scan::hex(text) else {
        return;
    };
    let Some(symbol) = number.rest.strip_prefix(']') else {
        return;
    };
    let line = dump.line;
    let frame = parts::symbol(symbol, Some(number.value), line)
        .unwrap_or_else(|| parts::place(number.value, line));
    dump.put_new(name, number.value);
    if name == "nip" {
        dump.pc(frame);
    } else {
        dump.link(frame);
    }
}

/// `Kernel NULL pointer dereference on read at 0x00000318`, `Unable to handle kernel data
/// access on write at 0x…`, before 5.4 `Unable to handle kernel paging request for data at
/// address 0x…`.
fn headline(dump: &mut Dump<'_>, text: &str) {
    if !text.starts_with("Kernel NULL pointer") && !text.starts_with("Unable to handle kernel ") {
        return;
    }
    dump.page_fault = true;
    if text.contains(" on read ") {
        dump.access("read");
    } else if text.contains(" on write ") {
        dump.access("write");
    } else if text.contains("instruction fetch") {
        dump.access("execute");
    }
    if let Some(address) = text
        .rsplit_once(" 0x")
        .and_then(|(_, address)| scan::hex(address))
    {
        dump.fault_at(address.value, "DAR");
    }
}
