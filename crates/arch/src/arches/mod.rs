//! One file per architecture.

use crate::Arch;

base::registry! {
    /// Every architecture; the order has no meaning beyond that of listings.
    pub static ARCHES: [Arch] = [
        x86_64, i386, arm64, arm, mips64, mips, riscv64, riscv32, ppc64, ppc, s390x, loongarch64,
    ];
}
