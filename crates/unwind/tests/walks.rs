//! Walks over small stacks, by every rule; what a hostile stack can make of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

use base::{ReadError, VirtAddr};
use unwind::{
    End, OrcEntry, OrcKind, OrcLayout, OrcRegister, OrcTable, Registers, Rule, Source, X86, walk,
};

const CODE: u64 = 0xffff_ffff_8100_0000;
const STACK: u64 = 0xffff_c900_0000_0000;
const TABLE: u64 = 0xffff_ffff_8200_0000;

/// A kernel of a few functions of 0x100 bytes.
#[derive(Default)]
struct Kernel {
    words: BTreeMap<u64, u64>,
    /// What every word that is not told holds.
    filling: Option<u64>,
    table: Option<OrcTable<'static>>,
    /// Its code was compiled to be unwound by a table.
    needs_table: bool,
    reads: Cell<u64>,
}

impl Source for Kernel {
    fn word(&self, address: VirtAddr) -> Result<u64, ReadError> {
        self.reads.set(self.reads.get() + 1);
        let word = self.words.get(&address.0).copied().or(self.filling);
        word.ok_or(ReadError::Unmapped(address))
    }

    fn orc(&self, pc: VirtAddr) -> Option<OrcEntry> {
        self.table.as_ref()?.find(pc.0)
    }

    fn is_code(&self, pc: VirtAddr) -> bool {
        (CODE..CODE + 0x1000).contains(&pc.0)
    }

    fn needs_table(&self, _: VirtAddr) -> bool {
        self.needs_table
    }
}

/// An entry of a function: offsets, registers, the number of its type, and the bits behind it.
type Row = (i16, i16, u8, u8, u16);

/// Registers of entries, as `orc_types.h` numbers them.
const NONE: u8 = 0;
const PREV_SP: u8 = 1;
const BP: u8 = 4;
const SP: u8 = 5;
const SP_INDIRECT: u8 = 9;

fn table(rows: &[Row], layout: OrcLayout) -> OrcTable<'static> {
    numbered(rows, layout, SP)
}

/// A table most of whose entries count from the register `common`.
fn numbered(rows: &[Row], layout: OrcLayout, common: u8) -> OrcTable<'static> {
    let (mut addresses, mut entries) = (Vec::new(), Vec::new());
    for (n, (sp, bp, sp_reg, bp_reg, rest)) in (0_u64..).zip(rows) {
        let offset = (CODE + 0x100 * n).wrapping_sub(TABLE + 4 * n) as u32;
        addresses.extend(offset.to_le_bytes());
        entries.extend(sp.to_le_bytes());
        entries.extend(bp.to_le_bytes());
        let fields = u16::from(*sp_reg) | u16::from(*bp_reg) << 4 | rest << 8;
        entries.extend(fields.to_le_bytes());
    }
    // Most of a kernel's code counts from the stack pointer, which is how the numbers are known.
    for n in 0..64 {
        addresses.extend((0x7000_0000_u32 + n).to_le_bytes());
        entries.extend([0, 0, 0, 0, common, 0]);
    }
    OrcTable::new(TABLE, Cow::Owned(addresses), Cow::Owned(entries), layout)
}

const OLD: OrcLayout = OrcLayout::ALL[2];
const NEW: OrcLayout = OrcLayout::ALL[0];

fn registers(pc: u64, sp: u64, bp: Option<u64>) -> Registers {
    let mut registers = Registers::default();
    registers.set(X86::Rip, Some(pc));
    registers.set(X86::Rsp, Some(sp));
    registers.set(X86::Rbp, bp);
    registers
}

fn kernel(words: &[(u64, u64)], rows: &[Row], layout: OrcLayout) -> Kernel {
    Kernel {
        words: words.iter().map(|(at, word)| (STACK + at, *word)).collect(),
        table: Some(table(rows, layout)),
        ..Kernel::default()
    }
}

#[test]
fn the_three_layouts_say_the_same() {
    // A call, all registers, those of iret, the end, and nothing at all.
    let by_type = |types: [u16; 5]| types.map(|rest| (8, 0, SP, NONE, rest));
    let mut old = by_type([0, 1, 2, 4, 0]);
    (old[3].2, old[4].2) = (NONE, NONE);
    let mut middle = by_type([0, 1, 2, 8, 4]);
    (middle[3].2, middle[4].2) = (NONE, NONE);
    let new = by_type([2, 3, 4 | 8, 1, 0]);
    for (layout, rows) in [(OLD, old), (OrcLayout::ALL[1], middle), (NEW, new)] {
        let table = table(&rows, layout);
        let kinds = (0..5).map(|n| table.find(CODE + 0x100 * n + 9).unwrap().kind);
        use OrcKind::{Call, End, Iret, Regs, Undefined};
        assert_eq!(
            kinds.collect::<Vec<_>>(),
            [Call, Regs, Iret, End, Undefined]
        );
        assert_eq!(table.find(CODE - 1), None);
        assert!(table.find(u64::MAX).is_some());
    }
}

#[test]
fn the_newest_numbers_of_registers_are_told_by_the_table() {
    use OrcRegister::{BpIndirect, Di, PrevSp, Sp};
    for (common, numbers, expected) in [
        (5, [(5, 1), (8, 3)], [(Sp, PrevSp), (BpIndirect, Di)]),
        (3, [(3, 8), (10, 5)], [(Sp, PrevSp), (BpIndirect, Di)]),
    ] {
        let rows = numbers.map(|(sp, bp)| (8, 0, sp, bp, 2));
        let kernel = numbered(&rows, NEW, common);
        let entry = |table: &OrcTable<'_>, n: u64| {
            let entry = table.find(CODE + 0x100 * n).unwrap();
            (entry.sp_reg, entry.bp_reg)
        };
        assert_eq!([0, 1].map(|n| entry(&kernel, n)), expected);
        // A module's table may be too small to tell.
        let small = numbered(&rows, NEW, 0).numbered_as(&kernel);
        assert_eq!([0, 1].map(|n| entry(&small, n)), expected);
    }
}

#[test]
fn calls_lead_to_the_first_function() {
    let rows = [
        // The stack pointer, and the frame pointer pushed below the return address.
        (16, -16, SP, PREV_SP, 2),
        // The frame pointer tells the stack pointer.
        (16, 0, BP, NONE, 2),
        (0, 0, NONE, NONE, 1),
    ];
    let words = [
        (0, STACK + 0x40),
        (8, CODE + 0x150),
        // A call may be the last instruction of its function: the address is that of the next one.
        (0x48, CODE + 0x300),
    ];
    let kernel = kernel(&words, &rows, NEW);
    let stack = walk(
        &kernel,
        registers(CODE + 8, STACK, None),
        Rule::Switched,
        false,
    );
    let frames: Vec<_> = stack
        .frames
        .iter()
        .map(|f| (f.pc.0 - CODE, f.sp.0 - STACK, f.rule))
        .collect();
    let expected = [
        (0x8, 0, Rule::Switched),
        (0x150, 0x10, Rule::Orc),
        (0x300, 0x50, Rule::Orc),
    ];
    assert_eq!(frames, expected);
    assert_eq!(stack.end, End::Bottom);
    assert!(stack.frames.iter().all(|frame| !frame.is_guess));
}

/// The 21 words of `struct pt_regs` at `at`.
fn saved(at: u64, pc: u64, cs: u64, sp: u64) -> Vec<(u64, u64)> {
    let word = |n: u64| match n {
        16 => pc,
        17 => cs,
        19 => sp,
        n => 0x1000 + n,
    };
    (0..21).map(|n| (at + 8 * n, word(n))).collect()
}

#[test]
fn an_interruption_gives_all_registers_and_user_space_ends_it() {
    let rows = [
        (0, 0, SP, NONE, 3),
        // Nothing pushed: a return address, then the registers of user space.
        (8, 0, SP, NONE, 2),
        (0, 0, SP, NONE, 3),
    ];
    let mut words = saved(0, CODE + 0x100, 0x10, STACK + 0x200);
    words.push((0x200, CODE + 0x220));
    words.extend(saved(0x208, 0x47_b7a0, 0x33, 0x7fff_0000));
    let kernel = kernel(&words, &rows, NEW);
    let stack = walk(
        &kernel,
        registers(CODE + 8, STACK, None),
        Rule::Registers,
        true,
    );
    // An interrupted function may be at its first instruction: no call is before it.
    let second = &stack.frames[1];
    assert_eq!(
        (second.pc.0, second.rule),
        (CODE + 0x100, Rule::Interrupted)
    );
    assert_eq!(second.lookup_pc().0, CODE + 0x100);
    assert_eq!(second.registers.get(X86::R15), Some(0x1000));
    assert_eq!(stack.frames.len(), 3);
    let End::User(user) = stack.end else {
        panic!("{:?}", stack.end);
    };
    assert_eq!(user.get(X86::Rip), Some(0x47_b7a0));
    assert_eq!(user.get(X86::Rsp), Some(0x7fff_0000));
}

#[test]
fn registers_of_iret_keep_the_others() {
    let rows = [(0, 0, SP, NONE, 4), (0, 0, NONE, NONE, 1)];
    let words = [
        (0, CODE + 0x180),
        (8, 0x10),
        (16, 2),
        (24, STACK + 0x80),
        (32, 0x18),
    ];
    let kernel = kernel(&words, &rows, NEW);
    let stack = walk(
        &kernel,
        registers(CODE + 8, STACK, Some(77)),
        Rule::Registers,
        true,
    );
    assert_eq!(stack.frames[1].registers.get(X86::Rbp), Some(77));
    assert_eq!(stack.frames[1].sp.0, STACK + 0x80);
    assert_eq!(stack.end, End::Bottom);
}

#[test]
fn another_stack_is_found_through_this_one() {
    let rows = [(8, 0, SP_INDIRECT, NONE, 2), (0, 0, NONE, NONE, 1)];
    let words = [(0, STACK + 0x800), (0x800, CODE + 0x110)];
    let kernel = kernel(&words, &rows, NEW);
    let stack = walk(
        &kernel,
        registers(CODE + 8, STACK, None),
        Rule::Switched,
        false,
    );
    assert_eq!(stack.frames[1].sp.0, STACK + 0x808);
    assert_eq!(stack.end, End::Bottom);
}

#[test]
fn a_call_of_nothing_is_undone() {
    let rows = [(0, 0, NONE, NONE, 1)];
    let kernel = kernel(&[(0, CODE + 0x20)], &rows, NEW);
    let stack = walk(&kernel, registers(0, STACK, None), Rule::Registers, true);
    assert_eq!(stack.frames[1].rule, Rule::BadCall);
    assert_eq!(stack.end, End::Bottom);
}

#[test]
fn without_a_table_the_frame_pointer_leads_on_and_a_search_is_a_guess() {
    let mut kernel = kernel(&[(0x20, STACK + 0x100), (0x28, CODE + 0x20)], &[], NEW);
    // Behind a call (`e8`), and behind something else.
    kernel
        .words
        .insert(CODE + 0x38, u64::from_le_bytes([0, 0, 0, 0xe8, 1, 2, 3, 4]));
    kernel
        .words
        .insert(CODE + 0x58, u64::from_le_bytes([0x90; 8]));
    kernel.words.insert(STACK + 0x30, CODE + 0x60);
    kernel.words.insert(STACK + 0x38, CODE + 0x40);
    let stack = walk(
        &kernel,
        registers(CODE + 8, STACK, Some(STACK + 0x20)),
        Rule::Switched,
        false,
    );
    let frames: Vec<_> = stack
        .frames
        .iter()
        .map(|f| (f.pc.0 - CODE, f.rule, f.is_guess))
        .collect();
    let expected = [
        (0x8, Rule::Switched, false),
        (0x20, Rule::FramePointer, false),
        (0x40, Rule::Search, true),
    ];
    assert_eq!(frames, expected);
    assert!(matches!(stack.end, End::Lost(_)));
}

#[test]
fn where_the_table_lacks_an_entry_the_frame_pointer_is_a_guess() {
    let mut kernel = kernel(&[(0x20, STACK + 0x100), (0x28, CODE + 0x20)], &[], NEW);
    kernel.needs_table = true;
    let registers = registers(CODE + 8, STACK, Some(STACK + 0x20));
    let stack = walk(&kernel, registers, Rule::Switched, false);
    let frame = &stack.frames[1];
    assert_eq!((frame.rule, frame.is_guess), (Rule::FramePointer, true));
}

#[test]
fn a_stack_that_is_its_own_caller_ends() {
    // Each function pops nothing and finds the same address again.
    let rows = [(0, 0, SP, NONE, 2)];
    let mut kernel = kernel(&[], &rows, NEW);
    kernel.filling = Some(CODE + 8);
    let stack = walk(
        &kernel,
        registers(CODE + 8, STACK, None),
        Rule::Switched,
        false,
    );
    assert!(matches!(stack.end, End::Lost(_)), "{:?}", stack.end);
    assert_eq!(stack.frames.len(), 1);
    // One that never ends is ended, after so many frames and reads.
    kernel.table = Some(table(&[(8, 0, SP, NONE, 2)], NEW));
    let stack = walk(
        &kernel,
        registers(CODE + 8, STACK, None),
        Rule::Switched,
        false,
    );
    assert_eq!(stack.frames.len(), 1024);
    assert!(kernel.reads.get() < 4096, "{}", kernel.reads.get());
    // The same of a search: every word is code, but nothing called it.
    kernel.table = None;
    kernel.reads.set(0);
    let stack = walk(
        &kernel,
        registers(CODE + 9, STACK, None),
        Rule::Switched,
        false,
    );
    assert_eq!(stack.frames.len(), 1);
    assert_eq!(kernel.reads.get(), 2048);
}

#[test]
fn without_registers_there_is_no_stack() {
    let kernel = Kernel::default();
    let stack = walk(&kernel, Registers::default(), Rule::Registers, true);
    assert!(stack.frames.is_empty() && matches!(stack.end, End::Lost(_)));
    let user = Registers::named(&[("rip", 0x40_0000), ("rsp", 8), ("cs", 0x33), ("nothing", 1)]);
    let stack = walk(&kernel, user, Rule::Registers, true);
    assert!(stack.frames.is_empty() && matches!(stack.end, End::User(_)));
}

#[test]
fn registers_at_the_end_of_memory_are_no_registers() {
    for rest in [3, 4] {
        let mut kernel = kernel(&[], &[(0, 0, SP, NONE, rest)], NEW);
        kernel.filling = Some(7);
        let stack = walk(
            &kernel,
            registers(CODE + 8, u64::MAX - 20, None),
            Rule::Registers,
            true,
        );
        assert!(!stack.frames.is_empty());
    }
}
