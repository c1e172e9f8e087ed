//! Where the address of a function is stored into an object, and what else is stored there with it.

use arch::Expr;
use debuginfo::{DebugInfo, Kind, ObjectId, TypeId, UsePlace};

use crate::body::{Body, Target};
use crate::setters::{stored_text, type_name, without_indices};
use crate::view::View;

/// Members told of one object.
const MOST_MEMBERS: usize = 24;
/// Arguments that registers may carry.
const MOST_ARGUMENTS: u8 = 8;

/// A member and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The member.
    pub member: String,
    /// What it takes, as the source writes it.
    pub value: String,
}

/// A function's address stored into an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The object file with the code or the data.
    pub object: Option<ObjectId>,
    /// The function that stores it; of data the variable that holds it.
    pub by: String,
    /// The address of the store, of data that of the word.
    pub address: u64,
    /// The type of the object (`struct packet_type`); of an address that is passed on the called function.
    pub type_name: String,
    /// The member that takes the address; `argument N` where it is passed on.
    pub member: String,
    /// All members stored to the same object in that function, this one included.
    pub members: Vec<Stored>,
    /// Whether it is passed on to a function, which stores it somewhere.
    pub is_passed: bool,
    /// Whether code stores it; otherwise it is a part of data from the start.
    pub by_code: bool,
}

impl Registered {
    /// Every place in the given objects that stores the address of the function at `address`.
    pub fn find(debug: &DebugInfo<'_>, id: ObjectId, address: u64) -> debuginfo::Result<Vec<Self>> {
        let mut found = Vec::new();
        for place in debug.address_taken(id, address)? {
            match &place.place {
                UsePlace::Code { .. } => {
                    if let Ok(Some(body)) = Body::of_function(debug, place.object, place.at)
                        && let Some(registered) = Self::within(debug, &body, id, address)
                        && !found.contains(&registered)
                    {
                        found.push(registered);
                    }
                }
                UsePlace::Data {
                    variable: Some(variable),
                    type_id: Some(type_id),
                    offset,
                    members,
                    ..
                } => {
                    let (of, member) = match members.first() {
                        Some(path) => owner(debug, type_id, &path.text, path.owner.as_ref()),
                        None => (type_name(debug, *type_id), String::new()),
                    };
                    let mut registered = Registered {
                        object: Some(place.object),
                        by: (*variable).to_owned(),
                        address: place.at,
                        type_name: of,
                        member,
                        members: Vec::new(),
                        is_passed: false,
                        by_code: false,
                    };
                    registered.members = data_members(
                        debug,
                        place.object,
                        *type_id,
                        place.at.wrapping_sub(*offset),
                    );
                    found.push(registered);
                }
                UsePlace::Data { .. } => {}
            }
        }
        Ok(found)
    }

    /// The place in one function.
    pub(crate) fn within<'a>(
        debug: &DebugInfo<'a>,
        body: &Body<'a>,
        id: ObjectId,
        address: u64,
    ) -> Option<Self> {
        let view = View::new(debug, body);
        let wanted = address_in(debug, body, id, address)?;
        for (at, node) in body.nodes.iter().enumerate() {
            for (to, size, value, space) in node.stores() {
                if view.number(value, at) != Some(wanted) {
                    continue;
                }
                let Some(place) = view.place(to, size, space, at) else {
                    continue;
                };
                let Some(path) = place.path() else {
                    continue;
                };
                let (type_name, member) =
                    owner(debug, &place.pointer.to, &path.text, path.owner.as_ref());
                return Some(Registered {
                    object: body.object,
                    by: body.name.clone(),
                    address: node.insn.address,
                    members: siblings(&view, &place, path.owner.as_ref().map(|owner| owner.name)),
                    type_name,
                    member,
                    is_passed: false,
                    by_code: true,
                });
            }
        }
        passed(&view, wanted)
    }
}

/// The address that a function of another object has in the code of this one.
fn address_in(debug: &DebugInfo<'_>, body: &Body<'_>, id: ObjectId, address: u64) -> Option<u64> {
    let own = body.object?;
    if own == id {
        return Some(address);
    }
    let names = debug.object(id)?.symbols_starting_at(address).ok()?;
    let object = debug.object(own)?;
    names.iter().find_map(|name| {
        let symbols = object.symbols_named(name.name).ok()?;
        let symbol = symbols.iter().find(|symbol| !symbol.is_defined())?;
        Some(object.external_address(symbol))
    })
}

/// The innermost structure with a name, and the member of it.
pub(crate) fn owner(
    debug: &DebugInfo<'_>,
    to: &TypeId,
    text: &str,
    owner: Option<&debuginfo::Owner<'_>>,
) -> (String, String) {
    match owner {
        Some(owner) => (type_name(debug, owner.type_id), owner.member.clone()),
        None => (type_name(debug, *to), without_indices(text)),
    }
}

/// What a function stores to the members of one object.
fn siblings(view: &View<'_, '_>, first: &crate::Place<'_>, owner: Option<&str>) -> Vec<Stored> {
    let mut members: Vec<Stored> = Vec::new();
    for (at, node) in view.body.nodes.iter().enumerate() {
        for (to, size, value, space) in node.stores() {
            if members.len() >= MOST_MEMBERS {
                return members;
            }
            let Some(place) = view.place(to, size, space, at) else {
                continue;
            };
            if place.pointer.text != first.pointer.text
                || !view.is_same(place.pointer.to, first.pointer.to)
            {
                continue;
            }
            for path in &place.paths {
                let of = path.owner.as_ref();
                if of.map(|of| of.name) != owner {
                    continue;
                }
                let member = of.map_or_else(|| path.text.clone(), |of| of.member.clone());
                let Some(value) = stored_text(view, value, at, path.type_id) else {
                    continue;
                };
                if !members.iter().any(|known| known.member == member) {
                    members.push(Stored { member, value });
                }
            }
        }
    }
    members
}

/// A call that passes the address on.
fn passed(view: &View<'_, '_>, wanted: u64) -> Option<Registered> {
    for (at, node) in view.body.nodes.iter().enumerate() {
        let Some(call) = &node.call else {
            continue;
        };
        for number in 0..MOST_ARGUMENTS {
            let Some(reg) = view.body.argument_register(number) else {
                break;
            };
            // What is behind the calling instruction itself, in its delay slot, was set before the call too.
            let value = match node.insn.sets(reg) {
                Some(value) if call.at != at => view.number(value, at),
                _ => view.number(&Expr::Reg(reg), at),
            };
            if value != Some(wanted) {
                continue;
            }
            let name = match &call.target {
                Target::Address(_) => view.call_text(call)?,
                Target::Value(_) => continue,
            };
            return Some(Registered {
                object: view.body.object,
                by: view.body.name.clone(),
                address: node.insn.address,
                type_name: format!("{name}()"),
                member: format!("argument {}", number + 1),
                members: Vec::new(),
                is_passed: true,
                by_code: true,
            });
        }
    }
    None
}

/// What the members of a variable hold from the start, as far as they are numbers and addresses.
fn data_members(debug: &DebugInfo<'_>, id: ObjectId, type_id: TypeId, start: u64) -> Vec<Stored> {
    let Some(object) = debug.object(id) else {
        return Vec::new();
    };
    let Ok(Some((_, shape))) = debug.strip(Some(type_id)) else {
        return Vec::new();
    };
    let Kind::Record { members, .. } = &shape.kind else {
        return Vec::new();
    };
    let mut stored = Vec::new();
    for member in members.iter().filter(|member| member.bits.is_none()) {
        if stored.len() >= MOST_MEMBERS {
            break;
        }
        let Some(of) = member.type_id else {
            continue;
        };
        let Ok(Some((_, shape))) = debug.strip(Some(of)) else {
            continue;
        };
        let is_pointer = matches!(shape.kind, Kind::Pointer(_));
        if !is_pointer && !matches!(shape.kind, Kind::Base(_) | Kind::Enumeration(_)) {
            continue;
        }
        let Some(size) = debug.size_of(of).ok().flatten().filter(|size| *size <= 8) else {
            continue;
        };
        let at = start.wrapping_add(member.offset);
        let relocations = object.relocations(at..at.saturating_add(size));
        let named = relocations.ok().and_then(|relocations| {
            let relocation = relocations
                .into_iter()
                .find(|relocation| relocation.at == at)?;
            match relocation.target() {
                Some(target) => {
                    let symbols = object.symbols_starting_at(target).ok()?;
                    symbols.first().map(|symbol| symbol.name.to_owned())
                }
                None => relocation.external().map(str::to_owned),
            }
        });
        let value = match named {
            Some(name) => name,
            None => {
                let Some(bytes) = object.bytes_at(at, size) else {
                    continue;
                };
                let number = bytes
                    .iter()
                    .enumerate()
                    .fold(0_u64, |number, (place, byte)| {
                        let shift = match object.endian() {
                            base::Endian::Little => 8 * place,
                            base::Endian::Big => 8 * (bytes.len() - 1 - place),
                        };
                        number | u64::from(*byte) << shift
                    });
                match number {
                    0 if is_pointer => "NULL".to_owned(),
                    number if number < 10 => number.to_string(),
                    number => format!("{number:#x}"),
                }
            }
        };
        stored.push(Stored {
            member: member.name.to_owned(),
            value,
        });
    }
    stored
}
