//! Which functions of a large file may store to a member, by their bytes alone: a kernel has too many to decode.

use arch::Arch;

/// Whether no store to `offsets` bytes behind a pointer can be seen in the code without decoding it, so that each
/// function has to be looked at.
pub(crate) fn is_blind(arch: &Arch) -> bool {
    !matches!(arch.name, "x86_64" | "i386" | "mips64" | "mips")
}

/// Whether some instruction may store there or make that address. Bytes in the middle of an instruction may look
/// like it, too.
pub(crate) fn may_store(arch: &Arch, code: &[u8], offsets: &[u64]) -> bool {
    match arch.name {
        "x86_64" | "i386" => x86(code, offsets),
        _ => words(code, offsets),
    }
}

/// Opcode, register and address byte, and the displacement.
fn x86(code: &[u8], offsets: &[u64]) -> bool {
    code.windows(2).enumerate().any(|(at, pair)| {
        let [opcode, modrm] = *pair else {
            return false;
        };
        // mov, lea, xchg, cmpxchg, xadd, the arithmetic that changes memory, and pop.
        let is_store = matches!(
            opcode,
            0x88 | 0x89 | 0xc6 | 0xc7 | 0x8d | 0x86 | 0x87 | 0xb0 | 0xb1 | 0xc0 | 0xc1 | 0x80
                ..=0x83 | 0xff | 0x8f
        ) || opcode < 0x38 && opcode & 7 < 2;
        if !is_store || modrm >= 0xc0 {
            return false;
        }
        let index = usize::from(modrm & 7 == 4);
        let displacement = code.get(at + 2 + index..).unwrap_or_default();
        let found = match (modrm >> 6, displacement) {
            (0, _) => 0,
            (1, [byte, ..]) => i64::from(byte.cast_signed()),
            (2, [a, b, c, d, ..]) => i64::from(i32::from_le_bytes([*a, *b, *c, *d])),
            _ => return false,
        };
        offsets.contains(&found.cast_unsigned())
    })
}

/// An offset in the lowest half of a word of either byte order.
fn words(code: &[u8], offsets: &[u64]) -> bool {
    let is_wanted = |half: [u8; 2], other: [u8; 2]| {
        let [one, two] = [u16::from_be_bytes(half), u16::from_le_bytes(other)];
        offsets
            .iter()
            .any(|offset| *offset == u64::from(one) || *offset == u64::from(two))
    };
    code.chunks_exact(4).any(|word| match word {
        [a, b, c, d] => is_wanted([*c, *d], [*a, *b]),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_seen_without_decoding() {
        let x86 = arch::find("x86_64").unwrap().0;
        // mov %rax,0x18(%rdi); mov %rax,0x8(%rsp,%rcx,8); lea 0x1000(%rdi),%rax; mov 0x18(%rdi),%rax
        for (code, offset, wanted) in [
            (&[0x48, 0x89, 0x47, 0x18][..], 0x18, true),
            (&[0x48, 0x89, 0x47, 0x18], 0x20, false),
            (&[0x48, 0x89, 0x44, 0xcc, 0x08], 8, true),
            (&[0x48, 0x8d, 0x87, 0, 0x10, 0, 0], 0x1000, true),
            (&[0x48, 0x89, 0x07], 0, true),
            (&[0x48, 0x8b, 0x47, 0x18], 0x18, false),
            (&[0x48, 0x89], 0, false),
        ] {
            assert_eq!(may_store(x86, code, &[offset]), wanted, "{code:x?}");
        }
        let mips = arch::find("mips64").unwrap().0;
        // sd v0,24(a0)
        assert!(may_store(mips, &[0xfc, 0x82, 0, 24], &[24]));
        assert!(may_store(mips, &[24, 0, 0x82, 0xfc], &[24]));
        assert!(!may_store(mips, &[0xfc, 0x82, 0, 24], &[16]));
    }
}
