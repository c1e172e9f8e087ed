//! riscv, 64 and 32 bits wide.
//!
//! `__show_regs` of `arch/riscv/kernel/process.c`, `dump_kernel_instr` and `die` of
//! `arch/riscv/kernel/traps.c`, `die_kernel_fault` of `arch/riscv/mm/fault.c`.

use base::{Endian, RegisterSet};

use super::Form;
use super::parts::{self, Dump, Marks, scan};

pub static ENTRY: Form = Form {
    archs: &["riscv64", "riscv32"],
    sign,
    line,
    user,
};

fn sign(text: &str) -> bool {
    match text.as_bytes().first() {
        // MIPS prints the symbol behind the address on this line.
        Some(b'e') => scan::labelled(text, "epc").is_some_and(|rest| match scan::hex(rest) {
            Some(number) if matches!(number.digits, 8 | 16) => number.rest.contains(" ra :"),
            _ => rest.contains("+0x"),
        }),
        Some(b'g') => scan::labelled(text, "gp").is_some_and(|rest| rest.contains(" tp :")),
        Some(b's') => scan::labelled(text, "status").is_some_and(|rest| rest.contains("badaddr")),
        _ => false,
    }
}

/// `sstatus.SPP`: the mode before the trap.
fn user(set: &RegisterSet) -> bool {
    set.get("status").is_some_and(|status| status & 0x100 == 0)
}

fn line(dump: &mut Dump<'_>, text: &str) {
    match text.as_bytes().first() {
        Some(b'e') => {
            if let Some(rest) = scan::labelled(text, "epc") {
                program_counter(dump, text, rest);
            }
        }
        Some(b'r') => {
            if let Some(rest) = scan::labelled(text, "ra") {
                let line = dump.line;
                if let Some(frame) = parts::symbol(rest, None, line) {
                    dump.link(frame);
                }
            }
        }
        Some(b'g' | b't' | b's' | b'a' | b'o') => registers(dump, text),
        Some(b'b' | b'c') if text.starts_with("badaddr") || text.starts_with("cause") => {
            registers(dump, text);
        }
        Some(b'C') => {
            if let Some(rest) = scan::after(text, "Code:") {
                parts::code(dump, rest, Marks::Rounds, &[4, 8], false);
            }
        }
        Some(b'U') => match parts::unable(dump, text, "stval") {
            Some(16) => dump.arch("riscv64"),
            Some(8) => dump.arch("riscv32"),
            _ => {}
        },
        _ => {}
    }
}

/// `epc : f+0x1/0x2`, then `epc : ffffffff80000000 ra : … sp : …`.
fn program_counter(dump: &mut Dump<'_>, text: &str, rest: &str) {
    let line = dump.line;
    if scan::hex(rest).is_some_and(|n| matches!(n.digits, 8 | 16)) {
        registers(dump, text);
    } else if let Some(frame) = parts::symbol(rest, None, line) {
        dump.begin();
        dump.pc(frame);
    }
}

fn registers(dump: &mut Dump<'_>, text: &str) {
    let mut rest = text;
    while let Some((name, value)) = scan::label(rest) {
        if !is_register(name) {
            return;
        }
        // What ends with its eighth digit may be cut.
        let narrow = scan::hex(value).is_some_and(|n| n.digits == 8 && !n.rest.is_empty());
        let width = match dump.event.machine.arch.as_deref() {
            Some("riscv32") => 8,
            Some("riscv64") => 16,
            _ if narrow => 8,
            _ => 16,
        };
        dump.arch(if width == 8 { "riscv32" } else { "riscv64" });
        dump.event.machine.endian = Some(Endian::Little);
        if name == "epc" && dump.known("epc").is_some() {
            dump.begin();
        }
        rest = dump.take(name, value, width);
        match (name, dump.known(name)) {
            ("epc", Some(pc)) => {
                let line = dump.line;
                dump.pc(parts::place(pc, line));
            }
            ("ra", Some(ra)) => {
                let line = dump.line;
                dump.link(parts::place(ra, line));
            }
            ("cause", Some(cause)) => fault(dump, cause, width),
            _ => {}
        }
    }
}

fn is_register(name: &str) -> bool {
    let numbered = |letter, last: u8| {
        name.strip_prefix(letter)
            .and_then(|n| n.parse().ok())
            .is_some_and(|n: u8| n <= last)
    };
    matches!(
        name,
        "epc" | "ra" | "sp" | "gp" | "tp" | "ssp" | "status" | "badaddr" | "cause" | "orig_a0"
    ) || numbered('t', 6)
        || numbered('s', 11)
        || numbered('a', 7)
}

/// The top bit marks an interrupt; breakpoints (3), which are BUG and WARN, and system calls
/// (8 and above) are no faults. Only for faults of an address `stval` holds one.
fn fault(dump: &mut Dump<'_>, cause: u64, width: usize) {
    let is_interrupt = cause >> (width * 4 - 1) & 1 == 1;
    if is_interrupt || matches!(cause, 3 | 8..=11) {
        return;
    }
    dump.fault_code(cause, "scause");
    if matches!(cause, 0 | 1 | 4..=7 | 12..=15)
        && let Some(address) = dump.known("badaddr")
    {
        dump.fault_register(address, "stval");
    }
    match cause {
        1 | 12 => dump.access("execute"),
        5 | 13 => dump.access("read"),
        7 | 15 => dump.access("write"),
        _ => {}
    }
}
