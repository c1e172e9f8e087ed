//! Registers and the roles that a calling convention gives them.

/// A register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Name by the calling convention, lower case, as the readers of text give it.
    pub name: &'static str,
    /// Bits.
    pub bits: u8,
    /// What it is for; empty for a scratch register without a role of its own.
    pub roles: &'static [Role],
}

impl Register {
    /// A register of 64 bits.
    pub(crate) const fn wide(name: &'static str, roles: &'static [Role]) -> Self {
        let bits = 64;
        Register { name, bits, roles }
    }

    /// A register of 32 bits.
    pub(crate) const fn narrow(name: &'static str, roles: &'static [Role]) -> Self {
        let bits = 32;
        Register { name, bits, roles }
    }

    /// A segment selector.
    pub(crate) const fn selector(name: &'static str) -> Self {
        Register {
            name,
            bits: 16,
            roles: &[Role::System],
        }
    }

    /// Whether it plays `role`.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// What a register is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The address of the instruction.
    ProgramCounter,
    /// The end of the stack.
    StackPointer,
    /// The frame, in code that is compiled to keep one.
    FramePointer,
    /// The return address of the running function, until it calls another.
    Link,
    /// The argument of this number, counted from 0.
    Argument(u8),
    /// The returned value, its part of this number counted from 0.
    Return(u8),
    /// A called function gives it back unchanged: its value in a caller is known.
    CalleeSaved,
    /// Always zero.
    Zero,
    /// The thread, the CPU's own data or the module's global data.
    Pointer,
    /// Condition codes and processor state.
    Flags,
    /// The address that a fault reported.
    FaultAddress,
    /// The reason that a fault reported.
    FaultCode,
    /// Control of the processor or the memory.
    System,
}
