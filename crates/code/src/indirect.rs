//! Who stores to a member without naming it: copies and fills of what is around it, and functions that are given its
//! address.

use std::sync::Arc;

use arch::{Effect, Expr, Reg};
use debuginfo::{DebugInfo, Kind, ObjectId, Symbol};
use rayon::prelude::*;

use crate::body::{Body, Exit, Target};
use crate::callee::Callee;
use crate::frame::reg_plus;
use crate::origin::Origin;
use crate::setters::{Key, type_name};
use crate::sum::Leaf;
use crate::view::View;

/// Functions looked at in all objects together, the nearest ones.
const MOST_FUNCTIONS: usize = 1000;

/// Functions looked at in one file that has more than those together, as a kernel has: nothing in their bytes tells
/// which to leave out, and each takes milliseconds.
const MOST_OF_MANY: usize = 64;

/// Places told.
const MOST_FOUND: usize = 32;

/// Arguments that may carry an address.
const MOST_ARGUMENTS: u8 = 6;

/// Functions that copy their second argument's bytes to the first, as many as the third says.
const COPIES: &[&str] = &["memcpy", "__memcpy", "memmove", "__memmove"];

/// Functions that fill so many bytes with one.
const FILLS: &[&str] = &["memset", "__memset"];

/// Functions that copy from user space to the first argument.
const FROM_OUTSIDE: &[&str] = &["_copy_from_user", "__copy_from_user", "raw_copy_from_user"];

/// How a member is stored to without its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// Bytes around it are copied from elsewhere.
    Copied,
    /// They are filled with a byte, where that is known.
    Filled(Option<u64>),
    /// Its address is given to a function, as an argument counted from 0.
    Given {
        /// The function, where it is known.
        to: Option<String>,
        /// The number of the argument.
        argument: u8,
        /// Whether that function stores through it; otherwise its code is not here, or hands it on.
        is_stored: bool,
    },
}

/// A place that does.
#[derive(Clone, Debug)]
pub struct Indirect<'a> {
    /// The function.
    pub body: Arc<Body<'a>>,
    /// The number of the instruction that stores or calls.
    pub at: usize,
    /// How.
    pub how: How,
    /// Whether it surely reaches the member: of a block its size is known.
    pub is_sure: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Indirects<'a> {
    /// The places, in the order of objects and addresses.
    pub found: Vec<Indirect<'a>>,
    /// Functions that were not looked at, as there are too many.
    pub left_out: usize,
}

impl<'a> Indirects<'a> {
    /// Every such place in the objects that know the member's structure; of too many functions those next to a place
    /// are looked at.
    pub fn find(
        debug: &DebugInfo<'a>,
        key: &Key,
        near: Option<(ObjectId, u64)>,
    ) -> debuginfo::Result<Self> {
        let mut indirects = Indirects::default();
        let Key::Member { owner, .. } = key else {
            return Ok(indirects);
        };
        let mut work: Vec<(ObjectId, Symbol<'a>)> = Vec::new();
        for (id, object) in debug.objects() {
            if debug.describes(id, owner)? {
                let mut functions = object.functions()?;
                functions.dedup_by_key(|function| function.address);
                if functions.len() > MOST_FUNCTIONS {
                    indirects.left_out += functions.len() - MOST_OF_MANY;
                    functions.sort_by_key(|function| match near {
                        Some((object, address)) if object == id => {
                            function.address.abs_diff(address)
                        }
                        _ => u64::MAX,
                    });
                    functions.truncate(MOST_OF_MANY);
                }
                work.extend(functions.into_iter().map(|function| (id, function)));
            }
        }
        if work.len() > MOST_FUNCTIONS {
            indirects.left_out += work.len() - MOST_FUNCTIONS;
            work.sort_by_key(|(id, function)| match near {
                Some((object, address)) if object == *id => function.address.abs_diff(address),
                _ => u64::MAX,
            });
            work.truncate(MOST_FUNCTIONS);
        }
        work.sort_by_key(|(id, function)| (*id, function.address));
        let found: Vec<Vec<Indirect<'a>>> = work
            .par_iter()
            .with_max_len(1)
            .map(|(id, function)| within(debug, *id, function.address, key))
            .collect();
        indirects.found = found.into_iter().flatten().take(MOST_FOUND).collect();
        Ok(indirects)
    }
}

fn within<'a>(debug: &DebugInfo<'a>, id: ObjectId, address: u64, key: &Key) -> Vec<Indirect<'a>> {
    let Ok(Some(body)) = Body::of_function(debug, id, address) else {
        return Vec::new();
    };
    let body = Arc::new(body);
    let view = View::new(debug, &body);
    let mut found = Vec::new();
    for (at, node) in body.nodes.iter().enumerate() {
        let mut push = |(how, is_sure): (How, bool)| {
            found.push(Indirect {
                body: Arc::clone(&body),
                at,
                how,
                is_sure,
            });
        };
        for (address, size, value, space) in node.stores() {
            if space.is_none() && body.slot(address, at).is_none() {
                stored(&view, key, address, size, value, at).map(&mut push);
            }
        }
        if let Some(call) = &node.call {
            called(&view, key, &call.target, call.at, at).map(&mut push);
        } else if let Exit::TailCall(target) = &node.exit {
            called(&view, key, target, at, at).map(&mut push);
        }
    }
    found
}

/// Bytes from where a pointer leads to the member, where it leads into the structure that has it.
fn distance(view: &View<'_, '_>, key: &Key, value: &Expr, at: usize) -> Option<i64> {
    let Key::Member {
        owner,
        offset,
        outer: (around, path),
        ..
    } = key
    else {
        return None;
    };
    let pointer = view.pointer(value, at)?;
    if pointer.stride.is_some() {
        return None;
    }
    let name = type_name(view.debug, pointer.to);
    let plain = name.rsplit(' ').next().unwrap_or(&name);
    let member = if plain == owner {
        *offset
    } else if name == *around {
        view.debug.offset_of(pointer.to, path).ok()??.offset
    } else {
        return None;
    };
    i64::try_from(member).ok()?.checked_sub(pointer.offset)
}

/// A store of more bytes than the member has, or of a block.
fn stored(
    view: &View<'_, '_>,
    key: &Key,
    address: &Expr,
    size: u8,
    value: &Expr,
    at: usize,
) -> Option<(How, bool)> {
    let pointer = i64::try_from(view.body.arch.pointer_bytes()).ok()?;
    let Some(far) = distance(view, key, address, at) else {
        let far = looped(view, key, address, at).filter(|far| *far >= 0)?;
        let how = match view.number(value, at) {
            None => How::Copied,
            number => How::Filled(number),
        };
        // How many rounds there are is not asked.
        return reaches(far, None, pointer).map(|is_sure| (how, is_sure));
    };
    let (bytes, how) = match value {
        Expr::Unknown("copied as a block") => (block(view, size, at), How::Copied),
        Expr::Unknown("filled as a block") => {
            let with = view.body.arch.name.starts_with("x86").then_some(Reg("rax"));
            let with = with.and_then(|reg| view.number(&Expr::Reg(reg), at));
            (block(view, size, at), How::Filled(with))
        }
        // Alone it is a store by name.
        _ if far == 0 && i64::from(size) <= pointer => return None,
        value => {
            let number = view.number(value, at);
            let how = match number {
                Some(_) => How::Filled(number),
                None => How::Copied,
            };
            (Some(i64::from(size)), how)
        }
    };
    reaches(far, bytes, pointer).map(|is_sure| (how, is_sure))
}

/// Bytes to the member from where a loop begins that stores to all bytes from there on, some in each round.
fn looped(view: &View<'_, '_>, key: &Key, address: &Expr, at: usize) -> Option<i64> {
    let body = view.body;
    let (reg, _) = reg_plus(address)?;
    let (mut step, mut start) = (None, None);
    for origin in body.origins(reg, at) {
        let stepped = match &origin {
            Origin::Set(_, value) => reg_plus(value).filter(|(of, _)| *of == reg),
            _ => None,
        };
        match stepped {
            Some((_, bytes)) if step.is_none() => step = Some(bytes),
            None if start.is_none() => start = Some(origin),
            _ => return None,
        }
    }
    let step = u8::try_from(step?).ok().filter(|step| *step > 0)?;
    let mut is_stored = vec![false; usize::from(step)];
    for node in &body.nodes {
        for (to, size, ..) in node.stores() {
            if let Some((of, offset)) = reg_plus(to)
                && of == reg
                && let Ok(from) = usize::try_from(offset)
            {
                let bytes = is_stored.iter_mut().skip(from);
                bytes.take(size.into()).for_each(|byte| *byte = true);
            }
        }
    }
    if is_stored.contains(&false) {
        return None;
    }
    match start? {
        Origin::Set(set, value) => distance(view, key, &value, set),
        Origin::Entry => distance(view, key, &Expr::Reg(reg), body.entry?),
        _ => None,
    }
}

/// The bytes of a repeated store (SDM volume 2, "REP": the count is in the register).
fn block(view: &View<'_, '_>, size: u8, at: usize) -> Option<i64> {
    let count = match view.body.arch.name {
        "x86_64" => Reg("rcx"),
        "i386" => Reg("ecx"),
        _ => return None,
    };
    let count = view.number(&Expr::Reg(count), at)?;
    i64::try_from(count).ok()?.checked_mul(size.into())
}

/// Whether a block of so many bytes has the member that lies so far from its start; whether that is sure.
fn reaches(far: i64, bytes: Option<i64>, pointer: i64) -> Option<bool> {
    match bytes {
        _ if far.checked_add(pointer)? <= 0 => None,
        Some(bytes) => (far < bytes).then_some(true),
        None => Some(false),
    }
}

/// A call by instruction `from`, made behind instruction `at`.
fn called(
    view: &View<'_, '_>,
    key: &Key,
    target: &Target,
    from: usize,
    at: usize,
) -> Option<(How, bool)> {
    let body = view.body;
    let callee = body.function_of(view.debug, target).ok().flatten();
    let name = callee
        .as_ref()
        .map(|callee| debuginfo::base_name(callee.name));
    let argument = |number: u8| {
        let reg = body.argument_register(number)?;
        let own = body.nodes.get(at).filter(|_| from != at);
        let own = own.and_then(|node| node.insn.sets(reg)).cloned();
        Some(own.unwrap_or(Expr::Reg(reg)))
    };
    let is_of = |names: &[&str]| name.is_some_and(|name| names.contains(&name));
    let pointer = i64::try_from(body.arch.pointer_bytes()).ok()?;
    if is_of(COPIES) || is_of(FILLS) || is_of(FROM_OUTSIDE) {
        let far = distance(view, key, &argument(0)?, at)?;
        let bytes = view
            .number(&argument(2)?, at)
            .and_then(|bytes| i64::try_from(bytes).ok());
        let how = match is_of(FILLS) {
            true => How::Filled(view.number(&argument(1)?, at)),
            false => How::Copied,
        };
        return reaches(far, bytes, pointer).map(|is_sure| (how, is_sure));
    }
    let home = callee.as_ref().and_then(|callee| callee.home);
    let takes = callee
        .as_ref()
        .zip(name)
        .and_then(|(callee, name)| takes(view, callee, name));
    for number in 0..takes.unwrap_or(MOST_ARGUMENTS).min(MOST_ARGUMENTS) {
        let Some(value) = argument(number) else {
            break;
        };
        // Of a function without a type what lies in its registers may not be for it, unless it was made there.
        if takes.is_none() && !is_made(body, &value, at) {
            continue;
        }
        // The first member's address is the structure's own: nothing tells which was meant.
        if !is_inside(key) || distance(view, key, &value, at) != Some(0) {
            continue;
        }
        let stores = home.and_then(|(id, address)| {
            let body = Body::of_function(view.debug, id, address).ok()??;
            stores_through(&body, number)
        });
        if stores == Some(false) {
            continue;
        }
        let how = How::Given {
            to: name.map(str::to_owned),
            argument: number,
            is_stored: stores == Some(true),
        };
        return Some((how, stores == Some(true)));
    }
    None
}

/// Whether a register was set in the function itself.
fn is_made(body: &Body<'_>, value: &Expr, at: usize) -> bool {
    match value {
        Expr::Reg(reg) => matches!(body.origins(*reg, at).as_slice(), [Origin::Set(..)]),
        _ => true,
    }
}

/// How many arguments a function takes: what lies in other registers is not passed.
fn takes<'a>(view: &View<'_, 'a>, callee: &Callee<'a>, name: &str) -> Option<u8> {
    view.types_of(callee, name).find_map(|type_id| {
        let (_, shape) = view.debug.strip(Some(type_id)).ok()??;
        match &shape.kind {
            Kind::Function { parameters, .. } => u8::try_from(parameters.len()).ok(),
            _ => None,
        }
    })
}

fn is_inside(key: &Key) -> bool {
    matches!(key, Key::Member { offset, .. } if *offset > 0)
}

/// Whether a function stores to where an argument points; none where it may do so elsewhere, as it hands the address
/// on, keeps it, or has ways that are not known.
fn stores_through(body: &Body<'_>, number: u8) -> Option<bool> {
    let reg = body.argument_register(number)?;
    body.entry?;
    let is_argument = |value: &Expr, at: usize| {
        let sum = body.sum(value, at);
        let from = sum.terms.iter().any(|term| match &term.leaf {
            Leaf::Register { reg: of, at } => {
                *of == reg && body.origins(reg, *at).contains(&Origin::Entry)
            }
            _ => false,
        });
        from.then_some(sum.constant)
    };
    let mut is_lost = body.has_hidden_ways;
    for (at, node) in body.nodes.iter().enumerate() {
        for (address, _, value, _) in node.stores() {
            if is_argument(address, at) == Some(0) {
                return Some(true);
            }
            // Put aside it may come back, stored elsewhere it may be used by anyone.
            is_lost |= is_argument(value, at).is_some();
        }
        let leaves = node.call.is_some() || matches!(node.exit, Exit::TailCall(_));
        if leaves {
            is_lost |= (0..MOST_ARGUMENTS).any(|number| {
                let passed = body.argument_register(number);
                passed.is_some_and(|passed| is_argument(&Expr::Reg(passed), at).is_some())
            });
        }
        let is_changed = node
            .insn
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Clobber(_)));
        is_lost |= is_changed;
    }
    (!is_lost).then_some(false)
}
