//! Values that no valid pointer has, and what left them there.

mod layout;
mod near;

pub use near::near;

use layout::{Half, half, is_narrow};

/// What a bad pointer says about its past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// NULL plus an offset below 64 KiB.
    NullPlus(u64),
    /// A small negative number: an error number used as a pointer, or NULL minus an offset.
    ErrorPointer(i64),
    /// `LIST_POISON1` plus an offset: the `next` of an entry that was deleted.
    ListPoison1(i64),
    /// `LIST_POISON2` plus an offset: the `prev` of an entry that was deleted.
    ListPoison2(i64),
    /// `TIMER_ENTRY_STATIC` of a statically initialised timer.
    TimerStatic(i64),
    /// Another mark of the kernel plus an offset.
    Mark(&'static Mark, i64),
    /// Bytes of one value: freed, fresh or guard memory.
    Pattern(&'static Pattern, i64),
    /// Not in the form that the architecture demands of every address.
    NonCanonical,
    /// Eight bytes of text.
    Text([u8; 8]),
    /// The end of a text, and zeros behind it.
    TextEnd([u8; 8]),
    /// An address of user space.
    UserSpace,
}

/// A byte with which the kernel fills memory.
#[derive(Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The byte.
    pub byte: u8,
    /// The kernel's name of it.
    pub name: &'static str,
    /// What memory that holds it is.
    pub means: &'static str,
    /// Whether it proves that freed memory was used.
    pub freed: bool,
    /// What a pointer of these bytes proves.
    pub proof: Proof,
}

/// What a pointer made of a pattern proves of the memory that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It had been freed.
    Freed,
    /// Nobody had written it, since it was allocated or before.
    Unset,
    /// It lies outside of every object.
    Outside,
    /// One of several things.
    Open,
}

/// A number that the kernel puts where no pointer should be followed.
#[derive(Debug, PartialEq, Eq)]
pub struct Mark {
    /// The number, without `POISON_POINTER_DELTA`.
    pub value: u64,
    /// The kernel's name of it.
    pub name: &'static str,
    /// What it means.
    pub means: &'static str,
}

/// `include/linux/poison.h`; what the compiler fills local variables with where
/// `CONFIG_INIT_STACK_ALL_PATTERN` asks for it (`-ftrivial-auto-var-init=pattern`: 0xaa of Clang, 0xfe of GCC).
const PATTERNS: &[Pattern] = &[
    Pattern {
        byte: 0x6b,
        name: "POISON_FREE",
        means: "memory of the slab allocator that was freed",
        freed: true,
        proof: Proof::Freed,
    },
    Pattern {
        byte: 0x5a,
        name: "POISON_INUSE",
        means: "memory of the slab allocator that was allocated and never written",
        freed: false,
        proof: Proof::Unset,
    },
    Pattern {
        byte: 0xbb,
        name: "SLUB_RED_INACTIVE",
        means: "the guard zone around a free slab object",
        freed: false,
        proof: Proof::Outside,
    },
    Pattern {
        byte: 0xcc,
        name: "SLUB_RED_ACTIVE or freed init memory",
        means: "the guard zone around a slab object in use, or init memory that was freed",
        freed: false,
        proof: Proof::Open,
    },
    Pattern {
        byte: 0xaa,
        name: "PAGE_POISON or an unset variable",
        means: "a page that was freed, or a local variable that was never set",
        freed: false,
        proof: Proof::Open,
    },
    Pattern {
        byte: 0xfe,
        name: "an unset variable",
        means: "a local variable that was never set",
        freed: false,
        proof: Proof::Unset,
    },
    Pattern {
        byte: 0xa7,
        name: "POOL_POISON_FREED",
        means: "memory of a DMA pool that was freed",
        freed: true,
        proof: Proof::Freed,
    },
    Pattern {
        byte: 0xa9,
        name: "POOL_POISON_ALLOCATED",
        means: "memory of a DMA pool that was allocated and never written",
        freed: false,
        proof: Proof::Unset,
    },
    Pattern {
        byte: 0x5b,
        name: "JBD_POISON_FREE",
        means: "a journal head of ext3 that was freed",
        freed: true,
        proof: Proof::Freed,
    },
    Pattern {
        byte: 0x5c,
        name: "JBD2_POISON_FREE",
        means: "a journal head of ext4 that was freed",
        freed: true,
        proof: Proof::Freed,
    },
    Pattern {
        byte: 0xbd,
        name: "KEY_DESTROY",
        means: "a key that was destroyed",
        freed: true,
        proof: Proof::Freed,
    },
];

/// `include/linux/poison.h`: offsets from `POISON_POINTER_DELTA`.
const MARKS: &[Mark] = &[
    Mark {
        value: 0xf5,
        name: "VFS_PTR_POISON",
        means: "a pointer of an inode whose file system was unmounted while it was busy",
    },
    Mark {
        value: 0x400,
        name: "TAIL_MAPPING",
        means: "the mapping of a tail page",
    },
    Mark {
        value: 0x500,
        name: "MUTEX_POISON_WW_CTX",
        means: "the context of a waiter for a mutex without one",
    },
    Mark {
        value: 0x800,
        name: "SKB_LIST_POISON_NEXT",
        means: "the next of a network buffer that was taken off its list",
    },
    Mark {
        value: 0x801,
        name: "NET_PTR_POISON",
        means: "a network pointer that is no longer valid",
    },
    Mark {
        value: 0xd390,
        name: "STACK_DEPOT_POISON",
        means: "a stack record that was taken off its list",
    },
    Mark {
        value: 0xeb9f,
        name: "BPF_PTR_POISON",
        means: "a type that the BPF verifier should have filled in",
    },
];

/// The guard words around objects of the SLAB allocator, which ended with Linux 6.8 (commit 16a1d968358a
/// "mm/slab: remove mm/slab.c and slab_def.h").
const GUARDS: &[Mark] = &[
    Mark {
        value: 0x09f9_1102_9d74_e35b,
        name: "RED_INACTIVE",
        means: "the guard word around a free object of the SLAB allocator",
    },
    Mark {
        value: 0xd841_56c5_6356_88c0,
        name: "RED_ACTIVE",
        means: "the guard word around an object of the SLAB allocator in use",
    },
];

/// Offsets up to this are a member behind the poison.
const REACH: u64 = 0x1000;

/// What an address says about itself; none when it may be valid.
///
/// `arch` is the canonical name of the architecture, where it is known: the
/// poison of lists moves with the kernel's `POISON_POINTER_DELTA`.
pub fn classify(address: u64, arch: Option<&str>) -> Option<Bad> {
    let narrow = arch.is_some_and(is_narrow);
    if address < 0x1_0000 {
        return Some(match list_poison(address, 0) {
            // 0x100 and 0x122 are LIST_POISON where the delta is 0, and plain offsets otherwise.
            Some(bad) if narrow => bad,
            _ => Bad::NullPlus(address),
        });
    }
    if let Some(number) = error_number(address, narrow) {
        return Some(Bad::ErrorPointer(number));
    }
    // `CONFIG_ILLEGAL_POINTER_VALUE` of arch/x86, arm64 and riscv, and that of arch/powerpc.
    for delta in [0xdead_0000_0000_0000, 0x5dea_dbee_f000_0000] {
        if let Some(bad) = mark(address, delta).or_else(|| list_poison(address, delta)) {
            return Some(bad);
        }
    }
    if let Some(bad) = old_list_poison(address) {
        return Some(bad);
    }
    if let Some(bad) = pattern(address, narrow) {
        return Some(bad);
    }
    if let Some(guard) = GUARDS
        .iter()
        .find(|guard| guard.value == address && !narrow)
    {
        return Some(Bad::Mark(guard, 0));
    }
    if let Some(text) = text(address).filter(|_| !narrow) {
        return Some(text);
    }
    match half(address, arch?)? {
        Half::User => Some(Bad::UserSpace),
        Half::None => Some(Bad::NonCanonical),
        Half::Kernel => None,
    }
}

/// A mark where it is told apart from those around it: as it is, or a few bytes behind.
fn mark(address: u64, delta: u64) -> Option<Bad> {
    let base = address.checked_sub(delta)?;
    let exact = |mark: &&Mark| mark.value == base;
    let behind =
        |mark: &&Mark| mark.value >= 0x400 && (1..0x80).contains(&base.wrapping_sub(mark.value));
    let found = MARKS
        .iter()
        .find(exact)
        .or_else(|| MARKS.iter().find(behind))?;
    Some(Bad::Mark(
        found,
        base.wrapping_sub(found.value).cast_signed(),
    ))
}

/// `LIST_POISON1` and `LIST_POISON2` before Linux 4.3 (commit 8a5e5e02fc83 "include/linux/poison.h: fix
/// LIST_POISON{1,2} offset").
fn old_list_poison(address: u64) -> Option<Bad> {
    let base = if address >> 32 == 0xdead_0000 {
        address & 0xffff_ffff
    } else {
        address
    };
    let near = |poison: u64| {
        let offset = base.wrapping_sub(poison);
        (offset < 0x80).then(|| offset.cast_signed())
    };
    near(0x10_0100)
        .map(Bad::ListPoison1)
        .or_else(|| near(0x20_0200).map(Bad::ListPoison2))
}

fn list_poison(address: u64, delta: u64) -> Option<Bad> {
    let base = address.wrapping_sub(delta);
    let near = |poison: u64| {
        let offset = base.wrapping_sub(poison).cast_signed();
        // A member of an entry lies before or behind its list head.
        (-0x400..0x22).contains(&offset).then_some(offset)
    };
    if delta == 0 {
        return match base {
            0x100 => Some(Bad::ListPoison1(0)),
            0x104 => Some(Bad::ListPoison1(4)),
            0x122 | 0x200 => Some(Bad::ListPoison2(0)),
            _ => None,
        };
    }
    if (0x122..0x122 + 0x80).contains(&base) {
        return Some(Bad::ListPoison2(base.wrapping_sub(0x122).cast_signed()));
    }
    if (0x200..0x280).contains(&base) {
        return Some(Bad::ListPoison2(base.wrapping_sub(0x200).cast_signed()));
    }
    if (0x300..0x380).contains(&base) {
        return Some(Bad::TimerStatic(base.wrapping_sub(0x300).cast_signed()));
    }
    near(0x100).map(Bad::ListPoison1)
}

/// Whether KASAN of this architecture may add this to an eighth of an address.
///
/// It is `KASAN_SHADOW_OFFSET` of the configuration. x86_64 has one (arch/x86/Kconfig). The others have one for
/// each size of the address space (arch/arm64/Kconfig, arch/riscv/Kconfig): an address near the top of
/// the space, whose shadow ends at a power of two.
pub fn is_shadow_offset(value: u64, arch: &str) -> bool {
    match arch {
        "x86_64" => value == 0xdfff_fc00_0000_0000,
        "arm64" | "riscv64" => value.trailing_zeros() >= 32 && value >> 60 >= 0xd,
        _ => false,
    }
}

/// The error number in a register, where it is one that functions return.
pub fn returned_error(value: u64) -> Option<i64> {
    let number = value.cast_signed();
    (-133..=-2)
        .contains(&number)
        .then_some(number)
        .or((-531..=-512).contains(&number).then_some(number))
}

/// The last page of the address space holds error numbers (`IS_ERR_VALUE`).
fn error_number(address: u64, narrow: bool) -> Option<i64> {
    let signed = if narrow {
        i64::from(u32::try_from(address).ok()?.cast_signed())
    } else {
        address.cast_signed()
    };
    (-4095..0).contains(&signed).then_some(signed)
}

/// A word of one repeated byte, give or take the offset of a member.
fn pattern(address: u64, narrow: bool) -> Option<Bad> {
    for pattern in PATTERNS {
        let word = u64::from_ne_bytes([pattern.byte; 8]);
        let word = if narrow { word & 0xffff_ffff } else { word };
        let offset = address.wrapping_sub(word).cast_signed();
        if offset.unsigned_abs() < REACH {
            return Some(Bad::Pattern(pattern, offset));
        }
        // The last byte of a freed object is POISON_END; in memory it is the highest of a word, or
        // the lowest, which is an offset.
        let end = if narrow { 0xa5 << 24 } else { 0xa5 << 56 };
        let rest = if narrow { 0xff_ffff } else { u64::MAX >> 8 };
        if pattern.byte == 0x6b && address == end | word & rest {
            return Some(Bad::Pattern(pattern, 0));
        }
    }
    None
}

/// A string, or its end: somebody wrote it over the pointer. Fewer letters than six may be
/// chance.
fn text(address: u64) -> Option<Bad> {
    let bytes = address.to_le_bytes();
    let printable = |byte: &u8| (0x20..0x7f).contains(byte);
    let letters = bytes.iter().take_while(|byte| printable(byte)).count();
    let rest = bytes.iter().skip(letters).all(|&byte| byte == 0);
    match letters {
        8 => Some(Bad::Text(bytes)),
        6.. if rest => Some(Bad::TextEnd(bytes)),
        _ => None,
    }
}

/// The letters of a text.
pub fn letters(text: &[u8; 8]) -> String {
    let letters = text.iter().take_while(|&&byte| byte != 0);
    letters.map(|&byte| char::from(byte)).collect()
}

/// The name of an error number that is the same on every architecture.
pub fn error_name(number: i64) -> Option<&'static str> {
    const NAMES: &[&str] = &[
        "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD",
        "EAGAIN", "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV",
        "ENOTDIR", "EISDIR", "EINVAL", "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG", "ENOSPC",
        "ESPIPE", "EROFS", "EMLINK", "EPIPE", "EDOM", "ERANGE",
    ];
    let index = usize::try_from(number.checked_neg()?.checked_sub(1)?).ok()?;
    NAMES.get(index).copied().or(match number {
        -517 => Some("EPROBE_DEFER"),
        -512 => Some("ERESTARTSYS"),
        -524 => Some("ENOTSUPP"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_told_apart() {
        let x86 = Some("x86_64");
        assert_eq!(classify(0x318, x86), Some(Bad::NullPlus(0x318)));
        assert_eq!(classify(0x100, Some("arm")), Some(Bad::ListPoison1(0)));
        assert_eq!(classify(0x100, Some("mips64")), Some(Bad::NullPlus(0x100)));
        assert_eq!(
            classify(0xdead_0000_0000_0100, x86),
            Some(Bad::ListPoison1(0))
        );
        assert_eq!(
            classify(0xdead_0000_0000_0108, x86),
            Some(Bad::ListPoison1(8))
        );
        assert_eq!(
            classify(0xdead_0000_0000_0122, x86),
            Some(Bad::ListPoison2(0))
        );
        assert_eq!(
            classify(0xffff_ffff_ffff_fff4, x86),
            Some(Bad::ErrorPointer(-12))
        );
        assert_eq!(
            classify(0xffff_fff4, Some("i386")),
            Some(Bad::ErrorPointer(-12))
        );
        assert!(
            matches!(classify(0x6b6b_6b6b_6b6b_6b83, x86), Some(Bad::Pattern(p, 24)) if p.proof == Proof::Freed)
        );
        assert_eq!(
            classify(0x4141_4141_4141_4141, None),
            Some(Bad::Text(*b"AAAAAAAA"))
        );
        assert_eq!(
            classify(0x1234_0000_0000_0000, x86),
            Some(Bad::NonCanonical)
        );
        assert_eq!(classify(0xffff_8880_0000_0000, x86), None);
        assert_eq!(
            classify(0x00ba_dbee_fbad_bee8, x86),
            Some(Bad::NonCanonical)
        );
        assert_eq!(classify(0x0000_7fff_1234_5678, x86), Some(Bad::UserSpace));
        assert_eq!(classify(0xa800_0000_0123_4560, Some("mips64")), None);
    }

    #[test]
    fn marks_of_all_kinds_are_known() {
        let x86 = Some("x86_64");
        let name = |address, arch| match classify(address, arch) {
            Some(Bad::Mark(mark, by)) => Some((mark.name, by)),
            _ => None,
        };
        assert_eq!(
            name(0xdead_0000_0000_0800, x86),
            Some(("SKB_LIST_POISON_NEXT", 0))
        );
        assert_eq!(
            name(0xdead_0000_0000_0801, x86),
            Some(("NET_PTR_POISON", 0))
        );
        assert_eq!(
            name(0xdead_0000_0000_0418, Some("arm64")),
            Some(("TAIL_MAPPING", 0x18))
        );
        assert_eq!(
            name(0x5dea_dbee_f000_0500, Some("ppc64")),
            Some(("MUTEX_POISON_WW_CTX", 0))
        );
        assert_eq!(name(0x09f9_1102_9d74_e35b, x86), Some(("RED_INACTIVE", 0)));
        assert_eq!(
            classify(0xdead_0000_0010_0100, x86),
            Some(Bad::ListPoison1(0))
        );
        assert_eq!(
            classify(0x0020_0200, Some("arm")),
            Some(Bad::ListPoison2(0))
        );
        assert!(
            matches!(classify(0xa56b_6b6b_6b6b_6b6b, x86), Some(Bad::Pattern(p, 0)) if p.byte == 0x6b)
        );
        assert!(
            matches!(classify(0xaaaa_aaaa_aaaa_aaaa, x86), Some(Bad::Pattern(p, 0)) if p.proof == Proof::Open)
        );
    }

    #[test]
    fn only_freed_memory_proves_a_use_after_free() {
        for pattern in PATTERNS {
            assert_eq!(
                pattern.freed,
                pattern.proof == Proof::Freed,
                "{}",
                pattern.name
            );
        }
    }

    #[test]
    fn text_may_end_within_a_word() {
        let x86 = Some("x86_64");
        assert_eq!(
            classify(0x0032_3038_315f_6574, x86),
            Some(Bad::TextEnd(*b"te_1802\0"))
        );
        // Four letters are an address of user space like any other.
        assert_eq!(classify(0x6162_6364, x86), Some(Bad::UserSpace));
        assert_eq!(
            classify(0x1234_5678_9abc_def0, Some("arm64")),
            Some(Bad::NonCanonical)
        );
        assert_eq!(classify(0x0804_8000, Some("i386")), Some(Bad::UserSpace));
        assert_eq!(
            classify(0x0000_003f_1234_5678, Some("riscv64")),
            Some(Bad::UserSpace)
        );
    }

    #[test]
    fn error_numbers_have_names() {
        assert_eq!(error_name(-12), Some("ENOMEM"));
        assert_eq!(error_name(-34), Some("ERANGE"));
        assert_eq!(error_name(-38), None, "differs between architectures");
        assert_eq!(error_name(i64::MIN), None);
    }
}
