//! Branches, exceptions, system instructions (Arm ARM C4.1.93).

use super::{Code, LR, ZERO, condition, condition_name, name, size, value, x};
use crate::semantics::build::{Draft, test, with};
use crate::semantics::width::widened;
use crate::{Callee, Cond, Expr, Flow, Op, Reg};

impl Code {
    /// `udf`: no instruction, for good.
    pub(super) fn reserved(self) -> Option<Draft> {
        let text = || format!("udf #{}", self.word);
        (self.word >> 16 == 0).then(|| Draft::new(text()).flow(Flow::Trap))
    }

    pub(super) fn system(self) -> Option<Draft> {
        match self.bits(29, 3) {
            0b000 | 0b100 => {
                let target = self.target(self.signed(0, 26));
                Some(if self.wide() {
                    let draft = Draft::new(format!("bl {target:x}"));
                    self.link(draft).flow(Flow::Call(Callee::At(target)))
                } else {
                    Draft::new(format!("b {target:x}")).flow(Flow::Jump(Some(target)))
                })
            }
            0b001 | 0b101 if self.bit(25) => self.test_and_branch(),
            0b001 | 0b101 => self.compare_and_branch(),
            0b010 if self.bits(24, 2) == 0 => {
                let target = self.target(self.signed(5, 19));
                let when = self.bits(0, 4);
                let consistent = if self.bit(4) { "c" } else { "" };
                let text = format!("b{consistent}.{} {target:x}", condition_name(when));
                let flow = match when {
                    0b1110 | 0b1111 => Flow::Jump(Some(target)),
                    when => Flow::Branch(target, condition(when)),
                };
                Some(Draft::new(text).flow(flow))
            }
            0b110 if self.bit(25) => self.to_register(),
            0b110 => match self.bits(22, 3) {
                0b000..=0b011 => self.exception(),
                0b100 => self.instruction_of_system(),
                _ => None,
            },
            _ => None,
        }
    }

    /// A call leaves its return address in the link register.
    fn link(self, draft: Draft) -> Draft {
        draft.set(Some(LR), Expr::Const(self.target(1)))
    }

    fn compare_and_branch(self) -> Option<Draft> {
        let (wide, rt) = (self.wide(), self.rd());
        let target = self.target(self.signed(5, 19));
        let (word, cond) = if self.bit(24) {
            ("cbnz", Cond::Ne)
        } else {
            ("cbz", Cond::Eq)
        };
        let text = format!("{word} {}, {target:x}", name(rt, wide));
        let when = test(cond, widened(value(rt), size(wide), false), ZERO);
        Some(Draft::new(text).flow(Flow::Branch(target, when)))
    }

    fn test_and_branch(self) -> Option<Draft> {
        let rt = self.rd();
        let bit = self.bits(31, 1) << 5 | self.bits(19, 5);
        let target = self.target(self.signed(5, 14));
        let (word, cond) = if self.bit(24) {
            ("tbnz", Cond::Ne)
        } else {
            ("tbz", Cond::Eq)
        };
        let text = format!("{word} {}, #{bit}, {target:x}", name(rt, bit > 31));
        let tested = with(Op::And, value(rt), 1 << bit);
        Some(Draft::new(text).flow(Flow::Branch(target, test(cond, tested, ZERO))))
    }

    /// `br`, `blr`, `ret`, `eret`, also with authentication.
    fn to_register(self) -> Option<Draft> {
        let (rn, rm) = (self.rn(), self.rd());
        if self.bits(16, 5) != 31 {
            return None;
        }
        let (kind, authenticated) = match (self.bits(21, 4), self.bits(10, 6)) {
            (kind @ 0..=4, 0) if rm == 0 => (kind, None),
            (kind @ 0..=4, key @ 2..=3) if rm == 31 => (kind, Some((key, "z"))),
            (kind @ 8..=9, key @ 2..=3) => (kind - 8, Some((key, ""))),
            _ => return None,
        };
        let suffix = match authenticated {
            None => String::new(),
            Some((key, zero)) => {
                let zero = if kind < 2 { zero } else { "" };
                format!("a{}{zero}", if key == 2 { "a" } else { "b" })
            }
        };
        let modifier = match authenticated {
            Some((_, "")) => format!(", {}", super::name_or_sp(rm, true)),
            _ => String::new(),
        };
        let register = name(rn, true);
        Some(match kind {
            0 => {
                Draft::new(format!("br{suffix} {register}{modifier}")).flow(Flow::JumpTo(value(rn)))
            }
            1 => {
                let draft = Draft::new(format!("blr{suffix} {register}{modifier}"));
                self.link(draft).flow(Flow::Call(Callee::Value(value(rn))))
            }
            2 => {
                let text = match (rn, suffix.as_str()) {
                    (_, "aa" | "ab") if rn != 31 => return None,
                    (_, "aa") => "retaa".to_owned(),
                    (_, "ab") => "retab".to_owned(),
                    (30, _) => "ret".to_owned(),
                    _ => format!("ret {register}"),
                };
                Draft::new(text).flow(Flow::Return)
            }
            4 if rn == 31 => Draft::new(format!("eret{suffix}")).flow(Flow::Jump(None)),
            _ => return None,
        })
    }

    fn exception(self) -> Option<Draft> {
        if self.bits(2, 3) != 0 {
            return None;
        }
        let number = self.bits(5, 16);
        let (word, flow) = match (self.bits(21, 3), self.bits(0, 2)) {
            (0, 1) => ("svc", Flow::Next),
            (0, 2) => ("hvc", Flow::Next),
            (0, 3) => ("smc", Flow::Next),
            (1, 0) => ("brk", Flow::Trap),
            (2, 0) => ("hlt", Flow::Trap),
            _ => return None,
        };
        let draft = Draft::new(format!("{word} #{number:#x}")).flow(flow);
        let unknown = |why| Expr::Unknown(why);
        Some(match word {
            // Linux gives back all registers but the result; memory may be filled.
            "svc" => draft.set(x(0), unknown("result of a system call")).store(
                unknown("memory of the caller"),
                1,
                unknown("result of a system call"),
            ),
            // By the "SMC Calling Convention" (Arm DEN 0028), 2.6: x0 to x17 may change.
            "hvc" | "smc" => {
                let regs: Vec<Reg> = (1..18).filter_map(x).collect();
                draft
                    .set(x(0), unknown("result of a call to firmware"))
                    .clobber(&regs)
                    .store(
                        unknown("memory of the caller"),
                        1,
                        unknown("result of a call to firmware"),
                    )
            }
            _ => draft,
        })
    }

    fn instruction_of_system(self) -> Option<Draft> {
        let (read, op0, rt) = (self.bit(21), self.bits(19, 2), self.rd());
        match op0 {
            0 if read => None,
            0 => self.hint_or_barrier(),
            1 => self.maintenance(),
            _ => {
                let register = self.system_register();
                let is_flags = register == "nzcv";
                if !read {
                    let draft = Draft::new(format!("msr {register}, {}", name(rt, true)));
                    return Some(match register.as_str() {
                        "nzcv" => draft.set(Some(Reg::FLAGS), Expr::Unknown("flags as a word")),
                        _ => draft,
                    });
                }
                let why = match register.as_str() {
                    "sp_el0" => "current task",
                    "tpidr_el1" | "tpidr_el2" => "offset of the data of this CPU",
                    "tpidr_el0" => "thread pointer",
                    _ if is_flags => "flags as a word",
                    _ => "system register",
                };
                let draft = Draft::new(format!("mrs {}, {register}", name(rt, true)));
                Some(draft.set(x(rt), Expr::Unknown(why)))
            }
        }
    }

    /// The name of a system register, by its five numbers where it is not a common one.
    fn system_register(self) -> String {
        let numbers = self.bits(5, 15);
        let named = SYSTEM_REGISTERS.iter().find(|(known, _)| *known == numbers);
        match named {
            Some((_, name)) => (*name).to_owned(),
            None => format!(
                "s{}_{}_c{}_c{}_{}",
                2 + self.bits(19, 1),
                self.bits(16, 3),
                self.bits(12, 4),
                self.bits(8, 4),
                self.bits(5, 3)
            ),
        }
    }

    fn hint_or_barrier(self) -> Option<Draft> {
        let (op1, crn, crm, op2) = (
            self.bits(16, 3),
            self.bits(12, 4),
            self.bits(8, 4),
            self.bits(5, 3),
        );
        if self.rd() != 31 {
            return None;
        }
        let draft = Draft::new;
        Some(match (op1, crn, op2) {
            (3, 2, _) => draft(hint(crm << 3 | op2)),
            (3, 3, 2) => draft(match crm {
                15 => "clrex".to_owned(),
                crm => format!("clrex #{crm:#x}"),
            }),
            (3, 3, 4 | 5) => {
                let word = if op2 == 4 { "dsb" } else { "dmb" };
                draft(match (op2, crm) {
                    (4, 0) => "ssbb".to_owned(),
                    (4, 4) => "pssbb".to_owned(),
                    _ => format!("{word} {}", barrier(crm)),
                })
            }
            (3, 3, 6) => draft(match crm {
                15 => "isb".to_owned(),
                crm => format!("isb #{crm:#x}"),
            }),
            (3, 3, 7) if crm == 0 => draft("sb".to_owned()),
            (0, 4, 0) if crm == 0 => {
                draft("cfinv".to_owned()).set(Some(Reg::FLAGS), Expr::Unknown("carry inverted"))
            }
            (_, 4, _) => {
                let field = match (op1, op2) {
                    (0, 3) => "uao",
                    (0, 4) => "pan",
                    (0, 5) => "spsel",
                    (3, 1) => "ssbs",
                    (3, 2) => "dit",
                    (3, 4) => "tco",
                    (3, 6) => "daifset",
                    (3, 7) => "daifclr",
                    _ => return None,
                };
                draft(format!("msr {field}, #{crm:#x}"))
            }
            _ => return None,
        })
    }

    /// `sys`, `sysl`: caches, translations.
    fn maintenance(self) -> Option<Draft> {
        let (op1, crn, crm, op2) = (
            self.bits(16, 3),
            self.bits(12, 4),
            self.bits(8, 4),
            self.bits(5, 3),
        );
        let rt = self.rd();
        if self.bit(21) {
            let text = format!("sysl {}, #{op1}, C{crn}, C{crm}, #{op2}", name(rt, true));
            return Some(Draft::new(text).set(x(rt), Expr::Unknown("system instruction")));
        }
        let known = (op1, crn, crm, op2);
        let named = MAINTENANCE.iter().find(|(numbers, _)| *numbers == known);
        let Some((_, word)) = named else {
            let register = if rt == 31 {
                String::new()
            } else {
                format!(", {}", name(rt, true))
            };
            let text = format!("sys #{op1}, C{crn}, C{crm}, #{op2}{register}");
            // Most take an address; which memory they read or clear is not told.
            let place = Expr::Unknown("system instruction");
            return Some(Draft::new(text).store(place, 1, Expr::Unknown("system instruction")));
        };
        // What is done to all has no operand.
        let text = match *word {
            word if word.contains("all") => word.to_owned(),
            word => format!("{word}, {}", name(rt, true)),
        };
        let draft = Draft::new(text);
        Some(match *word {
            // A block around the address; its size is in a system register (Arm ARM D24, "DCZID_EL0").
            "dc zva" => draft.store(value(rt), 1, ZERO).store(
                Expr::Unknown("block that is cleared"),
                1,
                ZERO,
            ),
            "dc ivac" | "dc cvac" | "dc cvau" | "dc civac" | "dc cvap" | "dc cvadp" | "ic ivau" => {
                draft.touch(value(rt), 1)
            }
            _ => draft,
        })
    }
}

/// The instructions that may be ignored (Arm ARM C4.1.93, "Hints").
fn hint(number: u32) -> String {
    let word = match number {
        0 => "nop",
        1 => "yield",
        2 => "wfe",
        3 => "wfi",
        4 => "sev",
        5 => "sevl",
        6 => "dgh",
        7 => "xpaclri",
        8 => "pacia1716",
        10 => "pacib1716",
        12 => "autia1716",
        14 => "autib1716",
        16 => "esb",
        17 => "psb csync",
        18 => "tsb csync",
        20 => "csdb",
        22 => "clearbhb",
        24 => "paciaz",
        25 => "paciasp",
        26 => "pacibz",
        27 => "pacibsp",
        28 => "autiaz",
        29 => "autiasp",
        30 => "autibz",
        31 => "autibsp",
        32 => "bti",
        34 => "bti c",
        36 => "bti j",
        38 => "bti jc",
        number => return format!("hint #{number:#x}"),
    };
    word.to_owned()
}

fn barrier(kind: u32) -> String {
    let reach = match kind >> 2 {
        0 => "osh",
        1 => "nsh",
        2 => "ish",
        _ => "",
    };
    match (kind & 3, reach) {
        (0, _) => format!("#{kind:#04x}"),
        (1, "") => "ld".to_owned(),
        (2, "") => "st".to_owned(),
        (_, "") => "sy".to_owned(),
        (1, reach) => format!("{reach}ld"),
        (2, reach) => format!("{reach}st"),
        (_, reach) => reach.to_owned(),
    }
}

const fn register(op0: u32, op1: u32, crn: u32, crm: u32, op2: u32) -> u32 {
    (op0 & 1) << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
}

/// The system registers that kernels use most (Arm ARM D23).
const SYSTEM_REGISTERS: [(u32, &str); 64] = [
    (register(3, 0, 4, 1, 0), "sp_el0"),
    (register(3, 0, 13, 0, 4), "tpidr_el1"),
    (register(3, 4, 13, 0, 2), "tpidr_el2"),
    (register(3, 3, 13, 0, 2), "tpidr_el0"),
    (register(3, 3, 13, 0, 3), "tpidrro_el0"),
    (register(3, 3, 4, 2, 0), "nzcv"),
    (register(3, 3, 4, 2, 1), "daif"),
    (register(3, 3, 4, 4, 0), "fpcr"),
    (register(3, 3, 4, 4, 1), "fpsr"),
    (register(3, 0, 4, 0, 0), "spsr_el1"),
    (register(3, 0, 4, 0, 1), "elr_el1"),
    (register(3, 0, 4, 2, 0), "spsel"),
    (register(3, 0, 4, 2, 2), "currentel"),
    (register(3, 0, 4, 2, 3), "pan"),
    (register(3, 0, 4, 2, 4), "uao"),
    (register(3, 0, 4, 6, 0), "icc_pmr_el1"),
    (register(3, 0, 1, 0, 0), "sctlr_el1"),
    (register(3, 0, 1, 0, 1), "actlr_el1"),
    (register(3, 0, 1, 0, 2), "cpacr_el1"),
    (register(3, 0, 2, 0, 0), "ttbr0_el1"),
    (register(3, 0, 2, 0, 1), "ttbr1_el1"),
    (register(3, 0, 2, 0, 2), "tcr_el1"),
    (register(3, 0, 5, 1, 0), "afsr0_el1"),
    (register(3, 0, 5, 1, 1), "afsr1_el1"),
    (register(3, 0, 5, 2, 0), "esr_el1"),
    (register(3, 0, 6, 0, 0), "far_el1"),
    (register(3, 0, 7, 4, 0), "par_el1"),
    (register(3, 0, 10, 2, 0), "mair_el1"),
    (register(3, 0, 10, 3, 0), "amair_el1"),
    (register(3, 0, 12, 0, 0), "vbar_el1"),
    (register(3, 0, 12, 1, 1), "disr_el1"),
    (register(3, 0, 12, 12, 0), "icc_iar1_el1"),
    (register(3, 0, 12, 12, 1), "icc_eoir1_el1"),
    (register(3, 0, 12, 11, 1), "icc_dir_el1"),
    (register(3, 0, 12, 11, 3), "icc_rpr_el1"),
    (register(3, 0, 12, 11, 5), "icc_sgi1r_el1"),
    (register(3, 0, 12, 12, 5), "icc_sre_el1"),
    (register(3, 0, 13, 0, 1), "contextidr_el1"),
    (register(3, 0, 14, 1, 0), "cntkctl_el1"),
    (register(3, 3, 14, 0, 0), "cntfrq_el0"),
    (register(3, 3, 14, 0, 1), "cntpct_el0"),
    (register(3, 3, 14, 0, 2), "cntvct_el0"),
    (register(3, 3, 14, 2, 0), "cntp_tval_el0"),
    (register(3, 3, 14, 2, 1), "cntp_ctl_el0"),
    (register(3, 3, 14, 2, 2), "cntp_cval_el0"),
    (register(3, 3, 14, 3, 0), "cntv_tval_el0"),
    (register(3, 3, 14, 3, 1), "cntv_ctl_el0"),
    (register(3, 3, 14, 3, 2), "cntv_cval_el0"),
    (register(3, 0, 0, 0, 0), "midr_el1"),
    (register(3, 0, 0, 0, 5), "mpidr_el1"),
    (register(3, 0, 0, 0, 6), "revidr_el1"),
    (register(3, 1, 0, 0, 0), "ccsidr_el1"),
    (register(3, 1, 0, 0, 1), "clidr_el1"),
    (register(3, 2, 0, 0, 0), "csselr_el1"),
    (register(3, 3, 0, 0, 1), "ctr_el0"),
    (register(3, 3, 0, 0, 7), "dczid_el0"),
    (register(3, 0, 0, 4, 0), "id_aa64pfr0_el1"),
    (register(3, 0, 0, 6, 0), "id_aa64isar0_el1"),
    (register(3, 0, 0, 7, 0), "id_aa64mmfr0_el1"),
    (register(3, 3, 9, 12, 0), "pmcr_el0"),
    (register(3, 3, 9, 13, 0), "pmccntr_el0"),
    (register(2, 0, 0, 2, 2), "mdscr_el1"),
    (register(3, 3, 2, 4, 0), "rndr"),
    (register(3, 4, 1, 1, 0), "hcr_el2"),
];

type Maintenance = ((u32, u32, u32, u32), &'static str);

/// What kernels do to caches and translations (Arm ARM C5.3, C5.5).
const MAINTENANCE: [Maintenance; 31] = [
    ((3, 7, 4, 1), "dc zva"),
    ((0, 7, 6, 1), "dc ivac"),
    ((0, 7, 6, 2), "dc isw"),
    ((3, 7, 10, 1), "dc cvac"),
    ((0, 7, 10, 2), "dc csw"),
    ((3, 7, 11, 1), "dc cvau"),
    ((3, 7, 12, 1), "dc cvap"),
    ((3, 7, 13, 1), "dc cvadp"),
    ((3, 7, 14, 1), "dc civac"),
    ((0, 7, 14, 2), "dc cisw"),
    ((0, 7, 1, 0), "ic ialluis"),
    ((0, 7, 5, 0), "ic iallu"),
    ((3, 7, 5, 1), "ic ivau"),
    ((0, 7, 8, 0), "at s1e1r"),
    ((0, 7, 8, 1), "at s1e1w"),
    ((0, 7, 8, 2), "at s1e0r"),
    ((0, 7, 8, 3), "at s1e0w"),
    ((0, 8, 3, 0), "tlbi vmalle1is"),
    ((0, 8, 7, 0), "tlbi vmalle1"),
    ((0, 8, 3, 1), "tlbi vae1is"),
    ((0, 8, 7, 1), "tlbi vae1"),
    ((0, 8, 3, 2), "tlbi aside1is"),
    ((0, 8, 7, 2), "tlbi aside1"),
    ((0, 8, 3, 3), "tlbi vaae1is"),
    ((0, 8, 7, 3), "tlbi vaae1"),
    ((0, 8, 3, 5), "tlbi vale1is"),
    ((0, 8, 7, 5), "tlbi vale1"),
    ((0, 8, 3, 7), "tlbi vaale1is"),
    ((0, 8, 7, 7), "tlbi vaale1"),
    ((4, 8, 3, 4), "tlbi alle1is"),
    ((4, 8, 7, 4), "tlbi alle1"),
];
