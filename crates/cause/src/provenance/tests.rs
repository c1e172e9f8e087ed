//! Code of every kind that compilers make, assembled by hand, against what it must say.

use base::{Code, CodeUnit, LogEvent, Register, RegisterSet, VirtAddr};

use super::*;
use crate::testing::{event, fault, frame, trace as frames};

/// An oops of a function whose code is printed from its entry.
struct Oops<'a> {
    arch: &'a str,
    /// Instructions; of x86 each is a slice of bytes, elsewhere one word.
    code: &'a [&'a [u8]],
    /// Index of the one that failed.
    failed: usize,
    registers: &'a [(&'a str, u64)],
    address: u64,
    access: &'a str,
}

fn oops(of: &Oops<'_>) -> LogEvent {
    let mut oops = event("oops", 1);
    oops.machine.arch = Some(of.arch.to_owned());
    let bytewise = matches!(of.arch, "x86_64" | "i386");
    let mut units = Vec::new();
    let mut marked = 0;
    let mut offset = 0;
    for (at, insn) in of.code.iter().enumerate() {
        if at == of.failed {
            marked = units.len();
            offset = of
                .code
                .iter()
                .take(at)
                .map(|insn| insn.len())
                .sum::<usize>();
        }
        if bytewise {
            units.extend(insn.iter().map(|&byte| CodeUnit {
                value: byte.into(),
                size: 1,
            }));
        } else {
            let word = <[u8; 4]>::try_from(*insn).expect("a word");
            units.push(CodeUnit {
                value: u32::from_be_bytes(word),
                size: 4,
            });
        }
    }
    oops.code = Some(Code {
        units,
        marked: u32::try_from(marked).ok(),
        line: 5,
    });
    let mut pc = frame("f");
    pc.offset = Some(offset as u64);
    pc.size = Some(0x100);
    oops.registers = vec![RegisterSet {
        whose: "kernel".to_owned(),
        pc: Some(pc),
        link: None,
        registers: of
            .registers
            .iter()
            .map(|(name, value)| Register {
                name: (*name).to_owned(),
                value: VirtAddr(*value),
            })
            .collect(),
        line: 3,
    }];
    oops.traces = vec![frames("Call Trace", &["g", "h"])];
    oops.fault = Some(fault(of.address, of.access));
    oops
}

fn verdict_of(of: &Oops<'_>) -> String {
    let provenance = trace(&oops(of)).expect("the code is read");
    verdict(&provenance, "f").expect("a verdict").join(" ")
}

fn says(of: &Oops<'_>) -> String {
    let provenance = trace(&oops(of)).expect("the code is read");
    let says: Vec<String> = sentences(&provenance, Some("CR2"))
        .into_iter()
        .map(|sentence| sentence.says)
        .collect();
    says.join("\n")
}

const LOAD_SLOT: &[u8] = &[0x48, 0x8b, 0x44, 0x24, 0x08]; // mov 0x8(%rsp),%rax
const STORE_SLOT: &[u8] = &[0x48, 0x89, 0x44, 0x24, 0x08]; // mov %rax,0x8(%rsp)
const LOAD_MEMBER: &[u8] = &[0x48, 0x8b, 0x47, 0x10]; // mov 0x10(%rdi),%rax
const USE: &[u8] = &[0x8b, 0x40, 0x18]; // mov 0x18(%rax),%eax
const CALL: &[u8] = &[0xe8, 0x00, 0x10, 0x00, 0x00];

fn slot<'a>(code: &'a [&'a [u8]]) -> Oops<'a> {
    Oops {
        arch: "x86_64",
        code,
        failed: code.len() - 1,
        registers: &[("rax", 0), ("rsp", 0xffff_c900_0000_0f00)],
        address: 0x18,
        access: "read",
    }
}

#[test]
fn a_value_that_waited_on_the_stack_is_followed_to_where_it_was_read() {
    let code = [LOAD_MEMBER, STORE_SLOT, CALL, LOAD_SLOT, USE];
    let told = verdict_of(&slot(&code));
    assert!(
        told.contains("the NULL sits at offset 16 of the object at rdi"),
        "{told}"
    );
    assert!(!told.contains("unless it was changed"), "{told}");
    assert!(says(&slot(&code)).contains("`mov %rax,0x8(%rsp)` had put it there\n"));
    // What is pushed between moves the stack.
    let push: &[u8] = &[0x53];
    let code = [
        LOAD_MEMBER,
        STORE_SLOT,
        push,
        &[0x48, 0x8b, 0x44, 0x24, 0x10],
        USE,
    ];
    assert!(verdict_of(&slot(&code)).contains("offset 16 of the object at rdi"));
}

#[test]
fn a_slot_whose_address_was_taken_may_have_been_changed() {
    let lea: &[u8] = &[0x48, 0x8d, 0x7c, 0x24, 0x08]; // lea 0x8(%rsp),%rdi
    let code = [LOAD_MEMBER, STORE_SLOT, lea, CALL, LOAD_SLOT, USE];
    let told = verdict_of(&slot(&code));
    assert!(
        told.contains("unless it was changed while it waited on the stack"),
        "{told}"
    );
    // A part of it was written: nothing is claimed of the rest.
    let half: &[u8] = &[0xc7, 0x44, 0x24, 0x0c, 0, 0, 0, 0]; // movl $0,0xc(%rsp)
    let code = [LOAD_MEMBER, STORE_SLOT, half, LOAD_SLOT, USE];
    let told = verdict_of(&slot(&code));
    assert!(
        told.contains("lies on the stack, 8 bytes above rsp"),
        "{told}"
    );
}

#[test]
fn what_changes_memory_reads_and_writes() {
    let of = |insn: &'static [u8], access: &'static str| {
        let code: &'static [&'static [u8]] = Box::leak(vec![insn].into_boxed_slice());
        verdict_of(&Oops {
            arch: "x86_64",
            code,
            failed: 0,
            registers: &[("rax", 0), ("rdi", 0), ("rsi", 0xffff_8880_0000_1000)],
            address: 0x10,
            access,
        })
    };
    let told = of(&[0x48, 0x01, 0x47, 0x10], "write"); // add %rax,0x10(%rdi)
    assert!(
        told.starts_with("f read and wrote 8 bytes at offset 16"),
        "{told}"
    );
    let told = of(&[0x83, 0x68, 0x10, 0x01], "read"); // subl $1,0x10(%rax)
    assert!(told.starts_with("f read and wrote 4 bytes"), "{told}");
    let told = of(&[0x48, 0x89, 0x47, 0x10], "write"); // mov %rax,0x10(%rdi)
    assert!(told.starts_with("f wrote 8 bytes"), "{told}");
    let told = of(&[0xf0, 0x0f, 0xb1, 0x77, 0x10], "write"); // lock cmpxchg %esi,0x10(%rdi)
    assert!(told.starts_with("f read and wrote 4 bytes"), "{told}");
}

#[test]
fn variables_at_fixed_addresses_have_names_of_their_kind() {
    // adrp x0, …; ldr x0, [x0, #8]; ldr w1, [x0, #24]
    let arm64 = Oops {
        arch: "arm64",
        code: &[
            &[0x90, 0x00, 0x00, 0x00],
            &[0xf9, 0x40, 0x04, 0x00],
            &[0xb9, 0x40, 0x18, 0x01],
        ],
        failed: 2,
        registers: &[("x0", 0)],
        address: 0x18,
        access: "read",
    };
    assert!(verdict_of(&arm64).contains("the NULL is the value of a global variable"));
    // lui v0,0x8123; lw v0,8(v0); lw v1,24(v0)
    let mips = Oops {
        arch: "mips",
        code: &[
            &[0x3c, 0x02, 0x81, 0x23],
            &[0x8c, 0x42, 0x00, 0x08],
            &[0x8c, 0x43, 0x00, 0x18],
        ],
        failed: 2,
        registers: &[("v0", 0)],
        address: 0x18,
        access: "read",
    };
    assert!(verdict_of(&mips).contains("the NULL is the value of a global variable"));
    // mov 0xc1234560,%eax; mov 0x18(%eax),%eax
    let i386 = Oops {
        arch: "i386",
        code: &[&[0xa1, 0x60, 0x45, 0x23, 0xc1], USE],
        failed: 1,
        registers: &[("eax", 0)],
        address: 0x18,
        access: "read",
    };
    assert!(verdict_of(&i386).contains("the NULL is the value of a global variable"));
    // mov %fs:0xc1234560,%eax
    let per_cpu = Oops {
        code: &[&[0x64, 0xa1, 0x60, 0x45, 0x23, 0xc1], USE],
        ..i386
    };
    assert!(verdict_of(&per_cpu).contains("the NULL is the value of a per-CPU variable"));
    // mov table(,%rcx,8),%rax
    let table = Oops {
        arch: "x86_64",
        code: &[&[0x48, 0x8b, 0x04, 0xcd, 0x00, 0x10, 0x00, 0x82], USE],
        failed: 1,
        registers: &[("rax", 0), ("rcx", 3)],
        address: 0x18,
        access: "read",
    };
    assert!(verdict_of(&table).contains("stood in an array at a fixed address"));
}

#[test]
fn an_access_whose_base_is_not_printed_contradicts_nothing() {
    for insn in [
        [0x8b, 0x05, 0x00, 0x10, 0x00, 0x00].as_slice(), // mov 0x1000(%rip),%eax
        &[0x65, 0x8b, 0x04, 0x25, 0x00, 0x10, 0x00, 0x00], // mov %gs:0x1000,%eax
    ] {
        let event = oops(&Oops {
            arch: "x86_64",
            code: &[insn],
            failed: 0,
            registers: &[("rax", 0)],
            address: 0xffff_ffff_c042_1000,
            access: "read",
        });
        let provenance = trace(&event).expect("the code is read");
        assert_eq!(provenance.access.agreement, Agreement::NotComputed);
        assert_eq!(verdict(&provenance, "f"), None);
    }
}

#[test]
fn the_caller_on_the_stack_need_not_be_the_one_that_passed_an_argument() {
    let argument = Oops {
        arch: "x86_64",
        code: &[&[0x8b, 0x47, 0x08]],
        failed: 0,
        registers: &[("rdi", 0)],
        address: 8,
        access: "read",
    };
    assert!(verdict_of(&argument).contains(
        "argument 1 of the function: g passed it, or a function that it called and that jumped here"
    ));
}

#[test]
fn of_a_jump_to_nowhere_the_code_is_not_printed() {
    let mut event = oops(&Oops {
        arch: "x86_64",
        code: &[&[0x8b, 0x47, 0x08]],
        failed: 0,
        registers: &[("rdi", 0)],
        address: 8,
        access: "execute",
    });
    assert!(matches!(trace(&event), Err(Unread::Fetch)));
    let gap = gap(&event).expect("a gap");
    assert!(
        gap.why.contains("The return address is in g+0x10/0x20"),
        "{}",
        gap.why
    );
    // Where nothing tells an execution, the program counter does.
    event.fault = Some(fault(0xdead_beef, ""));
    if let Some(pc) = event.registers.first_mut().and_then(|set| set.pc.as_mut()) {
        pc.pc = Some(VirtAddr(0xdead_beef));
    }
    assert!(matches!(trace(&event), Err(Unread::Fetch)));
}

const SHADOW: u64 = 0xdfff_fc00_0000_0000;

#[test]
fn a_check_of_kasan_is_about_the_address_that_it_checks() {
    // lea 0x40(%rbx),%rdi; mov %rdi,%rax; shr $3,%rax; cmpb $0,(%rax,%rbp,1)
    let check = Oops {
        arch: "x86_64",
        code: &[
            &[0x48, 0x8d, 0x7b, 0x40],
            &[0x48, 0x89, 0xf8],
            &[0x48, 0xc1, 0xe8, 0x03],
            &[0x80, 0x3c, 0x28, 0x00],
        ],
        failed: 3,
        registers: &[("rax", 8), ("rbx", 0), ("rbp", SHADOW), ("rdi", 0x40)],
        address: SHADOW + 8,
        access: "read",
    };
    let told = verdict_of(&check);
    assert!(
        told.starts_with(
            "f was about to access memory at offset 64 of an object whose pointer is NULL."
        ),
        "{told}"
    );
    assert!(
        says(&check)
            .contains("the shadow of 0x40: an eighth of the address plus 0xdffffc0000000000")
    );
    // Another number is no shadow, and neither is another shift.
    let other = Oops {
        registers: &[("rax", 8), ("rbx", 0), ("rbp", SHADOW + 8), ("rdi", 0x40)],
        address: SHADOW + 16,
        ..check
    };
    let provenance = trace(&oops(&other)).expect("the code is read");
    assert!(provenance.shadow.is_none());
    assert_eq!(verdict(&provenance, "f"), None);
}

#[test]
fn the_offset_of_the_shadow_may_stand_in_the_code() {
    // movabs $0xdffffc0000000000,%rax; mov %rdi,%rdx; shr $3,%rdx; movzbl (%rdx,%rax,1),%eax
    let code: [&[u8]; 4] = [
        &[0x48, 0xb8, 0, 0, 0, 0, 0, 0xfc, 0xff, 0xdf],
        &[0x48, 0x89, 0xfa],
        &[0x48, 0xc1, 0xea, 0x03],
        &[0x0f, 0xb6, 0x04, 0x02],
    ];
    let mut check = Oops {
        arch: "x86_64",
        code: &code,
        failed: 3,
        registers: &[("rax", SHADOW), ("rdx", 4), ("rdi", 0x20)],
        address: SHADOW + 4,
        access: "read",
    };
    assert!(
        verdict_of(&check)
            .starts_with("f was about to access memory through a pointer that is 0x20")
    );
    // Where the shift is not among the bytes, the parts are no pointer and offset.
    check.code = &code[3..];
    check.failed = 0;
    let mut event = oops(&check);
    let provenance = trace(&event).expect("the code is read");
    assert_eq!(verdict(&provenance, "f"), None);
    // A kernel that says it has KASAN settles it.
    event.headline = "general protection fault: 0000 [#1] SMP KASAN".to_owned();
    let provenance = trace(&event).expect("the code is read");
    assert_eq!(
        verdict(&provenance, "f").expect("a verdict").join(" "),
        "f was about to access memory at 0x20, or up to 7 bytes behind it: a small number: NULL plus an \
         offset, or no pointer at all."
    );
}

#[test]
fn a_register_that_the_failed_instruction_moves_is_no_argument() {
    let copy = Oops {
        arch: "x86_64",
        code: &[&[0x48, 0x89, 0xd1], &[0xf3, 0xa4]], // mov %rdx,%rcx; rep movsb
        failed: 1,
        registers: &[
            ("rsi", 0x10),
            ("rdi", 0xffff_8880_0000_1010),
            ("rcx", 8),
            ("rdx", 0x18),
        ],
        address: 0x10,
        access: "read",
    };
    let told = verdict_of(&copy);
    assert!(!told.contains("argument"), "{told}");
    assert!(
        says(&copy).contains("rsi moves with each round of `rep movsb"),
        "{}",
        says(&copy)
    );
}

#[test]
fn a_pointer_out_of_an_array_is_its_element() {
    let element = Oops {
        arch: "x86_64",
        code: &[&[0x48, 0x8b, 0x44, 0xf7, 0x08], USE], // mov 0x8(%rdi,%rsi,8),%rax
        failed: 1,
        registers: &[("rax", 0), ("rdi", 0xffff_8880_0000_1000), ("rsi", 5)],
        address: 0x18,
        access: "read",
    };
    let told = verdict_of(&element);
    assert!(
        told.contains(
            "the NULL is element 5 of an array at offset 8 from rdi = 0xffff888000001000, whose elements are 8 bytes"
        ),
        "{told}"
    );
}
