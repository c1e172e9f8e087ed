//! Who calls a function, and who keeps its address to call it later.

use std::ops::Range;

use arch::{Callee, Decode, Effect, Expr, Flow, Insn, Reg};

use crate::crossrefs::{self, How, Reference, beginnings};
use crate::elf::Section;
use crate::error::Result;
use crate::object::Object;
use crate::path::Path;
use crate::set::{DebugInfo, base_name};
use crate::sources::elf_symtab::{Binding, Home, Symbol};
use crate::types::{ObjectId, TypeId};

/// A place that calls a function, or jumps to its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The object with the call.
    pub object: ObjectId,
    /// The address of the calling instruction.
    pub at: u64,
    /// The function it belongs to.
    pub function: Option<Symbol<'a>>,
    /// Whether it is a jump, after which the called function returns to the caller of this one.
    pub is_jump: bool,
    /// The register that holds the address, where the instruction does not name the function itself; `at` is
    /// then the address of the call, or of the last instruction that makes the address.
    pub through: Option<Reg>,
}

/// A place that holds or makes the address of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressUse<'a> {
    /// The object.
    pub object: ObjectId,
    /// The address of the word of data, or of the instruction's field.
    pub at: u64,
    /// What it is.
    pub place: UsePlace<'a>,
}

/// Where the address of a function is held or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsePlace<'a> {
    /// A word of data.
    Data {
        /// The variable that it belongs to, where one is known.
        variable: Option<&'a str>,
        /// The variable's type, where debug info tells it.
        type_id: Option<TypeId>,
        /// Bytes from the start of the variable, else of the section.
        offset: u64,
        /// The members that lie there.
        members: Vec<Path<'a>>,
        /// The name of the section.
        section: String,
    },
    /// Code that puts it into a register or into memory.
    Code {
        /// The function it belongs to.
        function: Option<Symbol<'a>>,
    },
}

/// Tables about code in linked kernels, where sections are merged: the symbols at the start and the end of each.
const LINKED_TABLES: &[(&str, &str)] = &[
    ("__start_mcount_loc", "__stop_mcount_loc"),
    ("__start_kprobe_blacklist", "__stop_kprobe_blacklist"),
    ("__start___jump_table", "__stop___jump_table"),
    ("__start_static_call_sites", "__stop_static_call_sites"),
    ("__start___ksymtab", "__stop___ksymtab"),
    ("__start___ksymtab_gpl", "__stop___ksymtab_gpl"),
    ("__start___ex_table", "__stop___ex_table"),
    ("__start___bug_table", "__stop___bug_table"),
];

/// Instructions behind the one that makes an address in which a call of it is looked for.
const FAR: usize = 64;

impl<'a> DebugInfo<'a> {
    /// Every direct call of the function that starts at `address`, in all objects, and every call through a
    /// register that was loaded with its address shortly before.
    pub fn callers_of(&self, id: ObjectId, address: u64) -> Result<Vec<Caller<'a>>> {
        let mut callers = Vec::new();
        for (object_id, reference) in self.references_to(id, address)? {
            let Some(object) = self.object(object_id) else {
                continue;
            };
            let (at, is_jump, through) = match reference.how {
                How::Call => (reference.at, false, None),
                How::Jump => (reference.at, true, None),
                How::Address => match self.as_call(id, address, object_id, reference.at)? {
                    Some(call) => call,
                    None => continue,
                },
            };
            callers.push(Caller {
                object: object_id,
                at,
                function: object.symbol_at(at)?,
                is_jump,
                through,
            });
        }
        callers.sort_by_key(|caller| (caller.object, caller.at));
        callers.dedup_by_key(|caller| (caller.object, caller.at));
        // Loops within the function itself are no calls of it.
        callers.retain(|caller| {
            let is_own = caller.object == id
                && caller
                    .function
                    .is_some_and(|function| function.address == address);
            !(is_own && caller.is_jump)
        });
        Ok(callers)
    }

    /// Every place in all objects that keeps the address of the function that starts at `address`, or makes it
    /// in a register, without calling it there.
    pub fn address_taken(&self, id: ObjectId, address: u64) -> Result<Vec<AddressUse<'a>>> {
        let mut places = Vec::new();
        for (object_id, reference) in self.references_to(id, address)? {
            if reference.how == How::Address
                && self
                    .as_call(id, address, object_id, reference.at)?
                    .is_none()
            {
                places.push((object_id, reference.at));
            }
        }
        if let Some(object) = self.object(id) {
            for section in object
                .sections()
                .iter()
                .filter(|section| section.is_loaded())
            {
                if section.is_code() {
                    for at in beginnings(object, section, address)? {
                        places.extend(completes(object, at, address).map(|at| (id, at)));
                    }
                }
            }
            if !object.is_relocatable() {
                places.extend(words_of_data(object, address).map(|at| (id, at)));
            }
        }
        places.sort_unstable();
        places.dedup();
        let mut uses = Vec::new();
        for (object_id, at) in places {
            let Some(object) = self.object(object_id) else {
                continue;
            };
            let Some(section) = object.section_at(at) else {
                continue;
            };
            if is_table(object, section, at)? {
                continue;
            }
            let place = match section.is_code() {
                true => UsePlace::Code {
                    function: object.symbol_at(at)?,
                },
                false => self.data_at(object_id, object, section, at)?,
            };
            uses.push(AddressUse {
                object: object_id,
                at,
                place,
            });
        }
        Ok(uses)
    }

    /// The call, if it is one, for which an instruction makes the address of the function: where it is,
    /// whether it is a jump, and the register.
    fn as_call(
        &self,
        id: ObjectId,
        address: u64,
        user: ObjectId,
        at: u64,
    ) -> Result<Option<(u64, bool, Option<Reg>)>> {
        let Some(object) = self.object(user) else {
            return Ok(None);
        };
        // On x86 calls name the function themselves.
        let is_x86 = object.machine().is_none_or(|machine| machine.step == 1);
        if is_x86
            || object
                .section_at(at)
                .is_none_or(|section| !section.is_code())
        {
            return Ok(None);
        }
        if let Some((at, register)) = call_behind(object, at) {
            return Ok(Some((at, false, Some(register))));
        }
        // What jumps through a register at a function's end is told by debug info alone.
        let calls = self.calls_at(user, at)?;
        let names = match self.object(id) {
            Some(home) => home.symbols_starting_at(address)?,
            None => return Ok(None),
        };
        let near = at..at.saturating_add(4 * FAR as u64);
        let call = calls.iter().find(|call| {
            near.contains(&call.return_address)
                && names
                    .iter()
                    .any(|name| call.callee == Some(base_name(name.name)))
        });
        Ok(call.map(|call| (at, call.is_tail, None)))
    }

    /// The references to a function: of its own object by address, of the others by name.
    fn references_to(&self, id: ObjectId, address: u64) -> Result<Vec<(ObjectId, Reference)>> {
        let mut found = Vec::new();
        let Some(home) = self.object(id) else {
            return Ok(found);
        };
        let own = home.references_to(address)?.into_iter();
        found.extend(own.map(|reference| (id, reference)));
        let names: Vec<_> = home
            .symbols_starting_at(address)?
            .into_iter()
            .filter(|symbol| symbol.binding != Binding::Local)
            .collect();
        for (other, object) in self.objects() {
            if other == id || !object.is_relocatable() {
                continue;
            }
            for name in &names {
                let wanted = object.symbols_named(name.name)?.into_iter();
                for symbol in wanted.filter(|symbol| symbol.home == Home::Elsewhere) {
                    let references = object.references()?.to_symbol(symbol.index).iter();
                    found.extend(references.map(|reference| (other, *reference)));
                }
            }
        }
        Ok(found)
    }

    fn data_at(
        &self,
        id: ObjectId,
        object: &Object<'a>,
        section: &Section<'a>,
        at: u64,
    ) -> Result<UsePlace<'a>> {
        let symbol = object.symbol_at(at)?;
        let start = symbol.map_or(section.address.unwrap_or(0), |symbol| symbol.address);
        let offset = at.saturating_sub(start);
        let told = match symbol {
            Some(_) => self.variable_at(id, at)?,
            None => None,
        };
        let type_id = told.and_then(|(_, type_id, _)| type_id);
        let word = u64::from(object.identity().pointer_bits / 8);
        let members = match type_id {
            Some(type_id) => self.members_at(type_id, offset, Some(word))?,
            None => Vec::new(),
        };
        Ok(UsePlace::Data {
            variable: told
                .map(|(name, ..)| name)
                .or(symbol.map(|symbol| symbol.name)),
            type_id,
            offset,
            members,
            section: section.name.to_string(),
        })
    }
}

/// Whether a place belongs to a table about code, not to what calls it.
fn is_table(object: &Object<'_>, section: &Section<'_>, at: u64) -> Result<bool> {
    if crossrefs::is_table(section) {
        return Ok(true);
    }
    let tables = object
        .linked_tables
        .get_or_init(|| linked_tables(object))
        .as_ref()
        .map_err(Clone::clone)?;
    Ok(tables.iter().any(|table| table.contains(&at)))
}

fn linked_tables(object: &Object<'_>) -> Result<Vec<Range<u64>>> {
    if object.is_relocatable() {
        return Ok(Vec::new());
    }
    let mut tables = Vec::new();
    for (start, end) in LINKED_TABLES {
        let (starts, ends) = (object.symbols_named(start)?, object.symbols_named(end)?);
        if let (Some(start), Some(end)) = (starts.first(), ends.first()) {
            tables.push(start.address..end.address);
        }
    }
    Ok(tables)
}

fn decoder(object: &Object<'_>) -> Option<Decode> {
    let name = object.arch()?.name;
    let endian = object.endian();
    let found = arch::semantics::DECODERS
        .iter()
        .find(|(n, e, _)| (*n, *e) == (name, endian));
    found.map(|(.., decode)| *decode)
}

/// The instruction at `at`.
fn instruction(object: &Object<'_>, decode: Decode, at: u64) -> Option<Insn> {
    // No instruction is longer.
    decode(object.bytes_at(at, 16)?, at).ok()
}

/// The call of the address that the instruction at `at` completes, when it follows without a branch between.
fn call_behind(object: &Object<'_>, at: u64) -> Option<(u64, Reg)> {
    let decode = decoder(object)?;
    let mut at = at & !(object.machine()?.step - 1);
    let mut holder: Option<Reg> = None;
    for _ in 0..FAR {
        let insn = instruction(object, decode, at)?;
        if let Flow::Call(Callee::Value(Expr::Reg(register))) = &insn.flow {
            return (Some(*register) == holder).then_some((at, *register));
        }
        match holder {
            None => {
                // The first instruction says which register takes the address.
                holder = insn.effects.iter().find_map(|effect| match effect {
                    Effect::Set(register, _) => Some(*register),
                    _ => None,
                });
                holder?;
            }
            Some(register) => {
                // It may be moved on, as to the register that the convention wants for calls.
                let moved = insn.effects.iter().find_map(|effect| match effect {
                    Effect::Set(to, Expr::Reg(from)) if *from == register => Some(*to),
                    _ => None,
                });
                match moved {
                    Some(to) => holder = Some(to),
                    None if insn.sets(register).is_some() => return None,
                    None => {}
                }
            }
        }
        if !matches!(insn.flow, Flow::Next | Flow::Branch(..)) {
            return None;
        }
        at = at.checked_add(u64::from(insn.size.max(1)))?;
    }
    None
}

/// The instruction with which a register or a word of memory holds `target`, of those that begin at `at`.
fn completes(object: &Object<'_>, at: u64, target: u64) -> Option<u64> {
    let decode = decoder(object)?;
    let mut at = at;
    let mut known: Vec<(Reg, u64)> = Vec::new();
    for _ in 0..FAR {
        let insn = instruction(object, decode, at)?;
        let behind = at.checked_add(u64::from(insn.size.max(1)))?;
        let before = known.clone();
        let look = |wanted: Reg| {
            let held = before.iter().find(|(register, _)| *register == wanted);
            held.map(|(_, value)| *value)
        };
        for effect in &insn.effects {
            match effect {
                Effect::Set(register, value) => {
                    known.retain(|(other, _)| other != register);
                    match value.evaluate(&look) {
                        Some(value) if value == target => {
                            return (!is_refined(object, decode, *register, behind)).then_some(at);
                        }
                        Some(value) => known.push((*register, value)),
                        None => {}
                    }
                }
                Effect::Clobber(registers) => known.retain(|(other, _)| !registers.contains(other)),
                Effect::Store { value, .. } if value.evaluate(&look) == Some(target) => {
                    return Some(at);
                }
                Effect::Store { .. } | Effect::Touch(_) => {}
            }
        }
        if known.is_empty() || !matches!(insn.flow, Flow::Next | Flow::Branch(..)) {
            return None;
        }
        at = behind;
    }
    None
}

/// Whether the value of a register is but a step to another: the next instruction that reads it adds to it,
/// or reads or writes memory near there. So it is with the upper part of an address whose lower part is 0.
fn is_refined(object: &Object<'_>, decode: Decode, register: Reg, at: u64) -> bool {
    let mut at = at;
    let uses = |value: &Expr| {
        let mut registers = Vec::new();
        value.registers(&mut registers);
        registers.contains(&register)
    };
    for _ in 0..FAR {
        let Some(insn) = instruction(object, decode, at) else {
            return false;
        };
        for effect in &insn.effects {
            match effect {
                Effect::Set(_, Expr::Reg(other)) if *other == register => return false,
                Effect::Set(_, value) if uses(value) => return true,
                Effect::Store { address, .. } if uses(address) => return true,
                Effect::Store { value, .. } if uses(value) => return false,
                _ => {}
            }
        }
        if insn.sets(register).is_some() || !matches!(insn.flow, Flow::Next | Flow::Branch(..)) {
            return false;
        }
        at = at.saturating_add(u64::from(insn.size.max(1)));
    }
    false
}

/// The words of data that hold addresses of code, in a linked file: address and place, sorted.
fn words_of_code(object: &Object<'_>) -> Vec<(u64, u64)> {
    let word = u64::from(object.identity().pointer_bits / 8).max(1);
    let sections = || {
        object
            .sections()
            .iter()
            .filter(|section| section.is_loaded())
    };
    let code: Vec<Range<u64>> = sections()
        .filter(|section| section.is_code())
        .map(Section::range)
        .collect();
    let (first, last) = (
        code.iter().map(|range| range.start).min().unwrap_or(0),
        code.iter().map(|range| range.end).max().unwrap_or(0),
    );
    let mut words = Vec::new();
    for section in sections().filter(|section| !section.is_code()) {
        let base = section.address.unwrap_or(0);
        let bytes = section.bytes.unwrap_or_default();
        // Words lie at their own multiples, also where a section does not begin at one.
        let Some(first_word) = base.checked_next_multiple_of(word) else {
            continue;
        };
        let skip = first_word - base;
        let rest = bytes.get(skip as usize..).unwrap_or_default();
        for (number, bytes) in rest.chunks_exact(word as usize).enumerate() {
            let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
            let value = match object.endian() {
                base::Endian::Little => bytes.iter().rev().fold(0, fold),
                base::Endian::Big => bytes.iter().fold(0, fold),
            };
            if (first..last).contains(&value) && code.iter().any(|range| range.contains(&value)) {
                let at = base.wrapping_add(skip).wrapping_add(number as u64 * word);
                words.push((value, at));
            }
        }
    }
    words.sort_unstable();
    words
}

/// The words of data that hold `target`, in a linked file.
fn words_of_data<'o>(object: &'o Object<'_>, target: u64) -> impl Iterator<Item = u64> + 'o {
    let words = object.words_of_code.get_or_init(|| words_of_code(object));
    let start = words.partition_point(|(value, _)| *value < target);
    let found = words.get(start..).unwrap_or_default().iter();
    found
        .take_while(move |(value, _)| *value == target)
        .map(|(_, at)| *at)
}
