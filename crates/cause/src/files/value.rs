//! What a bad value says about itself, in the words of the kernel.

use debuginfo::{DebugInfo, TypeId};

use crate::pointers::{Bad, classify, error_name, letters};

/// What a value says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Says {
    /// In words of the kernel (`NULL`, `ERR_PTR(-ENODEV)`, `LIST_POISON1`).
    pub(super) text: String,
    /// The memory that held it had been freed.
    pub(super) is_freed: bool,
    /// The list functions left it.
    pub(super) is_poison: bool,
    /// It is NULL: nothing was put there, or it was taken away.
    pub(super) is_unset: bool,
    /// It is an error number in a pointer.
    pub(super) is_error: bool,
}

/// What a pointer's value says; none when it may be valid.
pub(super) fn says(value: u64, arch: &str) -> Option<Says> {
    let said = |text: String| Says {
        text,
        is_freed: false,
        is_poison: false,
        is_unset: false,
        is_error: false,
    };
    let bad = classify(value, Some(arch))?;
    Some(match bad {
        Bad::NullPlus(0) => Says {
            is_unset: true,
            ..said("NULL".to_owned())
        },
        Bad::NullPlus(offset) => said(format!("NULL + {offset:#x}")),
        Bad::ErrorPointer(number) => Says {
            is_error: true,
            ..said(match error_name(number) {
                Some(name) => format!("ERR_PTR(-{name})"),
                None => format!("ERR_PTR({number})"),
            })
        },
        Bad::ListPoison1(offset) => Says {
            is_poison: true,
            ..said(plus("LIST_POISON1", offset))
        },
        Bad::ListPoison2(offset) => Says {
            is_poison: true,
            ..said(plus("LIST_POISON2", offset))
        },
        Bad::Pattern(pattern, offset) => Says {
            is_freed: pattern.freed && offset == 0,
            ..said(format!(
                "the byte {:#04x} repeated{} ({})",
                pattern.byte,
                plus("", offset),
                pattern.name
            ))
        },
        Bad::Text(bytes) | Bad::TextEnd(bytes) => said(format!("the text \"{}\"", letters(&bytes))),
        Bad::Mark(mark, offset) => said(plus(mark.name, offset)),
        Bad::UserSpace => said(format!("{value:#x}, an address of user space")),
        Bad::NonCanonical => said(format!("{value:#x}, no canonical address")),
        _ => said(format!("{value:#x}")),
    })
}

fn plus(name: &str, offset: i64) -> String {
    match offset {
        0 => name.to_owned(),
        offset if offset < 0 => format!("{name} - {:#x}", offset.unsigned_abs()),
        offset => format!("{name} + {offset:#x}"),
    }
}

/// A constant that is passed as a pointer.
pub(super) fn constant(number: u64) -> String {
    match number {
        0 => "NULL".to_owned(),
        number => format!("{number:#x}"),
    }
}

/// How C writes a type, without qualifiers.
pub(super) fn type_name(debug: &DebugInfo<'_>, type_id: TypeId) -> String {
    let stripped = debug.strip(Some(type_id)).ok().flatten();
    debug.type_text(Some(stripped.map_or(type_id, |(type_id, _)| type_id)))
}

/// The poison of lists (`include/linux/poison.h`), with the `POISON_POINTER_DELTA` of x86_64 and arm64, of
/// ppc64, and without one.
pub(super) const LIST_POISONS: &[(u64, &str)] = &[
    (0xdead_0000_0000_0100, "LIST_POISON1"),
    (0xdead_0000_0000_0122, "LIST_POISON2"),
    (0xdead_0000_0000_0200, "LIST_POISON2"),
    (0x5dea_dbee_f000_0100, "LIST_POISON1"),
    (0x5dea_dbee_f000_0122, "LIST_POISON2"),
    (0x100, "LIST_POISON1"),
    (0x122, "LIST_POISON2"),
];

/// Whether a constant in code is the poison of lists.
pub(super) fn is_poison_number(number: u64) -> bool {
    LIST_POISONS.iter().any(|(poison, _)| *poison == number)
}
