//! The one line that kernels log when a user process dies of a fault.

use super::{Dump, USER, place, scan};

/// Reads such a line of any architecture.
pub fn process(dump: &mut Dump<'_>, text: &str) {
    if let Some(rest) = text.strip_prefix("User process fault: interruption code ") {
        fault_s390(dump, rest);
    } else if let Some(rest) = text.strip_prefix("do_page_fault(): sending ") {
        access_mips(dump, rest);
    }
    for (_, _, rest) in scan::processes(text) {
        if let Some(rest) = rest.strip_prefix(": segfault at ") {
            segfault_x86(dump, rest);
        } else if let Some(rest) = rest.strip_prefix(": unhandled exception: ") {
            exception_arm64(dump, rest);
        } else if let Some(rest) = rest.strip_prefix(": unhandled signal ") {
            signal_riscv(dump, rest);
        } else if rest.starts_with(": ") && rest.contains(") at ") && rest.contains(" nip ") {
            signal_powerpc(dump, rest);
        } else if rest.starts_with(' ')
            && let Some((name, pointers)) = rest.split_once(" ip:")
        {
            trap_x86(dump, name, pointers);
        } else {
            continue;
        }
        return;
    }
}

/// show_signal_msg of arch/x86/mm/fault.c: `a.out[7]: segfault at 0 ip 0000… sp 0000… error 6 in …`.
fn segfault_x86(dump: &mut Dump<'_>, rest: &str) {
    let Some(address) = scan::hex(rest).filter(|address| !address.rest.is_empty()) else {
        return;
    };
    dump.fault_at(address.value, "CR2");
    if let Some(code) = scan::behind(rest, " error ").and_then(scan::hex) {
        dump.fault_code(code.value, "x86 page fault");
    }
    let sp = scan::behind(rest, " sp ");
    pointers_x86(dump, scan::behind(rest, " ip "), sp, true);
}

/// show_signal of arch/x86/kernel/traps.c: `traps: a.out[7] trap invalid opcode ip:40 sp:7f error:0 in …`.
fn trap_x86(dump: &mut Dump<'_>, name: &str, rest: &str) {
    let (Some(sp), Some(code)) = (scan::behind(rest, " sp:"), scan::behind(rest, " error:")) else {
        return;
    };
    let name = name.trim();
    let name = name.strip_prefix("trap ").unwrap_or(name);
    let name = name.strip_suffix(" fault").unwrap_or(name);
    if let Some(code) = scan::hex(code) {
        dump.fault_code(code.value, &format!("x86 {name}"));
    }
    pointers_x86(dump, Some(rest), Some(sp), false);
}

/// `padded`: printed as wide as the kernel's pointers.
fn pointers_x86(dump: &mut Dump<'_>, ip: Option<&str>, sp: Option<&str>, padded: bool) {
    let (mut ip_name, mut sp_name) = ("rip", "rsp");
    match ip.and_then(scan::hex).map(|number| number.digits) {
        Some(16) if padded => dump.arch("x86_64"),
        Some(8) if padded => {
            dump.arch("i386");
            (ip_name, sp_name) = ("eip", "esp");
        }
        _ => {}
    }
    user_pointers(dump, (ip_name, ip), (sp_name, sp));
}

/// arm64_show_signal: `a.out[7]: unhandled exception: DABT (lower EL), ESR 0x…92000004, level 0 … in …`.
fn exception_arm64(dump: &mut Dump<'_>, rest: &str) {
    dump.arch("arm64");
    if let Some((head, tail)) = rest.split_once(", ESR ") {
        dump.fault_word(head);
        if let Some(code) = scan::hex(tail) {
            dump.fault_code(code.value, "ESR");
            if let Some(words) = scan::after(code.rest, ", ") {
                dump.fault_word(words.split(" in ").next().unwrap_or_default());
            }
        }
    }
}

/// show_signal_msg of arch/powerpc/kernel/traps.c: `a.out[7]: segfault (11) at 0 nip 10 lr 10 code 1 in …`.
fn signal_powerpc(dump: &mut Dump<'_>, text: &str) {
    if let Some(address) = scan::behind(text, ") at ").and_then(scan::hex) {
        dump.fault_at(address.value, "DAR");
        let nip = scan::behind(text, " nip ");
        user_pointers(dump, ("nip", nip), ("lr", scan::behind(text, " lr ")));
    }
}

/// __do_page_fault of arch/mips/mm/fault.c: `do_page_fault(): sending SIGSEGV to a.out for invalid read access from 0000…`.
fn access_mips(dump: &mut Dump<'_>, rest: &str) {
    let Some((access, tail)) =
        scan::behind(rest, " for invalid ").and_then(|rest| rest.split_once(" access "))
    else {
        return;
    };
    if let "read" | "write" = access
        && let Some(address) = scan::behind(tail, " ").and_then(scan::hex)
    {
        dump.access(access);
        dump.fault_at(address.value, "BadVA");
    }
}

/// do_trap of arch/riscv/kernel/traps.c: `a.out[7]: unhandled signal 11 code 0x1 at 0x0000… in …`.
fn signal_riscv(dump: &mut Dump<'_>, rest: &str) {
    if let Some(address) = scan::behind(rest, " at 0x").and_then(scan::hex) {
        dump.fault_at(address.value, "stval");
    }
}

/// report_user_fault of arch/s390/mm/fault.c: `User process fault: interruption code 003b ilc:3 in …`.
fn fault_s390(dump: &mut Dump<'_>, rest: &str) {
    dump.arch("s390x");
    if let Some(code) = scan::hex(rest) {
        dump.fault_code(code.value, "program interruption");
    }
}

fn user_pointers(
    dump: &mut Dump<'_>,
    (pc_name, pc): (&str, Option<&str>),
    (sp_name, sp): (&str, Option<&str>),
) {
    let Some(pc) = pc.and_then(scan::hex) else {
        return;
    };
    let line = dump.line;
    dump.put(pc_name, pc.value);
    dump.pc(place(pc.value, line));
    if let Some(sp) = sp.and_then(scan::hex) {
        dump.put(sp_name, sp.value);
    }
    dump.whose(USER);
}
