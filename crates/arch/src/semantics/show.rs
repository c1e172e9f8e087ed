//! Effects in a short notation, so that a test states what it expects in one line.
//!
//! `rax = [rdi+8]4s` is a signed read of four bytes, `u4(…)` and `s4(…)` keep the lowest four bytes
//! without and with the sign, `gs:[…]8 = …` is a store into the space `gs`.

use crate::{Callee, Effect, Expr, Flow, Insn, Load, Op, Test};

/// All effects and the flow, unless it is the next instruction.
pub fn insn(insn: &Insn) -> String {
    let mut parts: Vec<String> = insn.effects.iter().map(effect).collect();
    match &insn.flow {
        Flow::Next => {}
        Flow::Jump(Some(target)) => parts.push(format!("jump {target:#x}")),
        Flow::Jump(None) => parts.push("jump ?".to_owned()),
        Flow::JumpTo(value) => parts.push(format!("jump {}", expr(value))),
        Flow::Branch(target, when) => parts.push(format!("if {} jump {target:#x}", test(when))),
        Flow::Call(Callee::At(target)) => parts.push(format!("call {target:#x}")),
        Flow::Call(Callee::Value(value)) => parts.push(format!("call {}", expr(value))),
        Flow::Return => parts.push("return".to_owned()),
        Flow::Trap => parts.push("trap".to_owned()),
    }
    parts.join("; ")
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Set(reg, value) => format!("{reg} = {}", expr(value)),
        Effect::Store {
            address,
            size,
            value,
            space,
        } => {
            format!(
                "{}[{}]{size} = {}",
                prefix(*space),
                bare(address),
                expr(value)
            )
        }
        Effect::Touch(load) => format!("touch {}", self::load(load)),
        Effect::Clobber(regs) => {
            let names: Vec<&str> = regs.iter().map(|reg| reg.0).collect();
            format!("clobber {}", names.join(" "))
        }
    }
}

fn prefix(space: Option<&str>) -> String {
    space.map(|space| format!("{space}:")).unwrap_or_default()
}

fn load(load: &Load) -> String {
    let sign = if load.signed { "s" } else { "" };
    format!(
        "{}[{}]{}{sign}",
        prefix(load.space),
        bare(&load.address),
        load.size
    )
}

fn number(value: u64) -> String {
    match value {
        0..10 => value.to_string(),
        // A small negative number reads better as one.
        _ if (value as i64) < 0 && value > u64::MAX - 0x10000 => {
            let size = (value as i64).unsigned_abs();
            if size < 10 {
                format!("-{size}")
            } else {
                format!("-{size:#x}")
            }
        }
        _ => format!("{value:#x}"),
    }
}

/// Without the outer parentheses.
fn bare(value: &Expr) -> String {
    let text = expr(value);
    match text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
    {
        Some(inner) if matches!(value, Expr::Binary(..)) => inner.to_owned(),
        _ => text,
    }
}

fn test(test: &Test) -> String {
    let cond = format!("{:?}", test.cond).to_lowercase();
    format!("{} {cond} {}", expr(&test.left), expr(&test.right))
}

fn expr(value: &Expr) -> String {
    match value {
        Expr::Reg(reg) => reg.to_string(),
        Expr::Const(value) => number(*value),
        Expr::Load(load) => self::load(load),
        Expr::Binary(op, a, b) => {
            let sign = match op {
                Op::Add => "+",
                Op::Sub => "-",
                Op::Mul => "*",
                Op::DivU => "/",
                Op::DivS => "/s",
                Op::And => "&",
                Op::Or => "|",
                Op::Xor => "^",
                Op::Shl => "<<",
                Op::Shr => ">>",
                Op::Sar => ">>s",
            };
            format!("({}{sign}{})", expr(a), expr(b))
        }
        Expr::Extend {
            size,
            signed,
            value,
        } => {
            format!("{}{size}({})", if *signed { "s" } else { "u" }, bare(value))
        }
        Expr::Compare(a, b) => format!("compare({}, {})", bare(a), bare(b)),
        Expr::Test(a, b) => format!("test({}, {})", bare(a), bare(b)),
        Expr::Select(when, a, b) => format!("if({}, {}, {})", test(when), bare(a), bare(b)),
        Expr::Unknown(why) => format!("?{why}?"),
    }
}
