//! From bytes to a body: decoding, and finding where control goes.

use std::ops::Range;

use arch::{Arch, Callee, Decode, Effect, Expr, Flow, Insn, Reg};
use base::Endian;
use debuginfo::{DebugInfo, Object, ObjectId, Ran, Result, Site, Symbol, base_name};

use crate::body::{Body, Call, Exit, Kept, Node, Target};
use crate::callee::{self, Special};
use crate::{frame, moved};

/// Instructions of one function; more is no function.
const MOST_NODES: usize = 1 << 16;

/// Ranges of one function.
const MOST_RANGES: usize = 64;

impl<'a> Body<'a> {
    /// The function of an object with code at `address`; none where no symbol or debug info names one, or where
    /// there is no decoder.
    ///
    /// It is the file's code: what may run at any time, whatever the kernel has rewritten.
    pub fn of_function(debug: &DebugInfo<'a>, id: ObjectId, address: u64) -> Result<Option<Self>> {
        Self::read(debug, id, address, None)
    }

    /// The same as it ran: with the code bytes that were seen, `ran` of a log or those that memory had, in the places
    /// which a kernel rewrites.
    pub fn as_ran(
        debug: &DebugInfo<'a>,
        id: ObjectId,
        address: u64,
        ran: &[Ran<'_>],
    ) -> Result<Option<Self>> {
        Self::read(debug, id, address, Some(ran))
    }

    fn read(
        debug: &DebugInfo<'a>,
        id: ObjectId,
        address: u64,
        ran: Option<&[Ran<'_>]>,
    ) -> Result<Option<Self>> {
        let Some(object) = debug.object(id) else {
            return Ok(None);
        };
        let Some(arch) = object.arch() else {
            return Ok(None);
        };
        let Some(decode) = arch.decoder(object.endian()) else {
            return Ok(None);
        };
        // Debug info may be damaged where code and symbols are not.
        let function = debug.function_at(id, address).unwrap_or_default();
        let symbol = object
            .symbol_at(address)?
            .filter(|symbol| object.is_function(symbol));
        let (ranges, entry, name) = match (&function, symbol) {
            (Some(function), symbol) => {
                let entry = function.entry().unwrap_or(address);
                let own = symbol.filter(|symbol| symbol.address == entry);
                let own = match own {
                    Some(symbol) => Some(symbol),
                    None => object.symbols_starting_at(entry)?.first().copied(),
                };
                let name = own.map_or(function.name, |symbol| symbol.name);
                (function.ranges.clone(), entry, name)
            }
            (None, Some(symbol)) => {
                let size = match symbol.size {
                    0 => object.room(&symbol)?.map_or(0, |(room, _)| room),
                    size => size,
                };
                let range = symbol.address..symbol.address.saturating_add(size);
                (vec![range], symbol.address, symbol.name)
            }
            (None, None) => return Ok(None),
        };
        let mut code = Code::default();
        for range in ranges.iter().take(MOST_RANGES) {
            let bytes = object.linked_code(range.clone())?;
            code.pieces.push((range.start, bytes));
        }
        let mut seen = Code::default();
        for range in ranges.iter().take(MOST_RANGES).filter(|_| ran.is_some()) {
            let running = object.running_code(range.clone(), ran.unwrap_or_default())?;
            seen.pieces.push((range.start, running.bytes));
            seen.replaced.extend(running.replaced);
            seen.seen_keys.extend(running.seen_keys);
        }
        let mut body = build(arch, decode, code, Some(entry), Some(object));
        if !seen.replaced.is_empty() || !seen.seen_keys.is_empty() {
            let mut as_ran = build(arch, decode, seen, Some(entry), Some(object));
            as_ran.drop_unreached(&body);
            body = as_ran;
        }
        body.object = Some(id);
        body.name = name.to_owned();
        body.function = function;
        // What starts in the middle of a section's padding is no way into the function.
        Ok(Some(body))
    }

    /// The same with what debug info tells of it, and with all of its parts: of one that was made without.
    pub(crate) fn described(mut self, debug: &DebugInfo<'a>) -> Result<Option<Self>> {
        let (Some(id), Some(entry)) = (self.object, self.entry.and_then(|entry| self.insn(entry)))
        else {
            return Ok(None);
        };
        let entry = entry.address;
        let function = debug.function_at(id, entry).unwrap_or_default();
        let symbol = debug
            .object(id)
            .and_then(|object| object.symbol_at(entry).ok()?);
        match function {
            Some(function)
                if symbol.is_some_and(|symbol| {
                    let end = symbol.address.saturating_add(symbol.size);
                    matches!(function.ranges.as_slice(), [only] if *only == (symbol.address..end))
                        && function.entry() == Some(entry)
                }) =>
            {
                self.function = Some(function);
                Ok(Some(self))
            }
            None => Ok(Some(self)),
            // It has parts elsewhere.
            Some(_) => Self::of_function(debug, id, entry),
        }
    }

    /// The bytes that a report printed, which lie at `address`; `entry` is the function's where that is known.
    pub fn of_bytes(
        name: &str,
        arch: &'static Arch,
        endian: Endian,
        address: u64,
        bytes: Vec<u8>,
        entry: Option<u64>,
    ) -> Option<Self> {
        let decode = arch.decoder(endian)?;
        let code = Code {
            pieces: vec![(address, bytes)],
            ..Code::default()
        };
        let mut body = build(arch, decode, code, entry, None);
        body.name = name.to_owned();
        body.has_hidden_ways = true;
        Some(body)
    }

    /// The addresses that it has code at.
    pub fn ranges(&self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for node in &self.nodes {
            let end = node.insn.address.saturating_add(node.insn.size.into());
            match ranges.last_mut() {
                Some(last) if last.end == node.insn.address => last.end = end,
                _ => ranges.push(node.insn.address..end),
            }
        }
        ranges
    }

    /// The name without what compilers append to that of a copy.
    pub fn base_name(&self) -> &str {
        base_name(&self.name)
    }
}

/// The instructions of a function alone: most functions that are looked through for something need not be asked for
/// more.
pub(crate) struct Bare<'o, 'a> {
    id: ObjectId,
    object: &'o Object<'a>,
    arch: &'static Arch,
    symbol: Symbol<'a>,
    code: Code,
    insns: Vec<Insn>,
    has_hidden_ways: bool,
}

impl<'o, 'a> Bare<'o, 'a> {
    /// Those of the function whose symbol starts at `address`; none where no symbol tells where it ends.
    pub(crate) fn of_symbol(debug: &'o DebugInfo<'a>, id: ObjectId, address: u64) -> Option<Self> {
        let object = debug.object(id)?;
        let arch = object.arch()?;
        let decode = arch.decoder(object.endian())?;
        let symbol = object.symbol_at(address).ok()??;
        let end = symbol.address.checked_add(symbol.size)?;
        let range = symbol.address..end;
        if range.is_empty() || !object.is_function(&symbol) {
            return None;
        }
        let bytes = object.linked_code(range.clone()).ok()?;
        let code = Code {
            pieces: vec![(range.start, bytes)],
            ..Code::default()
        };
        let (insns, has_hidden_ways) = decoded(arch, decode, &code, Some(object));
        Some(Bare {
            id,
            object,
            arch,
            symbol,
            code,
            insns,
            has_hidden_ways,
        })
    }

    /// The instructions, by address.
    pub(crate) fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// The function with them, without what debug info tells of it.
    pub(crate) fn body(self) -> Body<'a> {
        let mut body = connected(
            self.arch,
            (self.insns, self.has_hidden_ways),
            self.code,
            Some(self.symbol.address),
            Some(self.object),
        );
        body.object = Some(self.id);
        self.symbol.name.clone_into(&mut body.name);
        body
    }
}

/// What a body is made of.
#[derive(Default)]
struct Code {
    /// Addresses and the bytes from there on.
    pieces: Vec<(u64, Vec<u8>)>,
    /// As in [`debuginfo::Running`].
    replaced: Vec<Site>,
    seen_keys: Vec<u64>,
}

fn build(
    arch: &'static Arch,
    decode: Decode,
    code: Code,
    entry: Option<u64>,
    object: Option<&Object<'_>>,
) -> Body<'static> {
    let decoded = decoded(arch, decode, &code, object);
    connected(arch, decoded, code, entry, object)
}

/// The instructions, and whether bytes were left out.
fn decoded(
    arch: &'static Arch,
    decode: Decode,
    code: &Code,
    object: Option<&Object<'_>>,
) -> (Vec<Insn>, bool) {
    /// Bytes of an instruction, so that there is room for most functions at once.
    const USUAL: usize = 4;
    let bytes: usize = code.pieces.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut insns: Vec<Insn> = Vec::with_capacity((bytes / USUAL).min(MOST_NODES));
    let mut has_hidden_ways = false;
    for (start, bytes) in &code.pieces {
        let first = insns.len();
        has_hidden_ways |= decode_all(arch, decode, *start, bytes, &mut insns);
        if let Some(object) = object
            && !code.replaced.is_empty()
        {
            let new = insns.get_mut(first..).unwrap_or_default();
            moved::settle(object, decode, (*start, bytes), &code.replaced, new);
        }
    }
    insns.sort_by_key(|insn| insn.address);
    insns.dedup_by_key(|insn| insn.address);
    (insns, has_hidden_ways)
}

/// A body of instructions, with the ways between them.
fn connected(
    arch: &'static Arch,
    (insns, mut has_hidden_ways): (Vec<Insn>, bool),
    code: Code,
    entry: Option<u64>,
    object: Option<&Object<'_>>,
) -> Body<'static> {
    let special = |address: u64| callee::special(object?, address);
    let mut nodes: Vec<Node> = insns.into_iter().map(Node::of).collect();
    for at in 0..nodes.len() {
        has_hidden_ways |= connect(&mut nodes, at, &special);
    }
    for at in 0..nodes.len() {
        let next = nodes.get(at).map(|node| node.next.clone());
        for to in next.unwrap_or_default() {
            if let Some(node) = nodes.get_mut(to)
                && !node.before.contains(&at)
            {
                node.before.push(at);
            }
        }
    }
    let mut body = Body {
        object: None,
        name: String::new(),
        arch,
        function: None,
        nodes,
        entry: None,
        has_hidden_ways,
        replaced: code.replaced,
        frames: Vec::new(),
        kept: Kept::default(),
    };
    body.entry = entry.and_then(|entry| body.node_at(entry));
    if let Some(object) = object {
        body.add_detours(object, &code.seen_keys);
    }
    body.drop_padding();
    body.add_cases(object);
    let mut body = body.resolved(&special);
    body.frames = frame::walk(&body);
    body
}

impl Body<'_> {
    /// Calls and jumps through a register whose value the code itself tells: distant functions are reached so.
    fn resolved(mut self, special: &dyn Fn(u64) -> Option<Special>) -> Self {
        let number = |body: &Self, value: &Expr, at: usize| {
            let address = body.sum(value, at).number()?;
            // An address of 32 bits may have been extended with its sign.
            Some(match body.arch.pointer_bits {
                32 => address & 0xffff_ffff,
                _ => address,
            })
        };
        for at in 0..self.nodes.len() {
            let Some(node) = self.nodes.get(at) else {
                continue;
            };
            let called = match &node.call {
                Some(Call {
                    target: Target::Value(value),
                    at: from,
                    ..
                }) => number(&self, value, *from),
                _ => None,
            };
            let jumped = match &node.exit {
                // The cases of a table are known.
                Exit::JumpsTo(value, from) if node.next.is_empty() => {
                    Some((number(&self, value, *from), value.clone()))
                }
                _ => None,
            };
            let to = jumped.as_ref().and_then(|(to, _)| self.node_at((*to)?));
            let Some(node) = self.nodes.get_mut(at) else {
                continue;
            };
            if let (Some(address), Some(call)) = (called, &mut node.call) {
                call.target = Target::Address(address);
                match special(address) {
                    Some(Special::Nothing) => node.call = None,
                    Some(Special::NoReturn) => node.exit = Exit::Stops,
                    _ => {}
                }
            }
            match (jumped, to) {
                (Some(_), Some(to)) => {
                    node.exit = Exit::Goes;
                    node.next = vec![to];
                    if let Some(next) = self.nodes.get_mut(to) {
                        next.before.push(at);
                    }
                }
                (Some((Some(address), _)), None) => {
                    node.exit = Exit::TailCall(Target::Address(address));
                }
                // A table of cases, or the end of the function: the code alone does not tell.
                (Some((None, _)), None) => {
                    self.has_hidden_ways = true;
                }
                (None, _) => {}
            }
            let stops = self.nodes.get(at).filter(|node| node.exit == Exit::Stops);
            if let Some(next) = stops.map(|node| node.next.clone()) {
                for to in next {
                    if let Some(next) = self.nodes.get_mut(to) {
                        next.before.retain(|from| *from != at);
                    }
                }
                if let Some(node) = self.nodes.get_mut(at) {
                    node.next.clear();
                }
            }
        }
        self
    }
}

/// Decodes one range; says whether bytes were left out.
fn decode_all(
    arch: &'static Arch,
    decode: Decode,
    start: u64,
    bytes: &[u8],
    into: &mut Vec<Insn>,
) -> bool {
    let mut at = 0;
    let mut left_out = false;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if into.len() >= MOST_NODES {
            return true;
        }
        let address = start.wrapping_add(at as u64);
        let size = match decode(rest, address) {
            Ok(insn) => {
                let size = usize::from(insn.size.max(1));
                if size > rest.len() {
                    return true;
                }
                into.push(insn);
                size
            }
            Err(undecoded) => {
                // Whatever it is, it may change every register.
                let size = usize::from(undecoded.size.max(1)).min(rest.len());
                let all = arch.registers.iter().map(|register| Reg(register.name));
                into.push(Insn {
                    address,
                    size: u8::try_from(size).unwrap_or(1),
                    text: "(not decoded)".to_owned().into(),
                    effects: vec![Effect::Clobber(all.collect())],
                    flow: Flow::Next,
                    delay_slot: false,
                });
                left_out = true;
                size
            }
        };
        at += size;
    }
    left_out
}

impl Node {
    fn of(insn: Insn) -> Self {
        Node {
            insn,
            call: None,
            exit: Exit::Goes,
            next: Vec::new(),
            before: Vec::new(),
        }
    }
}

/// Finds where control goes behind instruction `at`; says whether it goes ways that are not known.
fn connect(nodes: &mut [Node], at: usize, special: &dyn Fn(u64) -> Option<Special>) -> bool {
    let Some(node) = nodes.get(at) else {
        return false;
    };
    let insn = &node.insn;
    let follows = |at: usize, nodes: &[Node]| {
        let this = nodes.get(at)?;
        let end = this.insn.address.wrapping_add(this.insn.size.into());
        let next = nodes.get(at + 1)?;
        (next.insn.address == end).then_some(at + 1)
    };
    // In a delay slot the instruction before has said where control goes.
    let in_slot = at
        .checked_sub(1)
        .filter(|before| follows(*before, nodes) == Some(at))
        .and_then(|before| nodes.get(before))
        .is_some_and(|before| before.insn.delay_slot && !matches!(before.insn.flow, Flow::Next));
    if in_slot {
        return false;
    }
    let find = |address: u64| {
        nodes
            .binary_search_by_key(&address, |node| node.insn.address)
            .ok()
    };
    let slot = insn.delay_slot.then(|| follows(at, nodes)).flatten();
    let last = slot.unwrap_or(at);
    let behind = follows(last, nodes);
    let return_address = nodes.get(last).map_or(0, |last| {
        last.insn.address.wrapping_add(last.insn.size.into())
    });
    let call = |target| Call {
        target,
        at,
        return_address,
    };
    let mut hidden = false;
    let (call, exit, next) = match &insn.flow {
        Flow::Next => (None, Exit::Goes, behind.into_iter().collect()),
        Flow::Call(Callee::At(address)) => match special(*address) {
            Some(Special::Nothing) => (None, Exit::Goes, behind.into_iter().collect()),
            Some(Special::NoReturn) => (
                Some(call(Target::Address(*address))),
                Exit::Stops,
                Vec::new(),
            ),
            Some(Special::Through(reg)) => {
                let target = Target::Value(Expr::Reg(reg));
                (Some(call(target)), Exit::Goes, behind.into_iter().collect())
            }
            Some(Special::Return) | None => {
                let target = Target::Address(*address);
                (Some(call(target)), Exit::Goes, behind.into_iter().collect())
            }
        },
        Flow::Call(Callee::Value(value)) => {
            let target = Target::Value(value.clone());
            (Some(call(target)), Exit::Goes, behind.into_iter().collect())
        }
        Flow::Jump(Some(address)) => match (find(*address), special(*address)) {
            (Some(to), _) => (None, Exit::Goes, vec![to]),
            (None, Some(Special::Return)) => (None, Exit::Returns, Vec::new()),
            (None, Some(Special::Through(reg))) => (
                None,
                Exit::TailCall(Target::Value(Expr::Reg(reg))),
                Vec::new(),
            ),
            (None, _) => (None, Exit::TailCall(Target::Address(*address)), Vec::new()),
        },
        Flow::Jump(None) => {
            hidden = true;
            (None, Exit::Unknown, Vec::new())
        }
        // Where it leads is found out when the way to it is known.
        Flow::JumpTo(value) => (None, Exit::JumpsTo(value.clone(), at), Vec::new()),
        Flow::Branch(address, test) => {
            let taken = find(*address);
            let exit = Exit::Branches {
                test: test.clone(),
                at,
                taken,
                falls: behind,
            };
            let next = taken
                .into_iter()
                .chain(behind.filter(|to| taken != Some(*to)));
            (None, exit, next.collect())
        }
        Flow::Return => (None, Exit::Returns, Vec::new()),
        Flow::Trap => (None, Exit::Stops, Vec::new()),
    };
    if let Some(slot) = slot {
        if let Some(node) = nodes.get_mut(at) {
            node.next = vec![slot];
        }
        if let Some(node) = nodes.get_mut(slot) {
            node.call = call;
            node.exit = exit;
            node.next = next;
        }
    } else if let Some(node) = nodes.get_mut(at) {
        node.call = call;
        node.exit = exit;
        node.next = next;
    }
    hidden
}
