//! What other values of the report say about a bad one. Nothing of it is proof: each is told as
//! what it is consistent with.

use base::LogEvent;

use super::layout::{Half, half, is_narrow, page_bits};
use super::{Bad, classify};

/// Honest pointers differ in single bits below: neighbours of the buddy allocator up to its largest
/// blocks (`MAX_PAGE_ORDER` of pages, 4 MiB), and objects of one area.
const LOWEST_TELLING_BIT: u32 = 24;

/// How a bad value stands to the other values of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Near {
    /// With one bit the other way it would lie in the page that a register points into, or be
    /// a kernel address at all.
    FlippedBit {
        /// The bit, from 0.
        bit: u32,
        /// The value with the bit the other way.
        other: u64,
        /// The register and its value.
        register: Option<(String, u64)>,
    },
    /// It begins the page behind the one that a register points into.
    PageBehind {
        /// The register.
        register: String,
        /// Its value.
        value: u64,
    },
    /// It lies in the page below the one that the stack pointer points into.
    BelowStack {
        /// The stack pointer.
        stack: u64,
    },
    /// It has the form of a stack canary, and the stack shows it.
    Canary,
}

impl Near {
    /// A sentence about `value`.
    pub fn says(&self, value: u64) -> String {
        match self {
            Near::FlippedBit {
                bit,
                other,
                register: Some((register, held)),
            } => format!(
                "With bit {bit} the other way {value:#x} would be {other:#x}, in the same page as {register} = \
                 {held:#x}: consistent with a flipped bit; a wrong pointer fits as well"
            ),
            Near::FlippedBit { bit, other, .. } => format!(
                "With bit {bit} the other way {value:#x} would be the kernel address {other:#x}: consistent with \
                 a flipped bit; a pointer that was overwritten fits as well"
            ),
            Near::PageBehind {
                register,
                value: held,
            } => format!(
                "{value:#x} begins the page behind the one that {register} = {held:#x} points into: consistent \
                 with running over the end of what lies there, as into the guard page behind a vmalloc area"
            ),
            Near::BelowStack { stack } => format!(
                "{value:#x} lies in the page below the one that the stack pointer {stack:#x} points into: \
                 consistent with a full stack and its guard page"
            ),
            Near::Canary => format!(
                "The lowest byte of {value:#x} is zero and the printed stack holds the same value: consistent \
                 with the stack canary"
            ),
        }
    }
}

/// What the report says about a value that is a bad pointer or address.
pub fn near(event: &LogEvent, value: u64) -> Option<Near> {
    let arch = event.machine.arch.as_deref()?;
    let bad = classify(value, Some(arch));
    if is_canary(event, value, arch, bad.as_ref()) {
        return Some(Near::Canary);
    }
    let pointers = pointers(event, arch);
    match bad {
        None => {
            page(event, value, arch, &pointers).or_else(|| flipped(value, arch, &pointers, false))
        }
        Some(Bad::NonCanonical | Bad::UserSpace) => flipped(value, arch, &pointers, true),
        Some(_) => None,
    }
}

/// The registers that hold what may be a kernel pointer.
fn pointers(event: &LogEvent, arch: &str) -> Vec<(String, u64)> {
    let set = event.registers.first();
    set.into_iter()
        .flat_map(|set| &set.registers)
        .map(|register| (register.name.clone(), register.value.0))
        .filter(|(_, value)| is_kernel(*value, arch))
        .collect()
}

fn is_kernel(value: u64, arch: &str) -> bool {
    half(value, arch) == Some(Half::Kernel) && classify(value, Some(arch)).is_none()
}

/// The bit that alone explains the value. `invalid` says that the value cannot be a kernel
/// address as it is: then every bit tells.
fn flipped(value: u64, arch: &str, pointers: &[(String, u64)], invalid: bool) -> Option<Near> {
    let page = page_bits(arch);
    let lowest = if invalid { page } else { LOWEST_TELLING_BIT };
    let highest = if is_narrow(arch) { 32 } else { 64 };
    // A register that the bad value itself was made from, or that was made from it, is no witness.
    let apart = |held: u64| held >> page != value >> page;
    let with = |bit: u32| value ^ (1u64 << bit);
    let mut found = (lowest..highest).filter_map(|bit| {
        let other = with(bit);
        let witness = pointers
            .iter()
            .find(|(_, held)| apart(*held) && held >> page == other >> page)?;
        is_kernel(other, arch).then(|| Near::FlippedBit {
            bit,
            other,
            register: Some(witness.clone()),
        })
    });
    if let Some(one) = found.next() {
        return found.next().is_none().then_some(one);
    }
    // On x86_64 all upper bits of a kernel address are set; that one alone is not is telling.
    let canonical = |value: u64| value >> 47 == 0x1_ffff;
    if !invalid || arch != "x86_64" {
        return None;
    }
    let bit = (47..64).find(|&bit| canonical(with(bit)))?;
    Some(Near::FlippedBit {
        bit,
        other: with(bit),
        register: None,
    })
}

/// The page before or behind one that a register points into.
fn page(event: &LogEvent, value: u64, arch: &str, pointers: &[(String, u64)]) -> Option<Near> {
    // Bytes of the widest access that may cross into the page.
    const CROSSING: u64 = 64;
    let unmapped = event.fault.as_ref().is_some_and(|fault| {
        fault
            .words
            .iter()
            .all(|word| !word.contains("permission") && !word.contains("protection"))
    });
    if !unmapped || event.fault.as_ref().and_then(|fault| fault.address)?.0 != value {
        return None;
    }
    let bits = page_bits(arch);
    let number = value >> bits;
    let described = arch::find(arch)?.0;
    let sp = described.sp().map(|sp| sp.name);
    let stack = pointers
        .iter()
        .find(|(name, _)| Some(name.as_str()) == sp)
        .map(|(_, value)| *value);
    if let Some(stack) = stack.filter(|stack| stack >> bits == number.wrapping_add(1)) {
        return Some(Near::BelowStack { stack });
    }
    let begins = value & ((1 << bits) - 1) < CROSSING;
    let before = pointers
        .iter()
        .find(|(_, held)| begins && (held >> bits).wrapping_add(1) == number)?;
    Some(Near::PageBehind {
        register: before.0.clone(),
        value: before.1,
    })
}

/// `CANARY_MASK` in include/linux/stackprotector.h: of 64 little-endian bits the lowest byte is zero,
/// the others are random. The stack holds it in every frame that is protected.
fn is_canary(event: &LogEvent, value: u64, arch: &str, bad: Option<&Bad>) -> bool {
    let [lowest, rest @ ..] = value.to_le_bytes();
    lowest == 0
        && rest.iter().all(|byte| *byte != 0)
        && matches!(arch, "x86_64" | "arm64" | "riscv64")
        && matches!(bad, Some(Bad::NonCanonical))
        && event.stack_words.iter().any(|word| word.0 == value)
}

#[cfg(test)]
mod tests {
    use base::{Register, VirtAddr};

    use super::*;
    use crate::testing::{at, event, fault};

    fn report(registers: &[(&str, u64)], address: u64) -> LogEvent {
        let mut report = event("oops", 1);
        report.machine.arch = Some("x86_64".to_owned());
        report.fault = Some(fault(address, "read"));
        let mut set = at("f");
        set.registers = registers
            .iter()
            .map(|(name, value)| Register {
                name: (*name).to_owned(),
                value: VirtAddr(*value),
            })
            .collect();
        report.registers = vec![set];
        report
    }

    #[test]
    fn one_bit_away_from_another_register_is_consistent_with_a_flipped_bit() {
        let bad = 0xffff_8a00_1234_5678;
        let told = near(
            &report(&[("rax", bad), ("rbx", 0xffff_8a40_1234_5100)], bad),
            bad,
        );
        let Some(Near::FlippedBit {
            bit: 38, register, ..
        }) = &told
        else {
            panic!("{told:?}");
        };
        assert_eq!(
            register.as_ref().map(|(name, _)| name.as_str()),
            Some("rbx")
        );
        let says = told.map(|near| near.says(bad)).unwrap_or_default();
        assert!(says.contains("consistent with a flipped bit"), "{says}");
        // Neighbours of the buddy allocator differ in one bit by birth.
        let buddy = report(&[("rax", bad), ("rbx", bad ^ 0x1000)], bad);
        assert_eq!(near(&buddy, bad), None);
        // Two bits that would do are none that does.
        let both = report(&[("rbx", bad ^ 1 << 38), ("rcx", bad ^ 1 << 30)], bad);
        assert_eq!(near(&both, bad), None);
    }

    #[test]
    fn one_bit_away_from_a_kernel_address_too() {
        let bad = 0xfeff_8a00_1234_5678;
        let told = near(&report(&[], bad), bad);
        assert!(
            matches!(
                told,
                Some(Near::FlippedBit {
                    bit: 56,
                    register: None,
                    ..
                })
            ),
            "{told:?}"
        );
        let wild = 0x1234_5678_9abc_def0;
        assert_eq!(near(&report(&[], wild), wild), None);
        assert_eq!(near(&report(&[], 0x18), 0x18), None);
    }

    #[test]
    fn the_page_behind_an_area_may_be_its_guard() {
        let end = 0xffff_c900_0012_3000;
        let told = near(
            &report(&[("rsi", end - 8), ("rdi", 0xffff_8880_0000_1000)], end),
            end,
        );
        assert_eq!(
            told,
            Some(Near::PageBehind {
                register: "rsi".to_owned(),
                value: end - 8
            })
        );
        // In the middle of a page nothing begins.
        let middle = end + 0x800;
        assert_eq!(near(&report(&[("rsi", end - 8)], middle), middle), None);
        let below = end - 8;
        let told = near(&report(&[("rsp", end + 0x10)], below), below);
        assert_eq!(told, Some(Near::BelowStack { stack: end + 0x10 }));
    }

    #[test]
    fn a_canary_stands_on_the_stack() {
        let canary = 0x9b1f_6c7d_22a4_8e00;
        let mut smashed = report(&[("rax", canary)], canary);
        assert_eq!(near(&smashed, canary), None);
        smashed.stack_words = vec![VirtAddr(3), VirtAddr(canary)];
        assert_eq!(near(&smashed, canary), Some(Near::Canary));
    }
}
