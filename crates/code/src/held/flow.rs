//! The ways through a function as they lie in memory: from its entry on, with its parts elsewhere.
//!
//! [`crate::Body`] reads the functions of objects, with their relocations and debug info, from end to end. Here only
//! what can be reached is decoded: memory has code that alternatives and static keys have cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use arch::{Callee, Decode, Flow as Leads, Insn, Test};
use base::Budget;

use super::code::Code;
use super::names::{Names, Special};

/// Instructions of one function.
const MOST_INSNS: u64 = 1 << 14;

/// Parts of one function, each with a symbol of its own.
const MOST_PARTS: usize = 6;

/// Bytes of one part.
const MOST_BYTES: u64 = 1 << 17;

/// Instructions that are executed one after the other.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) insns: Vec<Insn>,
    pub(crate) end: End,
}

/// How control leaves a block; numbers are those of blocks.
#[derive(Debug)]
pub(crate) enum End {
    Goes(usize),
    Branches {
        test: Test,
        taken: To,
        falls: Option<usize>,
    },
    /// To a function that returns to the caller of this one; none where a value says to which.
    Leaves(Option<u64>),
    Returns,
    Stops,
    Unknown,
}

/// Where a branch leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    Block(usize),
    /// Another function.
    Function(u64),
    Return,
    /// Where a register says.
    Elsewhere,
    Unknown,
}

/// A function.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) blocks: Vec<Block>,
    /// The block of each first instruction.
    starts: BTreeMap<u64, usize>,
    pub(crate) entry: usize,
    /// Whether control may go ways that are not known.
    pub(crate) has_hidden_ways: bool,
    /// The functions that it calls or leaves for, by address.
    pub(crate) calls: BTreeSet<u64>,
}

/// What is known of an address out of the parts that are being read.
enum Outside {
    /// It is one more part of the function.
    Part,
    Function,
    Return,
    Elsewhere,
    Unknown,
}

struct Reader<'r, 'c> {
    code: &'c dyn Code,
    names: &'r Names,
    decode: Decode,
    /// The name of the function without that of a part.
    name: String,
    parts: Vec<(Range<u64>, std::borrow::Cow<'c, [u8]>)>,
    insns: BTreeMap<u64, Insn>,
    leaders: BTreeSet<u64>,
    calls: BTreeSet<u64>,
    outside: BTreeMap<u64, Outside>,
    /// Traps, and whether control goes on behind them.
    traps: BTreeMap<u64, bool>,
    stops: BTreeSet<u64>,
    has_hidden_ways: bool,
    budget: Budget,
}

/// The name of the function that a part belongs to: what a compiler moved away as seldom executed.
pub(crate) fn whole_name(name: &str) -> Option<&str> {
    let at = name.rfind(".cold")?;
    let rest = name.get(at + 5..)?;
    let is_part = rest.is_empty() || rest.starts_with('.');
    is_part.then(|| name.get(..at)).flatten()
}

impl Flow {
    /// Reads the function that begins at `entry`; none where its bytes cannot be had or it is too long.
    pub(crate) fn read(code: &dyn Code, names: &Names, decode: Decode, entry: u64) -> Option<Flow> {
        let function = code.function_at(entry)?;
        let mut reader = Reader {
            code,
            names,
            decode,
            name: function.name,
            parts: Vec::new(),
            insns: BTreeMap::new(),
            leaders: BTreeSet::from([entry]),
            calls: BTreeSet::new(),
            outside: BTreeMap::new(),
            traps: BTreeMap::new(),
            stops: BTreeSet::new(),
            has_hidden_ways: false,
            budget: Budget::new("instructions of one function", MOST_INSNS),
        };
        reader.add_part(function.start..function.end)?;
        reader.follow(entry)?;
        // A warning is a trap behind which control goes on; behind one that stops nothing is reached only so
        // (`ud2`, include/asm-generic/bug.h): other code or none follows it.
        for _ in 0..MOST_INSNS {
            let next = reader.traps.iter().find_map(|(at, goes_on)| {
                let insn = reader.insns.get(at)?;
                let behind = at.wrapping_add(insn.size.into());
                let is_new = !goes_on && !reader.insns.contains_key(&behind);
                (is_new && reader.may_begin(behind)).then_some((*at, behind))
            });
            let Some((at, behind)) = next else { break };
            reader.traps.insert(at, true);
            reader.leaders.insert(behind);
            reader.follow(behind)?;
        }
        Some(reader.blocks(entry))
    }

    /// The block and the place in it of the instruction at `address`.
    pub(crate) fn find(&self, address: u64) -> Option<(usize, usize)> {
        let (_, block) = self.starts.range(..=address).next_back()?;
        let insns = &self.blocks.get(*block)?.insns;
        let place = insns.iter().position(|insn| insn.address == address)?;
        Some((*block, place))
    }

    /// The same of the instruction that ends where `address` is.
    pub(crate) fn find_ending(&self, address: u64) -> Option<(usize, usize)> {
        let (_, block) = self.starts.range(..address).next_back()?;
        let insns = &self.blocks.get(*block)?.insns;
        let ends = |insn: &Insn| insn.address.wrapping_add(insn.size.into()) == address;
        Some((*block, insns.iter().position(ends)?))
    }
}

impl Reader<'_, '_> {
    fn add_part(&mut self, range: Range<u64>) -> Option<()> {
        let is_long = range.end.saturating_sub(range.start) > MOST_BYTES;
        if is_long || range.is_empty() || self.parts.len() >= MOST_PARTS {
            return None;
        }
        let bytes = self.code.read(range.clone())?;
        self.parts.push((range, bytes));
        Some(())
    }

    fn bytes_at(&self, address: u64) -> Option<&[u8]> {
        let mut parts = self.parts.iter();
        let (range, bytes) = parts.find(|(range, _)| range.contains(&address))?;
        let skip = usize::try_from(address.wrapping_sub(range.start)).ok()?;
        bytes.get(skip..)
    }

    /// Whether code may begin at `address`: no padding (`int3`), not the end of a part.
    fn may_begin(&self, address: u64) -> bool {
        let first = self.bytes_at(address).and_then(<[u8]>::first);
        first.is_some_and(|byte| *byte != 0xcc)
    }

    /// Decodes all that is reached from `start` on.
    fn follow(&mut self, start: u64) -> Option<()> {
        let mut open = vec![start];
        while let Some(mut at) = open.pop() {
            while !self.insns.contains_key(&at) {
                self.budget.spend(1).ok()?;
                let insn = self.bytes_at(at).map(|bytes| (self.decode)(bytes, at));
                let Some(Ok(insn)) = insn else {
                    // It runs off its end, or into what is no code: there is a way that is not known.
                    self.has_hidden_ways = true;
                    break;
                };
                let next = at.wrapping_add(insn.size.into());
                let goes_on = self.leads(&insn, &mut open);
                self.insns.insert(at, insn);
                if !goes_on {
                    break;
                }
                at = next;
            }
        }
        Some(())
    }

    /// Notes where an instruction leads but to the next; says whether that is executed behind it.
    fn leads(&mut self, insn: &Insn, open: &mut Vec<u64>) -> bool {
        let next = insn.address.wrapping_add(insn.size.into());
        match &insn.flow {
            Leads::Next => true,
            Leads::Call(Callee::At(to)) => match self.names.special(*to) {
                Some(Special::NoReturn) => {
                    self.stops.insert(insn.address);
                    false
                }
                Some(_) => true,
                None => {
                    self.calls.insert(*to);
                    true
                }
            },
            Leads::Call(Callee::Value(_)) => true,
            Leads::Jump(Some(to)) => {
                self.jump(*to, open);
                false
            }
            Leads::Branch(to, _) => {
                self.jump(*to, open);
                self.leaders.insert(next);
                true
            }
            Leads::Jump(None) => {
                self.has_hidden_ways = true;
                false
            }
            // Whether it leaves the function is told by the stack, where it is known.
            Leads::JumpTo(_) | Leads::Return => false,
            Leads::Trap => {
                let is_warning = self
                    .bytes_at(insn.address)
                    .is_some_and(|bytes| bytes.starts_with(&[0x0f, 0x0b]));
                if is_warning {
                    self.traps.insert(insn.address, false);
                }
                false
            }
        }
    }

    fn jump(&mut self, to: u64, open: &mut Vec<u64>) {
        if self.bytes_at(to).is_none() {
            let outside = self.look_outside(to);
            if matches!(outside, Outside::Function) {
                self.calls.insert(to);
            }
            let is_part = matches!(outside, Outside::Part);
            self.has_hidden_ways |= matches!(outside, Outside::Unknown);
            self.outside.insert(to, outside);
            if !is_part {
                return;
            }
        }
        self.leaders.insert(to);
        open.push(to);
    }

    fn look_outside(&mut self, to: u64) -> Outside {
        match self.names.special(to) {
            Some(Special::Return) => return Outside::Return,
            Some(Special::Through) => return Outside::Elsewhere,
            Some(Special::Nothing) => return Outside::Unknown,
            Some(Special::NoReturn) | None => {}
        }
        let Some(function) = self.code.function_at(to) else {
            return Outside::Unknown;
        };
        if whole_name(&function.name) == Some(self.name.as_str())
            && self.add_part(function.start..function.end).is_some()
        {
            Outside::Part
        } else if function.start == to {
            Outside::Function
        } else {
            Outside::Unknown
        }
    }

    fn blocks(self, entry: u64) -> Flow {
        let mut runs: Vec<Vec<Insn>> = Vec::new();
        let mut expected = None;
        for (at, insn) in self.insns {
            let next = at.wrapping_add(insn.size.into());
            let ends =
                !matches!(insn.flow, Leads::Next | Leads::Call(_)) || self.stops.contains(&at);
            match runs.last_mut() {
                Some(run) if expected == Some(at) && !self.leaders.contains(&at) => run.push(insn),
                _ => runs.push(vec![insn]),
            }
            expected = (!ends).then_some(next);
        }
        let starts: BTreeMap<u64, usize> = runs
            .iter()
            .enumerate()
            .filter_map(|(number, run)| Some((run.first()?.address, number)))
            .collect();
        let to = |address: u64| match (starts.get(&address), self.outside.get(&address)) {
            (Some(block), _) => To::Block(*block),
            (None, Some(Outside::Function)) => To::Function(address),
            (None, Some(Outside::Return)) => To::Return,
            (None, Some(Outside::Elsewhere)) => To::Elsewhere,
            _ => To::Unknown,
        };
        let end = |run: &[Insn]| {
            let Some(last) = run.last() else {
                return End::Unknown;
            };
            let behind = last.address.wrapping_add(last.size.into());
            let next = starts.get(&behind).copied();
            let goes = |next: Option<usize>| next.map_or(End::Unknown, End::Goes);
            match &last.flow {
                _ if self.stops.contains(&last.address) => End::Stops,
                Leads::Next | Leads::Call(_) => goes(next),
                Leads::Jump(Some(address)) => match to(*address) {
                    To::Block(block) => End::Goes(block),
                    To::Function(address) => End::Leaves(Some(address)),
                    To::Return => End::Returns,
                    To::Elsewhere => End::Leaves(None),
                    To::Unknown => End::Unknown,
                },
                Leads::Branch(address, test) => End::Branches {
                    test: test.clone(),
                    taken: to(*address),
                    falls: next,
                },
                Leads::JumpTo(_) => End::Leaves(None),
                Leads::Jump(None) => End::Unknown,
                Leads::Return => End::Returns,
                Leads::Trap => match self.traps.get(&last.address) {
                    Some(true) => goes(next),
                    _ => End::Stops,
                },
            }
        };
        let ends: Vec<End> = runs.iter().map(|run| end(run)).collect();
        let blocks = runs.into_iter().zip(ends);
        Flow {
            blocks: blocks.map(|(insns, end)| Block { insns, end }).collect(),
            entry: starts.get(&entry).copied().unwrap_or_default(),
            starts,
            has_hidden_ways: self.has_hidden_ways,
            calls: self.calls,
        }
    }
}
