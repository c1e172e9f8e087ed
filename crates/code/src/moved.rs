//! Instructions that a kernel has put over the file's: of addresses that they tell only some are of the file.

use arch::{Callee, Decode, Effect, Expr, Flow, Insn, Reg};
use debuginfo::{Object, Section, Site};

/// Bytes by which an instruction is moved to find out whether what it does depends on its place.
const AWAY: u64 = 0x1000;

/// What such an instruction has in place of an address of the file's.
const ELSEWHERE: &str = "an address of the running kernel's";

/// Takes from the instructions in `replaced` places what is true only where they ran: a kernel moves as a whole, so
/// that distances within its code hold; of a module that is so within a section.
pub(crate) fn settle(
    object: &Object<'_>,
    decode: Decode,
    (start, bytes): (u64, &[u8]),
    replaced: &[Site],
    insns: &mut [Insn],
) {
    for insn in insns {
        if !replaced
            .iter()
            .any(|site| site.range.contains(&insn.address))
        {
            continue;
        }
        let own = object.section_at(insn.address).map(Section::range);
        let is_here = |to: u64| match object.is_relocatable() {
            true => own.as_ref().is_some_and(|own| own.contains(&to)),
            false => object.section_at(to).is_some_and(Section::is_code),
        };
        match &insn.flow {
            Flow::Call(Callee::At(to)) if !is_here(*to) => {
                insn.flow = Flow::Call(Callee::Value(Expr::Unknown(ELSEWHERE)));
            }
            Flow::Jump(Some(to)) if !is_here(*to) => insn.flow = Flow::Jump(None),
            _ => {}
        }
        if object.is_relocatable() && depends_on_place(decode, (start, bytes), insn) {
            forget(insn);
        }
    }
}

/// Whether the same bytes elsewhere read or write other addresses.
fn depends_on_place(decode: Decode, (start, bytes): (u64, &[u8]), insn: &Insn) -> bool {
    let at = insn.address.checked_sub(start);
    let rest = at.and_then(|at| bytes.get(usize::try_from(at).ok()?..));
    let away = rest.and_then(|rest| decode(rest, insn.address.wrapping_add(AWAY)).ok());
    // What cannot be decoded has been marked already.
    away.is_some_and(|away| away.effects != insn.effects)
}

/// Keeps of an instruction only which registers it changes.
fn forget(insn: &mut Insn) {
    let mut changed: Vec<Reg> = Vec::new();
    for effect in &insn.effects {
        match effect {
            Effect::Set(reg, _) => changed.push(*reg),
            Effect::Clobber(regs) => changed.extend(regs),
            Effect::Store { .. } | Effect::Touch(_) => {}
        }
    }
    insn.effects = vec![Effect::Clobber(changed)];
}
