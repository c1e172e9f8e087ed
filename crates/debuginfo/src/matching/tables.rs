//! The tables by which a kernel finds the places of its code that it rewrites, in every shape they have had.
//!
//! A module has each in a section of its own. A linked kernel has merged some into others and marks their start
//! and their end by symbols (`include/asm-generic/vmlinux.lds.h`). Which shape a table has is told by its
//! contents: every entry must name code.

use std::ops::Range;

use super::sites::Rewrite;

/// A table: where it is and what its entries are.
pub(super) struct TableKind {
    /// The name of its section, or how all names of such sections begin.
    pub(super) section: &'static str,
    /// The symbols at its start and its end in a linked kernel.
    pub(super) linked: (&'static str, &'static str),
    /// Why the kernel rewrites the places.
    pub(super) why: Rewrite,
    /// The shapes that the entries may have, newest first.
    pub(super) shapes: &'static [Shape],
}

/// The shape of the entries of a table.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Bytes of an entry.
    pub(super) stride: Size,
    /// How the place is told.
    pub(super) place: Place,
    /// How many bytes there are rewritten.
    pub(super) length: Length,
}

/// A size that may depend on the size of a word.
#[derive(Clone, Copy)]
pub(super) struct Size {
    words: u64,
    bytes: u64,
}

impl Size {
    const fn bytes(bytes: u64) -> Self {
        Size { words: 0, bytes }
    }

    const fn words(words: u64, bytes: u64) -> Self {
        Size { words, bytes }
    }

    pub(super) fn of(self, word: u64) -> u64 {
        self.words * word + self.bytes
    }
}

/// How an entry tells its place, in its first field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// By its address, a word.
    Word,
    /// By its distance from the field, 32 bits.
    Distance,
    /// By its distance from the start of the entry, a word; the second word tells the end in the same way
    /// (`arch/powerpc/include/asm/feature-fixups.h`), after so many words.
    Span(u64),
    /// By its distance from the field, a word.
    LongDistance,
}

/// How many bytes are rewritten.
#[derive(Clone, Copy)]
pub(super) enum Length {
    /// Always as many.
    Fixed(Around),
    /// A byte of the entry tells.
    Byte(Size),
    /// A halfword of the entry tells.
    Half(Size),
    /// A word of the entry tells.
    Word(Size),
    /// The span itself tells.
    Span,
    /// The branch there tells: x86 has jumps of 2, 5 and 6 bytes, others one word.
    Branch,
    /// The nops there tell, or the call of one word or of x86's five bytes.
    Entry,
}

/// Bytes before and behind the place.
#[derive(Clone, Copy)]
pub(super) struct Around {
    pub(super) before: u64,
    pub(super) behind: u64,
}

impl Around {
    pub(super) fn of(self, place: u64) -> Range<u64> {
        place.saturating_sub(self.before)..place.saturating_add(self.behind)
    }
}

const fn fixed(before: u64, behind: u64) -> Length {
    Length::Fixed(Around { before, behind })
}

const fn distances(length: Length) -> Shape {
    Shape {
        stride: Size::bytes(4),
        place: Place::Distance,
        length,
    }
}

const fn words(length: Length) -> Shape {
    Shape {
        stride: Size::words(1, 0),
        place: Place::Word,
        length,
    }
}

/// `struct alt_instr` of x86 and arm64: two distances, what the CPU must be able to do, two lengths.
const ALTERNATIVES: &[Shape] = &[
    // x86 with flags: 5d1dd961e743 "x86/alternatives: Add alt_instr.flags".
    Shape {
        stride: Size::bytes(14),
        place: Place::Distance,
        length: Length::Byte(Size::bytes(12)),
    },
    // x86 without the length of the padding (23c1ad538f4f "x86/alternatives: Optimize optimize_nops()"), arm64.
    Shape {
        stride: Size::bytes(12),
        place: Place::Distance,
        length: Length::Byte(Size::bytes(10)),
    },
    Shape {
        stride: Size::bytes(13),
        place: Place::Distance,
        length: Length::Byte(Size::bytes(10)),
    },
];

/// `struct fixup_entry` of PowerPC: mask, value, and where the section of code starts and ends.
const FEATURES: &[Shape] = &[Shape {
    stride: Size::words(6, 0),
    place: Place::Span(2),
    length: Length::Span,
}];

/// Distances of PowerPC, which are words: so many bytes of nops stand there.
const fn barrier(bytes: u64) -> [Shape; 1] {
    [Shape {
        stride: Size::words(1, 0),
        place: Place::LongDistance,
        length: fixed(0, bytes),
    }]
}

const BARRIER_4: [Shape; 1] = barrier(4);
const BARRIER_32: [Shape; 1] = barrier(32);
const BARRIER_64: [Shape; 1] = barrier(64);

const fn table(
    section: &'static str,
    linked: (&'static str, &'static str),
    why: Rewrite,
    shapes: &'static [Shape],
) -> TableKind {
    TableKind {
        section,
        linked,
        why,
        shapes,
    }
}

/// Every table that is known.
pub(super) const TABLES: &[TableKind] = &[
    table(
        ".altinstructions",
        ("__alt_instructions", "__alt_instructions_end"),
        Rewrite::Alternative,
        ALTERNATIVES,
    ),
    // `struct alt_entry` of RISC-V: distances; before these, words, of which the fourth tells the length.
    table(
        ".alternative",
        ("__alt_start", "__alt_end"),
        Rewrite::Alternative,
        &[
            Shape {
                stride: Size::bytes(16),
                place: Place::Distance,
                length: Length::Half(Size::bytes(10)),
            },
            Shape {
                stride: Size::words(4, 4),
                place: Place::Word,
                length: Length::Word(Size::words(3, 0)),
            },
        ],
    ),
    // `struct jump_entry`: distances and a key of a word where the architecture has relative ones.
    table(
        "__jump_table",
        ("__start___jump_table", "__stop___jump_table"),
        Rewrite::StaticKey,
        &[
            Shape {
                stride: Size::words(1, 8),
                place: Place::Distance,
                length: Length::Branch,
            },
            Shape {
                stride: Size::words(3, 0),
                place: Place::Word,
                length: Length::Branch,
            },
        ],
    ),
    table(
        ".static_call_sites",
        ("__start_static_call_sites", "__stop_static_call_sites"),
        Rewrite::StaticCall,
        &[Shape {
            stride: Size::bytes(8),
            place: Place::Distance,
            length: Length::Branch,
        }],
    ),
    table(
        "__mcount_loc",
        ("__start_mcount_loc", "__stop_mcount_loc"),
        Rewrite::Tracing,
        &[words(Length::Entry)],
    ),
    // What compilers write for `-fpatchable-function-entry`; a linked kernel has it as `__mcount_loc`.
    table(
        "__patchable_function_entries",
        ("", ""),
        Rewrite::Tracing,
        &[words(Length::Entry)],
    ),
    table(
        ".return_sites",
        ("__return_sites", "__return_sites_end"),
        Rewrite::Return,
        &[distances(Length::Branch)],
    ),
    table(
        ".retpoline_sites",
        ("__retpoline_sites", "__retpoline_sites_end"),
        Rewrite::Retpoline,
        &[distances(Length::Branch)],
    ),
    table(
        ".call_sites",
        ("__call_sites", "__call_sites_end"),
        Rewrite::CallDepth,
        &[distances(Length::Branch)],
    ),
    // `struct paravirt_patch_site`: the place, a kind, the length.
    table(
        ".parainstructions",
        ("__parainstructions", "__parainstructions_end"),
        Rewrite::Paravirt,
        &[Shape {
            stride: Size::words(2, 0),
            place: Place::Word,
            length: Length::Byte(Size::words(1, 1)),
        }],
    ),
    table(
        ".smp_locks",
        ("__smp_locks", "__smp_locks_end"),
        Rewrite::Lock,
        &[distances(fixed(0, 1))],
    ),
    table(
        ".ibt_endbr_seal",
        ("__ibt_endbr_seal", "__ibt_endbr_seal_end"),
        Rewrite::Landing,
        &[distances(fixed(0, 4))],
    ),
    // The preamble of 16 bytes and the landing behind it become FineIBT's (931ab63664f0 "x86/ibt: Implement
    // FineIBT").
    table(
        ".cfi_sites",
        ("__cfi_sites", "__cfi_sites_end"),
        Rewrite::ControlFlow,
        &[distances(fixed(0, 20))],
    ),
    // The trap ends the check before an indirect call, which FineIBT rewrites whole.
    table(
        "__kcfi_traps",
        ("__start___kcfi_traps", "__stop___kcfi_traps"),
        Rewrite::ControlFlow,
        &[distances(fixed(12, 2))],
    ),
    // Constants that are known at boot (`asm/runtime-const.h`): of x86 an immediate of 8 bytes, of arm64 four
    // instructions.
    table(
        "runtime_ptr_",
        ("__start_runtime_ptr_", "__stop_runtime_ptr_"),
        Rewrite::Constant,
        &[distances(fixed(0, 16))],
    ),
    table(
        "runtime_shift_",
        ("__start_runtime_shift_", "__stop_runtime_shift_"),
        Rewrite::Constant,
        &[distances(fixed(0, 4))],
    ),
    // ARM: the instruction of machines with one processor.
    table(
        ".alt.smp.init",
        ("__smpalt_begin", "__smpalt_end"),
        Rewrite::Alternative,
        &[
            Shape {
                stride: Size::bytes(8),
                place: Place::Distance,
                length: fixed(0, 4),
            },
            Shape {
                stride: Size::bytes(8),
                place: Place::Word,
                length: fixed(0, 4),
            },
        ],
    ),
    // ARM: where physical addresses are computed; with LPAE two instructions.
    table(
        ".pv_table",
        ("__pv_table_begin", "__pv_table_end"),
        Rewrite::Constant,
        &[distances(fixed(0, 12)), words(fixed(0, 8))],
    ),
    table(
        "__ftr_fixup",
        ("__start___ftr_fixup", "__stop___ftr_fixup"),
        Rewrite::Alternative,
        FEATURES,
    ),
    table(
        "__mmu_ftr_fixup",
        ("__start___mmu_ftr_fixup", "__stop___mmu_ftr_fixup"),
        Rewrite::Alternative,
        FEATURES,
    ),
    table(
        "__fw_ftr_fixup",
        ("__start___fw_ftr_fixup", "__stop___fw_ftr_fixup"),
        Rewrite::Alternative,
        FEATURES,
    ),
    table(
        "__lwsync_fixup",
        ("__start___lwsync_fixup", "__stop___lwsync_fixup"),
        Rewrite::Alternative,
        &BARRIER_4,
    ),
    table(
        "__spec_barrier_fixup",
        (
            "__start___barrier_nospec_fixup",
            "__stop___barrier_nospec_fixup",
        ),
        Rewrite::Alternative,
        &BARRIER_4,
    ),
    table(
        "__barrier_nospec_fixup",
        ("", ""),
        Rewrite::Alternative,
        &BARRIER_4,
    ),
    table(
        "__stf_entry_barrier_fixup",
        (
            "__start___stf_entry_barrier_fixup",
            "__stop___stf_entry_barrier_fixup",
        ),
        Rewrite::Alternative,
        &BARRIER_32,
    ),
    table(
        "__stf_exit_barrier_fixup",
        (
            "__start___stf_exit_barrier_fixup",
            "__stop___stf_exit_barrier_fixup",
        ),
        Rewrite::Alternative,
        &BARRIER_64,
    ),
    table(
        "__uaccess_flush_fixup",
        (
            "__start___uaccess_flush_fixup",
            "__stop___uaccess_flush_fixup",
        ),
        Rewrite::Alternative,
        &BARRIER_32,
    ),
    table(
        "__entry_flush_fixup",
        ("__start___entry_flush_fixup", "__stop___entry_flush_fixup"),
        Rewrite::Alternative,
        &BARRIER_32,
    ),
    table(
        "__scv_entry_flush_fixup",
        (
            "__start___scv_entry_flush_fixup",
            "__stop___scv_entry_flush_fixup",
        ),
        Rewrite::Alternative,
        &BARRIER_32,
    ),
    table(
        "__rfi_flush_fixup",
        ("__start___rfi_flush_fixup", "__stop___rfi_flush_fixup"),
        Rewrite::Alternative,
        &BARRIER_32,
    ),
];
