//! Registers of x86_64 during a walk: which are known, and what they hold.

/// A register of x86_64, in the order of `struct pt_regs` (arch/x86/include/asm/ptrace.h), which is the order
/// in which the kernel's entry code saves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the processor's manual")]
pub enum X86 {
    R15,
    R14,
    R13,
    R12,
    Rbp,
    Rbx,
    R11,
    R10,
    R9,
    R8,
    Rax,
    Rcx,
    Rdx,
    Rsi,
    Rdi,
    OrigRax,
    Rip,
    Cs,
    Eflags,
    Rsp,
    Ss,
}

/// All of them.
pub(crate) const ALL: [(X86, &str); 21] = [
    (X86::R15, "r15"),
    (X86::R14, "r14"),
    (X86::R13, "r13"),
    (X86::R12, "r12"),
    (X86::Rbp, "rbp"),
    (X86::Rbx, "rbx"),
    (X86::R11, "r11"),
    (X86::R10, "r10"),
    (X86::R9, "r9"),
    (X86::R8, "r8"),
    (X86::Rax, "rax"),
    (X86::Rcx, "rcx"),
    (X86::Rdx, "rdx"),
    (X86::Rsi, "rsi"),
    (X86::Rdi, "rdi"),
    (X86::OrigRax, "orig_rax"),
    (X86::Rip, "rip"),
    (X86::Cs, "cs"),
    (X86::Eflags, "eflags"),
    (X86::Rsp, "rsp"),
    (X86::Ss, "ss"),
];

impl X86 {
    /// Every register with its name.
    pub fn all() -> impl Iterator<Item = (X86, &'static str)> {
        ALL.into_iter()
    }

    /// The register of a number in DWARF ("System V Application Binary Interface, AMD64", 3.6.2 "DWARF Register
    /// Number Mapping"); 16 is where the return address goes.
    pub(crate) fn numbered(number: u16) -> Option<X86> {
        NUMBERS.get(usize::from(number)).copied()
    }

    /// Its number in DWARF.
    pub(crate) fn number(self) -> Option<u16> {
        let place = NUMBERS.iter().position(|register| *register == self)?;
        u16::try_from(place).ok()
    }

    /// Whether a function leaves it to its caller as it was (the same document, 3.2.1).
    pub(crate) fn is_kept(self) -> bool {
        matches!(
            self,
            X86::Rbx | X86::Rbp | X86::R12 | X86::R13 | X86::R14 | X86::R15
        )
    }
}

/// By their numbers in DWARF.
const NUMBERS: [X86; 17] = [
    X86::Rax,
    X86::Rdx,
    X86::Rcx,
    X86::Rbx,
    X86::Rsi,
    X86::Rdi,
    X86::Rbp,
    X86::Rsp,
    X86::R8,
    X86::R9,
    X86::R10,
    X86::R11,
    X86::R12,
    X86::R13,
    X86::R14,
    X86::R15,
    X86::Rip,
];

/// What is known of the registers of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    values: [Option<u64>; 21],
}

impl Registers {
    /// Those of a list of names, as `arch` has them; others are left out.
    pub fn named(list: &[(&str, u64)]) -> Self {
        let mut registers = Registers::default();
        for (name, value) in list {
            if let Some((register, _)) = ALL.iter().find(|(_, known)| known == name) {
                registers.set(*register, Some(*value));
            }
        }
        registers
    }

    /// What a register holds, where that is known.
    pub fn get(&self, register: X86) -> Option<u64> {
        self.values.get(register as usize).copied().flatten()
    }

    /// Says what a register holds, or that it is not known any more.
    pub fn set(&mut self, register: X86, value: Option<u64>) {
        if let Some(slot) = self.values.get_mut(register as usize) {
            *slot = value;
        }
    }

    /// The registers that are known, by name.
    pub fn list(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let known = |(register, name): &(X86, &'static str)| Some((*name, self.get(*register)?));
        ALL.iter().filter_map(known)
    }

    /// Whether they are those of user space: the lowest two bits of `cs` are its privilege.
    pub fn is_user(&self) -> bool {
        self.get(X86::Cs).is_some_and(|cs| cs & 3 == 3)
    }
}
