//! Stacks and unwind tables of any content: every walk ends, after a counted number of reads.
#![no_main]

use std::borrow::Cow;
use std::cell::Cell;

use base::{ReadError, VirtAddr};
use libfuzzer_sys::fuzz_target;
use unwind::{OrcEntry, OrcLayout, OrcTable, Registers, Rule, Source, X86, walk};

const STACK: u64 = 0xffff_c900_0000_0000;
const CODE: u64 = 0xffff_ffff_8100_0000;

struct Kernel<'a> {
    table: OrcTable<'a>,
    stack: &'a [u8],
    reads: Cell<u64>,
}

impl Source for Kernel<'_> {
    fn word(&self, address: VirtAddr) -> Result<u64, ReadError> {
        self.reads.set(self.reads.get() + 1);
        // The stack repeats itself for ever: what leads on through it never meets its end.
        let at = address.0.wrapping_sub(STACK) as usize % self.stack.len().max(1);
        let bytes = self
            .stack
            .get(at..at + 8)
            .ok_or(ReadError::Unmapped(address))?;
        Ok(u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
    }

    fn orc(&self, pc: VirtAddr) -> Option<OrcEntry> {
        self.table.find(pc.0)
    }

    fn is_code(&self, pc: VirtAddr) -> bool {
        pc.0 & !0xffff == CODE
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((head, rest)) = data.split_first_chunk::<8>() else {
        return;
    };
    let number = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let layout = OrcLayout::ALL[usize::from(head[0]) % OrcLayout::ALL.len()];
    let (table, stack) = rest.split_at(number(2).min(rest.len()));
    let (addresses, entries) = table.split_at(table.len() * 4 / 10);
    // Offsets count from where they stand; small ones reach the code.
    let table = OrcTable::new(
        CODE,
        Cow::Borrowed(addresses),
        Cow::Borrowed(entries),
        layout,
    );
    let kernel = Kernel {
        table,
        stack,
        reads: Cell::new(0),
    };
    let mut registers = Registers::default();
    registers.set(X86::Rip, Some(CODE + number(4) as u64));
    registers.set(X86::Rsp, Some(STACK + number(6) as u64));
    registers.set(X86::Rbp, Some(STACK + number(4) as u64));
    let walked = walk(&kernel, registers, Rule::Registers, head[1] & 1 == 0);
    assert!(walked.frames.len() <= 1024);
    assert!(kernel.reads.get() <= 1024 * 2100);
    let mut is_guess = false;
    for frame in &walked.frames {
        // What follows from a guess is one.
        assert!(frame.is_guess || !is_guess);
        is_guess = frame.is_guess;
    }
});
