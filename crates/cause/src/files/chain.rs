//! The way of a value backwards: through a function, and through its callers on the printed trace.

use std::cell::Cell;
use std::sync::Arc;

use arch::{Expr, Reg};
use base::{Beyond, End, EndKind, Frame, LogEvent, Passed};
use code::{Body, Key, Leaf, Origin, Place, Target, View, without_indices};
use debuginfo::{DebugInfo, Kind, Path, TypeId, base_name};

use super::access::Registers;
use super::stack::Stack;
use super::today::Memory;
use super::value;

/// Steps backwards for one answer.
const MOST_STEPS: u32 = 128;
/// Origins that one value may have.
const MOST_ENDS: usize = 8;
/// Functions looked at for jumps to the start of another.
const MOST_JUMPERS: u32 = 64;

/// A function on the way, and the frames of its callers, the nearest first.
#[derive(Clone)]
pub(super) struct Level<'w, 'd> {
    pub(super) body: Arc<Body<'d>>,
    pub(super) callers: Vec<&'w Frame>,
    /// The instruction that failed, where it is this function that did.
    pub(super) fault: Option<usize>,
}

/// Where the way of a value ends.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) end: End,
    /// What stores there can be asked for.
    pub(super) key: Option<Key>,
    pub(super) passed: Option<Passed>,
    /// What it went through, the nearest first.
    pub(super) through: Vec<String>,
    /// The steps of the argument.
    pub(super) steps: Vec<String>,
    /// What the pointer should point to, as the code that has the value declares it.
    pub(super) points_to: Option<TypeId>,
    /// What the value says about itself.
    pub(super) says: Option<value::Says>,
    /// Where the object came from that the value was read from.
    pub(super) object: Vec<String>,
    /// The value itself, where it is known.
    pub(super) value: Option<u64>,
    /// The address that the value was read from, where the registers tell it.
    pub(super) address: Option<u64>,
    /// The structure that the value was read from, and how many bytes into it.
    pub(super) member_of: Option<(TypeId, i64)>,
}

/// The walk.
pub(super) struct Walk<'w, 'd> {
    pub(super) debug: &'w DebugInfo<'d>,
    pub(super) event: &'w LogEvent,
    pub(super) registers: &'w Registers,
    pub(super) steps: u32,
    /// What the bad pointer points to, where the access tells it.
    pub(super) points_to: Option<TypeId>,
    /// The function that failed.
    pub(super) first: Option<Level<'w, 'd>>,
    /// The memory of what died, where a dump has it.
    pub(super) memory: Option<&'w dyn Memory>,
    /// How many functions may still be looked at for jumps.
    pub(super) jumps: Cell<u32>,
}

/// What a walk has come by.
#[derive(Clone, Default)]
pub(super) struct Trail {
    pub(super) through: Vec<String>,
    pub(super) steps: Vec<String>,
    seen: Vec<(String, u64, Leaf)>,
    /// The value, where it is known.
    value: Option<u64>,
    /// It is followed to tell of an object, not of the pointer itself.
    is_aside: bool,
    /// The architecture.
    arch: &'static str,
}

impl Found {
    /// An end with nothing told but what it is and what the value says.
    pub(super) fn at(kind: EndKind, what: String, trail: Trail) -> Self {
        let says = trail.says();
        let value = trail.value;
        Found {
            end: End {
                kind,
                what,
                value: says.clone().map(|says| says.text),
                because: None,
                variable: None,
                beyond: None,
                per_cpu: false,
            },
            key: None,
            passed: None,
            through: trail.through,
            steps: trail.steps,
            points_to: None,
            member_of: None,
            says,
            object: Vec::new(),
            address: None,
            value,
        }
    }
}

impl Trail {
    /// What the value says of itself.
    pub(super) fn says(&self) -> Option<value::Says> {
        value::says(self.value?, self.arch)
    }
}

impl<'w, 'd> Walk<'w, 'd> {
    pub(super) fn new(
        debug: &'w DebugInfo<'d>,
        event: &'w LogEvent,
        registers: &'w Registers,
    ) -> Self {
        Walk {
            debug,
            event,
            registers,
            steps: MOST_STEPS,
            points_to: None,
            first: None,
            memory: None,
            jumps: Cell::new(MOST_JUMPERS),
        }
    }

    /// The ends of a value, the surest first.
    pub(super) fn ends(
        &mut self,
        level: &Level<'w, 'd>,
        leaf: &Leaf,
        value: Option<u64>,
    ) -> Vec<Found> {
        let trail = Trail {
            value,
            arch: level.body.arch.name,
            ..Trail::default()
        };
        let mut found = self.leaf(level, leaf, trail);
        // What is read from memory or returned is an answer; an argument or less is a question to another.
        found.sort_by_key(|found| match found.end.kind {
            EndKind::Unknown => 2,
            EndKind::Argument => 1,
            _ => 0,
        });
        let mut unique: Vec<Found> = Vec::new();
        for one in found {
            let is_known =
                |known: &Found| known.end.kind == one.end.kind && known.end.what == one.end.what;
            if !unique.iter().any(is_known) {
                unique.push(one);
            }
        }
        unique.truncate(MOST_ENDS);
        unique
    }

    fn leaf(&mut self, level: &Level<'w, 'd>, leaf: &Leaf, mut trail: Trail) -> Vec<Found> {
        if self.steps == 0 {
            return unknown(trail, "the way back", "it is too long to follow");
        }
        self.steps -= 1;
        let entry = level.body.nodes.first().map_or(0, |node| node.insn.address);
        let here = (level.body.name.clone(), entry, leaf.clone());
        if trail.seen.contains(&here) {
            // Round a loop it comes from where it came from before.
            return Vec::new();
        }
        trail.seen.push(here);
        match leaf {
            Leaf::Load { load, at } => self.loaded(level, load, *at, trail),
            Leaf::Opaque(why) => unknown(trail, "a computed value", why),
            Leaf::Register { reg, at } => {
                let origins = level.body.origins(*reg, *at);
                let is_only = origins.len() == 1;
                let mut found = Vec::new();
                for origin in origins {
                    // Of several ways only the one that was taken goes on in the caller.
                    if !is_only && origin == Origin::Entry && level.body.argument(*reg).is_some() {
                        found.extend(self.argument_here(level, *reg, trail.clone()));
                        continue;
                    }
                    found.extend(self.origin(level, &origin, *reg, trail.clone()));
                    if found.len() > 2 * MOST_ENDS {
                        break;
                    }
                }
                found
            }
        }
    }

    pub(super) fn value(
        &mut self,
        level: &Level<'w, 'd>,
        value: &Expr,
        at: usize,
        mut trail: Trail,
    ) -> Vec<Found> {
        let sum = level.body.sum(value, at);
        trail.value = trail.value.map(|value| value.wrapping_sub(sum.constant));
        match (sum.pointer(), sum.number()) {
            (Some(leaf), _) if sum.terms.len() == 1 => {
                let leaf = leaf.clone();
                self.leaf(level, &leaf, trail)
            }
            (Some(leaf), _) => {
                // With an index the value of the base is not that of the sum.
                trail.value = None;
                let leaf = leaf.clone();
                self.leaf(level, &leaf, trail)
            }
            (None, Some(number)) => {
                let what = format!("the constant {}", value::constant(number));
                unknown(trail, &what, "the code itself puts it there")
            }
            (None, None) => unknown(trail, "a computed value", "no part of it is a pointer"),
        }
    }

    fn origin(
        &mut self,
        level: &Level<'w, 'd>,
        origin: &Origin,
        reg: Reg,
        trail: Trail,
    ) -> Vec<Found> {
        let text = |at: usize| level.body.insn(at).map_or("", |insn| insn.text.as_str());
        match origin {
            Origin::Set(at, Expr::Load(load)) => self.loaded(level, load, *at, trail),
            // A move under a condition: either value.
            Origin::Set(at, Expr::Select(_, one, other)) => {
                let mut found = self.value(level, one, *at, trail.clone());
                found.extend(self.value(level, other, *at, trail));
                found
            }
            Origin::Set(at, Expr::Binary(arch::Op::And, tagged, mask)) if is_untagging(mask) => {
                let mut trail = trail;
                trail.value = None;
                trail.steps.push(format!(
                    "`{}`{} cleared its lowest bits",
                    text(*at),
                    self.line(&level.body, *at)
                ));
                self.value(level, tagged, *at, trail)
            }
            Origin::Set(at, value) => self.value(level, value, *at, trail),
            Origin::Result(at) => match self.kept_by(level, *at, reg, &trail) {
                Some(found) => found,
                None => self.returned(level, *at, trail),
            },
            Origin::Entry => match level.body.argument(reg) {
                Some(_) => self.argument(level, reg, trail),
                None if level.body.is_scratch(reg) => unknown(
                    trail,
                    &format!("{reg} at the entry of {}()", level.body.name),
                    "no argument comes in it",
                ),
                None => self.kept(level, reg, trail),
            },
            Origin::Lost(at) => {
                if let Some(found) = self.kept_by(level, *at, reg, &trail) {
                    return found;
                }
                let why = format!("the call `{}` may have changed it", text(*at));
                unknown(trail, &format!("{reg} in {}()", level.body.name), &why)
            }
            Origin::Elsewhere(at) => {
                let why = format!("it is not known from where control came to `{}`", text(*at));
                unknown(trail, &format!("{reg} in {}()", level.body.name), &why)
            }
        }
    }

    /// The origins of a register before a call that need not give it back and does.
    fn kept_by(
        &mut self,
        level: &Level<'w, 'd>,
        at: usize,
        reg: Reg,
        trail: &Trail,
    ) -> Option<Vec<Found>> {
        let node = level.body.nodes.get(at)?;
        let call = node.call.as_ref()?;
        // A slot of the stack is no register.
        level.body.arch.register(reg.0)?;
        let view = View::new(self.debug, &level.body);
        if level.body.is_result(reg) && !view.is_void(call) || !view.keeps(call, reg) {
            return None;
        }
        Some(match node.insn.sets(reg).cloned() {
            Some(value) => self.value(level, &value, at, trail.clone()),
            None => self.leaf(level, &Leaf::Register { reg, at }, trail.clone()),
        })
    }

    fn loaded(
        &mut self,
        level: &Level<'w, 'd>,
        load: &arch::Load,
        at: usize,
        mut trail: Trail,
    ) -> Vec<Found> {
        let body = Arc::clone(&level.body);
        let view = View::new(self.debug, &body);
        let mut place = view.place(&load.address, load.size, load.space, at);
        let slot = match load.space {
            None => body.slot(&load.address, at),
            Some(_) => None,
        };
        let text = body.insn(at).map_or("", |insn| insn.text.as_str());
        let line = self.line(&body, at);
        if let Some(slot) = slot {
            let is_shared = place.is_some() || body.is_shared_slot(slot);
            let origins = body.slot_origins(slot, load.size, at, is_shared);
            let is_set = origins
                .iter()
                .any(|origin| matches!(origin, Origin::Set(..)));
            let is_lost = origins
                .iter()
                .any(|origin| !matches!(origin, Origin::Set(..)));
            if is_set && !is_lost {
                let mut found = Vec::new();
                trail.steps.push(format!(
                    "`{text}`{line} took it from a slot of the stack, where it had been put aside"
                ));
                for origin in &origins {
                    found.extend(self.origin(level, origin, Reg("the slot"), trail.clone()));
                }
                return found;
            }
            if let Some(found) =
                self.argument_on_stack(level, slot, load.size, place.as_ref(), &trail)
            {
                return found;
            }
            let Some(place) = place else {
                return unknown(
                    trail,
                    &format!("a slot of the stack of {}()", body.name),
                    "debug info names no variable there, and not every way stores to it",
                );
            };
            return vec![self.stack(&view, &place, trail, &line)];
        }
        if place.is_none()
            && let Some(name) = view.variable_name(&load.address, at)
        {
            // The kernel's own types do not describe variables.
            trail
                .steps
                .push(format!("`{text}`{line} read it from the variable `{name}`"));
            return vec![Found::at(EndKind::Global, name.to_owned(), trail)];
        }
        if let Some(place) = &mut place
            && let Some(path) = self.meant(place)
        {
            place.paths = [path.clone()]
                .into_iter()
                .chain(
                    place
                        .paths
                        .drain(..)
                        .filter(|other| other.text != path.text),
                )
                .collect();
        }
        let Some(place) = place else {
            let why = "debug info tells no type of what it was read from";
            return unknown(
                trail,
                &format!("what `{text}` in {}() read", body.name),
                why,
            );
        };
        let Some(path) = self.meant(&place) else {
            let what = format!(
                "offset {} of {}",
                place.pointer.offset,
                view.debug.type_text(Some(place.pointer.to))
            );
            return unknown(trail, &what, "no member lies there");
        };
        let what = match place.global {
            Some(name) if place.pointer.stride.is_some() => {
                match without_indices(&path.text).as_str() {
                    "" => name.to_owned(),
                    member => format!("{name}.{member}"),
                }
            }
            Some(_) => place.text().unwrap_or_default(),
            None if without_indices(&path.text).is_empty() => {
                value::type_name(self.debug, place.pointer.to)
            }
            None => format!(
                "{}.{}",
                value::type_name(self.debug, place.pointer.to),
                without_indices(&path.text)
            ),
        };
        let shown = place.text().unwrap_or_else(|| what.clone());
        let is_plain = path.owner.is_none() && place.global.is_none();
        if is_plain {
            // An element of a plain array or `*pointer`: the type says nothing more.
            trail
                .steps
                .push(format!("`{text}`{line} read it from {shown}"));
        } else {
            let per_cpu = if place.is_per_cpu {
                ", which each CPU has for itself"
            } else {
                ""
            };
            let what = match shown == what {
                true => "a variable",
                false => &what,
            };
            trail.steps.push(format!(
                "`{text}`{line} read it from `{shown}`, {what}{per_cpu}"
            ));
        }
        if let Some(others) = self.others(&place, &path) {
            trail.steps.push(others);
        }
        let beyond = self.beyond(level, &place, load, at);
        let object = self.object(level, load, at, &trail);
        let address = self.address(level, load, at);
        let said = trail.says();
        let kind = match (&said, place.global) {
            (Some(said), _) if said.is_freed => EndKind::Freed,
            (Some(said), _) if said.is_poison => EndKind::Poison,
            (_, Some(_)) => EndKind::Global,
            _ => EndKind::Member,
        };
        let mut found = Found::at(kind, what, trail);
        found.end.beyond = beyond;
        found.end.per_cpu = place.is_per_cpu;
        found.address = address;
        found.key = Key::of(&view, &place);
        found.points_to = path
            .type_id
            .and_then(|type_id| self.debug.pointee(type_id).ok().flatten());
        found.member_of = Some((place.pointer.to, place.pointer.offset));
        found.object = object;
        vec![found]
    }

    /// Where the object came from that a value was read from: its callers may have handed on another one than
    /// they should.
    fn object(
        &mut self,
        level: &Level<'w, 'd>,
        load: &arch::Load,
        at: usize,
        trail: &Trail,
    ) -> Vec<String> {
        if trail.is_aside {
            return Vec::new();
        }
        let sum = level.body.sum(&load.address, at);
        let Some(leaf) = sum.pointer().cloned() else {
            return Vec::new();
        };
        let mut steps = Vec::new();
        if let Some(fault) = level.fault
            && let Some(address) = self.registers.kept(self.debug, &level.body, &leaf, fault)
        {
            steps.push(format!("it is at {address:#x}"));
        }
        let aside = Trail {
            is_aside: true,
            arch: level.body.arch.name,
            ..Trail::default()
        };
        // One way is told; of several none is more likely than the others.
        if let [one] = self.leaf(level, &leaf, aside).as_slice()
            && one.end.kind != EndKind::Unknown
        {
            steps.extend(one.steps.iter().cloned());
        }
        steps
    }

    /// The address that a value was read from, by the printed registers, and in a dump by the stack.
    fn address(&self, level: &Level<'w, 'd>, load: &arch::Load, at: usize) -> Option<u64> {
        if load.space.is_some() {
            return None;
        }
        if let Some((memory, first)) = self.memory.zip(self.first.as_ref()) {
            let mut stack = Stack::of(self, first, self.registers, memory, self.debug)?;
            return stack.value(&level.callers, &load.address, at);
        }
        let fault = level.fault?;
        let sum = level.body.sum(&load.address, at);
        let mut address = sum.constant;
        for term in &sum.terms {
            let value = self
                .registers
                .kept(self.debug, &level.body, &term.leaf, fault)?;
            address = address.wrapping_add(term.factor.wrapping_mul(value));
        }
        Some(address)
    }

    /// The member that is meant: of a union the one whose pointer leads to what was accessed.
    fn meant(&self, place: &Place<'d>) -> Option<Path<'d>> {
        let leads = |path: &&Path<'d>| path.is_exact && self.leads(path);
        place
            .paths
            .iter()
            .find(leads)
            .or_else(|| place.path())
            .cloned()
    }

    /// Whether a member points to what was accessed.
    fn leads(&self, path: &Path<'d>) -> bool {
        let to = path
            .type_id
            .and_then(|type_id| self.debug.pointee(type_id).ok().flatten());
        match (to, self.points_to) {
            (Some(to), Some(wanted)) => {
                value::type_name(self.debug, to) == value::type_name(self.debug, wanted)
            }
            _ => false,
        }
    }

    /// Other members of a union that the same bytes are, where nothing tells which was meant.
    fn others(&self, place: &Place<'d>, meant: &Path<'d>) -> Option<String> {
        if self.leads(meant) {
            return None;
        }
        let exact = place.paths.iter().filter(|path| path.is_exact);
        let others: Vec<String> = exact
            .filter(|path| path.text != meant.text)
            .map(|path| format!("`{}`", path.text))
            .collect();
        (!others.is_empty()).then(|| {
            format!(
                "These bytes are of a union: they are {}, too, and the code does not show which was meant",
                others.join(" and ")
            )
        })
    }

    fn stack(&self, view: &View<'_, 'd>, place: &Place<'d>, mut trail: Trail, line: &str) -> Found {
        let shown = place.text().unwrap_or_default();
        let what = match place.path().and_then(|path| path.owner.as_ref()) {
            Some(_) => format!(
                "{}.{}",
                value::type_name(self.debug, place.pointer.to),
                place
                    .path()
                    .map_or_else(String::new, |path| without_indices(&path.text))
            ),
            None => place.pointer.text.clone(),
        };
        trail.steps.push(format!(
            "It was read{line} from `{shown}`, a local variable of {}() on the stack",
            view.body.name
        ));
        let mut found = Found::at(EndKind::Stack, what, trail);
        found.end.because = Some("a called function may store to it, or nobody did".to_owned());
        found.end.variable = Some(place.pointer.text.clone());
        found.key = Key::of(view, place);
        found.points_to = place
            .type_id()
            .and_then(|type_id| self.debug.pointee(type_id).ok().flatten());
        found
    }

    /// An element that its array does not have.
    fn beyond(
        &self,
        level: &Level<'w, 'd>,
        place: &Place<'d>,
        load: &arch::Load,
        at: usize,
    ) -> Option<Beyond> {
        let fault = level.fault?;
        let stride = place.pointer.stride.filter(|stride| *stride > 0)?;
        let sum = level.body.sum(&load.address, at);
        // The register that the instruction itself multiplies, else what that was made from.
        let earlier = |reg| self.registers.earlier(&level.body, reg, at, fault);
        let index = match scaled(&load.address).and_then(|index| index.evaluate(&earlier)) {
            Some(index) => index,
            None => self
                .registers
                .leaf(&level.body, &sum.scaled().next()?.leaf, fault)?,
        };
        // An index of 32 bits may be negative, too.
        let index = match u32::try_from(index) {
            Ok(index) => i64::from(index.cast_signed()),
            Err(_) => index.cast_signed(),
        };
        let text = place.path().map(|path| path.text.as_str())?;
        let (name, _) = text.split_once('[')?;
        let found = self.debug.offset_of(place.pointer.to, name).ok()??;
        let array = found.type_id?;
        let (_, shape) = self.debug.strip(Some(array)).ok()??;
        let Kind::Array { counts, .. } = &shape.kind else {
            return None;
        };
        let count = (*counts.first()?)?;
        // A loop may have gone on since the index was used.
        if u64::try_from(index).is_ok_and(|index| index < count) {
            return None;
        }
        let offset = place
            .pointer
            .offset
            .checked_add(index.checked_mul(i64::try_from(stride).ok()?)?)?;
        let there = u64::try_from(offset).ok().and_then(|offset| {
            let size = Some(load.size.into());
            self.debug.members_at(place.pointer.to, offset, size).ok()
        });
        let holds = there.and_then(|paths| paths.into_iter().next());
        Some(Beyond {
            index: index.cast_unsigned(),
            count,
            holds: holds.map_or_else(String::new, |path| {
                let owner = value::type_name(self.debug, place.pointer.to);
                format!("{owner}.{}", path.text)
            }),
        })
    }

    fn returned(&mut self, level: &Level<'w, 'd>, at: usize, mut trail: Trail) -> Vec<Found> {
        let body = &level.body;
        let view = View::new(self.debug, body);
        let Some(call) = body.nodes.get(at).and_then(|node| node.call.as_ref()) else {
            return unknown(trail, "a result", "the call is not known");
        };
        let name = match body.callee(self.debug, call) {
            Ok(Some(callee)) => base_name(callee.name).to_owned(),
            _ => match &call.target {
                Target::Value(target) => match view.text(target, call.at) {
                    Some(text) => text,
                    None => {
                        return unknown(
                            trail,
                            "what a call returned",
                            "it goes through a pointer without a name",
                        );
                    }
                },
                Target::Address(_) => {
                    return unknown(
                        trail,
                        "what a call returned",
                        "the called function has no name here",
                    );
                }
            },
        };
        if view.is_void(call) {
            let why = format!("the call of {name}(), which returns nothing, may have changed it");
            return unknown(trail, &format!("a register in {}()", body.name), &why);
        }
        let line = self.line(body, at);
        trail.steps.push(format!(
            "The call of {name}() in {}(){line} returned it",
            body.name
        ));
        let mut found = Found::at(EndKind::Return, format!("return value of {name}()"), trail);
        found.points_to = view
            .result_type(call)
            .and_then(|type_id| self.debug.pointee(type_id).ok().flatten());
        vec![found]
    }

    /// ` (file:line)`, or nothing.
    pub(super) fn line(&self, body: &Body<'d>, at: usize) -> String {
        self.file_line(body, at)
            .map_or_else(String::new, |line| format!(" ({line})"))
    }

    pub(super) fn file_line(&self, body: &Body<'d>, at: usize) -> Option<String> {
        let line = self.debug.line_at(body.object?, body.insn(at)?.address);
        line.ok()?.map(|line| line.text())
    }
}

/// Whether a mask only clears bits that a pointer to something aligned has no use for.
fn is_untagging(mask: &Expr) -> bool {
    matches!(mask, Expr::Const(mask) if !mask < 64)
}

/// The part of an address that is multiplied, as the instruction has it.
fn scaled(address: &Expr) -> Option<&Expr> {
    match address {
        Expr::Binary(arch::Op::Mul | arch::Op::Shl, index, by) => {
            matches!(by.as_ref(), Expr::Const(_)).then_some(index)
        }
        Expr::Binary(arch::Op::Add, left, right) => scaled(left).or_else(|| scaled(right)),
        _ => None,
    }
}

pub(super) fn unknown(trail: Trail, what: &str, why: &str) -> Vec<Found> {
    let mut found = Found::at(EndKind::Unknown, what.to_owned(), trail);
    found.end.because = Some(why.to_owned());
    vec![found]
}
