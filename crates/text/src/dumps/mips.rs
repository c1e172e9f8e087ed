//! MIPS, 32 and 64 bits wide, both byte orders.
//!
//! `__show_regs`, `show_registers`, `show_stacktrace` and `show_code` of
//! `arch/mips/kernel/traps.c`, `__do_page_fault` of `arch/mips/mm/fault.c`,
//! `octeon_wdt_nmi_stage3` of `drivers/watchdog/octeon-wdt-main.c`.

use base::RegisterSet;

use super::Form;
use super::parts::{self, Dump, Marks, scan};

pub static ENTRY: Form = Form {
    archs: &["mips64", "mips"],
    sign,
    line,
    user,
};

/// Names of the registers by the n64 convention (`asm/regdef.h`), by number.
const N64: [&str; 32] = [
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2",
    "t3", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8",
    "ra",
];
/// Names by the o32 convention, which has four argument registers only.
const O32: [&str; 32] = [
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6",
    "t7", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8",
    "ra",
];

fn sign(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'$') => row(text).is_some() || text.starts_with("$0"),
        Some(b'e') => {
            text.starts_with("epc   :")
                || text.starts_with("err_epc")
                // Its blanks may be folded; riscv has no symbol behind the address.
                || scan::labelled(text, "epc")
                    .and_then(scan::hex)
                    .is_some_and(|n| n.digits >= 8 && n.rest.contains("+0x"))
        }
        Some(b'S') => scan::labelled(text, "Status").is_some_and(|rest| !rest.contains("badaddr")),
        Some(b'C') => scan::labelled(text, "Cause").is_some() || headline(text).is_some(),
        Some(b'B') => scan::labelled(text, "BadVA").is_some(),
        Some(b'P') => scan::labelled(text, "PrId").is_some(),
        Some(b'*') => text.starts_with("*** NMI Watchdog interrupt on Core "),
        Some(b'D') => text.starts_with("Data bus error, epc == "),
        _ => false,
    }
}

/// `Status.KSU`, or the word that the kernel prints for it.
fn user(set: &RegisterSet) -> bool {
    set.get("status")
        .is_some_and(|status| status & 0x18 == 0x10)
}

fn line(dump: &mut Dump<'_>, text: &str) {
    match text.as_bytes().first() {
        Some(b'$') => match row(text) {
            Some((number, values)) => registers(dump, number, values),
            None => watchdog(dump, text),
        },
        Some(b'H' | b'L' | b'A') => {
            for label in ["Hi", "Lo", "Acx"] {
                if let Some(value) = scan::labelled(text, label) {
                    dump.take(label, value, width(dump));
                }
            }
        }
        Some(b'e') => match scan::labelled(text, "epc") {
            Some(value) => program_counter(dump, value),
            None => watchdog(dump, text),
        },
        Some(b'r') => match scan::labelled(text, "ra") {
            Some(value) => link(dump, value),
            None => watchdog(dump, text),
        },
        Some(b'S') => {
            if let Some(rest) = scan::labelled(text, "Status") {
                let words = dump.take("status", rest, 8);
                dump.detail("Status", words);
            } else if let Some(rest) = scan::labelled(text, "Stack") {
                let width = width(dump);
                parts::stack(dump, rest, width);
            }
        }
        Some(b'C') => {
            if let Some(rest) = scan::labelled(text, "Cause") {
                cause(dump, rest);
            } else if let Some(rest) = scan::labelled(text, "Code") {
                parts::code(dump, rest, Marks::Angles, &[4, 8], false);
            } else if let Some(rest) = headline(text) {
                unable(dump, rest);
            }
        }
        Some(b'B') => {
            if let Some(rest) = scan::labelled(text, "BadVA") {
                let width = width(dump);
                dump.take("badva", rest, width);
                if let Some(address) = dump.known("badva") {
                    dump.fault_register(address, "BadVA");
                }
            }
        }
        Some(b'P') => {
            if let Some(rest) = scan::labelled(text, "PrId") {
                let name = dump.take("prid", rest, 8);
                if let Some((name, _)) = scan::enclosed(name, "(", ")") {
                    dump.detail("PrId", name);
                }
            }
        }
        Some(b'*') => {
            if let Some(rest) = text.strip_prefix("*** NMI Watchdog interrupt on Core ")
                && let Some(core) = scan::hex(rest)
            {
                dump.begin();
                dump.on_core(u32::try_from(core.value).unwrap_or(u32::MAX));
            }
        }
        Some(b'a'..=b'z') => watchdog(dump, text),
        _ => {}
    }
}

/// `$ 4   : …`: the number of the row's first register and its values.
fn row(text: &str) -> Option<(usize, &str)> {
    let (number, rest) = scan::decimal(text.strip_prefix('$')?)?;
    let values = rest.trim_start().strip_prefix(':')?;
    (number < 32).then_some((number as usize, values))
}

/// Digits of a register: known from the first that was read.
fn width(dump: &Dump<'_>) -> usize {
    match dump.event.machine.arch.as_deref() {
        Some("mips") => 8,
        _ => 16,
    }
}

fn registers(dump: &mut Dump<'_>, first: usize, values: &str) {
    if first == 0 {
        dump.begin();
    }
    // The row of $24 has two values only: the kernel's own $26 and $27 are left blank.
    let mut digits = values
        .split_whitespace()
        .filter_map(scan::hex)
        .map(|number| number.digits);
    match (digits.next(), digits.next()) {
        (Some(16), _) => dump.arch("mips64"),
        // A single value may be cut.
        (Some(8), Some(8)) => dump.arch("mips"),
        _ => {}
    }
    let width = width(dump);
    let names = if width == 8 { &O32 } else { &N64 };
    let mut values = values.split_whitespace();
    for name in names.iter().skip(first).take(4) {
        let Some(value) = values.next() else { return };
        if value.chars().count() > width {
            // Two values run together: what follows cannot be counted off.
            dump.damaged(name);
            return;
        }
        dump.take(name, value, width);
    }
}

fn program_counter(dump: &mut Dump<'_>, text: &str) {
    let width = width(dump);
    let rest = dump.take("epc", text, width);
    if let Some(address) = dump.known("epc") {
        let line = dump.line;
        let frame =
            parts::symbol(rest, Some(address), line).unwrap_or_else(|| parts::place(address, line));
        dump.pc(frame);
    }
}

fn link(dump: &mut Dump<'_>, text: &str) {
    let width = width(dump);
    let rest = dump.take("ra", text, width);
    if let Some(address) = dump.known("ra") {
        let line = dump.line;
        let frame =
            parts::symbol(rest, Some(address), line).unwrap_or_else(|| parts::place(address, line));
        dump.link(frame);
    }
}

/// `Cause : 00800008 (ExcCode 02)`.
fn cause(dump: &mut Dump<'_>, text: &str) {
    let words = dump.take("cause", text, 8);
    if let Some(cause) = dump.known("cause") {
        // Interrupts (0), system calls (8), breakpoints (9) and the traps of BUG and
        // WARN (13) are no faults.
        if !matches!(cause >> 2 & 0x1f, 0 | 8 | 9 | 13) {
            dump.fault_code(cause, "Cause");
        }
        if let Some((words, _)) = scan::enclosed(words, "(", ")") {
            dump.detail("Cause", words);
        }
    }
}

/// What follows `CPU 0 ` in `CPU 0 Unable to handle kernel paging request at virtual
/// address …, epc == …, ra == …`.
fn headline(text: &str) -> Option<&str> {
    let (_, rest) = scan::decimal(text.strip_prefix("CPU ")?)?;
    scan::after(rest, " Unable to handle kernel ").filter(|rest| !rest.contains(", era == "))
}

fn unable(dump: &mut Dump<'_>, text: &str) {
    if let Some(address) = scan::behind(text, " at virtual address ").and_then(scan::hex) {
        match address.digits {
            16 => dump.arch("mips64"),
            8 if !address.rest.is_empty() => dump.arch("mips"),
            _ => {}
        }
        dump.page_fault = true;
        dump.fault_printed(address, "BadVA");
    }
    if let Some(pc) = scan::behind(text, ", epc == ").and_then(scan::hex) {
        dump.early_pc = Some(parts::place(pc.value, dump.line));
    }
}

/// The watchdog's rows: `a0 0xfffffffffffffffd a1 0x0000000000000000`. The tabs between
/// name and value may be lost, but every value has all its digits.
fn watchdog(dump: &mut Dump<'_>, text: &str) {
    let mut rest = text;
    while let Some((name, value)) = rest.split_once("0x") {
        let name = name.trim();
        let name = match name {
            "$0" => "zero",
            "status" | "cause" | "epc" | "err_epc" => name,
            _ if N64.contains(&name) => name,
            _ => return,
        };
        if name == "zero" {
            dump.begin();
        }
        dump.arch("mips64");
        let Some((digits, tail)) = value.split_at_checked(16) else {
            dump.damaged(name);
            return;
        };
        dump.take(name, digits, 16);
        if name == "err_epc"
            && let Some(pc) = dump.known(name)
        {
            // An NMI saves the program counter in ErrorEPC; EPC is of an older exception.
            let line = dump.line;
            dump.pc(parts::place(pc, line));
        }
        rest = tail;
    }
}
