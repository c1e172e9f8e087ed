//! Whether what flags are said to be tells the conditions that the CPU then sees, for the tests of the
//! decoders of CPUs with flags.

use super::oracle::{Machine, PLACE, hex, lines, state};
use crate::{Cond, Effect, Expr, Insn, Reg, Test};

/// All that may be told.
pub const ALL: &[Cond] = &[
    Cond::Eq,
    Cond::Ne,
    Cond::LtU,
    Cond::LeU,
    Cond::GtU,
    Cond::GeU,
    Cond::LtS,
    Cond::LeS,
    Cond::GtS,
    Cond::GeS,
    Cond::Neg,
    Cond::Pos,
];

/// Checks the flags of vectors, as `Machine::check_vectors` does all else. `told` are the
/// conditions that hold after the instruction.
pub fn check(machine: &Machine, vectors: &str, told: fn(&Insn) -> &'static [Cond]) {
    let mut count = 0;
    for line in lines(vectors) {
        let mut parts = line.split('|');
        let insn = (machine.decode)(&hex(parts.next().unwrap()), PLACE).unwrap();
        let (before, _) = state(parts.next().unwrap());
        let (after, _) = state(parts.next().unwrap());
        let Some(flags) = insn.effects.iter().find_map(|effect| match effect {
            Effect::Set(Reg::FLAGS, flags) => Some(flags),
            _ => None,
        }) else {
            continue;
        };
        let is = after.registers["flags"];
        for cond in told(&insn) {
            let (left, right) = match flags {
                Expr::Compare(a, b) => (a.as_ref().clone(), b.as_ref().clone()),
                Expr::Test(a, b) => (
                    Expr::Binary(crate::Op::And, a.clone(), b.clone()),
                    Expr::Const(0),
                ),
                _ => continue,
            };
            // The sign of a difference that overflows is not that of the comparison.
            let sign = matches!(cond, Cond::Neg | Cond::Pos);
            if sign && matches!(flags, Expr::Compare(..)) && (narrow(&left) || narrow(&right)) {
                continue;
            }
            let test = match (cond, flags) {
                (Cond::Neg, Expr::Compare(..)) => sign_of(Cond::LtS, left, right),
                (Cond::Pos, Expr::Compare(..)) => sign_of(Cond::GeS, left, right),
                (cond, _) => Test {
                    cond: *cond,
                    left,
                    right,
                },
            };
            let says = machine.holds(&test, &before).unwrap();
            let seen = (machine.holds)(*cond, is).unwrap();
            assert_eq!(says, seen, "{cond:?} after {}: {line}", insn.text);
            count += 1;
        }
    }
    assert!(count > 500, "{count} conditions are too few");
}

/// Whether the difference is negative, modulo 2^64.
fn sign_of(cond: Cond, left: Expr, right: Expr) -> Test {
    let left = Expr::Binary(crate::Op::Sub, Box::new(left), Box::new(right));
    Test {
        cond,
        left,
        right: Expr::Const(0),
    }
}

fn narrow(side: &Expr) -> bool {
    match side {
        Expr::Extend { size, .. } => *size < 8,
        Expr::Load(load) => load.size < 8,
        _ => false,
    }
}
