//! What is asked: the locks of a place in the code. What was worked out is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arch::{Arch, Callee, Decode, Flow as Leads, Reg, Role};
use base::{Budget, Gap};

use super::code::Code;
use super::flow::{Flow, whole_name};
use super::names::Names;
use super::primitives::{Does, SPIN};
use super::state::{Lock, State};
use super::summary::Summary;
use super::tell::Teller;
use super::terms::{Id, Term};
use super::value::Value;
use super::walk::Walk;
use super::{Held, HeldLock, Saved};

/// How deep the functions that a frame calls are looked into.
const DEPTH: u8 = 2;

/// Bytes of a function that is looked into because another calls it: those that take a lock for their caller are
/// short.
const LONGEST: u64 = 1 << 10;

/// Instructions of a walk through such a function, each as often as it is walked over.
const MOST_STEPS: u64 = 1 << 13;

/// Functions of one name that a part may belong to.
const MOST_OWNERS: usize = 4;

type Map<K, V> = Mutex<HashMap<K, V>>;

/// Answers which locks frames hold. It is made once for a target, keeps what it worked out, and may be asked by
/// several threads at once.
pub struct Holdings<'c> {
    code: &'c dyn Code,
    decode: Decode,
    pub(crate) names: Names,
    /// The registers that are followed.
    pub(crate) registers: Vec<Reg>,
    pub(crate) stack_pointer: Reg,
    /// Those that called functions keep.
    pub(crate) kept: Vec<Reg>,
    /// Those that they may change.
    pub(crate) scratch: Vec<Reg>,
    pub(crate) arguments: Vec<Reg>,
    pub(crate) result: Option<Reg>,
    /// Bytes from the end of the stack at the entry to the canonical frame address.
    pub(crate) frame_start: i64,
    percpu: OnceLock<Option<i64>>,
    flows: Map<u64, Option<Arc<Flow>>>,
    sieved: Map<(u64, u8), bool>,
    summaries: Map<(u64, u8), Option<Arc<Summary>>>,
    places: Map<(u64, bool), Arc<Held>>,
}

impl std::fmt::Debug for Holdings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holdings").finish_non_exhaustive()
    }
}

/// What is kept of a question, or the answer to it now: it may be worked out twice by two threads, equally.
fn kept<K: Hash + Eq + Copy, V: Clone>(map: &Map<K, V>, key: K, make: impl FnOnce() -> V) -> V {
    let known = {
        let map = map.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(&key).cloned()
    };
    known.unwrap_or_else(|| {
        let value = make();
        let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
        map.entry(key).or_insert(value).clone()
    })
}

impl<'c> Holdings<'c> {
    /// For the code of a target. Fails for an architecture whose code is not read yet.
    pub fn new(code: &'c dyn Code, arch: &'static Arch) -> Result<Self, Gap> {
        let what = "the locks that frames hold";
        let decode = arch
            .only_endian()
            .and_then(|endian| arch.decoder(endian))
            .filter(|_| arch.name == "x86_64")
            .ok_or_else(|| {
                Gap::new(
                    what,
                    format!("the code of {} is not read for them", arch.name),
                )
            })?;
        let is_followed = |register: &&arch::Register| {
            let aside = [
                Role::ProgramCounter,
                Role::System,
                Role::Flags,
                Role::Pointer,
                Role::FaultAddress,
                Role::FaultCode,
            ];
            register.bits == 64 && !aside.iter().any(|role| register.has(*role))
        };
        let followed: Vec<_> = arch.registers.iter().filter(is_followed).collect();
        let named = |role: Role| arch.with_role(role).map(|register| Reg(register.name));
        let is_kept = |register: &&&arch::Register| {
            register.has(Role::CalleeSaved) || register.has(Role::FramePointer)
        };
        let list = |registers: Vec<&arch::Register>| {
            let names = registers.into_iter().map(|register| Reg(register.name));
            names.collect::<Vec<_>>()
        };
        let stack_pointer = named(Role::StackPointer)
            .ok_or_else(|| Gap::new(what, "the architecture has no stack pointer"))?;
        let kept = list(followed.iter().filter(is_kept).copied().collect());
        let registers = list(followed);
        let scratch = registers.iter().copied();
        let scratch = scratch.filter(|reg| !kept.contains(reg) && *reg != stack_pointer);
        Ok(Holdings {
            code,
            decode,
            names: Names::resolve(code),
            scratch: scratch.collect(),
            registers,
            stack_pointer,
            kept,
            arguments: list(arch.arguments()),
            result: named(Role::Return(0)),
            // A call pushes the address that it returns to.
            frame_start: 8,
            percpu: OnceLock::new(),
            flows: Mutex::default(),
            sieved: Mutex::default(),
            summaries: Mutex::default(),
            places: Mutex::default(),
        })
    }

    /// What the frame holds that stands at `pc`: the address that a call returns to, or, if `is_exact`, that of the
    /// instruction which is executed next.
    pub fn at(&self, pc: u64, is_exact: bool) -> Arc<Held> {
        kept(&self.places, (pc, is_exact), || {
            let held = self.look(pc, is_exact);
            Arc::new(held.unwrap_or_else(|why| Held {
                gaps: vec![Gap::new(format!("the locks held at {pc:#x}"), why)],
                ..Held::default()
            }))
        })
    }

    /// The argument of a number, from 0, that was handed over by the call which returns to `return_address`, in terms
    /// of the calling frame.
    pub fn argument(&self, return_address: u64, number: u8) -> Value {
        let held = self.at(return_address, false);
        let value = held.arguments.get(usize::from(number)).cloned();
        value.unwrap_or(Value::Unknown("the call cannot be read"))
    }

    /// The place of a register among those that are followed.
    pub(crate) fn place(&self, register: Reg) -> Option<usize> {
        self.registers.iter().position(|other| *other == register)
    }

    fn flow(&self, entry: u64) -> Option<Arc<Flow>> {
        kept(&self.flows, entry, || {
            Flow::read(self.code, &self.names, self.decode, entry).map(Arc::new)
        })
    }

    /// Where a per-CPU semaphore has the pointer to its count: its slow path tells.
    pub(crate) fn percpu_member(&self) -> Option<i64> {
        *self.percpu.get_or_init(|| {
            self.names.percpu_slow.iter().find_map(|entry| {
                let flow = self.flow(*entry)?;
                let mut walk = Walk::new(self, &flow, 0);
                walk.is_learning = true;
                walk.run().ok()?;
                walk.learned
            })
        })
    }

    /// Whether a function may reach one that takes or gives back a lock, by its bytes: most cannot, and need not be
    /// walked through.
    fn may_change(&self, entry: u64, depth: u8) -> bool {
        kept(&self.sieved, (entry, depth), || {
            let Some(range) = self
                .code
                .bounds_at(entry)
                .filter(|range| range.start == entry)
            else {
                return false;
            };
            if range.end.saturating_sub(range.start) > LONGEST {
                return false;
            }
            let Some(bytes) = self.code.read(range.clone()) else {
                return false;
            };
            // `call`, `jmp` and the long forms of `jcc` with a distance of 32 bits, wherever bytes look like them.
            let mut targets = BTreeSet::new();
            for (at, window) in (0_u64..).zip(bytes.windows(5)) {
                let [first, a, b, c, d] = *window else {
                    continue;
                };
                if matches!(first, 0xe8 | 0xe9 | 0x80..=0x8f) {
                    let by = i64::from(i32::from_le_bytes([a, b, c, d]));
                    let to = entry.wrapping_add(at + 5).wrapping_add_signed(by);
                    if !range.contains(&to) {
                        targets.insert(to);
                    }
                }
            }
            if targets.iter().any(|to| self.names.primitive(*to).is_some()) {
                return true;
            }
            let Some(depth) = depth.checked_sub(1) else {
                return false;
            };
            targets.into_iter().any(|to| self.may_change(to, depth))
        })
    }

    /// What a function does with locks for its caller; none where that is nothing or cannot be told.
    pub(crate) fn summary(&self, entry: u64, depth: u8) -> Option<Arc<Summary>> {
        kept(&self.summaries, (entry, depth), || {
            if !self.may_change(entry, depth) {
                return None;
            }
            let flow = self.flow(entry)?;
            let mut walk = Walk::new(self, &flow, depth);
            walk.budget = Budget::new("steps through a called function", MOST_STEPS);
            walk.run().ok()?;
            let summary = Summary::of(&walk);
            (!summary.changes.is_empty()).then(|| Arc::new(summary))
        })
    }

    fn look(&self, pc: u64, is_exact: bool) -> Result<Held, String> {
        let lookup = pc.wrapping_sub(u64::from(!is_exact));
        let function = self
            .code
            .function_at(lookup)
            .ok_or("no function is known there")?;
        let mut entries = vec![function.start];
        if let Some(whole) = whole_name(&function.name) {
            let owners = self.code.addresses_of(&[whole]);
            entries = owners.into_iter().flatten().take(MOST_OWNERS).collect();
        }
        let mut why = "the function that this is a part of is not known";
        for entry in entries {
            let Some(flow) = self.flow(entry) else {
                why = "the code of the function cannot be read, or is too long";
                continue;
            };
            let found = match is_exact {
                true => flow.find(pc),
                false => flow.find_ending(pc),
            };
            let Some((block, place)) = found else {
                why = "no way that is known leads from the entry of the function to it";
                continue;
            };
            let mut walk = Walk::new(self, &flow, DEPTH);
            walk.run().map_err(|error| error.to_string())?;
            let mut states = walk
                .before(block, place)
                .map_err(|error| error.to_string())?;
            if states.is_empty() {
                why = "no way that is known leads from the entry of the function to it";
                continue;
            }
            let insn = flow
                .blocks
                .get(block)
                .and_then(|block| block.insns.get(place));
            let calls = insn.and_then(|insn| match insn.flow {
                Leads::Call(Callee::At(to)) => Some(to),
                _ => None,
            });
            let calls = calls.filter(|_| !is_exact);
            let called = calls.and_then(|to| self.names.primitive(to));
            if called.is_some_and(|called| called.does == Does::HandsOver) {
                // It stands in that call: another thread has got what was held.
                for state in &mut states {
                    state.held.retain(|lock| lock.kind != SPIN);
                }
            }
            let mut held = self.tell(&walk, &states, is_exact);
            // What leads to where a register says is no function of its own.
            held.calls = calls.filter(|to| self.names.special(*to).is_none());
            held.function = Some(entry);
            return Ok(held);
        }
        Err(why.to_owned())
    }

    fn tell(&self, walk: &Walk<'_, '_>, states: &[State], is_exact: bool) -> Held {
        let registers: &[Reg] = match is_exact {
            true => &self.registers,
            false => &self.kept,
        };
        let teller = Teller {
            walk,
            registers,
            has_slots: true,
            returned: None,
        };
        let mut gaps = Vec::new();
        if walk.has_hidden_ways {
            let why = "it jumps to places in itself that are not known";
            gaps.push(Gap::new("all ways through the function", why));
        }
        let locks = |list: fn(&State) -> &Vec<Lock>| {
            let mut found: BTreeMap<_, Vec<(&State, &Lock)>> = BTreeMap::new();
            for state in states {
                for lock in list(state) {
                    found.entry(lock.key()).or_default().push((state, lock));
                }
            }
            let mut locks: Vec<HeldLock> = found
                .into_values()
                .filter_map(|found| {
                    let (_, first) = *found.first()?;
                    let ids: Vec<(&State, Id)> = found
                        .iter()
                        .map(|(state, lock)| (*state, lock.id))
                        .collect();
                    let is_everywhere = found.len() >= states.len();
                    let certain = found.iter().all(|(_, lock)| lock.certain);
                    Some(HeldLock {
                        kind: first.kind,
                        mode: first.mode,
                        certain: certain && is_everywhere && !walk.has_hidden_ways,
                        lock: teller.tell_all(&ids),
                        taken_at: first.taken_at,
                        through: first.through.clone(),
                    })
                })
                .collect();
            locks.sort_by_key(|lock| lock.taken_at);
            locks
        };
        let all = |register: Reg| -> Vec<(&State, Id)> {
            let place = self.place(register);
            let ids = states.iter().filter_map(|state| {
                let id = state.registers.get(place?)?;
                Some((state, *id))
            });
            ids.collect()
        };
        let sp: BTreeSet<_> = all(self.stack_pointer)
            .into_iter()
            .map(|(_, id)| walk.terms.on_stack(id))
            .collect();
        // Ways that disagree have no one place.
        let stack = sp.first().copied().flatten().filter(|_| sp.len() == 1);
        let stack = stack.map(|at| at.wrapping_sub(self.frame_start));
        let saved = self.kept.iter().filter_map(|register| {
            let mut ways = states
                .iter()
                .map(|state| self.saved(walk, state, *register));
            let first = ways.next()??;
            ways.all(|way| way == Some(first))
                .then_some((*register, first))
        });
        Held {
            locks: locks(|state| &state.held),
            released: locks(|state| &state.released),
            saved: saved.collect(),
            stack,
            arguments: match is_exact {
                true => Vec::new(),
                false => {
                    let arguments = self.arguments.iter();
                    arguments
                        .map(|register| teller.tell_all(&all(*register)))
                        .collect()
                }
            },
            calls: None,
            function: None,
            gaps,
        }
    }

    /// Where a function keeps a register of its caller.
    fn saved(&self, walk: &Walk<'_, '_>, state: &State, register: Reg) -> Option<Saved> {
        let is_it = |id: Id| walk.terms.term(id) == Term::Entry(register);
        let mut slots = state.slots.iter();
        let slot = slots.find(|(_, size, id)| *size == 8 && is_it(*id));
        if let Some((at, ..)) = slot {
            return Some(Saved::Slot(at.wrapping_sub(self.frame_start)));
        }
        let id = state.registers.get(self.place(register)?)?;
        is_it(*id).then_some(Saved::Unchanged)
    }
}
