//! arm (32 bits).
//!
//! `__show_regs` of `arch/arm/kernel/process.c`, `__die`, `dump_mem` and `dump_instr` of
//! `arch/arm/kernel/traps.c`, `die_kernel_fault` and `do_DataAbort` of `arch/arm/mm/fault.c`.

use base::{Endian, RegisterSet};

use super::Form;
use super::parts::{self, Dump, Marks, scan};

pub static ENTRY: Form = Form {
    archs: &["arm"],
    sign,
    line,
    user,
};

fn sign(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'p') => scan::labelled(text, "pc")
            .and_then(scan::bracketed)
            .is_some_and(|address| address.digits == 8),
        Some(b'F') => text.starts_with("Flags: ") && text.contains("  ISA "),
        Some(b'8') => text.starts_with("8<--- cut here ---"),
        Some(b'r') => scan::after(text, "r10: ").is_some(),
        Some(b'I') => {
            text.starts_with("Internal error: ")
                && (text.ends_with(" ARM") || text.ends_with(" THUMB2"))
        }
        _ => false,
    }
}

/// `CPSR.M`: the user mode.
fn user(set: &RegisterSet) -> bool {
    set.get("psr").is_some_and(|psr| psr & 0x1f == 0x10)
}

fn line(dump: &mut Dump<'_>, text: &str) {
    match text.as_bytes().first() {
        Some(b'P') => {
            if let Some(rest) = scan::after(text, "PC is at ") {
                dump.begin();
                let line = dump.line;
                if let Some(frame) = parts::symbol(rest, None, line) {
                    dump.pc(frame);
                }
            }
        }
        Some(b'L') => {
            if let Some(rest) = scan::after(text, "LR is at ") {
                let line = dump.line;
                if let Some(frame) = parts::symbol(rest, None, line) {
                    dump.link(frame);
                }
            }
        }
        Some(b'p') => {
            if let Some(rest) = scan::labelled(text, "pc") {
                program_counter(dump, rest);
            }
        }
        // A frame's saved registers stand without a blank: `r10:84e00c00`.
        Some(b's' | b'r') if text.contains(": ") => registers(dump, text),
        Some(b'F') => {
            if let Some(rest) = scan::after(text, "Flags: ") {
                dump.detail("Flags", rest);
            }
        }
        Some(b'C') => {
            if let Some(rest) = scan::after(text, "Code:") {
                parts::code(dump, rest, Marks::Rounds, &[4, 8], false);
            }
        }
        Some(b'S') => {
            if let Some(rest) = scan::after(text, "Stack:") {
                parts::stack(dump, rest, 8);
            }
        }
        // hw_dump of mm/util.c: what kind of memory a register points at.
        Some(b'R') => {
            if let Some((name, what)) =
                scan::after(text, "Register ").and_then(|rest| rest.split_once(" information: "))
            {
                dump.detail(&format!("register {name}"), what);
            }
        }
        Some(b'U') if parts::unable(dump, text, "FAR").is_none() => unhandled(dump, text),
        Some(b'I') => internal_error(dump, text),
        _ => {}
    }
}

/// `pc : [<80b0f484>]    lr : [<801a7168>]    psr: 200f0013`.
fn program_counter(dump: &mut Dump<'_>, text: &str) {
    let Some(pc) = scan::bracketed(text) else {
        dump.damaged("pc");
        return;
    };
    let line = dump.line;
    dump.arch("arm");
    dump.pc(parts::place(pc.value, line));
    dump.put("pc", pc.value);
    if let Some((_, rest)) = scan::label(pc.rest)
        && let Some(lr) = scan::bracketed(rest)
    {
        dump.link(parts::place(lr.value, line));
        dump.put("lr", lr.value);
        registers(dump, lr.rest);
    }
}

fn registers(dump: &mut Dump<'_>, text: &str) {
    let mut rest = text;
    while let Some((name, value)) = scan::label(rest) {
        rest = match name {
            "sp" | "ip" | "fp" | "r0" | "r1" | "r2" | "r3" | "r4" | "r5" | "r6" | "r7" | "r8"
            | "r9" | "r10" => dump.take(name, value, 8),
            "psr" => {
                let rest = dump.take(name, value, 8);
                if let Some(psr) = dump.known(name) {
                    let big = psr & 0x200 != 0;
                    let endian = if big { Endian::Big } else { Endian::Little };
                    dump.event.machine.endian = Some(endian);
                }
                rest
            }
            _ => return,
        };
    }
}

/// `Internal error: Oops: 805 [#1] SMP ARM`: only behind `Oops` the number is the FSR; bit 31
/// is the kernel's own and says that the fault was an instruction fetch.
fn internal_error(dump: &mut Dump<'_>, text: &str) {
    if let Some(rest) = scan::after(text, "Internal error: Oops: ")
        && let Some(code) = scan::hex(rest)
        && code.rest.starts_with(" [#")
    {
        dump.fault_code(code.value, "FSR");
    }
    dump.arch("arm");
}

/// `Unhandled fault: alignment exception (0x001) at 0xc0…`, `Unhandled prefetch abort: …`.
fn unhandled(dump: &mut Dump<'_>, text: &str) {
    let (rest, prefetch) = match scan::after(text, "Unhandled fault: ") {
        Some(rest) => (rest, 0),
        None => match scan::after(text, "Unhandled prefetch abort: ") {
            Some(rest) => (rest, 1 << 31),
            None => return,
        },
    };
    let Some((words, tail)) = rest.split_once(" (") else {
        return;
    };
    dump.fault_word(words);
    if let Some(code) = scan::hex(tail) {
        dump.fault_code(code.value | prefetch, "FSR");
        if let Some(address) = scan::behind(code.rest, " at ").and_then(scan::hex) {
            dump.fault_at(address.value, "FAR");
        }
    }
}
