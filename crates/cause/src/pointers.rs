//! Values that no valid pointer has, and what left them there.

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
    /// Bytes of one value: freed, fresh or guard memory.
    Pattern(&'static Pattern, i64),
    /// Not in the canonical form that x86_64 demands.
    NonCanonical,
    /// Eight bytes of text.
    Text([u8; 8]),
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
}

/// `include/linux/poison.h`.
const PATTERNS: &[Pattern] = &[
    Pattern {
        byte: 0x6b,
        name: "POISON_FREE",
        means: "memory of the slab allocator that was freed",
        freed: true,
    },
    Pattern {
        byte: 0x5a,
        name: "POISON_INUSE",
        means: "memory of the slab allocator that was allocated and never written",
        freed: false,
    },
    Pattern {
        byte: 0xbb,
        name: "SLUB_RED_INACTIVE",
        means: "the guard zone around a free slab object",
        freed: true,
    },
    Pattern {
        byte: 0xcc,
        name: "SLUB_RED_ACTIVE or freed init memory",
        means: "the guard zone around a slab object in use, or init memory that was freed",
        freed: false,
    },
    Pattern {
        byte: 0xaa,
        name: "PAGE_POISON",
        means: "a page that was freed",
        freed: true,
    },
];

/// Offsets up to this are a member behind the poison.
const REACH: u64 = 0x1000;

/// What an address says about itself; none when it may be valid.
///
/// `arch` is the canonical name of the architecture, where it is known: the
/// poison of lists moves with the kernel's `POISON_POINTER_DELTA`.
pub fn classify(address: u64, arch: Option<&str>) -> Option<Bad> {
    let narrow = arch.is_some_and(|arch| matches!(arch, "i386" | "arm" | "mips"));
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
    if let Some(bad) = list_poison(address, 0xdead_0000_0000_0000)
        .or_else(|| list_poison(address, 0x5dea_dbee_f000_0000))
    {
        return Some(bad);
    }
    if let Some(bad) = pattern(address, narrow) {
        return Some(bad);
    }
    if narrow {
        return None;
    }
    if let Some(text) = text(address) {
        return Some(Bad::Text(text));
    }
    if arch != Some("x86_64") {
        return None;
    }
    // Five-level paging uses 57 bits; only what is wrong in both is surely wrong.
    let upper = address >> 56;
    if upper != 0 && upper != 0xff {
        return Some(Bad::NonCanonical);
    }
    match address {
        0..0x0000_8000_0000_0000 => Some(Bad::UserSpace),
        // Above user space with four levels, inside of it with five: the kernel's in neither.
        0x0000_8000_0000_0000..0x0100_0000_0000_0000 => Some(Bad::NonCanonical),
        _ => None,
    }
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
    }
    None
}

/// All eight bytes printable: somebody wrote a string over the pointer.
fn text(address: u64) -> Option<[u8; 8]> {
    let bytes = address.to_le_bytes();
    bytes
        .iter()
        .all(|byte| (0x20..0x7f).contains(byte))
        .then_some(bytes)
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
            matches!(classify(0x6b6b_6b6b_6b6b_6b83, x86), Some(Bad::Pattern(p, 24)) if p.freed)
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
    fn error_numbers_have_names() {
        assert_eq!(error_name(-12), Some("ENOMEM"));
        assert_eq!(error_name(-34), Some("ERANGE"));
        assert_eq!(error_name(-38), None, "differs between architectures");
        assert_eq!(error_name(i64::MIN), None);
    }
}
