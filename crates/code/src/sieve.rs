//! Which functions of a large file may store to a member, by their bytes alone: a kernel has too many to decode.

use arch::{Arch, Effect, Expr, Insn, Op};

use crate::body::Body;
use crate::frame::reg_plus;
use crate::origin::Origin;

/// What is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Sieve {
    looks: fn(&[u8], &Sieve) -> bool,
    /// Bytes from a pointer to the member.
    offsets: Vec<u64>,
    /// Bytes of the member, where all descriptions of it agree.
    size: Option<u64>,
}

impl Sieve {
    /// A sieve for stores so many bytes behind a pointer; none where no store can be seen in the code of the
    /// architecture without decoding it, so that each function has to be looked at.
    pub(crate) fn new(arch: &Arch, offsets: Vec<u64>, size: Option<u64>) -> Option<Self> {
        let looks = match arch.name {
            "x86_64" => x86_64,
            "i386" => i386,
            "mips64" | "mips" => words,
            _ => return None,
        };
        Some(Sieve {
            looks,
            offsets,
            size,
        })
    }

    /// Whether some instruction may store there or make that address. Bytes in the middle of an instruction may
    /// look like it, too.
    pub(crate) fn may_store(&self, code: &[u8]) -> bool {
        (self.looks)(code, self)
    }

    /// The same of decoded instructions, whatever ways there are between them.
    pub(crate) fn may_have(&self, insns: &[Insn]) -> bool {
        let mut effects = insns.iter().flat_map(|insn| &insn.effects);
        effects.any(|effect| match effect {
            Effect::Store { address, size, .. } => {
                self.is_wide_enough(*size)
                    && match reg_plus(address) {
                        Some((_, offset)) => self.has(offset),
                        None => self.offsets.contains(&constant(address)),
                    }
            }
            effect => self.makes_address(effect),
        })
    }

    /// The same of a whole function: for one store after the other.
    pub(crate) fn of<'s>(&'s self, body: &'s Body<'s>) -> Sieved<'s> {
        let mut effects = body.nodes.iter().flat_map(|node| &node.insn.effects);
        Sieved {
            sieve: self,
            body,
            makes_address: effects.any(|effect| self.makes_address(effect)),
        }
    }

    /// Whether it makes an address so many bytes behind another.
    fn makes_address(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Set(_, value @ Expr::Binary(Op::Add, ..)) => {
                let offset = constant(value);
                offset != 0 && self.offsets.contains(&offset)
            }
            _ => false,
        }
    }

    /// Whether a store of so many bytes may set all of the member; a wider one sets its neighbour, too.
    fn is_wide_enough(&self, size: u8) -> bool {
        self.size.is_none_or(|whole| u64::from(size) >= whole)
    }

    fn has(&self, offset: i64) -> bool {
        self.offsets.contains(&offset.cast_unsigned())
    }
}

/// A function in the sieve.
pub(crate) struct Sieved<'s> {
    sieve: &'s Sieve,
    body: &'s Body<'s>,
    /// Whether it makes an address that a store elsewhere in it may go to.
    makes_address: bool,
}

impl Sieved<'_> {
    /// Whether a store may go there: by its own offset, or by the one of an instruction before it that made the
    /// address.
    pub(crate) fn is_met(&self, address: &Expr, size: u8, at: usize) -> bool {
        if !self.sieve.is_wide_enough(size) {
            return false;
        }
        let Some((reg, offset)) = reg_plus(address) else {
            // An index is added to it.
            return self.sieve.offsets.contains(&constant(address));
        };
        if Some(reg) == self.body.stack_pointer() {
            return false;
        }
        if self.sieve.has(offset) {
            return true;
        }
        let is_made = |origin: &Origin| match origin {
            Origin::Set(_, value) => {
                let made = constant(value).wrapping_add(offset.cast_unsigned());
                self.sieve.offsets.contains(&made)
            }
            _ => false,
        };
        self.makes_address && self.body.origins(reg, at).iter().any(is_made)
    }

    /// Whether any store of the function may.
    pub(crate) fn has_any(&self) -> bool {
        self.body.nodes.iter().enumerate().any(|(at, node)| {
            let mut stores = node.stores();
            stores.any(|(address, size, ..)| self.is_met(address, size, at))
        })
    }
}

/// What is added in an address, whatever else is.
fn constant(address: &Expr) -> u64 {
    match address {
        Expr::Const(value) => *value,
        Expr::Binary(Op::Add, left, right) => constant(left).wrapping_add(constant(right)),
        Expr::Binary(Op::Sub, left, right) => constant(left).wrapping_sub(constant(right)),
        _ => 0,
    }
}

fn x86_64(code: &[u8], sieve: &Sieve) -> bool {
    x86(code, sieve, true)
}

fn i386(code: &[u8], sieve: &Sieve) -> bool {
    x86(code, sieve, false)
}

fn x86(code: &[u8], sieve: &Sieve, has_rex: bool) -> bool {
    // Where there has to be a displacement its first byte is searched; most functions do not have it.
    if sieve.offsets.iter().all(|offset| *offset != 0) {
        return sieve.offsets.iter().any(|offset| {
            let first = offset.to_le_bytes().first().copied().unwrap_or(0);
            memchr::memchr_iter(first, code).any(|at| {
                // An opcode and two bytes of address before it, a byte that goes before those, and the rest behind.
                let start = at.saturating_sub(LONGEST_BEFORE);
                let end = code.len().min(at.saturating_add(4));
                x86_at(code.get(start..end).unwrap_or_default(), sieve, has_rex)
            })
        });
    }
    x86_at(code, sieve, has_rex)
}

/// Bytes of an instruction before its displacement that are looked at: a prefix, `0x0f`, the opcode and two of the
/// address.
const LONGEST_BEFORE: usize = 5;

/// Opcode, register and address byte, and the displacement (SDM volume 2, 2.1 and 2.2.1).
fn x86_at(code: &[u8], sieve: &Sieve, has_rex: bool) -> bool {
    let is_wide = has_rex && sieve.size == Some(8);
    let mut before = [0_u8; 2];
    for (at, pair) in code.windows(2).enumerate() {
        let [opcode, modrm] = *pair else {
            return false;
        };
        let [older, old] = before;
        before = [old, opcode];
        if !IS_STORE.get(usize::from(opcode)).is_some_and(|is| *is) || modrm >= 0xc0 {
            continue;
        }
        let prefix = if old == 0x0f { older } else { old };
        let rex = (has_rex && prefix & 0xf0 == 0x40).then_some(prefix);
        if is_wide && rex.is_none_or(|rex| rex & 8 == 0) && opcode != 0x8f {
            continue;
        }
        let index = usize::from(modrm & 7 == 4);
        let rest = code.get(at + 2 + index..).unwrap_or_default();
        let found = match (modrm >> 6, rest) {
            (0, _) => 0,
            (1, [byte, ..]) => i64::from(byte.cast_signed()),
            (2, [a, b, c, d, ..]) => i64::from(i32::from_le_bytes([*a, *b, *c, *d])),
            _ => continue,
        };
        if !sieve.has(found) {
            continue;
        }
        // A slot of the stack is a member of nothing that others see. With a bit in front the base is r12.
        let base = code.get(at + 2).copied().filter(|_| index == 1);
        let is_stack = base.is_some_and(|base| base & 7 == 4) && rex.is_none_or(|rex| rex & 1 == 0);
        if !is_stack {
            return true;
        }
    }
    false
}

#[allow(
    clippy::indexing_slicing,
    reason = "the compiler runs it, and a number of eight bits has its place among 256"
)]
/// Opcodes of mov, lea, xchg, cmpxchg, xadd, the arithmetic that changes memory, and pop.
const IS_STORE: [bool; 256] = {
    let mut is_store = [false; 256];
    let mut opcode = 0;
    while opcode < 256 {
        is_store[opcode] = matches!(
            opcode,
            0x88 | 0x89 | 0xc6 | 0xc7 | 0x8d | 0x86 | 0x87 | 0xb0 | 0xb1 | 0xc0 | 0xc1 | 0x80
                ..=0x83 | 0xff | 0x8f
        ) || opcode < 0x38 && opcode & 7 < 2;
        opcode += 1;
    }
    is_store
};

/// An offset in the lowest half of a word of either byte order.
fn words(code: &[u8], sieve: &Sieve) -> bool {
    let is_wanted = |half: [u8; 2], other: [u8; 2]| {
        let [one, two] = [u16::from_be_bytes(half), u16::from_le_bytes(other)];
        let mut offsets = sieve.offsets.iter();
        offsets.any(|offset| *offset == u64::from(one) || *offset == u64::from(two))
    };
    code.chunks_exact(4).any(|word| match word {
        [a, b, c, d] => is_wanted([*c, *d], [*a, *b]),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sieve(arch: &str, offset: u64, size: Option<u64>) -> Sieve {
        Sieve::new(arch::find(arch).unwrap().0, vec![offset], size).unwrap()
    }

    #[test]
    fn stores_are_seen_without_decoding() {
        for (code, offset, size, wanted) in [
            // mov %rax,0x18(%rdi)
            (&[0x48, 0x89, 0x47, 0x18][..], 0x18, None, true),
            (&[0x48, 0x89, 0x47, 0x18], 0x20, None, false),
            // mov %eax,0x18(%rdi) stores half of a pointer.
            (&[0x89, 0x47, 0x18], 0x18, Some(4), true),
            (&[0x89, 0x47, 0x18], 0x18, Some(8), false),
            (&[0x48, 0x89, 0x47, 0x18], 0x18, Some(4), true),
            // mov %rax,0x8(%rsp); mov %rax,0x8(%r12); mov %rax,0x8(%rdi,%rcx,8)
            (&[0x48, 0x89, 0x44, 0x24, 0x08], 8, Some(8), false),
            (&[0x49, 0x89, 0x44, 0x24, 0x08], 8, Some(8), true),
            (&[0x48, 0x89, 0x44, 0xcf, 0x08], 8, Some(8), true),
            // lea 0x1000(%rdi),%rax
            (&[0x48, 0x8d, 0x87, 0, 0x10, 0, 0], 0x1000, Some(8), true),
            // mov %rax,(%rdi); mov 0x18(%rdi),%rax; one that is cut
            (&[0x48, 0x89, 0x07], 0, Some(8), true),
            (&[0x48, 0x8b, 0x47, 0x18], 0x18, Some(8), false),
            (&[0x48, 0x89], 0, None, false),
            // lock cmpxchg %rdx,0x18(%rdi); movq $1,0x18(%rdi)
            (&[0xf0, 0x48, 0x0f, 0xb1, 0x57, 0x18], 0x18, Some(8), true),
            (&[0x48, 0xc7, 0x47, 0x18, 1, 0, 0, 0], 0x18, Some(8), true),
        ] {
            let met = sieve("x86_64", offset, size).may_store(code);
            assert_eq!(met, wanted, "{code:x?} {size:?}");
        }
        // mov %eax,0x18(%edi)
        assert!(sieve("i386", 0x18, Some(4)).may_store(&[0x89, 0x47, 0x18]));
        // sd v0,24(a0)
        for (word, offset, wanted) in [
            ([0xfc, 0x82, 0, 24], 24, true),
            ([24, 0, 0x82, 0xfc], 24, true),
            ([0xfc, 0x82, 0, 24], 16, false),
        ] {
            let met = sieve("mips64", offset, Some(8)).may_store(&word);
            assert_eq!(met, wanted, "{word:x?}");
        }
        assert!(Sieve::new(arch::find("arm64").unwrap().0, vec![8], None).is_none());
    }
}
