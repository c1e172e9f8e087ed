//! What of an instruction moves with its address, and how that reads when the address is not known.
//!
//! x86 prints the program counter of the kernel as a symbol only since Linux 4.10 (commit bb5e5ce545f2
//! "x86/dumpstack: Remove kernel text addresses from stack dump"), arm64 does too (commit a25ffd3a6302
//! "arm64: traps: Don't print stack or raw PC/LR values in backtraces"). Code is then counted from the
//! entry of its function: a jump inside of it is right, and every absolute address is not.

use arch::{Callee, Decode, Flow, Insn, extend};

/// By how much an instruction is moved to see what moves with it: whole pages, since `adrp` counts
/// in them, and less than the region of a MIPS `jal`.
const MOVE: u64 = 0x10_0000;

/// Where the code lies, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Anchor {
    /// Whether addresses are those of the machine; else they are counted from the entry, or from
    /// the first byte where even that is not known.
    pub absolute: bool,
    /// The function's entry.
    pub entry: Option<u64>,
    /// Its name.
    pub function: Option<String>,
    /// Its bytes.
    pub size: Option<u64>,
    /// Bits of an address.
    pub bits: u8,
}

/// Whether the effects of the instruction depend on its address. Its text is made true: targets
/// read as offsets in the function, and what is not known is left out.
pub(super) fn relabel(insn: &mut Insn, bytes: &[u8], decode: Decode, anchor: &Anchor) -> bool {
    let Ok(moved) = decode(bytes, insn.address.wrapping_add(MOVE)) else {
        return false;
    };
    let relative = moved.effects != insn.effects;
    if let Some(target) = target(&insn.flow) {
        let whole = |value: u64| extend(value, anchor.bits / 8, false);
        let by = self::target(&moved.flow).map(|moved| whole(moved.wrapping_sub(target)));
        let label = anchor.label(target, by == Some(MOVE));
        if let Some(label) = label {
            let mut text = insn.text.to_string();
            retarget(&mut text, target, &label);
            insn.text = text.into();
        }
    } else if relative && !anchor.absolute {
        insn.text = without_differences(&insn.text, &moved.text).into();
    }
    relative
}

impl Anchor {
    /// How a target reads: none where its address can stay, empty where nothing is known of it.
    fn label(&self, target: u64, relative: bool) -> Option<String> {
        let unknown = (!self.absolute).then(String::new);
        let (Some(entry), Some(function)) = (self.entry, self.function.as_deref()) else {
            return unknown;
        };
        let distance = extend(target.wrapping_sub(entry), self.bits / 8, true).cast_signed();
        let inside = u64::try_from(distance).is_ok_and(|at| at < self.size.unwrap_or(0));
        match distance {
            // A target that does not move with the code is counted from elsewhere.
            _ if !self.absolute && !relative => unknown,
            _ if self.absolute && !inside => None,
            0.. => Some(format!("{function}+{distance:#x}")),
            _ => Some(format!("{function}-{:#x}", distance.unsigned_abs())),
        }
    }
}

fn target(flow: &Flow) -> Option<u64> {
    match flow {
        Flow::Jump(Some(target)) | Flow::Branch(target, _) | Flow::Call(Callee::At(target)) => {
            Some(*target)
        }
        _ => None,
    }
}

/// Puts the label in place of the address at the end of the text.
fn retarget(text: &mut String, target: u64, label: &str) {
    let digits = format!("{target:x}");
    let Some(before) = text.strip_suffix(&digits) else {
        return;
    };
    let before = before.strip_suffix("0x").unwrap_or(before);
    *text = match label {
        "" => before.trim_end_matches([' ', ',']).to_owned(),
        label => format!("{before}{label}"),
    };
}

/// The text with `…` for the numbers that the other one has not.
fn without_differences(text: &str, other: &str) -> String {
    let word = |letter: char| letter.is_ascii_alphanumeric();
    let others: Vec<&str> = other.split_inclusive(|letter| !word(letter)).collect();
    let words = text.split_inclusive(|letter| !word(letter)).enumerate();
    words
        .map(|(at, part)| {
            if others.get(at) == Some(&part) {
                return part.to_owned();
            }
            let rest = part.trim_start_matches(word);
            format!("…{rest}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(absolute: bool, entry: u64) -> Anchor {
        Anchor {
            absolute,
            entry: Some(entry),
            function: Some("f".to_owned()),
            size: Some(0x60),
            bits: 64,
        }
    }

    fn text(arch: &str, bytes: &[u8], address: u64, anchor: &Anchor) -> (String, bool) {
        let (arch, _) = arch::find(arch).expect("known");
        let decode = arch.decoder(base::Endian::Little).expect("a decoder");
        let mut insn = decode(bytes, address).expect("an instruction");
        let relative = relabel(&mut insn, bytes, decode, anchor);
        (insn.text.to_string(), relative)
    }

    #[test]
    fn targets_read_as_places_in_the_function() {
        let call = [0xe8, 0xb0, 0xff, 0xff, 0xff];
        let (told, _) = text("x86_64", &call, 0x10, &anchor(false, 0));
        assert_eq!(told, "call f-0x3b");
        let jump = [0x74, 0x10];
        let (told, _) = text("x86_64", &jump, 0x10, &anchor(false, 0));
        assert_eq!(told, "je f+0x22");
        // With the address printed, what is outside of the function stays an address.
        let high = 0xffff_ffff_8100_0000;
        let (told, _) = text("x86_64", &call, high + 0x10, &anchor(true, high));
        assert_eq!(told, "call ffffffff80ffffc5");
        let (told, _) = text("x86_64", &jump, high + 0x10, &anchor(true, high));
        assert_eq!(told, "je f+0x22");
    }

    #[test]
    fn without_a_function_nothing_is_known_of_a_target() {
        let nowhere = Anchor {
            bits: 64,
            ..Anchor::default()
        };
        let call = [0xe8, 0xb0, 0xff, 0xff, 0xff];
        assert_eq!(text("x86_64", &call, 0x10, &nowhere).0, "call");
        let branch = [0x40, 0x00, 0x00, 0xb4];
        assert_eq!(text("arm64", &branch, 0x10, &nowhere).0, "cbz x0");
    }

    #[test]
    fn what_is_counted_from_the_instruction_is_known() {
        let page = [0x00, 0x00, 0x00, 0x90];
        assert_eq!(
            text("arm64", &page, 0x10, &anchor(false, 0)),
            ("adrp x0, …".to_owned(), true)
        );
        let global = [0x48, 0x8b, 0x05, 0x4c, 0x33, 0x00, 0x00];
        assert_eq!(
            text("x86_64", &global, 0x10, &anchor(false, 0)),
            ("mov 0x334c(%rip),%rax".to_owned(), true)
        );
        let plain = [0x48, 0x8b, 0x47, 0x10];
        assert!(!text("x86_64", &plain, 0x10, &anchor(false, 0)).1);
    }
}
