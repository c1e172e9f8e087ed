//! Who stores to a member of a structure or to a variable: every such place in the given objects.

use std::sync::Arc;

use debuginfo::{DebugInfo, ObjectId, Symbol, TypeId};
use rayon::prelude::*;

use crate::body::Body;
use crate::build::Bare;
use crate::place::Place;
use crate::sieve::Sieve;
use crate::view::View;

/// Functions looked at in all objects together, the nearest ones.
const MOST_FUNCTIONS: usize = 2000;

/// Functions that are looked at before it is asked whether there is enough.
pub const PART: usize = 256;

/// Functions of one object that are looked at without a sieve.
const FEW_FUNCTIONS: usize = 1000;

/// Places told; more help nobody.
const MOST_STORES: usize = 64;

/// What is stored to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A member, by the innermost structure with a name that has it.
    Member {
        /// The structure's name, without `struct`.
        owner: String,
        /// The member's name.
        member: String,
        /// Bytes from the start of the structure.
        offset: u64,
        /// The structure by which it was reached, as C writes it, and the way from there (`balance.rx_hashtbl`).
        outer: (String, String),
    },
    /// A variable with an address of its own.
    Global {
        /// The object.
        object: ObjectId,
        /// Its name.
        name: String,
    },
}

/// A place that stores.
#[derive(Clone, Debug)]
pub struct Store<'a> {
    /// The function with it.
    pub body: Arc<Body<'a>>,
    /// The number of the storing instruction.
    pub at: usize,
    /// Bytes of the store.
    pub size: u8,
    /// Whether it was reached by the same structure; otherwise by the one that has the member.
    pub is_exact: bool,
    /// What is stored, as the source writes it; none where not known.
    pub value: Option<String>,
    /// The number that is stored, where the code alone tells it.
    pub number: Option<u64>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Stores<'a> {
    /// The places, in the order of objects and addresses.
    pub found: Vec<Store<'a>>,
    /// Functions that were looked at.
    pub looked: usize,
    /// Functions that may store there and were left out, as there are too many.
    pub left_out: usize,
    /// Functions of large files that were left out, as no instruction seems to have the offset of the member.
    pub sieved: usize,
}

impl Key {
    /// The key of a place; none for a local variable and for what has no name.
    pub fn of(view: &View<'_, '_>, place: &Place<'_>) -> Option<Key> {
        let path = place.path()?;
        if let (Some(name), Some(object)) = (place.global, view.body.object)
            && path.owner.is_none()
        {
            return Some(Key::Global {
                object,
                name: name.to_owned(),
            });
        }
        let owner = path.owner.as_ref()?;
        Some(Key::Member {
            owner: owner.name.to_owned(),
            member: owner.member.clone(),
            offset: owner.offset,
            outer: (
                type_name(view.debug, place.pointer.to),
                without_indices(&path.text),
            ),
        })
    }

    /// Whether a place is meant: exactly, or by another structure around it.
    fn is_met(&self, view: &View<'_, '_>, place: &Place<'_>) -> Option<bool> {
        match self {
            Key::Global { object, name } => (place.global == Some(name.as_str())
                && view.body.object == Some(*object))
            .then_some(true),
            Key::Member {
                owner,
                member,
                outer,
                ..
            } => {
                let path = place.paths.iter().find(|path| {
                    path.owner
                        .as_ref()
                        .is_some_and(|of| of.name == owner && of.member == *member)
                })?;
                let same = without_indices(&path.text) == outer.1
                    && type_name(view.debug, place.pointer.to) == outer.0;
                Some(same)
            }
        }
    }
}

/// How C writes a type, without qualifiers.
pub(crate) fn type_name(debug: &DebugInfo<'_>, type_id: TypeId) -> String {
    let stripped = debug.strip(Some(type_id)).ok().flatten();
    debug.type_text(Some(stripped.map_or(type_id, |(type_id, _)| type_id)))
}

/// `slots[2].next` as `slots.next`.
pub fn without_indices(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut depth = 0_u32;
    for c in path.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain.trim_start_matches('.').to_owned()
}

impl<'a> Stores<'a> {
    /// Every store to what `key` names.
    pub fn find(debug: &DebugInfo<'a>, key: &Key) -> debuginfo::Result<Self> {
        Self::find_near(debug, key, None, &|_| false)
    }

    /// The same; where there are too many functions those next to a place are looked at, from there outwards, and only
    /// until there is enough.
    ///
    /// A common member of a kernel is stored to by hundreds of functions, of which a few help anybody. `is_enough`
    /// is asked after every [`PART`] functions; what it has seen is not in order.
    pub fn find_near(
        debug: &DebugInfo<'a>,
        key: &Key,
        near: Option<(ObjectId, u64)>,
        is_enough: &dyn Fn(&[Store<'a>]) -> bool,
    ) -> debuginfo::Result<Self> {
        let mut stores = Stores::default();
        let mut work: Vec<(ObjectId, Symbol<'a>)> = Vec::new();
        let mut sieves: Vec<(ObjectId, Sieve)> = Vec::new();
        for (id, object) in debug.objects() {
            if !knows(debug, id, key)? {
                continue;
            }
            let mut functions = object.functions()?;
            // Of several names for one place one is enough.
            functions.dedup_by_key(|function| function.address);
            let all = functions.len();
            if all > FEW_FUNCTIONS
                && let Some(sieve) = sieve(debug, id, key)
                && !object.is_relocatable()
            {
                functions = functions
                    .into_par_iter()
                    .filter(|function| {
                        let code = object.bytes_at(function.address, function.size.min(MOST_CODE));
                        code.is_none_or(|code| sieve.may_store(code))
                    })
                    .collect();
                stores.sieved += all - functions.len();
                sieves.push((id, sieve));
            }
            work.extend(functions.into_iter().map(|function| (id, function)));
        }
        let all = work.len();
        if all > PART {
            // Files of source text are linked one behind the other.
            work.sort_by_key(|(id, function)| match near {
                Some((object, address)) if object == *id => function.address.abs_diff(address),
                _ => u64::MAX,
            });
            work.truncate(MOST_FUNCTIONS);
        }
        let mut found: Vec<Store<'a>> = Vec::new();
        for part in work.chunks(PART) {
            let more: Vec<Vec<Store<'a>>> = part
                .par_iter()
                .with_max_len(1)
                .map(|(id, function)| {
                    let sieve = sieves.iter().find(|(of, _)| of == id);
                    let sieve = sieve.map(|(_, sieve)| sieve);
                    within(debug, *id, function.address, key, sieve)
                })
                .collect();
            stores.looked += part.len();
            found.extend(more.into_iter().flatten());
            if is_enough(&found) {
                break;
            }
        }
        stores.left_out = all - stores.looked;
        found.sort_by_key(|store| {
            let entry = store.body.entry.and_then(|entry| store.body.insn(entry));
            (store.body.object, entry.map(|insn| insn.address), store.at)
        });
        // A part that was moved away (`f.cold`) is a part of its function.
        let mut seen: Vec<(Option<ObjectId>, u64)> = Vec::new();
        found.retain(|store| {
            let place = (
                store.body.object,
                store.body.insn(store.at).map_or(0, |insn| insn.address),
            );
            let is_new = !seen.contains(&place);
            seen.push(place);
            is_new
        });
        found.truncate(MOST_STORES);
        stores.found = found;
        Ok(stores)
    }
}

/// Bytes of one function that are sieved.
const MOST_CODE: u64 = 1 << 16;

/// How functions of a large file are told that cannot store to what `key` names: by what is added to a pointer to
/// reach it from the structure itself and from the one around it, and by its size.
fn sieve(debug: &DebugInfo<'_>, id: ObjectId, key: &Key) -> Option<Sieve> {
    let Key::Member { offset, outer, .. } = key else {
        return None;
    };
    let mut offsets = vec![*offset];
    let mut sizes = Vec::new();
    let (around, path) = outer;
    let name = around.rsplit(' ').next().unwrap_or(around);
    for type_id in debug.types_named(name, None).ok()? {
        if type_id.object() == id
            && let Ok(Some(found)) = debug.offset_of(type_id, path)
        {
            if !offsets.contains(&found.offset) {
                offsets.push(found.offset);
            }
            let size = found.type_id.map(|member| debug.size_of(member));
            sizes.push(size.and_then(|size| size.ok().flatten()));
        }
    }
    let size = match sizes.as_slice() {
        [Some(size), rest @ ..] if rest.iter().all(|other| *other == Some(*size)) => {
            // What is larger than a register is set in parts.
            Some(*size).filter(|size| *size <= 8)
        }
        _ => None,
    };
    Sieve::new(debug.object(id)?.arch()?, offsets, size)
}

/// Whether an object can have code that stores there: it has to know the structure.
fn knows(debug: &DebugInfo<'_>, id: ObjectId, key: &Key) -> debuginfo::Result<bool> {
    match key {
        Key::Global { object, .. } => Ok(*object == id),
        Key::Member { owner, .. } => debug.describes(id, owner),
    }
}

/// The function at an address, if it has a store of those that a sieve lets through.
fn body_with<'a>(
    debug: &DebugInfo<'a>,
    id: ObjectId,
    address: u64,
    sieve: Option<&Sieve>,
) -> Option<Body<'a>> {
    let bare = sieve.and_then(|sieve| Some((sieve, Bare::of_symbol(debug, id, address)?)));
    let Some((sieve, bare)) = bare else {
        return Body::of_function(debug, id, address).ok()?;
    };
    sieve.may_have(bare.insns()).then_some(())?;
    let body = bare.body();
    sieve.of(&body).has_any().then_some(())?;
    body.described(debug).ok()?
}

fn within<'a>(
    debug: &DebugInfo<'a>,
    id: ObjectId,
    address: u64,
    key: &Key,
    sieve: Option<&Sieve>,
) -> Vec<Store<'a>> {
    let Some(body) = body_with(debug, id, address, sieve) else {
        return Vec::new();
    };
    let body = Arc::new(body);
    let view = View::new(debug, &body);
    let sieved = sieve.map(|sieve| sieve.of(&body));
    let mut found = Vec::new();
    for (at, node) in body.nodes.iter().enumerate() {
        for (address, size, value, space) in node.stores() {
            if sieved
                .as_ref()
                .is_some_and(|sieved| !sieved.is_met(address, size, at))
            {
                continue;
            }
            if body.slot(address, at).is_some() {
                continue;
            }
            let Some(place) = view.place(address, size, space, at) else {
                continue;
            };
            let Some(mut is_exact) = key.is_met(&view, &place) else {
                continue;
            };
            if !is_exact && let Some(outer) = view.outer_place(address, size, at) {
                is_exact = key.is_met(&view, &outer) == Some(true);
            }
            found.push(Store {
                body: Arc::clone(&body),
                at,
                size,
                is_exact,
                value: stored_text(&view, value, at, place.type_id()),
                number: view.number(value, at),
            });
        }
    }
    found
}

/// What is stored, as the source writes it: a pointer that is 0 is NULL.
pub(crate) fn stored_text(
    view: &View<'_, '_>,
    value: &arch::Expr,
    at: usize,
    type_id: Option<TypeId>,
) -> Option<String> {
    let is_pointer = type_id.is_some_and(|type_id| {
        let shape = view.debug.strip(Some(type_id)).ok().flatten();
        shape.is_some_and(|(_, shape)| matches!(shape.kind, debuginfo::Kind::Pointer(_)))
    });
    match view.number(value, at) {
        Some(0) if is_pointer => Some("NULL".to_owned()),
        Some(number) => Some(view.number_text(number)),
        None => view.text(value, at),
    }
}
