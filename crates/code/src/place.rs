//! What lies at an address, by type: `place` of memory, `pointer` of a value.

use arch::{Expr, Load, Reg};
use debuginfo::{Kind, Path, TypeId};

use crate::body::{Body, Call, Exit, Target};
use crate::callee::Callee;
use crate::frame::reg_plus;
use crate::origin::Origin;
use crate::sum::{Leaf, Sum};
use crate::view::{Held, View};

/// Below this no kernel has variables: what is accessed there is a small number that was taken for a pointer.
const NO_ADDRESS: u64 = 0x10_0000;

/// A value that is an address: so many bytes from the start of something of a type.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointer {
    /// The type of what it points into.
    pub to: TypeId,
    /// Bytes from its start; outside of it where an array of it is meant, or something else.
    pub offset: i64,
    /// How the source writes it, as far as that is known (`bond`, `slave->bond`, `the_registry`).
    pub text: String,
    /// Whether the text is the thing itself, not a pointer to it.
    pub is_thing: bool,
    /// Bytes of the steps by which an index moves it, where one does.
    pub stride: Option<u64>,
}

/// A place in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Place<'a> {
    /// The address.
    pub pointer: Pointer,
    /// The members that lie there; empty where the offset is not within the type.
    pub paths: Vec<Path<'a>>,
    /// The global, static or per-CPU variable that it belongs to.
    pub global: Option<&'a str>,
    /// Whether it is a place of its own for each CPU.
    pub is_per_cpu: bool,
}

impl<'a> Place<'a> {
    /// The member there: the one that is exactly meant, else the first.
    pub fn path(&self) -> Option<&Path<'a>> {
        let exact = self.paths.iter().find(|path| path.is_exact);
        exact.or(self.paths.first())
    }

    /// How the source writes what lies there; an index that only the running code knows is `…`.
    pub fn text(&self) -> Option<String> {
        if self.pointer.text.is_empty() {
            return None;
        }
        let path = self.path()?;
        let text = match path.text.as_str() {
            _ if !self.pointer.is_thing => path.through(&self.pointer.text),
            "" => self.pointer.text.clone(),
            text if text.starts_with('[') => format!("{}{text}", self.pointer.text),
            text => format!("{}.{text}", self.pointer.text),
        };
        Some(match self.pointer.stride {
            // Which element it is an index tells, not the type.
            Some(_) => any_index(&text, self.pointer.text.len()),
            None => text,
        })
    }

    /// The type of what lies there.
    pub fn type_id(&self) -> Option<TypeId> {
        self.path()?.type_id
    }
}

/// `rows[0].cells[0]` as `rows[…].cells[…]`, from byte `start` on.
fn any_index(text: &str, start: usize) -> String {
    let (mut any, rest) = match text.split_at_checked(start) {
        Some((before, rest)) => (before.to_owned(), rest),
        None => (String::new(), text),
    };
    let mut is_inside = false;
    for c in rest.chars() {
        match c {
            '[' => any.push_str("[…"),
            _ if is_inside && c.is_ascii_digit() => {}
            c => any.push(c),
        }
        is_inside = c == '[' || is_inside && c != ']';
    }
    any
}

impl<'a> View<'_, 'a> {
    /// What lies at `address`, computed by instruction `at`, for an access of `size` bytes; none where no type is
    /// known of it.
    pub fn place(
        &self,
        address: &Expr,
        size: u8,
        space: Option<&str>,
        at: usize,
    ) -> Option<Place<'a>> {
        self.fresh();
        self.place_within(address, size, space, at)
    }

    /// What a value before instruction `at` points to.
    pub fn pointer(&self, value: &Expr, at: usize) -> Option<Pointer> {
        self.fresh();
        self.pointer_within(value, at)
    }

    /// The type of a value before instruction `at`.
    pub fn type_of(&self, value: &Expr, at: usize) -> Option<TypeId> {
        self.fresh();
        self.type_within(value, at)
    }

    pub(crate) fn place_within(
        &self,
        address: &Expr,
        size: u8,
        space: Option<&str>,
        at: usize,
    ) -> Option<Place<'a>> {
        if !self.may_ask() {
            return None;
        }
        let sum = self.body.sum(address, at);
        if let Some(place) = self.global(&sum, size, space) {
            return Some(place);
        }
        if space.is_some() {
            return None;
        }
        if let Some(place) = self.local(address, size, at) {
            return Some(place);
        }
        let pointer = self.pointer_within(address, at)?;
        let place = self.place_of(pointer, size);
        if place.path().is_some_and(|path| path.is_exact) {
            return Some(place);
        }
        Some(self.of_union(&sum, size).unwrap_or(place))
    }

    /// The place by another member of the union that the pointer was read from: one whose type has a member of this
    /// size there.
    fn of_union(&self, sum: &Sum, size: u8) -> Option<Place<'a>> {
        let Some(Leaf::Load { load, at }) = sum.pointer().filter(|_| sum.terms.len() == 1) else {
            return None;
        };
        let from = self.place_within(&load.address, load.size, load.space, *at)?;
        let exact = from.paths.iter().filter(|path| path.is_exact);
        for path in exact.skip(1) {
            let inner = Place {
                paths: vec![path.clone()],
                ..from.clone()
            };
            let Some(to) = path.type_id.and_then(|type_id| self.pointee(type_id)) else {
                continue;
            };
            let place = self.place_of(
                Pointer {
                    to,
                    offset: sum.constant.cast_signed(),
                    text: inner.text().unwrap_or_default(),
                    is_thing: false,
                    stride: None,
                },
                size,
            );
            if place.path().is_some_and(|path| path.is_exact) {
                return Some(place);
            }
        }
        None
    }

    /// What lies where a pointer points to.
    pub fn place_of(&self, pointer: Pointer, size: u8) -> Place<'a> {
        let size = Some(u64::from(size)).filter(|size| *size > 0);
        // Every element of an array has the same members: the first one's stand for all.
        let offset = match pointer.stride {
            Some(stride) if self.size_of(pointer.to) == i64::try_from(stride).ok() => {
                let stride = i64::try_from(stride).unwrap_or(1).max(1);
                pointer.offset.rem_euclid(stride)
            }
            _ => pointer.offset,
        };
        let at = |offset| {
            let paths = self.debug.elements_at(pointer.to, offset, size);
            paths.unwrap_or_default()
        };
        let mut paths = at(offset);
        if offset != pointer.offset {
            // An array at the end of the structure that has no size of its own.
            let behind = at(pointer.offset);
            if behind.iter().any(|path| !path.text.starts_with('[')) {
                paths = behind;
            }
        }
        // Behind or before a structure lies the one around it, unless an index says that there are several.
        if pointer.stride.is_none() && self.is_record(pointer.to) {
            paths.retain(|path| !path.text.starts_with('['));
        }
        Place {
            paths,
            pointer,
            global: None,
            is_per_cpu: false,
        }
    }

    /// A place in a variable with an address of its own.
    fn global(&self, sum: &Sum, size: u8, space: Option<&str>) -> Option<Place<'a>> {
        let id = self.object()?;
        let object = self.debug.object(id)?;
        let address = sum.constant;
        let section = object.section_at(address)?;
        if section.is_code() {
            return None;
        }
        // The place of a CPU's own variable is the variable's plus a distance that each CPU has in memory, or in a
        // segment's base. By itself its address, which begins at 0 in some kernels, is a number like any other.
        let is_per_cpu = section.name.contains("percpu");
        let is_moved = sum.pointer().is_some_and(|leaf| self.is_cpu_offset(leaf));
        if is_per_cpu && space.is_none() && !is_moved && address < NO_ADDRESS {
            return None;
        }
        if sum.pointer().is_some() && !(is_per_cpu && is_moved) {
            return None;
        }
        let (name, type_id, offset) = self.debug.variable_at(id, address).ok()??;
        let type_id = type_id?;
        let pointer = Pointer {
            to: type_id,
            offset: i64::try_from(offset).ok()?,
            text: name.to_owned(),
            is_thing: true,
            stride: sum.stride(),
        };
        let is_per_cpu = is_per_cpu || space.is_some();
        let paths =
            self.debug
                .members_at(type_id, offset, Some(size.into()).filter(|size| *size > 0));
        Some(Place {
            pointer,
            paths: paths.unwrap_or_default(),
            global: Some(name),
            is_per_cpu,
        })
    }

    /// The name of the variable at a fixed address, also where nothing tells its type.
    pub fn variable_name(&self, address: &Expr, at: usize) -> Option<&'a str> {
        let address = self.body.sum(address, at).number()?;
        let object = self.debug.object(self.object()?)?;
        let section = object.section_at(address)?;
        if section.is_code() || address < NO_ADDRESS {
            return None;
        }
        let symbol = object.symbol_at(address).ok()??;
        (symbol.address == address && !symbol.name.is_empty()).then_some(symbol.name)
    }

    /// Whether a value is the distance of a CPU's own variables (`include/asm-generic/percpu.h`).
    fn is_cpu_offset(&self, leaf: &Leaf) -> bool {
        let Leaf::Load { load, at } = leaf else {
            return false;
        };
        let address = self.body.sum(&load.address, *at).constant;
        let name = self.number_text(address);
        matches!(
            name.trim_start_matches('&'),
            "__per_cpu_offset" | "this_cpu_off"
        )
    }

    /// A place in a local variable that lies on the stack.
    fn local(&self, address: &Expr, size: u8, at: usize) -> Option<Place<'a>> {
        let slot = self.body.slot(address, at)?;
        let (variable, type_id, start) = self.local_at(slot, at)?;
        let offset = slot.checked_sub(start)?;
        let pointer = Pointer {
            to: type_id,
            offset,
            text: variable.to_owned(),
            is_thing: true,
            stride: None,
        };
        let size = Some(u64::from(size)).filter(|size| *size > 0);
        let paths = self
            .debug
            .members_at(type_id, u64::try_from(offset).ok()?, size);
        Some(Place {
            pointer,
            paths: paths.unwrap_or_default(),
            global: None,
            is_per_cpu: false,
        })
    }

    /// The same by what the address was made from, without the variables of the source that hold it on its way:
    /// an embedded structure is then seen as a part of the one around it.
    pub fn outer_place(&self, address: &Expr, size: u8, at: usize) -> Option<Place<'a>> {
        self.fresh();
        let sum = self.body.sum(address, at);
        let mut pointer = self.leaf_pointer(sum.pointer()?)?;
        pointer.offset = pointer.offset.checked_add(sum.constant.cast_signed())?;
        pointer.stride = sum.stride();
        Some(self.place_of(pointer, size))
    }

    pub(crate) fn pointer_within(&self, value: &Expr, at: usize) -> Option<Pointer> {
        if !self.may_ask() {
            return None;
        }
        // A variable of the source says most: also which structure an embedded one belongs to.
        if let Some((reg, offset)) = reg_plus(value)
            && let Some(pointer) = self.variable_pointer(reg, offset, at)
        {
            return Some(pointer);
        }
        let sum = self.body.sum(value, at);
        if let Some(place) = self.global(&sum, 0, None) {
            return Some(place.pointer);
        }
        if let Some(slot) = self.body.slot(value, at)
            && let Some((name, to, start)) = self.local_at(slot, at)
        {
            return Some(Pointer {
                to,
                offset: slot.checked_sub(start)?,
                text: name.to_owned(),
                is_thing: true,
                stride: None,
            });
        }
        let mut pointer = match sum.pointer() {
            Some(leaf) => self.leaf_pointer(leaf)?,
            // Of several parts the one that is a pointer.
            None => {
                let ones = sum.terms.iter().filter(|term| term.factor == 1);
                let mut found = ones.filter_map(|term| self.leaf_pointer(&term.leaf));
                match (found.next(), found.next()) {
                    (Some(pointer), None) => Pointer {
                        stride: Some(1),
                        ..pointer
                    },
                    _ => return None,
                }
            }
        };
        pointer.offset = pointer.offset.checked_add(sum.constant.cast_signed())?;
        if sum.scaled().next().is_some() {
            // Of several factors none is the size of an element: any element may be meant.
            pointer.stride = sum.stride().or(Some(1));
        }
        Some(pointer)
    }

    /// A pointer that a variable of the source holds, to `offset` bytes behind the register.
    fn variable_pointer(&self, reg: Reg, offset: i64, at: usize) -> Option<Pointer> {
        let pointer = |held: Held<'a>| {
            let to = self.pointee(held.type_id)?;
            let offset = offset.checked_sub(held.add)?;
            Some(Pointer {
                to,
                offset,
                text: held.name.to_owned(),
                is_thing: false,
                stride: None,
            })
        };
        let found: Vec<Pointer> = self.held(reg, at).into_iter().filter_map(pointer).collect();
        let is_inside = |pointer: &&Pointer| {
            let size = self.size_of(pointer.to).unwrap_or(0);
            (0..size).contains(&pointer.offset)
        };
        let in_record = found
            .iter()
            .filter(is_inside)
            .find(|pointer| self.is_record(pointer.to));
        in_record
            .or_else(|| found.iter().find(is_inside))
            .or_else(|| {
                found
                    .iter()
                    .find(|pointer| pointer.offset >= 0 && self.is_record(pointer.to))
            })
            .cloned()
    }

    fn leaf_pointer(&self, leaf: &Leaf) -> Option<Pointer> {
        if !self.may_ask() {
            return None;
        }
        match leaf {
            Leaf::Opaque(_) => None,
            Leaf::Load { load, at } => self.loaded_pointer(load, *at),
            Leaf::Register { reg, at } => {
                if let Some(pointer) = self.variable_pointer(*reg, 0, *at) {
                    return Some(pointer);
                }
                let mut agreed: Option<Pointer> = None;
                for origin in self.body.origins(*reg, *at) {
                    let pointer = self.origin_pointer(&origin, *reg)?;
                    match &agreed {
                        None => agreed = Some(pointer),
                        Some(known)
                            if known.offset == pointer.offset
                                && self.is_same(known.to, pointer.to) => {}
                        Some(_) => return None,
                    }
                }
                agreed
            }
        }
    }

    fn origin_pointer(&self, origin: &Origin, reg: Reg) -> Option<Pointer> {
        let of_type = |type_id: TypeId, text: String| {
            Some(Pointer {
                to: self.pointee(type_id)?,
                offset: 0,
                text,
                is_thing: false,
                stride: None,
            })
        };
        match origin {
            Origin::Set(at, Expr::Load(load)) => self.loaded_pointer(load, *at),
            Origin::Set(at, value) => self.pointer_within(value, *at),
            Origin::Result(at) => {
                let call = self.body.nodes.get(*at)?.call.as_ref()?;
                let (type_id, name) = self.returned(call)?;
                of_type(type_id, format!("{name}()"))
            }
            Origin::Entry => {
                let (name, type_id) = self.parameter(reg)?;
                of_type(type_id, name.to_owned())
            }
            Origin::Lost(_) | Origin::Elsewhere(_) => None,
        }
    }

    fn loaded_pointer(&self, load: &Load, at: usize) -> Option<Pointer> {
        let place = self.place_within(&load.address, load.size, load.space, at)?;
        let to = self.pointee(place.type_id()?)?;
        Some(Pointer {
            to,
            offset: 0,
            text: place.text().unwrap_or_default(),
            is_thing: false,
            stride: None,
        })
    }

    /// The number of the parameter that comes in a register, as the source counts: a result that is returned through
    /// a hidden argument has none, a structure may have several registers, and a compiler's copy lacks some.
    pub fn parameter_number(&self, reg: Reg) -> Option<u8> {
        let by_convention = self.body.argument(reg);
        let Some(function) = &self.body.function else {
            return by_convention;
        };
        let arguments = self.debug.arguments_of(function).ok()?;
        let comes = arguments.iter().position(|argument| {
            argument.registers.contains(&reg)
                || matches!(&argument.at_entry, debuginfo::Where::Register(of) if *of == reg)
        });
        match comes {
            Some(number) => u8::try_from(number).ok(),
            None if function.is_variadic || arguments.is_empty() => by_convention,
            None => None,
        }
    }

    /// The parameter that comes in a register: its name and type.
    pub fn parameter(&self, reg: Reg) -> Option<(&'a str, TypeId)> {
        let function = self.body.function.as_ref()?;
        let arguments = self.debug.arguments_of(function).ok()?;
        arguments.iter().find_map(|argument| {
            let comes = argument.registers.first() == Some(&reg)
                || matches!(&argument.at_entry, debuginfo::Where::Register(of) if *of == reg);
            comes.then_some((argument.name, argument.type_id?))
        })
    }

    /// The type of what a call returns.
    pub fn result_type(&self, call: &Call) -> Option<TypeId> {
        self.fresh();
        Some(self.returned(call)?.0)
    }

    /// The type of what a call returns, and the name of what is called.
    pub(crate) fn returned(&self, call: &Call) -> Option<(TypeId, String)> {
        match &call.target {
            Target::Address(_) => {
                let callee = self.body.callee(self.debug, call).ok()??;
                let name = debuginfo::base_name(callee.name).to_owned();
                let mut types = self.types_of(&callee, &name);
                let returns = types.find_map(|type_id| self.returns(type_id))?;
                drop(types);
                Some((returns, name))
            }
            Target::Value(value) => {
                let type_id = self.type_within(value, call.at)?;
                let to = self.debug.pointee(type_id).ok()??;
                let text = self.text_within(value, call.at)?;
                Some((self.returns(to)?, text))
            }
        }
    }

    /// The types of a called function: where it is defined, and where it is called.
    pub(crate) fn types_of<'t>(
        &'t self,
        callee: &Callee<'a>,
        name: &'t str,
    ) -> impl Iterator<Item = TypeId> + 't {
        let home = callee.home;
        let there = home.and_then(|(id, address)| {
            self.debug
                .function_type_at(id, address, name)
                .ok()
                .flatten()
        });
        let here = move || {
            let id = self
                .object()
                .filter(|id| home.is_none_or(|(home, _)| home != *id))?;
            self.debug.function_type(id, name).ok().flatten()
        };
        there
            .into_iter()
            .chain(std::iter::once_with(here).flatten())
    }

    /// Whether the called function is known to return nothing.
    pub fn is_void(&self, call: &Call) -> bool {
        let Some(callee) = self.body.callee(self.debug, call).ok().flatten() else {
            return false;
        };
        let name = debuginfo::base_name(callee.name);
        let known = self.types_of(&callee, name).find_map(|type_id| {
            let (_, shape) = self.debug.strip(Some(type_id)).ok()??;
            match &shape.kind {
                Kind::Function { returns, .. } => Some(returns.is_none()),
                _ => None,
            }
        });
        known == Some(true)
    }

    /// Whether the called function gives back a register though it need not: the compiler that sees both counts on
    /// it (`-fipa-ra`).
    pub fn keeps(&self, call: &Call, reg: Reg) -> bool {
        let Some((id, address)) = self
            .body
            .callee(self.debug, call)
            .ok()
            .flatten()
            .and_then(|callee| callee.home)
        else {
            return false;
        };
        let body = Body::of_function(self.debug, id, address).ok().flatten();
        body.is_some_and(|body| {
            body.entry.is_some()
                && !body.has_hidden_ways
                && body.nodes.iter().all(|node| {
                    let leaves = match &node.exit {
                        Exit::TailCall(_) | Exit::JumpsTo(..) | Exit::Unknown => true,
                        Exit::Goes | Exit::Branches { .. } | Exit::Returns | Exit::Stops => false,
                    };
                    node.call.is_none() && !leaves && node.insn.sets(reg).is_none()
                })
        })
    }

    fn returns(&self, function: TypeId) -> Option<TypeId> {
        let (_, shape) = self.debug.strip(Some(function)).ok()??;
        match &shape.kind {
            Kind::Function { returns, .. } => *returns,
            _ => None,
        }
    }

    pub(crate) fn type_within(&self, value: &Expr, at: usize) -> Option<TypeId> {
        if !self.may_ask() {
            return None;
        }
        match value {
            Expr::Reg(reg) => {
                let held = self.held(*reg, at).into_iter().find(|held| held.add == 0);
                if let Some(held) = held {
                    return Some(held.type_id);
                }
                match self.body.origins(*reg, at).as_slice() {
                    [Origin::Set(set, value)] => self.type_within(value, *set),
                    [Origin::Result(call)] => {
                        let call = self.body.nodes.get(*call)?.call.as_ref()?;
                        Some(self.returned(call)?.0)
                    }
                    [Origin::Entry] => Some(self.parameter(*reg)?.1),
                    _ => None,
                }
            }
            Expr::Load(load) => self
                .place_within(&load.address, load.size, load.space, at)?
                .type_id(),
            Expr::Extend { value, .. } => self.type_within(value, at),
            _ => None,
        }
    }

    /// Whether two handles mean the same type.
    pub(crate) fn is_same(&self, one: TypeId, other: TypeId) -> bool {
        one == other || self.debug.type_text(Some(one)) == self.debug.type_text(Some(other))
    }
}
