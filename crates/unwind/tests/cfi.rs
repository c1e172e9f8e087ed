//! The unwind table of this very program, held against what gimli reads in it; walks by rules; what a hostile table
//! can make of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

use base::{ReadError, VirtAddr};
use gimli::{BaseAddresses, EhFrame, EndianSlice, LittleEndian, UnwindContext, UnwindSection};
use object::{Object, ObjectSection};
use unwind::{
    CfaRule, CfiForm, CfiHeader, CfiRow, CfiRule, CfiTable, End, Registers, Rule, Source, X86, walk,
};

const TABLE: u64 = 0x1000;
const CODE: u64 = 0x8000;
const STACK: u64 = 0x7fff_0000;

/// The program that this test is, its table and its header.
fn this_program() -> Vec<u8> {
    std::fs::read(std::env::current_exe().unwrap()).unwrap()
}

fn section<'d>(file: &object::File<'d>, name: &str) -> (u64, &'d [u8]) {
    let section = file.section_by_name(name).unwrap();
    (section.address(), section.data().unwrap())
}

fn rule_of<'t>(
    rule: &gimli::RegisterRule<usize>,
    bytes: &dyn Fn(&gimli::UnwindExpression<usize>) -> &'t [u8],
) -> CfiRule<'t> {
    match rule {
        gimli::RegisterRule::Undefined => CfiRule::Undefined,
        gimli::RegisterRule::SameValue => CfiRule::Same,
        gimli::RegisterRule::Offset(offset) => CfiRule::Offset(*offset),
        gimli::RegisterRule::ValOffset(offset) => CfiRule::ValOffset(*offset),
        gimli::RegisterRule::Register(other) => CfiRule::Register(other.0),
        gimli::RegisterRule::Expression(place) => CfiRule::Expression(bytes(place)),
        gimli::RegisterRule::ValExpression(place) => CfiRule::ValExpression(bytes(place)),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn every_function_of_this_program_has_the_rules_that_gimli_reads() {
    let program = this_program();
    let file = object::File::parse(program.as_slice()).unwrap();
    let (address, bytes) = section(&file, ".eh_frame");
    let (header_at, header) = section(&file, ".eh_frame_hdr");
    let indexed = CfiTable::new(CfiForm::Loaded, address, Cow::Borrowed(bytes));
    let header = CfiHeader {
        address: header_at,
        bytes: Cow::Borrowed(header),
    };
    assert_eq!(header.table(), Some(address));
    let sorted = CfiTable::new(CfiForm::Loaded, address, Cow::Borrowed(bytes)).with_header(header);

    let reference = EhFrame::new(bytes, LittleEndian);
    let bases = BaseAddresses::default().set_eh_frame(address);
    let mut context = UnwindContext::new();
    let functions: Vec<(u64, u64)> = indexed.functions().collect();
    let mut entries = reference.entries(&bases);
    let mut expected = Vec::new();
    while let Some(entry) = entries.next().unwrap() {
        if let gimli::CieOrFde::Fde(partial) = entry {
            expected.push(partial.parse(EhFrame::cie_from_offset).unwrap());
        }
    }
    assert!(expected.len() > 1000, "{}", expected.len());
    let mut places: Vec<(u64, u64)> = expected
        .iter()
        .map(|entry| {
            (
                entry.initial_address(),
                entry.initial_address() + entry.len(),
            )
        })
        .collect();
    places.sort_unstable();
    assert_eq!(functions, places);

    let mut rows = 0;
    for entry in &expected {
        let mut table = entry.rows(&reference, &bases, &mut context).unwrap();
        while let Some(row) = table.next_row().unwrap() {
            let text = |place: &gimli::UnwindExpression<usize>| {
                let expression: gimli::Expression<EndianSlice<'_, LittleEndian>> =
                    place.get(&reference).unwrap();
                expression.0.slice()
            };
            for pc in [row.start_address(), row.end_address() - 1] {
                let [one, other] = [&indexed, &sorted].map(|table| table.find(pc).unwrap());
                assert_eq!(one, other, "{pc:#x}");
                let found = one.unwrap();
                let cfa = match row.cfa() {
                    gimli::CfaRule::RegisterAndOffset { register, offset } => {
                        CfaRule::Register(register.0, *offset)
                    }
                    gimli::CfaRule::Expression(place) => CfaRule::Expression(text(place)),
                };
                assert_eq!(found.cfa, cfa, "{pc:#x}");
                let known: BTreeMap<u16, CfiRule<'_>> = row
                    .registers()
                    .map(|(register, rule)| (register.0, rule_of(rule, &text)))
                    .collect();
                for number in 0..17 {
                    let rule = known.get(&number).copied();
                    let rule = rule.unwrap_or(CfiRule::Unspecified);
                    assert_eq!(found.rule(number), rule, "register {number} at {pc:#x}");
                }
                assert_eq!(found.is_signal, entry.cie().is_signal_trampoline());
                rows += 1;
            }
        }
    }
    assert!(rows > 5000, "{rows}");
    // Before the first function and behind the last one there is none.
    let (first, last) = (places[0].0, places.last().unwrap().1);
    for table in [&indexed, &sorted] {
        assert_eq!(table.find(first - 1), Ok(None));
        assert_eq!(table.find(last), Ok(None));
        assert_eq!(table.find(u64::MAX), Ok(None));
    }
}

/// A table of one common part and the functions of 0x100 bytes with these instructions.
fn table(form: CfiForm, augmentation: &str, common: &[u8], functions: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let entry = |bytes: &mut Vec<u8>, body: &[u8]| {
        let size = body.len().next_multiple_of(4);
        bytes.extend((size as u32).to_le_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len() + size - body.len(), 0);
    };
    let mark: u32 = match form {
        CfiForm::Loaded => 0,
        CfiForm::Debug => u32::MAX,
    };
    let mut body = mark.to_le_bytes().to_vec();
    body.push(1);
    body.extend(augmentation.as_bytes());
    // Code in units of 1, data in units of -8, the return address is register 16.
    body.extend([0, 1, 0x78, 16]);
    if augmentation.starts_with('z') {
        body.extend([1, 0x04]);
    }
    body.extend(common);
    entry(&mut bytes, &body);
    for (n, program) in functions.iter().enumerate() {
        let back = match form {
            CfiForm::Loaded => bytes.len() as u32 + 4,
            CfiForm::Debug => 0,
        };
        let mut body = back.to_le_bytes().to_vec();
        body.extend((CODE + 0x100 * n as u64).to_le_bytes());
        body.extend(0x100_u64.to_le_bytes());
        if augmentation.starts_with('z') {
            body.push(0);
        }
        body.extend(*program);
        entry(&mut bytes, &body);
    }
    bytes
}

/// `cfa = rsp + 8`, `rip = *(cfa - 8)`: what holds at the start of every function.
const START: &[u8] = &[0x0c, 7, 8, 0x90, 1];

fn find(bytes: &[u8], form: CfiForm, pc: u64) -> Result<Option<CfiRow<'_>>, unwind::CfiError> {
    // The row must not outlive its table: it is made to live as long as the bytes.
    let table = Box::leak(Box::new(CfiTable::new(form, TABLE, Cow::Borrowed(bytes))));
    let table: &CfiTable<'_> = table;
    table.find(pc)
}

#[test]
fn rules_are_put_aside_and_taken_back() {
    // push rbp at 1; leave at 0x41, where rules are put aside; behind it what was before.
    let program: &[u8] = &[
        0x41, 0x0e, 16, 0x86, 2, 0x0a, 0x02, 0x40, 0x0c, 7, 8, 0xc6, 0x41, 0x0b,
    ];
    for form in [CfiForm::Loaded, CfiForm::Debug] {
        let bytes = table(form, "zR", START, &[program, &[]]);
        let at = |offset| find(&bytes, form, CODE + offset).unwrap().unwrap();
        assert_eq!(at(0).cfa, CfaRule::Register(7, 8));
        assert_eq!(at(0).rule(6), CfiRule::Unspecified);
        for pushed in [at(1), at(0x40), at(0x42), at(0xff)] {
            assert_eq!(pushed.cfa, CfaRule::Register(7, 16));
            assert_eq!(pushed.rule(6), CfiRule::Offset(-16));
        }
        assert_eq!(at(0x41).cfa, CfaRule::Register(7, 8));
        assert_eq!(at(0x41).rule(6), CfiRule::Unspecified);
        assert_eq!(at(0x100).rule(16), CfiRule::Offset(-8));
        assert_eq!(find(&bytes, form, CODE + 0x200), Ok(None));
    }
}

/// A process with such a table.
struct Process<'a> {
    table: CfiTable<'a>,
    words: BTreeMap<u64, u64>,
    filling: Option<u64>,
    reads: Cell<u64>,
}

impl Source for Process<'_> {
    fn word(&self, address: VirtAddr) -> Result<u64, ReadError> {
        self.reads.set(self.reads.get() + 1);
        let word = self.words.get(&address.0).copied().or(self.filling);
        word.ok_or(ReadError::Unmapped(address))
    }

    fn orc(&self, _: VirtAddr) -> Option<unwind::OrcEntry> {
        None
    }

    fn cfi(&self, pc: VirtAddr) -> Option<Result<CfiRow<'_>, String>> {
        self.table
            .find(pc.0)
            .map_err(|error| error.to_string())
            .transpose()
    }

    fn is_code(&self, pc: VirtAddr) -> bool {
        (CODE..CODE + 0x1000).contains(&pc.0)
    }

    fn needs_table(&self, _: VirtAddr) -> bool {
        true
    }

    fn is_user(&self) -> bool {
        true
    }
}

fn process<'a>(bytes: &'a [u8], words: &[(u64, u64)]) -> Process<'a> {
    Process {
        table: CfiTable::new(CfiForm::Loaded, TABLE, Cow::Borrowed(bytes)),
        words: words.iter().map(|(at, word)| (STACK + at, *word)).collect(),
        filling: None,
        reads: Cell::new(0),
    }
}

fn registers(pc: u64, rbp: u64) -> Registers {
    let mut registers = Registers::default();
    registers.set(X86::Rip, Some(pc));
    registers.set(X86::Rsp, Some(STACK));
    registers.set(X86::Rbp, Some(rbp));
    registers.set(X86::Rbx, Some(77));
    registers.set(X86::Rax, Some(88));
    registers.set(X86::Cs, Some(0x33));
    registers
}

#[test]
fn a_walk_follows_the_rules_to_the_first_function() {
    // Functions: one that has pushed rbp, one whose frame hangs on rbp, the first of all.
    let bytes = table(
        CfiForm::Loaded,
        "zR",
        START,
        &[&[0x0e, 16, 0x86, 2], &[0x0c, 6, 16, 0x86, 2], &[0x07, 16]],
    );
    let words = [
        (0, STACK + 0x40),
        (8, CODE + 0x150),
        (0x40, 5),
        (0x48, CODE + 0x250),
    ];
    let process = process(&bytes, &words);
    let stack = walk(&process, registers(CODE + 0x50, 9), Rule::Interrupted, true);
    assert_eq!(stack.end, End::Bottom);
    let told: Vec<_> = stack
        .frames
        .iter()
        .map(|frame| (frame.pc.0 - CODE, frame.sp.0 - STACK, frame.rule))
        .collect();
    assert_eq!(
        told,
        [
            (0x50, 0, Rule::Interrupted),
            (0x150, 16, Rule::Cfi),
            (0x250, 0x50, Rule::Cfi)
        ]
    );
    let last = stack.frames.last().unwrap();
    assert!(!last.is_guess && !last.is_exact);
    // What functions keep for their callers is known; what they may change is not.
    assert_eq!(last.registers.get(X86::Rbp), Some(5));
    assert_eq!(last.registers.get(X86::Rbx), Some(77));
    assert_eq!(last.registers.get(X86::Rax), None);
}

#[test]
fn below_the_frame_of_a_signal_code_was_interrupted() {
    // Everything is where the rules of the trampoline say, by expressions: rip at rsp + 0x10, rsp at rsp + 8.
    let trampoline: &[u8] = &[
        0x0f, 3, 0x77, 8, 0x06, 0x10, 7, 2, 0x77, 8, 0x10, 16, 2, 0x77, 0x10,
    ];
    let bytes = table(CfiForm::Loaded, "zRS", &[], &[trampoline]);
    let words = [(8, STACK + 0x100), (0x10, CODE + 0x123)];
    let process = process(&bytes, &words);
    let stack = walk(&process, registers(CODE + 2, 0), Rule::Interrupted, true);
    let frame = &stack.frames[1];
    assert_eq!((frame.pc.0, frame.sp.0), (CODE + 0x123, STACK + 0x100));
    assert!(frame.is_exact);
    assert!(matches!(stack.end, End::Lost(_)));
}

#[test]
fn where_the_table_cannot_be_read_the_frame_pointer_is_a_guess_and_nothing_is_searched() {
    let bytes = table(CfiForm::Loaded, "zR", START, &[&[]]);
    let words = [(0x40, 0), (0x48, CODE + 0x150), (0, CODE + 0x150)];
    let mut process = process(&bytes, &words);
    process.table = CfiTable::new(CfiForm::Loaded, TABLE, Cow::Borrowed(&bytes))
        .without(std::iter::once(0..8).collect());
    let stack = walk(
        &process,
        registers(CODE + 1, STACK + 0x40),
        Rule::Interrupted,
        true,
    );
    assert_eq!(stack.frames.len(), 2);
    assert!(stack.frames[1].is_guess && stack.frames[1].rule == Rule::FramePointer);
    let stack = walk(&process, registers(CODE + 1, 0), Rule::Interrupted, true);
    let end = "the unwind table is not at hand at its byte 0x0".to_owned();
    assert_eq!((stack.frames.len(), stack.end), (1, End::Lost(end)));
}

#[test]
fn a_hostile_table_ends() {
    // Rules that are put aside for ever.
    let deep = [0x0a; 100];
    let bytes = table(CfiForm::Loaded, "zR", START, &[&deep]);
    assert_eq!(
        find(&bytes, CfiForm::Loaded, CODE),
        Err(unwind::CfiError::TooDeep)
    );
    // More instructions than any function has.
    let many = vec![0x08_u8; 3 << 16];
    let bytes = table(CfiForm::Loaded, "zR", START, &[&many]);
    assert!(matches!(
        find(&bytes, CfiForm::Loaded, CODE),
        Err(unwind::CfiError::Exhausted(_))
    ));
    // Taken back without having been put aside; an unknown instruction; a length beyond the entry.
    for program in [&[0x0b][..], &[0x3e], &[0x0f, 0xff, 0xff, 3]] {
        let bytes = table(CfiForm::Loaded, "zR", START, &[program]);
        assert_eq!(
            find(&bytes, CfiForm::Loaded, CODE),
            Err(unwind::CfiError::Program)
        );
    }
    // Any byte may be wrong: it ends, and what is found is in the table.
    let sound = table(CfiForm::Loaded, "zR", START, &[&[0x0e, 16, 0x86, 2], &[]]);
    for place in 0..sound.len() {
        for wrong in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[place] = wrong;
            let _ = find(&bytes, CfiForm::Loaded, CODE + 0x10);
            let _ = find(&bytes, CfiForm::Debug, CODE + 0x10);
        }
    }
    // A stack on which each frame leads to the next for ever.
    let bytes = table(CfiForm::Loaded, "zR", START, &[&[]]);
    let mut process = process(&bytes, &[]);
    process.filling = Some(CODE + 5);
    let stack = walk(&process, registers(CODE + 1, 0), Rule::Interrupted, true);
    assert_eq!(stack.frames.len(), 1024);
    assert!(process.reads.get() <= 1024 * 20, "{}", process.reads.get());
}

#[test]
fn a_header_that_lies_is_no_way() {
    let bytes = table(CfiForm::Loaded, "zR", START, &[&[], &[]]);
    // More entries than it has, another form, another table: the index is used.
    let mut header = vec![1, 0x04, 0x03, 0x3b];
    header.extend(TABLE.to_le_bytes());
    header.extend(u32::MAX.to_le_bytes());
    let made = |header: &[u8]| {
        CfiTable::new(CfiForm::Loaded, TABLE, Cow::Borrowed(&bytes)).with_header(CfiHeader {
            address: 0x9000,
            bytes: Cow::Owned(header.to_vec()),
        })
    };
    assert!(made(&header).find(CODE + 0x101).unwrap().is_some());
    // An entry that leads outside of the table is damage, not absence.
    header.truncate(12);
    header.extend(1_u32.to_le_bytes());
    header.extend([0; 4]);
    header.extend(0x7000_0000_u32.to_le_bytes());
    assert!(made(&header).find(0x9000 + 1).is_err());
}
