//! Call frame information of any content, with and without a header, below a stack of any content: every look-up and
//! every walk ends, after a counted number of reads.
#![no_main]

use std::borrow::Cow;
use std::cell::Cell;

use base::{ReadError, VirtAddr};
use libfuzzer_sys::fuzz_target;
use unwind::{CfiForm, CfiHeader, CfiRow, CfiTable, OrcEntry, Registers, Rule, Source, X86, walk};

const TABLE: u64 = 0x1000;
const CODE: u64 = 0x10_0000;
const STACK: u64 = 0x7fff_0000;

/// Words that one frame may ask for: an expression of 1024 steps for each of 17 registers and the frame itself.
const MOST_READS: u64 = 18 * 1025 + 4;

struct Process<'a> {
    table: CfiTable<'a>,
    stack: &'a [u8],
    reads: Cell<u64>,
}

impl Source for Process<'_> {
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

    fn orc(&self, _: VirtAddr) -> Option<OrcEntry> {
        None
    }

    fn cfi(&self, pc: VirtAddr) -> Option<Result<CfiRow<'_>, String>> {
        let found = self.table.find(pc.0);
        found.map_err(|error| error.to_string()).transpose()
    }

    fn is_code(&self, pc: VirtAddr) -> bool {
        pc.0 & !0xffff == CODE
    }

    fn is_user(&self) -> bool {
        true
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((head, rest)) = data.split_first_chunk::<8>() else {
        return;
    };
    let number = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let form = match head[0] & 1 {
        0 => CfiForm::Loaded,
        _ => CfiForm::Debug,
    };
    let (bytes, rest) = rest.split_at(number(2).min(rest.len()));
    let (header, stack) = rest.split_at(number(4).min(rest.len()));
    let mut table = CfiTable::new(form, TABLE, Cow::Borrowed(bytes));
    if head[0] & 2 != 0 {
        table = table.without(std::iter::once(number(6) as u64..number(6) as u64 + 16).collect());
    }
    if head[0] & 4 != 0 {
        table = table.with_header(CfiHeader {
            address: 0x800,
            bytes: Cow::Borrowed(header),
        });
    }
    // Damage ends the list; what is in it ends behind where it begins.
    assert!(table.functions().all(|(start, end)| start <= end));
    let process = Process {
        table,
        stack,
        reads: Cell::new(0),
    };
    let mut registers = Registers::default();
    for (place, (register, _)) in (0..).zip(X86::all()) {
        registers.set(register, Some(STACK + 8 * place));
    }
    registers.set(X86::Rip, Some(CODE + number(6) as u64));
    let walked = walk(&process, registers, Rule::Interrupted, head[1] & 1 == 0);
    assert!(walked.frames.len() <= 1024);
    assert!(process.reads.get() <= 1024 * MOST_READS);
});
