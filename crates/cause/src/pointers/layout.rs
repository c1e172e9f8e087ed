//! How the architectures divide the address space: what can be no kernel address by its form.

/// What an address is by its place alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// User space has it, or may have it.
    User,
    /// No mapping can have it.
    None,
    /// The kernel may have it.
    Kernel,
}

/// Where an address lies; none where the architecture tells nothing.
///
/// Only what holds for every configuration is said: the largest address space of the
/// architecture, the smallest share of user space.
pub fn half(address: u64, arch: &str) -> Option<Half> {
    Some(match arch {
        // Documentation/arch/x86/x86_64/mm.rst. Five levels use 57 bits, four 48: what neither has
        // is no address; what is above user space with four and inside of it with five is
        // the kernel's in neither.
        "x86_64" => match (address >> 56, address) {
            (0, 0..0x0000_8000_0000_0000) => Half::User,
            (0xff, _) => Half::Kernel,
            _ => Half::None,
        },
        // Documentation/arch/arm64/memory.rst: at most 52 bits, bit 55 chooses the half; the
        // highest byte may be a tag (Documentation/arch/arm64/tagged-pointers.rst, KASAN).
        "arm64" => match (address >> 52 & 0xf, address >> 56) {
            (0, 0) => Half::User,
            (0xf, _) => Half::Kernel,
            (0, _) => return None,
            _ => Half::None,
        },
        // Documentation/arch/riscv/vm-layout.rst: 39, 48 or 57 bits, the sign extended.
        "riscv64" => match (address >> 56, address) {
            (0, 0..0x0000_0040_0000_0000) => Half::User,
            (0xff, _) => Half::Kernel,
            (0, _) => return None,
            _ => Half::None,
        },
        // MIPS64 architecture, volume III, 4.2: `xuseg`, and the compatibility segments above.
        "mips64" if address >> 62 == 0 => Half::User,
        // `kuseg` is the lower half, as large as it is.
        "mips" if address < 0x8000_0000 => Half::User,
        // arch/powerpc/include/asm/book3s/64/mmu-hash.h: the kernel begins at 0xc…0.
        "ppc64" if address >> 60 == 0 => Half::User,
        // The smallest share that VMSPLIT leaves (arch/x86/Kconfig, arch/arm/Kconfig), less the
        // 16 MiB for modules of arm.
        "i386" if address < 0x4000_0000 => Half::User,
        "arm" if address < 0x3f00_0000 => Half::User,
        "mips64" | "mips" | "ppc64" | "i386" | "arm" => Half::Kernel,
        // s390 has an address space for the kernel alone.
        _ => return None,
    })
}

/// Whether addresses have 32 bits.
pub fn is_narrow(arch: &str) -> bool {
    matches!(arch, "i386" | "arm" | "mips" | "ppc" | "riscv32")
}

/// Bits of a page that every configuration has at least; an address in another page of this size
/// may be in the same one where pages are larger.
pub fn page_bits(arch: &str) -> u32 {
    match arch {
        "x86_64" | "i386" | "arm" | "riscv64" | "riscv32" | "s390x" => 12,
        // Up to 64 KiB: arch/arm64/Kconfig, arch/mips/Kconfig, arch/powerpc/Kconfig.
        _ => 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_those_of_every_configuration() {
        let told: &[(&str, u64, Option<Half>)] = &[
            ("x86_64", 0x0000_7fff_ffff_f000, Some(Half::User)),
            ("x86_64", 0x0000_8000_0000_0000, Some(Half::None)),
            ("x86_64", 0xff11_0000_0000_0000, Some(Half::Kernel)),
            ("arm64", 0x0000_aaaa_aaaa_a000, Some(Half::User)),
            ("arm64", 0xffff_8000_8000_0000, Some(Half::Kernel)),
            // A tag of KASAN in the highest byte.
            ("arm64", 0xf4ff_0000_0123_4560, Some(Half::Kernel)),
            ("arm64", 0x1234_5678_9abc_def0, Some(Half::None)),
            ("riscv64", 0xff60_0000_0000_0000, Some(Half::Kernel)),
            ("riscv64", 0x6b6b_6b6b_6b6b_6b6b, Some(Half::None)),
            ("mips64", 0xa800_0000_0123_4560, Some(Half::Kernel)),
            ("mips64", 0x0000_0010_0000_0000, Some(Half::User)),
            ("i386", 0x0804_8000, Some(Half::User)),
            ("i386", 0x8000_0000, Some(Half::Kernel)),
            ("ppc64", 0xc000_0000_0000_1000, Some(Half::Kernel)),
            ("s390x", 0x0000_0000_8000_0000, None),
        ];
        for (arch, address, expected) in told {
            assert_eq!(half(*address, arch), *expected, "{arch} {address:#x}");
        }
    }
}
