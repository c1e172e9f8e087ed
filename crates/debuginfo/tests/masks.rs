//! Which bytes of code may differ from the file's, and no others: by every relocation of an instruction and every
//! table of places that kernels rewrite, on every architecture. The files are made here, one for each row.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

use debuginfo::{Object, Rewrite, Store};

/// How files of an architecture lie.
#[derive(Clone, Copy)]
struct Form {
    /// `e_machine`.
    machine: u16,
    is_64: bool,
    is_big: bool,
    /// Whether addends lie in tables, not in the fields.
    has_addends: bool,
}

const fn form(machine: u16, is_64: bool, is_big: bool, has_addends: bool) -> Form {
    Form {
        machine,
        is_64,
        is_big,
        has_addends,
    }
}

const X86_64: Form = form(62, true, false, true);
const I386: Form = form(3, false, false, false);
const ARM64: Form = form(183, true, false, true);
const ARM: Form = form(40, false, false, false);
const MIPS64: Form = form(8, true, true, true);
const MIPS: Form = form(8, false, true, false);
const RISCV64: Form = form(243, true, false, true);
const PPC64: Form = form(21, true, true, true);

/// Where the code lies, and the table beside it.
const CODE: u64 = 0x1000_0000;
const TABLE: u64 = CODE + 0x1_0000;
/// Bytes of code, and where in it the place is.
const SIZE: u64 = 128;
const PLACE: u64 = 32;

impl Form {
    fn number(self, value: u64, size: usize) -> Vec<u8> {
        match self.is_big {
            true => value.to_be_bytes()[8 - size..].to_vec(),
            false => value.to_le_bytes()[..size].to_vec(),
        }
    }

    /// A word of the architecture.
    fn word(self, value: u64) -> Vec<u8> {
        self.number(value, if self.is_64 { 8 } else { 4 })
    }

    /// Code without meaning: no byte is a nop or a breakpoint, none a part of an instruction that is looked for.
    fn code(self, at_place: &[u8]) -> Vec<u8> {
        let mut code = vec![0x11; SIZE as usize];
        code[PLACE as usize..PLACE as usize + at_place.len()].copy_from_slice(at_place);
        code
    }

    /// Instructions of 32 bits.
    fn instructions(self, words: &[u32]) -> Vec<u8> {
        let bytes = words.iter().map(|word| self.number((*word).into(), 4));
        bytes.collect::<Vec<_>>().concat()
    }

    /// An ELF file of these sections: name, type, flags, address, contents, link, info, bytes of an entry.
    fn file(self, kind: u16, sections: &[Section]) -> Vec<u8> {
        let (header, entry) = if self.is_64 { (64, 64) } else { (52, 40) };
        let mut names = vec![0];
        let mut contents = Vec::new();
        let mut table = vec![0; entry];
        let all = sections.iter().map(|section| (section.0, Some(section)));
        for (name, section) in all.chain([(".shstrtab", None)]) {
            let place = names.len() as u64;
            names.extend(name.bytes().chain([0]));
            let of_names = (name, 3, 0, 0, names.clone(), 0, 0, 0);
            let (_, of_type, flags, address, bytes, link, info, size) =
                section.unwrap_or(&of_names);
            while contents.len() % 8 != 0 {
                contents.push(0);
            }
            table.extend(self.number(place, 4));
            table.extend(self.number(*of_type, 4));
            for value in [
                *flags,
                *address,
                (header + contents.len()) as u64,
                bytes.len() as u64,
            ] {
                table.extend(self.word(value));
            }
            table.extend(self.number(*link, 4));
            table.extend(self.number(*info, 4));
            table.extend(self.word(8));
            table.extend(self.word(*size));
            contents.extend(bytes);
        }
        let mut file = vec![0x7f, b'E', b'L', b'F'];
        file.push(if self.is_64 { 2 } else { 1 });
        file.push(if self.is_big { 2 } else { 1 });
        file.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        file.extend(self.number(kind.into(), 2));
        file.extend(self.number(self.machine.into(), 2));
        file.extend(self.number(1, 4));
        file.extend(self.word(0));
        file.extend(self.word(0));
        file.extend(self.word((header + contents.len()) as u64));
        file.extend(self.number(0, 4));
        let count = table.len() / entry;
        for value in [header, 0, 0, entry, count, count - 1] {
            file.extend(self.number(value as u64, 2));
        }
        assert_eq!(file.len(), header);
        file.extend(contents);
        file.extend(table);
        file
    }
}

type Section = (&'static str, u64, u64, u64, Vec<u8>, u64, u64, u64);

/// Asserts that the bytes from `start` to `end`, counted from the place, are rewritten for that reason and no others
/// are: with any one byte changed the code is another exactly where nothing rewrites it.
fn assert_mask(row: &str, file: &[u8], code: &[u8], (start, end): (i64, i64), why: Rewrite) {
    let store = Store::new();
    let object = Object::open(row, file, &store).unwrap();
    let text = object.sections().iter().find(|s| s.is_code()).unwrap();
    let from = text.address.unwrap();
    let place = from + PLACE;
    let range = place.wrapping_add_signed(start)..place.wrapping_add_signed(end);
    let sites = object.rewritten(from..from + SIZE).unwrap();
    let told: Vec<_> = sites.iter().map(|s| (s.range.clone(), s.why)).collect();
    assert_eq!(told, [(range.clone(), why)], "{row}");
    for (at, byte) in (from..).zip(code) {
        let mut ran = code.to_vec();
        ran[(at - from) as usize] = byte ^ 0x40;
        let difference = object.compare(from, &ran).unwrap().difference;
        let place = difference.map(|difference| difference.at);
        assert_eq!(place, (!range.contains(&at)).then_some(at), "{row}");
    }
}

/// Relocations of instructions: what it is, its number in the architecture's ABI, and bytes of its field.
const RELOCATIONS: &[(Form, &str, u64, i64)] = &[
    (X86_64, "R_X86_64_64", 1, 8),
    (X86_64, "R_X86_64_PC32", 2, 4),
    (X86_64, "R_X86_64_PLT32", 4, 4),
    (X86_64, "R_X86_64_32", 10, 4),
    (X86_64, "R_X86_64_32S", 11, 4),
    (I386, "R_386_32", 1, 4),
    (I386, "R_386_PC32", 2, 4),
    (I386, "R_386_PLT32", 4, 4),
    (ARM64, "R_AARCH64_ABS64", 257, 8),
    (ARM64, "R_AARCH64_ADR_PREL_PG_HI21", 275, 4),
    (ARM64, "R_AARCH64_ADD_ABS_LO12_NC", 277, 4),
    (ARM64, "R_AARCH64_JUMP26", 282, 4),
    (ARM64, "R_AARCH64_CALL26", 283, 4),
    (ARM64, "R_AARCH64_LDST64_ABS_LO12_NC", 286, 4),
    (ARM, "R_ARM_ABS32", 2, 4),
    (ARM, "R_ARM_CALL", 28, 4),
    (ARM, "R_ARM_JUMP24", 29, 4),
    (ARM, "R_ARM_MOVW_ABS_NC", 43, 4),
    (ARM, "R_ARM_MOVT_ABS", 44, 4),
    (MIPS64, "R_MIPS_26", 4, 4),
    (MIPS64, "R_MIPS_HI16", 5, 4),
    (MIPS64, "R_MIPS_LO16", 6, 4),
    (MIPS64, "R_MIPS_64", 18, 8),
    (MIPS, "R_MIPS_32", 2, 4),
    (MIPS, "R_MIPS_26", 4, 4),
    (RISCV64, "R_RISCV_64", 2, 8),
    (RISCV64, "R_RISCV_BRANCH", 16, 4),
    (RISCV64, "R_RISCV_JAL", 17, 4),
    (RISCV64, "R_RISCV_CALL_PLT", 19, 8),
    (RISCV64, "R_RISCV_PCREL_HI20", 23, 4),
    (RISCV64, "R_RISCV_HI20", 26, 4),
    (RISCV64, "R_RISCV_LO12_I", 27, 4),
    (RISCV64, "R_RISCV_RVC_JUMP", 45, 2),
    (PPC64, "R_PPC64_REL24", 10, 4),
    (PPC64, "R_PPC64_ADDR64", 38, 8),
    (PPC64, "R_PPC64_TOC16_HA", 50, 2),
    (PPC64, "R_PPC64_TOC16_LO_DS", 64, 2),
];

#[test]
fn a_relocation_hides_its_field_and_no_more() {
    for (form, row, number, size) in RELOCATIONS {
        let code = form.code(&[]);
        // A symbol that is defined elsewhere, behind the empty one.
        let entry = if form.is_64 { 24 } else { 16 };
        let mut symbols = vec![0; 2 * entry];
        symbols[entry..entry + 4].copy_from_slice(&form.number(1, 4));
        symbols[entry + if form.is_64 { 4 } else { 12 }] = 0x10;
        let info = match form.is_64 {
            true => 1 << 32 | number,
            false => 1 << 8 | number,
        };
        let mut relocation = form.word(PLACE);
        relocation.extend(form.word(info));
        if form.has_addends {
            relocation.extend(form.word(0));
        }
        let (name, of_type) = match form.has_addends {
            true => (".rela.text", 4),
            false => (".rel.text", 9),
        };
        let size_of_one = relocation.len() as u64;
        let file = form.file(
            1,
            &[
                (".text", 1, 6, 0, code.clone(), 0, 0, 0),
                (name, of_type, 0, 0, relocation, 3, 1, size_of_one),
                (".symtab", 2, 0, 0, symbols, 4, 1, entry as u64),
                (".strtab", 3, 0, 0, b"\0elsewhere\0".to_vec(), 0, 0, 0),
            ],
        );
        assert_mask(row, &file, &code, (0, *size), Rewrite::Relocation);
    }
}

/// A field of an entry.
#[derive(Clone, Copy)]
enum Part {
    /// The distance from the field to the place, 32 bits.
    Distance,
    /// The same, a word.
    LongDistance,
    /// The distance from the start of the entry to so many bytes behind the place, a word.
    Span(u64),
    /// The address of the place, a word.
    Word,
    /// A number of so many bytes.
    Number(u64, usize),
}

use Part::{Distance, LongDistance, Number, Span, Word};

/// A distance that is not looked at, a word that is not.
const OTHER: Part = Number(0, 4);
const KEY: Part = Number(0, 8);
const KEY_32: Part = Number(0, 4);

/// One table: the section, an entry, the instruction of the file, and which bytes are hidden for which reason.
type Row = (
    Form,
    &'static str,
    &'static [Part],
    Code,
    (i64, i64),
    Rewrite,
);

/// What stands at the place.
#[derive(Clone, Copy)]
enum Code {
    Bytes(&'static [u8]),
    Words(&'static [u32]),
}

use Code::{Bytes, Words};

const NOTHING: Code = Bytes(&[]);
const CALL: Code = Bytes(&[0xe8, 1, 2, 3, 4]);
const JUMP: Code = Bytes(&[0xe9, 1, 2, 3, 4]);
const SHORT_JUMP: Code = Bytes(&[0xeb, 2]);

const ROWS: &[Row] = &[
    // `call __fentry__`
    (
        X86_64,
        "__mcount_loc",
        &[Word],
        CALL,
        (0, 5),
        Rewrite::Tracing,
    ),
    (
        X86_64,
        ".altinstructions",
        &[Distance, OTHER, OTHER, Number(7, 1), Number(3, 1)],
        NOTHING,
        (0, 7),
        Rewrite::Alternative,
    ),
    (
        X86_64,
        ".altinstructions",
        &[Distance, OTHER, Number(0, 2), Number(3, 1), Number(3, 1)],
        NOTHING,
        (0, 3),
        Rewrite::Alternative,
    ),
    (
        X86_64,
        "__jump_table",
        &[Distance, OTHER, KEY],
        JUMP,
        (0, 5),
        Rewrite::StaticKey,
    ),
    (
        X86_64,
        "__jump_table",
        &[Distance, OTHER, KEY],
        SHORT_JUMP,
        (0, 2),
        Rewrite::StaticKey,
    ),
    (
        X86_64,
        ".static_call_sites",
        &[Distance, OTHER],
        CALL,
        (0, 5),
        Rewrite::StaticCall,
    ),
    // `jmp __x86_return_thunk`
    (
        X86_64,
        ".return_sites",
        &[Distance],
        JUMP,
        (0, 5),
        Rewrite::Return,
    ),
    (
        X86_64,
        ".retpoline_sites",
        &[Distance],
        Bytes(&[0x2e, 0xe8, 1, 2, 3, 4]),
        (0, 6),
        Rewrite::Retpoline,
    ),
    (
        X86_64,
        ".retpoline_sites",
        &[Distance],
        Bytes(&[0x0f, 0x85, 1, 2, 3, 4]),
        (0, 6),
        Rewrite::Retpoline,
    ),
    (
        X86_64,
        ".call_sites",
        &[Distance],
        CALL,
        (0, 5),
        Rewrite::CallDepth,
    ),
    (
        X86_64,
        ".parainstructions",
        &[Word, Number(1, 1), Number(6, 1), Number(0, 6)],
        NOTHING,
        (0, 6),
        Rewrite::Paravirt,
    ),
    (
        X86_64,
        ".smp_locks",
        &[Distance],
        NOTHING,
        (0, 1),
        Rewrite::Lock,
    ),
    (
        X86_64,
        ".ibt_endbr_seal",
        &[Distance],
        NOTHING,
        (0, 4),
        Rewrite::Landing,
    ),
    (
        X86_64,
        ".cfi_sites",
        &[Distance],
        NOTHING,
        (0, 20),
        Rewrite::ControlFlow,
    ),
    (
        X86_64,
        "__kcfi_traps",
        &[Distance],
        NOTHING,
        (-12, 2),
        Rewrite::ControlFlow,
    ),
    (
        X86_64,
        "runtime_ptr_dentry_hashtable",
        &[Distance],
        NOTHING,
        (0, 16),
        Rewrite::Constant,
    ),
    (
        X86_64,
        "runtime_shift_d_hash_shift",
        &[Distance],
        NOTHING,
        (0, 4),
        Rewrite::Constant,
    ),
    (
        I386,
        "__mcount_loc",
        &[Word],
        CALL,
        (0, 5),
        Rewrite::Tracing,
    ),
    (
        I386,
        ".altinstructions",
        &[Distance, OTHER, OTHER, Number(4, 1), Number(3, 1)],
        NOTHING,
        (0, 4),
        Rewrite::Alternative,
    ),
    (
        I386,
        "__jump_table",
        &[Distance, OTHER, KEY_32],
        SHORT_JUMP,
        (0, 2),
        Rewrite::StaticKey,
    ),
    (
        I386,
        ".smp_locks",
        &[Distance],
        NOTHING,
        (0, 1),
        Rewrite::Lock,
    ),
    (
        I386,
        ".return_sites",
        &[Distance],
        JUMP,
        (0, 5),
        Rewrite::Return,
    ),
    // `nop; nop`, for a trampoline and the call.
    (
        ARM64,
        "__patchable_function_entries",
        &[Word],
        Words(&[0xd503_201f, 0xd503_201f]),
        (0, 8),
        Rewrite::Tracing,
    ),
    // `bti c; nop`
    (
        ARM64,
        "__mcount_loc",
        &[Word],
        Words(&[0xd503_245f, 0xd503_201f]),
        (0, 8),
        Rewrite::Tracing,
    ),
    // `bl _mcount`
    (
        ARM64,
        "__mcount_loc",
        &[Word],
        Words(&[0x9400_0001]),
        (0, 4),
        Rewrite::Tracing,
    ),
    (
        ARM64,
        ".altinstructions",
        &[Distance, OTHER, Number(0, 2), Number(8, 1), Number(8, 1)],
        NOTHING,
        (0, 8),
        Rewrite::Alternative,
    ),
    (
        ARM64,
        "__jump_table",
        &[Distance, OTHER, KEY],
        Words(&[0xd503_201f]),
        (0, 4),
        Rewrite::StaticKey,
    ),
    (
        ARM,
        "__mcount_loc",
        &[Word],
        Words(&[0xeb00_0001]),
        (0, 4),
        Rewrite::Tracing,
    ),
    (
        ARM,
        "__jump_table",
        &[Word, KEY_32, KEY_32],
        Words(&[0xe320_f000]),
        (0, 4),
        Rewrite::StaticKey,
    ),
    (
        ARM,
        ".alt.smp.init",
        &[Distance, Number(0xe320_f000, 4)],
        NOTHING,
        (0, 4),
        Rewrite::Alternative,
    ),
    (
        ARM,
        ".alt.smp.init",
        &[Word, Number(0xe320_f000, 4)],
        NOTHING,
        (0, 4),
        Rewrite::Alternative,
    ),
    (
        ARM,
        ".pv_table",
        &[Distance],
        NOTHING,
        (0, 12),
        Rewrite::Constant,
    ),
    (
        ARM,
        ".pv_table",
        &[Word],
        NOTHING,
        (0, 8),
        Rewrite::Constant,
    ),
    // `jal _mcount` with its delay slot.
    (
        MIPS64,
        "__mcount_loc",
        &[Word],
        Words(&[0x0c00_0001, 0x03e0_082d]),
        (0, 8),
        Rewrite::Tracing,
    ),
    (
        MIPS64,
        "__jump_table",
        &[Word, KEY, KEY],
        NOTHING,
        (0, 4),
        Rewrite::StaticKey,
    ),
    (
        MIPS,
        "__mcount_loc",
        &[Word],
        Words(&[0x0c00_0001, 0x03e0_0821]),
        (0, 8),
        Rewrite::Tracing,
    ),
    (
        MIPS,
        "__jump_table",
        &[Word, KEY_32, KEY_32],
        NOTHING,
        (0, 4),
        Rewrite::StaticKey,
    ),
    (
        RISCV64,
        "__patchable_function_entries",
        &[Word],
        Words(&[0x13, 0x13]),
        (0, 8),
        Rewrite::Tracing,
    ),
    // Four nops of two bytes.
    (
        RISCV64,
        "__patchable_function_entries",
        &[Word],
        Words(&[0x0001_0001, 0x0001_0001]),
        (0, 8),
        Rewrite::Tracing,
    ),
    // `auipc; jalr`
    (
        RISCV64,
        "__mcount_loc",
        &[Word],
        Words(&[0x0000_0297, 0x0002_82e7]),
        (0, 8),
        Rewrite::Tracing,
    ),
    (
        RISCV64,
        ".alternative",
        &[Distance, OTHER, Number(0, 2), Number(12, 2), OTHER],
        NOTHING,
        (0, 12),
        Rewrite::Alternative,
    ),
    (
        RISCV64,
        ".alternative",
        &[Word, KEY, KEY, Number(8, 8), OTHER],
        NOTHING,
        (0, 8),
        Rewrite::Alternative,
    ),
    (
        RISCV64,
        "__jump_table",
        &[Distance, OTHER, KEY],
        NOTHING,
        (0, 4),
        Rewrite::StaticKey,
    ),
    // `mflr r0; std r0,16(r1)` before `bl _mcount`
    (
        PPC64,
        "__mcount_loc",
        &[Word],
        Words(&[0x4800_0001]),
        (-8, 4),
        Rewrite::Tracing,
    ),
    (
        PPC64,
        "__patchable_function_entries",
        &[Word],
        Words(&[0x6000_0000, 0x6000_0000]),
        (0, 8),
        Rewrite::Tracing,
    ),
    (
        PPC64,
        "__jump_table",
        &[Distance, OTHER, KEY],
        NOTHING,
        (0, 4),
        Rewrite::StaticKey,
    ),
    (
        PPC64,
        "__ftr_fixup",
        &[KEY, KEY, Span(0), Span(12), KEY, KEY],
        NOTHING,
        (0, 12),
        Rewrite::Alternative,
    ),
    (
        PPC64,
        "__lwsync_fixup",
        &[LongDistance],
        NOTHING,
        (0, 4),
        Rewrite::Alternative,
    ),
    (
        PPC64,
        "__stf_entry_barrier_fixup",
        &[LongDistance],
        NOTHING,
        (0, 32),
        Rewrite::Alternative,
    ),
    (
        PPC64,
        "__stf_exit_barrier_fixup",
        &[LongDistance],
        NOTHING,
        (0, 64),
        Rewrite::Alternative,
    ),
];

#[test]
fn a_table_hides_the_bytes_that_the_kernel_rewrites_and_no_more() {
    for (form, section, entry, code, mask, why) in ROWS {
        let code = match code {
            Bytes(bytes) => form.code(bytes),
            Words(words) => form.code(&form.instructions(words)),
        };
        let place = CODE + PLACE;
        let mut bytes = Vec::new();
        for part in *entry {
            let field = TABLE + bytes.len() as u64;
            bytes.extend(match part {
                Distance => form.number(place.wrapping_sub(field), 4),
                LongDistance => form.word(place.wrapping_sub(field)),
                Span(behind) => form.word(place.wrapping_add(*behind).wrapping_sub(TABLE)),
                Word => form.word(place),
                Number(value, size) => form.number(*value, *size),
            });
        }
        let file = form.file(
            2,
            &[
                (".text", 1, 6, CODE, code.clone(), 0, 0, 0),
                (section, 1, 2, TABLE, bytes, 0, 0, 0),
            ],
        );
        let row = format!("{section} of machine {}", form.machine);
        assert_mask(&row, &file, &code, *mask, *why);
    }
}
