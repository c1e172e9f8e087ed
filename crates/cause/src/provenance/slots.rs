//! Values that waited on the stack: the store that a load takes back.

use arch::{Effect, Expr, Flow, Reg, Role};

use super::Window;
use super::shape::base_and_offset;
use super::slice::ways;

/// The store whose value a load from the stack takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Index of the storing instruction.
    pub insn: usize,
    /// What it stored.
    pub value: Expr,
    /// Whether nothing between can have changed it.
    pub sure: bool,
}

/// A place on the stack, as it is addressed before an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot {
    at: usize,
    offset: i64,
}

/// The store that filled `size` bytes at `base + offset` before the load at `insn`; none where
/// the ways disagree, or where none of them shows a store of exactly these bytes.
///
/// What the compiler spills has no address that others could know; a local variable may have
/// been handed out. So a call or a store elsewhere between counts only against a stack whose
/// address was taken, or may have been in the part that was not printed.
pub fn stored(window: &Window, base: Reg, offset: i64, size: u8, insn: usize) -> Option<Stored> {
    if !is_frame(window, base) {
        return None;
    }
    let mut found: Option<(usize, &Expr)> = None;
    let mut disturbed = false;
    let mut seen: Vec<Slot> = Vec::new();
    let mut open = vec![Slot { at: insn, offset }];
    while let Some(slot) = open.pop() {
        if let Some(known) = seen.iter().find(|known| known.at == slot.at) {
            // A loop that moves the stack is not followed.
            if *known == slot {
                continue;
            }
            return None;
        }
        seen.push(slot);
        let ways = ways(window, slot.at);
        if ways.open {
            return None;
        }
        for from in ways.from {
            let (offset, store) = before(window, base, slot.offset, size, from)?;
            match store {
                Store::Here(value) => {
                    if found.is_some_and(|(known, _)| known != from) {
                        return None;
                    }
                    found = Some((from, value));
                }
                Store::Partly => return None,
                Store::Elsewhere => {
                    disturbed = true;
                    open.push(Slot { at: from, offset });
                }
                Store::None => open.push(Slot { at: from, offset }),
            }
        }
    }
    let (at, value) = found?;
    let safe = !disturbed || !address_taken(window);
    Some(Stored {
        insn: at,
        value: value.clone(),
        sure: safe,
    })
}

/// What an instruction does to the slot.
enum Store<'a> {
    /// It fills it.
    Here(&'a Expr),
    /// It changes a part of it.
    Partly,
    /// It stores where the slot may be, if others know its address.
    Elsewhere,
    /// Nothing.
    None,
}

/// The slot before the instruction, and what that does to it; none where the base is lost.
fn before<'a>(
    window: &'a Window,
    base: Reg,
    offset: i64,
    size: u8,
    from: usize,
) -> Option<(i64, Store<'a>)> {
    let insn = window.insns.get(from)?;
    let mut offset = offset;
    if let Some(value) = insn.sets(base) {
        match base_and_offset(value) {
            (Some(reg), by) if reg == base => offset = offset.checked_add(by)?,
            _ => return None,
        }
    }
    let mut store = match insn.flow {
        Flow::Call(_) => Store::Elsewhere,
        _ => Store::None,
    };
    for effect in &insn.effects {
        let Effect::Store {
            address,
            size: bytes,
            value,
            ..
        } = effect
        else {
            continue;
        };
        let (reg, at) = base_and_offset(address);
        if reg != Some(base) {
            store = Store::Elsewhere;
            continue;
        }
        if at == offset && *bytes == size {
            return Some((offset, Store::Here(value)));
        }
        let (end, slot_end) = (
            at.checked_add((*bytes).into())?,
            offset.checked_add(size.into())?,
        );
        if at < slot_end && offset < end {
            return Some((offset, Store::Partly));
        }
    }
    Some((offset, store))
}

fn is_frame(window: &Window, reg: Reg) -> bool {
    let frame = |role| {
        window
            .arch
            .register(reg.0)
            .is_some_and(|register| register.has(role))
    };
    frame(Role::StackPointer) || frame(Role::FramePointer)
}

/// Whether an address of the stack may be known outside: a register took one, or the part of
/// the function that was not printed may have given one.
fn address_taken(window: &Window) -> bool {
    if window.start != super::Start::Entry {
        return true;
    }
    let stack = |value: &Expr| {
        let mut registers = Vec::new();
        // What is read from the stack is no address of it.
        match value {
            Expr::Load(_) => {}
            value => value.registers(&mut registers),
        }
        registers.into_iter().any(|reg| is_frame(window, reg))
    };
    window.insns.iter().take(window.fault).any(|insn| {
        insn.effects.iter().any(|effect| match effect {
            Effect::Set(reg, value) => !is_frame(window, *reg) && stack(value),
            Effect::Store { value, .. } => stack(value),
            Effect::Touch(_) | Effect::Clobber(_) => false,
        })
    })
}
