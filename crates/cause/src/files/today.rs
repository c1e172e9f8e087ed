//! What the memory of a dump has in the object that the bad value was read from: whether the conditions hold for it
//! under which somebody would have set it.

use std::sync::Arc;

use ::code::{Body, Condition, Known, Leaf, Origin, Store, View, Way};
use arch::{Expr, Load, Reg};
use base::{Caller, Endian, Guard, ReadError, Reading, Setter, Today, VirtAddr};
use debuginfo::DebugInfo;

use super::chain::Found;
use super::words::{bytes, code};

/// Values asked for to judge one condition.
const MOST_ASKED: u32 = 512;

/// Calls followed outwards: as far as one way only leads in.
const DEEPEST: usize = 5;

/// Reads the memory of what died.
pub trait Memory: Sync {
    /// Fills `into` from `address`, virtual, in the kernel's address space.
    fn read(&self, address: VirtAddr, into: &mut [u8]) -> Result<(), ReadError>;
}

/// A number of at most 8 bytes.
pub(super) fn number(memory: &dyn Memory, endian: Endian, address: u64, size: u8) -> Option<u64> {
    let mut bytes = [0; 8];
    let bytes = bytes.get_mut(..usize::from(size))?;
    memory.read(VirtAddr(address), bytes).ok()?;
    let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    Some(match endian {
        Endian::Big => bytes.iter().fold(0, fold),
        Endian::Little => bytes.iter().rev().fold(0, fold),
    })
}

pub(super) fn endian(body: &Body<'_>) -> Endian {
    let endians = body.arch.endians.first().copied();
    endians.unwrap_or(Endian::Little)
}

pub(super) fn reading(what: String, address: u64, size: u8, value: u64) -> Reading {
    Reading {
        what,
        address: VirtAddr(address),
        size,
        value: match value {
            0..=9 => value.to_string(),
            value => format!("{value:#x}"),
        },
    }
}

/// The member that the bad value was read from, as memory has it, and whether that is still the bad value.
pub(super) fn member(
    found: &Found,
    body: &Body<'_>,
    memory: &dyn Memory,
) -> Option<(Reading, bool)> {
    let address = found.address?;
    let size = u8::try_from(body.arch.pointer_bytes()).ok()?;
    let value = number(memory, endian(body), address, size)?;
    let is_same = found.value.is_none_or(|read| read == value);
    Some((
        reading(found.end.what.clone(), address, size, value),
        is_same,
    ))
}

/// `` `bundle->mode` is 1 (4 bytes at 0xffff888003a1b004) ``
pub(super) fn text(reading: &Reading) -> String {
    let Reading {
        what,
        address,
        size,
        value,
    } = reading;
    let what = match what.as_str() {
        "" => "what the code reads".to_owned(),
        what => format!("`{what}`"),
    };
    format!("{what} is {value} ({} at {address})", bytes(*size))
}

/// Whether a condition holds by what memory has, in a sentence.
pub(super) fn judged(guard: &Guard) -> Option<String> {
    let today = guard.today.as_ref()?;
    let read: Vec<String> = today.by.iter().map(text).collect();
    let holds = match today.holds {
        true => "holds",
        false => "does not hold",
    };
    Some(format!(
        "In memory {}: `{}` in {} {holds} for the object with the bad value",
        read.join(" and "),
        guard.condition,
        code(&guard.function)
    ))
}

/// The outermost condition on the only way to a store that does not hold by what memory has.
pub(super) fn failing(setter: &Setter) -> Option<(&Guard, &Today)> {
    let mut found = None;
    let mut guards = setter.guards.as_slice();
    let mut callers = setter.reached.as_slice();
    loop {
        let mut judged = guards
            .iter()
            .filter_map(|guard| Some((guard, guard.today.as_ref()?)));
        found = judged.find(|(_, today)| !today.holds).or(found);
        let [caller] = callers else {
            return found;
        };
        guards = &caller.guards;
        callers = &caller.reached;
    }
}

/// A function on the only way to a store, and what of the object is known in it.
struct Link<'d> {
    body: Arc<Body<'d>>,
    /// The store, or the call that leads inwards.
    at: usize,
    conditions: Vec<Condition>,
    /// The part that the object's address is made of, and its value.
    object: (Leaf, u64),
}

/// The only way from outside to a store, the store first: as if it had run for one object.
pub(super) struct Chain<'d> {
    links: Vec<Link<'d>>,
}

impl<'d> Chain<'d> {
    /// The chain of a store to the member at address `member`.
    pub(super) fn of(
        debug: &DebugInfo<'d>,
        store: &Store<'d>,
        conditions: Vec<Condition>,
        ways: &[Way],
        member: u64,
    ) -> Self {
        let mut chain = Chain { links: Vec::new() };
        let body = Arc::clone(&store.body);
        let stored = body.nodes.get(store.at).and_then(|node| {
            let mut stores = node.stores();
            stores.find(|(address, ..)| body.slot(address, store.at).is_none())
        });
        let Some(object) =
            stored.and_then(|(address, ..)| object(&body, address, store.at, member))
        else {
            return chain;
        };
        chain.links.push(Link {
            at: store.at,
            body,
            conditions,
            object,
        });
        let mut ways = ways;
        while let ([way], Some(inner)) = (ways, chain.links.last()) {
            let passed = way.through.is_none().then(|| passed(debug, inner, way));
            let Some(link) = passed.flatten() else {
                break;
            };
            chain.links.push(link);
            if chain.links.len() > DEEPEST {
                break;
            }
            ways = &way.ways;
        }
        chain
    }

    /// Says of each condition on the way whether it holds for the object.
    pub(super) fn judge(&self, debug: &DebugInfo<'d>, memory: &dyn Memory, setter: &mut Setter) {
        let mut asked: &mut [Guard] = &mut setter.guards;
        let mut callers: &mut [Caller] = &mut setter.reached;
        for (level, link) in self.links.iter().enumerate() {
            for (guard, condition) in asked.iter_mut().zip(&link.conditions) {
                let mut known = Held {
                    debug,
                    chain: self,
                    level,
                    memory,
                    read: Vec::new(),
                    left: MOST_ASKED,
                };
                let holds = link.body.holds(&condition.test, condition.at, &mut known);
                guard.today = holds.filter(|_| !known.read.is_empty()).map(|holds| Today {
                    holds: holds == condition.holds,
                    by: known.read,
                });
            }
            let [caller] = callers else {
                break;
            };
            asked = &mut caller.guards;
            callers = &mut caller.reached;
        }
    }
}

/// The part that an address is made of, and the value that it has where the address is `is`.
fn object(body: &Body<'_>, address: &Expr, at: usize, is: u64) -> Option<(Leaf, u64)> {
    let sum = body.sum(address, at);
    let leaf = sum.pointer().filter(|_| sum.terms.len() == 1)?;
    Some((leaf.clone(), is.wrapping_sub(sum.constant)))
}

/// The caller of a function that has the object as an argument.
fn passed<'d>(debug: &DebugInfo<'d>, inner: &Link<'d>, way: &Way) -> Option<Link<'d>> {
    let (Leaf::Register { reg, at }, value) = &inner.object else {
        return None;
    };
    if inner.body.origins(*reg, *at) != [Origin::Entry] {
        return None;
    }
    let body = Body::of_function(debug, way.object, way.address).ok()??;
    let at = body.node_at(way.address)?;
    let object = object(&body, &argument(&body, at, *reg), at, *value)?;
    Some(Link {
        body: Arc::new(body),
        at,
        conditions: way.conditions.clone(),
        object,
    })
}

/// What a register holds when the call at an instruction has been made.
pub(super) fn argument(body: &Body<'_>, at: usize, reg: Reg) -> Expr {
    let behind = body.nodes.get(at + 1).filter(|node| {
        let call = node.call.as_ref();
        call.is_some_and(|call| call.at == at)
    });
    // In a delay slot it may still be set.
    let own = behind.and_then(|node| node.insn.sets(reg));
    own.cloned().unwrap_or(Expr::Reg(reg))
}

/// What is known in a link of a chain.
struct Held<'h, 'd> {
    debug: &'h DebugInfo<'d>,
    chain: &'h Chain<'d>,
    level: usize,
    memory: &'h dyn Memory,
    read: Vec<Reading>,
    left: u32,
}

impl Held<'_, '_> {
    fn link(&self) -> Option<&Link<'_>> {
        self.chain.links.get(self.level)
    }
}

impl Known for Held<'_, '_> {
    fn may_ask(&mut self) -> bool {
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }

    fn leaf(&mut self, leaf: &Leaf) -> Option<u64> {
        let (object, value) = &self.link()?.object;
        (object == leaf).then_some(*value)
    }

    fn entry(&mut self, reg: Reg) -> Option<u64> {
        let link = self.link()?;
        if let (Leaf::Register { reg: own, at }, value) = &link.object
            && *own == reg
            && link.body.origins(reg, *at) == [Origin::Entry]
        {
            return Some(*value);
        }
        let chain = self.chain;
        let outer = chain.links.get(self.level + 1)?;
        let passed = argument(&outer.body, outer.at, reg);
        self.level += 1;
        let value = outer.body.evaluate(&passed, outer.at, self);
        self.level -= 1;
        value
    }

    fn memory(&mut self, address: u64, load: &Load, at: usize) -> Option<u64> {
        let chain = self.chain;
        let body = &chain.links.get(self.level)?.body;
        let value = number(self.memory, endian(body), address, load.size)?;
        let view = View::new(self.debug, body);
        let place = view.place(&load.address, load.size, load.space, at);
        let what = place.and_then(|place| place.text());
        let read = reading(what.unwrap_or_default(), address, load.size, value);
        if !self.read.contains(&read) {
            self.read.push(read);
        }
        Some(value)
    }
}
