//! x86_64 and i386, from 2.6 on.
//!
//! `__show_regs` of `arch/x86/kernel/process_64.c` and `process_32.c`, `show_iret_regs`
//! and `show_opcodes` of `dumpstack.c`, `show_fault_oops` and `no_context` of
//! `arch/x86/mm/fault.c`, `exc_general_protection` and `do_error_trap` of `traps.c`.

use base::{Endian, RegisterSet};

use super::Form;
use super::parts::{self, Dump, EARLIER, INTERRUPTED, Marks, USER, scan};

pub static ENTRY: Form = Form {
    archs: &["x86_64", "i386"],
    sign,
    line,
    user,
};

/// Frames whose trap is the event itself: `WARN` and `BUG` are invalid instructions.
const OWN_TRAPS: &[&str] = &["invalid_op+", "asm_exc_invalid_op+", "do_invalid_op+"];

/// Names of traps as `die` gets them (`DO_ERROR` of traps.c), each followed by its error code.
const TRAPS: &[&str] = &[
    "general protection",
    "invalid opcode",
    "divide error",
    "stack segment",
    "double fault",
    "int3",
    "overflow",
    "bounds",
    "segment not present",
    "invalid TSS",
    "alignment check",
    "coprocessor segment overrun",
    "control protection",
    "page fault",
    "device not available",
    "simd exception",
    "fpu exception",
    "debug",
    "unexpected #VE",
];

fn sign(text: &str) -> bool {
    let starts = |heads: &[&str]| heads.iter().any(|head| text.starts_with(head));
    match text.as_bytes().first() {
        Some(b'R') => starts(&["RIP: ", "RIP  [<", "RIP [<", "RSP: ", "RAX: ", "RSP <"]),
        Some(b'E') => starts(&["EIP: ", "EIP is at ", "EAX: ", "ESI: ", "EFLAGS: "]),
        Some(b'e') => starts(&["eax: ", "esi: "]),
        Some(b'#') => text.starts_with("#PF"),
        Some(b'P') => text.starts_with("PGD "),
        Some(b'*') => starts(&["*pde = ", "*pdpt = "]),
        Some(b'C') => text.starts_with("CR2: "),
        Some(b'g') => text.starts_with("general protection fault"),
        Some(b'O') => starts(&["Oops: Oops: ", "Oops: general protection fault"]),
        Some(b'B') => starts(&[
            "BUG: unable to handle ",
            "BUG: kernel NULL pointer dereference, address: ",
        ]),
        _ => false,
    }
}

/// The requested privilege level in the selector of the code segment, which i386 does not
/// print behind its symbols, or of the stack segment.
fn user(set: &RegisterSet) -> bool {
    let selector = set.get("cs").or_else(|| set.get("ss"));
    set.whose == USER || selector.is_some_and(|selector| selector & 3 == 3)
}

fn line(dump: &mut Dump<'_>, text: &str) {
    match text.as_bytes().first() {
        Some(b'R') => match text.strip_prefix("RIP") {
            Some(rest) => instruction_pointer(dump, rest, "rip"),
            None => registers(dump, text),
        },
        Some(b'E') => match text.strip_prefix("EIP") {
            Some(rest) => instruction_pointer(dump, rest, "eip"),
            None => registers(dump, text),
        },
        Some(b'C') => match text.strip_prefix("Code:") {
            Some(rest) => code(dump, rest),
            None if text.starts_with("CPU: ") => {}
            None => registers(dump, text),
        },
        Some(b'D' | b'F') => registers(dump, text),
        Some(b'e') if text.starts_with("eax:") || text.starts_with("esi:") => {
            registers(dump, text);
        }
        Some(b'S') => {
            if let Some(rest) = scan::after(text, "Stack:") {
                parts::stack(dump, rest, 0);
            }
        }
        Some(b'I') => early_pc(dump, text),
        Some(b'B' | b'U') => headline(dump, text),
        Some(b'#') => page_fault(dump, text),
        Some(b'P') if text.starts_with("PGD ") => dump.page_fault = true,
        Some(b'P' | b'O' | b'g' | b'i' | b'd' | b's' | b'a' | b'c' | b'b' | b'o' | b't') => {
            trap(dump, text);
        }
        _ => {}
    }
}

/// show_fault_oops until 4.20: `IP: [<ffffffff81000000>] f+0x1/0x2`, without brackets since 4.10.
fn early_pc(dump: &mut Dump<'_>, text: &str) {
    let Some(rest) = scan::after(text, "IP:") else {
        return;
    };
    let address = scan::bracketed(rest);
    let symbol = address.map_or(rest, |number| number.rest);
    let pc = address.map(|number| number.value);
    dump.early_pc =
        parts::symbol(symbol, pc, dump.line).or_else(|| Some(parts::place(pc?, dump.line)));
}

/// `RIP: 0010:f+0x1/0x2 [m]` since 4.10, `RIP: 0010:[<addr>]  [<addr>] f+0x1/0x2` before;
/// at the end of a report `RIP: f+0x1/0x2 RSP: addr` or `RIP  [<addr>] f+0x1/0x2`.
fn instruction_pointer(dump: &mut Dump<'_>, rest: &str, name: &str) {
    let rest = rest.strip_prefix(" is at ").unwrap_or(rest);
    let is_heading = rest.starts_with(':');
    let mut rest = rest.strip_prefix(':').unwrap_or(rest).trim_start();
    let mut selector = None;
    if let Some(number) = scan::hex(rest)
        && let Some(tail) = number.rest.strip_prefix(':')
    {
        selector = Some(number.value);
        rest = tail;
    }
    let mut address = None;
    while let Some(number) = scan::bracketed(rest) {
        address = Some(number.value);
        rest = number.rest;
    }
    let frame =
        parts::symbol(rest, address, dump.line).or_else(|| Some(parts::place(address?, dump.line)));
    if frame.is_none() && selector.is_none() {
        return;
    }
    if is_heading {
        dump.begin();
    }
    dump.arch(if name == "rip" { "x86_64" } else { "i386" });
    dump.event.machine.endian = Some(Endian::Little);
    if let Some(frame) = frame {
        let address = frame.pc;
        dump.pc(frame);
        if let Some(address) = address {
            dump.put(name, address.0);
        }
    }
    if let Some(selector) = selector {
        dump.put("cs", selector);
        if selector & 3 == 3 {
            dump.whose(USER);
        }
    }
    if is_heading {
        match above(dump) {
            Above::Frame => dump.whose(INTERRUPTED),
            Above::EndOfTrace => dump.whose(EARLIER),
            Above::Other => {}
        }
    }
    if let Some(stack) = scan::behind(rest, "SS:ESP ") {
        if let Some(stack) = scan::behind(stack, ":") {
            dump.take("esp", stack, 8);
        }
    } else if rest.contains(": ") {
        registers(dump, rest);
    }
}

/// Since 4.18 the code follows the instruction pointer of every dump; before, it followed
/// the whole trace of the event and was the event's.
fn code(dump: &mut Dump<'_>, text: &str) {
    let tied = dump.known("rsp").is_none();
    parts::code(dump, text, Marks::Angles, &[2], tied);
}

/// What stands above a dump.
enum Above {
    /// A frame of a stack trace that is no trap of the event's own: the dump shows what an
    /// interrupt found.
    Frame,
    /// The end of an oops, behind which oops_end repeats the registers of the first oops
    /// since boot (`exec_summary_regs`).
    EndOfTrace,
    Other,
}

fn above(dump: &Dump<'_>) -> Above {
    let above = dump
        .above
        .iter()
        .rev()
        .map(|line| line.text.trim_start())
        .find(|text| !text.starts_with('<'));
    match above {
        Some(text) if text.starts_with("---[ end trace ") => Above::EndOfTrace,
        Some(text)
            if text.contains("+0x")
                && !text.contains(": ")
                && !OWN_TRAPS.iter().any(|trap| text.contains(trap)) =>
        {
            Above::Frame
        }
        _ => Above::Other,
    }
}

/// Lines of `RAX: … RBX: …`, whichever they are.
fn registers(dump: &mut Dump<'_>, text: &str) {
    if let Some(stack) = text.strip_prefix("RSP <") {
        dump.take("rsp", stack, 16);
        return;
    }
    let mut rest = text;
    if text.starts_with("EAX: ") || text.starts_with("eax: ") {
        dump.arch("i386");
    }
    while let Some((name, value)) = scan::label(rest) {
        rest = match name {
            "RAX" | "RBX" | "RCX" | "RDX" | "RSI" | "RDI" | "RBP" | "R10" | "R11" | "R12"
            | "R13" | "R14" | "R15" | "ORIG_RAX" => dump.take(name, value, 16),
            "R08" => dump.take("r8", value, 16),
            "R09" => dump.take("r9", value, 16),
            "RSP" => stack_pointer(dump, value),
            "EAX" | "EBX" | "ECX" | "EDX" | "ESI" | "EDI" | "EBP" | "ESP" | "EFLAGS" | "eax"
            | "ebx" | "ecx" | "edx" | "esi" | "edi" | "ebp" | "esp" => dump.take(name, value, 8),
            "FS" => segment(dump, "fs", "fs_base", value),
            "GS" => segment(dump, "gs", "gs_base", value),
            "knlGS" => dump.take("kernel_gs_base", value, 16),
            "CS" | "DS" | "ES" | "SS" => read_now(dump, name, value, 4),
            "CR0" | "CR2" | "CR3" | "CR4" | "DR0" | "DR1" | "DR2" | "DR3" | "DR6" | "DR7" => {
                control(dump, name, value)
            }
            "PKRU" => read_now(dump, name, value, 8),
            _ => value,
        };
    }
}

fn stack_pointer<'t>(dump: &mut Dump<'_>, text: &'t str) -> &'t str {
    match scan::hex(text) {
        Some(selector) if selector.digits == 4 => match selector.rest.strip_prefix(':') {
            Some(value) => {
                let rest = dump.take("rsp", value, 16);
                dump.put_new("ss", selector.value);
                rest
            }
            None => selector.rest,
        },
        _ => dump.take("rsp", text, 16),
    }
}

/// `FS:  00007f0000000000(0000)` on x86_64, `FS: 00d8` on i386.
fn segment<'t>(dump: &mut Dump<'_>, selector: &str, base: &str, text: &'t str) -> &'t str {
    if is_narrow(dump) {
        return read_now(dump, selector, text, 4);
    }
    let rest = dump.take(base, text, 16);
    match rest.strip_prefix('(') {
        Some(value) => read_now(dump, selector, value, 4),
        None => rest,
    }
}

fn is_narrow(dump: &Dump<'_>) -> bool {
    dump.event.machine.arch.as_deref() == Some("i386")
}

/// Control and debug registers. The trailer of i386 prints its CR2 as wide as x86_64.
fn control<'t>(dump: &mut Dump<'_>, name: &str, text: &'t str) -> &'t str {
    let narrow = is_narrow(dump) && scan::hex(text).is_some_and(|number| number.digits <= 8);
    read_now(dump, name, text, if narrow { 8 } else { 16 })
}

/// Registers that are read when the dump is printed rather than saved by the trap:
/// they never contradict the open set. `CS:` is the printer's own code segment.
fn read_now<'t>(dump: &mut Dump<'_>, name: &str, text: &'t str, width: usize) -> &'t str {
    match scan::hex(text) {
        Some(number) if number.digits == width => {
            dump.put_new(name, number.value);
            number.rest
        }
        _ => {
            dump.damaged(name);
            text
        }
    }
}

/// `BUG: unable to handle page fault for address: …` and its older wordings.
fn headline(dump: &mut Dump<'_>, text: &str) {
    let Some(rest) = scan::after(text, "BUG: unable to handle ")
        .or_else(|| scan::after(text, "BUG: kernel NULL pointer dereference, "))
        .or_else(|| scan::after(text, "Unable to handle kernel "))
    else {
        return;
    };
    dump.page_fault = true;
    let address = ["address: ", "at virtual address ", " at "]
        .iter()
        .find_map(|mark| scan::hex(scan::behind(rest, mark)?));
    if let Some(address) = address {
        dump.fault_printed(address, "CR2");
        if address.digits == 16 {
            dump.arch("x86_64");
        }
    }
}

/// show_fault_oops since 5.0: `#PF: supervisor read access in kernel mode`,
/// `#PF: error_code(0x0000) - not-present page`; `#PF error: [WRITE]` for one release.
fn page_fault(dump: &mut Dump<'_>, text: &str) {
    dump.page_fault = true;
    let Some(rest) = scan::after(text, "#PF: ").or_else(|| scan::after(text, "#PF error: ")) else {
        return;
    };
    if let Some(code) = scan::after(rest, "error_code(") {
        if let Some(number) = scan::hex(code) {
            dump.fault_code(number.value, "x86 page fault");
        }
        if let Some(words) = scan::behind(code, " - ") {
            dump.fault_word(words);
        }
        return;
    }
    dump.fault_word(rest);
    if rest.contains(" read access") {
        dump.access("read");
    } else if rest.contains(" write access") {
        dump.access("write");
    } else if rest.contains(" instruction fetch") {
        dump.access("execute");
    }
}

/// `general protection fault, probably for non-canonical address 0x…: 0000 [#1] SMP`:
/// the name of the trap and its error code, as `__die_header` prints them.
fn trap(dump: &mut Dump<'_>, text: &str) {
    let Some((head, _)) = text.split_once(" [#") else {
        return;
    };
    let Some((head, code)) = head.rsplit_once(": ") else {
        return;
    };
    let Some(code) = scan::hex(code).filter(|code| code.rest.is_empty()) else {
        return;
    };
    // Since 6.9 `Oops: ` stands before the name of every trap.
    let name = head.strip_prefix("Oops: ").unwrap_or(head);
    if name == "Oops" {
        dump.page_fault = true;
        dump.fault_code(code.value, "x86 page fault");
    } else if let Some(known) = TRAPS.iter().find(|known| name.starts_with(**known)) {
        dump.fault_code(code.value, &format!("x86 {known}"));
        if let Some(address) = scan::behind(name, "address ").and_then(scan::hex) {
            dump.arch("x86_64");
            dump.fault_at(address.value, "operands of the instruction");
        }
    }
}
