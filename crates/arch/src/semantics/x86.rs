//! x86_64 and i386. The bytes are taken apart by `iced-x86`; what each instruction means is said here,
//! after the "Intel 64 and IA-32 Architectures Software Developer's Manual" (SDM), volume 2.
//!
//! What is said in effects is exact, with these limits:
//!
//! * The flags are one value. After `sub`, `cmp`, `neg` it is the comparison of both sides, after `and`,
//!   `test`, `or`, `xor` that of the result: every condition on it holds. After `inc` and `dec` it is the
//!   comparison with which all conditions but those on the carry agree (they keep the carry), after
//!   `bt` and its kin the comparison whose carry is the bit (they change only the carry); compilers
//!   read nothing else there. After `add` and shifts no comparison has the same carry: unknown.
//! * Both sides of a comparison narrower than a register are extended with their sign, which keeps
//!   the signed and the unsigned order both; only where the difference overflows the narrower size, its
//!   own sign (`js`) is not that of the comparison.
//! * A single string instruction counts upwards: the direction flag is clear wherever compiled code
//!   runs (System V ABI for AMD64, 3.2.1).

mod integer;
mod memory;
mod operand;
mod other;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fmt::Write;

use iced_x86::{
    ConditionCode, Decoder, DecoderError, DecoderOptions, FlowControl, Formatter, GasFormatter,
    Instruction, Mnemonic, OpKind, Register,
};

use crate::{Callee, Cond, Expr, Flow, Insn, Load, Op, Reg, Test, Text, Undecoded};
use operand::Lift;

/// No instruction is longer (SDM 2.3.11).
const MAX_BYTES: usize = 15;

/// Decodes an instruction of 64-bit code.
pub fn decode_64(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    decode(bytes, address, 64)
}

/// Decodes an instruction of 32-bit code.
pub fn decode_32(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    decode(bytes, address, 32)
}

fn decode(bytes: &[u8], address: u64, bits: u32) -> Result<Insn, Undecoded> {
    let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let mut decoder = Decoder::with_ip(bits, bytes, address, DecoderOptions::NONE);
    let insn = decoder.decode();
    if insn.is_invalid() {
        let why = match decoder.last_error() {
            DecoderError::NoMoreBytes => "the bytes end within the instruction",
            _ => "no instruction has these bytes",
        };
        let size = 0;
        return Err(Undecoded { address, size, why });
    }
    let mut lift = Lift::new(&insn, bits == 64);
    let flow = flow(&mut lift);
    Ok(Insn {
        address,
        size: insn.len() as u8,
        text: Text::later(bytes, address, if bits == 64 { text_64 } else { text_32 }),
        effects: lift.effects,
        flow,
        delay_slot: false,
    })
}

/// Collects the effects and tells where the instruction goes.
fn flow(lift: &mut Lift<'_>) -> Flow {
    let insn = lift.insn;
    let near = |kind: OpKind| {
        use OpKind::{NearBranch16, NearBranch32, NearBranch64};
        matches!(kind, NearBranch16 | NearBranch32 | NearBranch64)
    };
    match insn.flow_control() {
        FlowControl::UnconditionalBranch if near(insn.op0_kind()) => {
            Flow::Jump(Some(insn.near_branch_target()))
        }
        FlowControl::ConditionalBranch => branch(lift),
        FlowControl::Call if near(insn.op0_kind()) => {
            lift.push_return_address();
            Flow::Call(Callee::At(insn.near_branch_target()))
        }
        FlowControl::IndirectCall if insn.is_call_near_indirect() => {
            let size = lift.native();
            match lift.raw(0, size) {
                Some(target) => {
                    lift.push_return_address();
                    Flow::Call(Callee::Value(target))
                }
                None => {
                    lift.other();
                    Flow::Call(Callee::Value(Expr::Unknown("not modelled")))
                }
            }
        }
        FlowControl::IndirectBranch if insn.is_jmp_near_indirect() => {
            let size = lift.native();
            match lift.raw(0, size) {
                Some(target) => Flow::JumpTo(target),
                None => {
                    lift.other();
                    Flow::Jump(None)
                }
            }
        }
        FlowControl::UnconditionalBranch | FlowControl::IndirectBranch => {
            lift.other();
            Flow::Jump(None)
        }
        FlowControl::Return if insn.mnemonic() == Mnemonic::Ret => {
            lift.pop_return_address();
            Flow::Return
        }
        // iret, sysret and their kin leave for where the saved state says.
        FlowControl::Return => {
            lift.other();
            Flow::Jump(None)
        }
        FlowControl::Exception => Flow::Trap,
        FlowControl::Interrupt if matches!(insn.mnemonic(), Mnemonic::Int3 | Mnemonic::Int1) => {
            Flow::Trap
        }
        FlowControl::XbeginXabortXend if near(insn.op0_kind()) => {
            lift.other();
            let test = Test {
                cond: Cond::Other,
                left: Expr::Reg(Reg::FLAGS),
                right: Expr::Const(0),
            };
            Flow::Branch(insn.near_branch_target(), test)
        }
        // System calls and hypercalls come back to the next instruction.
        _ => {
            lift.effects();
            Flow::Next
        }
    }
}

/// A conditional branch: on flags, or one of those on `rcx`.
fn branch(lift: &mut Lift<'_>) -> Flow {
    let insn = lift.insn;
    let target = insn.near_branch_target();
    if insn.condition_code() != ConditionCode::None && !insn.is_loopcc() {
        return Flow::Branch(target, test(insn));
    }
    // The address size chooses cx, ecx or rcx; compiled code has the whole one.
    let count = lift.count();
    let whole = match insn.mnemonic() {
        Mnemonic::Jrcxz | Mnemonic::Loop => true,
        Mnemonic::Jecxz => !lift.wide,
        _ => false,
    };
    let test = |cond, right| Test {
        cond,
        left: Expr::Reg(count),
        right,
    };
    match insn.mnemonic() {
        Mnemonic::Jrcxz | Mnemonic::Jecxz if whole => {
            Flow::Branch(target, test(Cond::Eq, Expr::Const(0)))
        }
        Mnemonic::Loop => {
            lift.set(count, Expr::at(count, -1));
            // Decremented, then compared with zero.
            Flow::Branch(target, test(Cond::Ne, Expr::Const(1)))
        }
        _ => {
            lift.other();
            Flow::Branch(target, test(Cond::Other, Expr::Const(0)))
        }
    }
}

/// The condition of `jcc`, `setcc`, `cmovcc` (SDM volume 1, appendix B).
fn test(insn: &Instruction) -> Test {
    use ConditionCode as Code;
    let cond = match insn.condition_code() {
        Code::e => Cond::Eq,
        Code::ne => Cond::Ne,
        Code::b => Cond::LtU,
        Code::be => Cond::LeU,
        Code::a => Cond::GtU,
        Code::ae => Cond::GeU,
        Code::l => Cond::LtS,
        Code::le => Cond::LeS,
        Code::g => Cond::GtS,
        Code::ge => Cond::GeS,
        Code::s => Cond::Neg,
        Code::ns => Cond::Pos,
        Code::o | Code::no | Code::p | Code::np | Code::None => Cond::Other,
    };
    Test {
        cond,
        left: Expr::Reg(Reg::FLAGS),
        right: Expr::Const(0),
    }
}

thread_local! {
    // It holds buffers that are costly to make for every instruction.
    static FORMATTER: RefCell<GasFormatter> = RefCell::new(formatter());
}

/// As `objdump` prints.
fn formatter() -> GasFormatter {
    let mut formatter = GasFormatter::new();
    let options = formatter.options_mut();
    options.set_uppercase_hex(false);
    options.set_small_hex_numbers_in_decimal(false);
    options.set_rip_relative_addresses(true);
    options.set_branch_leading_zeros(false);
    formatter
}

fn text_64(bytes: &[u8], address: u64) -> String {
    text(&Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode())
}

fn text_32(bytes: &[u8], address: u64) -> String {
    text(&Decoder::with_ip(32, bytes, address, DecoderOptions::NONE).decode())
}

fn text(insn: &Instruction) -> String {
    FORMATTER.with_borrow_mut(|formatter| {
        let mut text = String::with_capacity(40);
        let options = formatter.options_mut();
        // Zeros that are in the encoding, and the segments of strings, are shown.
        options.set_show_zero_displacements(insn.memory_displ_size() > 0);
        options.set_always_show_segment_register(insn.is_string_instruction());
        // `imul $n,%rax,%rax` keeps all its operands.
        options.set_use_pseudo_ops(insn.mnemonic() != Mnemonic::Imul);
        options.set_always_show_scale(insn.memory_index() != Register::None);
        if matches!(
            insn.op0_kind(),
            OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64
        ) {
            formatter.format_mnemonic(insn, &mut text);
            let _ = write!(text, " {:x}", insn.near_branch_target());
        } else {
            formatter.format(insn, &mut text);
        }
        if insn.op0_kind() == OpKind::Memory {
            // No suffix where the size is always that of the stack.
            let bare = match insn.mnemonic() {
                Mnemonic::Pop | Mnemonic::Jmp => 3,
                Mnemonic::Push | Mnemonic::Call => 4,
                _ => usize::MAX,
            };
            if matches!(text.as_bytes().get(bare..), Some([b'q' | b'l', b' ', ..])) {
                text.remove(bare);
            }
        }
        text
    })
}

fn binary(op: Op, a: Expr, b: Expr) -> Expr {
    Expr::Binary(op, Box::new(a), Box::new(b))
}

fn load(address: Expr, size: u8, signed: bool, space: Option<&'static str>) -> Load {
    Load {
        address,
        size,
        signed,
        space,
    }
}
