//! Where a way begins: the instruction that failed, and the part of its address that was bad.

use std::sync::Arc;

use arch::{Arch, Expr};
use base::{Access, Endian, Frame, LogEvent, Trust};
use code::{Body, Leaf, Place, Target, View, without_indices};
use debuginfo::{DebugInfo, Ran};

use super::access::{Agreement, Failed, Registers, failed};
use super::chain::{Found, Level};
use super::identity::{Located, locate, window};
use super::value;
use crate::pointers;
use crate::provenance::{Window, code_bytes};

/// The beginning of a way.
pub(super) struct Start<'w, 'd> {
    pub(super) level: Level<'w, 'd>,
    pub(super) registers: Registers,
    /// The bad part of the address, and its value.
    pub(super) leaf: Option<(Leaf, Option<u64>)>,
    /// The number of the instruction that failed, or that called.
    pub(super) at: usize,
    /// The access; none where the CPU was sent to a bad address.
    pub(super) failed: Option<Failed>,
    /// What lies at the address by its type.
    pub(super) place: Option<Place<'d>>,
    /// The number of the element.
    pub(super) index: Option<u64>,
    /// Bytes from the bad pointer to the access.
    pub(super) offset: i64,
    /// The file with the code of the function, where it is not here: only its printed bytes are known.
    pub(super) missing: Option<String>,
    /// `file:line` and the functions inlined there, the innermost first.
    pub(super) line: Option<String>,
    pub(super) inlined: Vec<String>,
}

/// Finds it; none where the event has no access, an error where the files cannot tell.
pub(super) fn find<'w, 'd>(
    debug: &'w DebugInfo<'d>,
    event: &'w LogEvent,
) -> Result<Option<Start<'w, 'd>>, String> {
    let Some(set) = event.registers.first() else {
        return Err("the report has no registers".to_owned());
    };
    let Some((arch, endian)) = event.machine.arch.as_deref().and_then(arch::find) else {
        return Err("the architecture is not known".to_owned());
    };
    let endian = event
        .machine
        .endian
        .or(endian)
        .or(arch.endians.first().copied());
    let registers = Registers::of(event, arch);
    let trace = event.traces.first().map(|trace| trace.frames.as_slice());
    let trace: &[Frame] = trace.unwrap_or_default();
    let pc = set.pc.as_ref().filter(|pc| pc.function.is_some());
    let Some(pc) = pc else {
        return fetched(debug, event, registers, trace);
    };
    let callers = callers(pc, trace);
    match locate(debug, pc, event) {
        Located::At(spot) => {
            let object = debug.object(spot.object);
            let seen = object.and_then(|object| window(object, spot.address, event));
            let seen: Vec<Ran<'_>> = seen
                .map(|(address, bytes)| Ran {
                    address,
                    bytes: bytes.into(),
                })
                .into_iter()
                .collect();
            let body = Body::as_ran(debug, spot.object, spot.address, &seen);
            let Some(body) = body.map_err(|error| error.to_string())? else {
                return Err(format!("no decoder for {}", arch.title));
            };
            let Some(at) = body.node_at(spot.address) else {
                return Err("no instruction of the file begins where the log says".to_owned());
            };
            accessed(debug, event, registers, body, at, callers).map(Some)
        }
        Located::NoFile(file) => {
            // The caller's file may be here: as far as the caller the printed bytes may reach.
            let (body, at) = printed(event, pc, arch, endian.unwrap_or(Endian::Little))?;
            accessed(debug, event, registers, body, at, callers).map(|start| {
                Some(Start {
                    missing: Some(file),
                    ..start
                })
            })
        }
        Located::Ambiguous(_) => {
            Err("several functions of the files have the name and size".to_owned())
        }
        Located::Contradicts(contradiction) => Err(contradiction.sentence()),
        Located::Unnamed => Err("the log names no function".to_owned()),
    }
}

/// The frames of the callers: those that the kernel holds for sure, and compiled, not inlined.
fn callers<'w>(pc: &Frame, trace: &'w [Frame]) -> Vec<&'w Frame> {
    let mut sure: Vec<&Frame> = trace
        .iter()
        .filter(|frame| frame.trust == Trust::PrintedByKernel && !frame.inline)
        .collect();
    // Many architectures print the failing function first of all, x86 does not.
    let is_own = sure.first().is_some_and(|first| {
        first.function == pc.function && first.offset == pc.offset && first.module == pc.module
    });
    if is_own {
        sure.remove(0);
    }
    sure
}

/// The function as far as the log printed its bytes.
fn printed(
    event: &LogEvent,
    pc: &Frame,
    arch: &'static Arch,
    endian: Endian,
) -> Result<(Body<'static>, usize), String> {
    // The window has found out which bytes are instructions.
    let window = Window::read(event).map_err(|_| {
        "the file of the function is not here, and its printed bytes cannot be read".to_owned()
    })?;
    let code = event.code.as_ref().ok_or("the report has no code bytes")?;
    let (bytes, mark) = code_bytes(code, endian).ok_or("the report marks no instruction")?;
    let address = |at: usize| window.insns.get(at).map_or(0, |insn| insn.address);
    let first = address(0);
    let before = address(window.fault).wrapping_sub(first);
    let skip = usize::try_from(before)
        .ok()
        .and_then(|before| mark.checked_sub(before));
    let rest = bytes
        .get(skip.unwrap_or(mark)..)
        .unwrap_or_default()
        .to_vec();
    let entry = (window.start == crate::provenance::Start::Entry).then_some(first);
    let name = pc.function.as_deref().unwrap_or("the function");
    let body = Body::of_bytes(name, arch, endian, first, rest, entry)
        .ok_or_else(|| format!("no decoder for {}", arch.title))?;
    let fault = window.insns.get(window.fault).map(|insn| insn.address);
    let at = fault.and_then(|address| body.node_at(address));
    let at = at.ok_or("the printed bytes do not reach the instruction that failed")?;
    Ok((body, at))
}

/// An instruction read or wrote a bad address.
fn accessed<'w, 'd>(
    debug: &'w DebugInfo<'d>,
    event: &'w LogEvent,
    registers: Registers,
    body: Body<'d>,
    at: usize,
    callers: Vec<&'w Frame>,
) -> Result<Start<'w, 'd>, String> {
    // An instruction that is executed before a branch faults at the address of that.
    let is_branch = body
        .insn(at)
        .is_some_and(|insn| insn.delay_slot && insn.accesses().is_empty());
    let at = at + usize::from(is_branch);
    let text = || {
        body.insn(at)
            .map_or("", |insn| insn.text.as_str())
            .to_owned()
    };
    let Some(failed) = failed(&body, at, &registers, event) else {
        return Err(format!(
            "the instruction that failed, `{}`, accesses no memory by itself",
            text()
        ));
    };
    if failed.agreement == Agreement::Contradicts {
        let reported = event.fault.as_ref().and_then(|fault| fault.address);
        return Err(format!(
            "`{}` accesses {:#x} by the printed registers, but the CPU reports {}",
            text(),
            failed.computed.unwrap_or(0),
            reported.map_or_else(String::new, |address| address.to_string()),
        ));
    }
    let body = Arc::new(body);
    let view = View::new(debug, &body);
    let place = view.place(&failed.address, failed.size, failed.space, at);
    let sum = body.sum(&failed.address, at);
    let values = registers.terms(&body, &sum, failed.computed, at);
    // The bad part is the one that is a pointer; of several the one whose value is no address.
    let mut pointers: Vec<(Leaf, Option<u64>)> = Vec::new();
    let mut index = None;
    for (term, value) in sum.terms.iter().zip(&values) {
        if term.factor == 1 {
            pointers.push((term.leaf.clone(), *value));
        } else {
            index = index.or(*value);
        }
    }
    let leaf = match pointers.as_slice() {
        [one] => Some(one.clone()),
        several => {
            let mut bad = several.iter().filter(|(_, value)| {
                value.is_some_and(|value| pointers::classify(value, Some(body.arch.name)).is_some())
            });
            match (bad.next(), bad.next()) {
                (Some(one), None) => Some(one.clone()),
                _ => None,
            }
        }
    };
    let offset = sum.constant.cast_signed();
    Ok(Start {
        missing: None,
        line: place_line(debug, &body, at),
        inlined: inlined(debug, &body, at),
        level: Level {
            body,
            callers,
            fault: Some(at),
        },
        registers,
        leaf,
        at,
        failed: Some(failed),
        place,
        // One below 0 is no number of an element.
        index: index
            .map(|index| index & 0xffff_ffff)
            .filter(|index| *index < 1 << 31),
        offset,
    })
}

/// The CPU was sent to a bad address: the caller on the trace called it.
fn fetched<'w, 'd>(
    debug: &'w DebugInfo<'d>,
    event: &'w LogEvent,
    registers: Registers,
    trace: &'w [Frame],
) -> Result<Option<Start<'w, 'd>>, String> {
    let sure: Vec<&Frame> = trace
        .iter()
        .filter(|frame| frame.trust == Trust::PrintedByKernel && !frame.inline)
        .collect();
    let Some((caller, callers)) = sure.split_first() else {
        return Ok(None);
    };
    let spot = match locate(debug, caller, event) {
        Located::At(spot) => spot,
        Located::NoFile(file) => return Err(format!("the caller is in {file}, which is not here")),
        Located::Contradicts(contradiction) => return Err(contradiction.sentence()),
        Located::Ambiguous(_) | Located::Unnamed => {
            return Err("the frame of the caller cannot be found in the files".to_owned());
        }
    };
    let body = Body::as_ran(debug, spot.object, spot.lookup(), &[]);
    let Some(body) = body.map_err(|error| error.to_string())? else {
        return Err("the caller's code cannot be decoded".to_owned());
    };
    let Some(at) = body.call_returning_to(spot.address) else {
        return Err(format!(
            "no call in {}() returns where the trace says",
            body.name
        ));
    };
    let body = Arc::new(body);
    let target = body.nodes.get(at).and_then(|node| node.call.as_ref());
    let Some((Target::Value(value), from)) = target.map(|call| (call.target.clone(), call.at))
    else {
        return Err(format!(
            "the call in {}() names its function, so something else sent the CPU to the bad address",
            body.name
        ));
    };
    let sum = body.sum(&value, from);
    let wanted = event
        .fault
        .as_ref()
        .and_then(|fault| fault.address)
        .map(|address| address.0);
    let leaf = sum.pointer().cloned().map(|leaf| (leaf, wanted));
    let view = View::new(debug, &body);
    let place = match &leaf {
        Some((Leaf::Load { load, at }, _)) => view.place(&load.address, load.size, load.space, *at),
        _ => None,
    };
    Ok(Some(Start {
        missing: None,
        line: place_line(debug, &body, at),
        inlined: inlined(debug, &body, at),
        level: Level {
            body,
            callers: callers.to_vec(),
            fault: None,
        },
        registers,
        leaf,
        at,
        failed: None,
        place,
        index: None,
        offset: 0,
    }))
}

fn place_line(debug: &DebugInfo<'_>, body: &Body<'_>, at: usize) -> Option<String> {
    let line = debug.line_at(body.object?, body.insn(at)?.address);
    line.ok()?.map(|line| line.text())
}

fn inlined(debug: &DebugInfo<'_>, body: &Body<'_>, at: usize) -> Vec<String> {
    let (Some(object), Some(insn)) = (body.object, body.insn(at)) else {
        return Vec::new();
    };
    let frames = debug.frames_at(object, insn.address).unwrap_or_default();
    frames
        .iter()
        .filter(|frame| frame.is_inlined)
        .map(|frame| frame.function.to_owned())
        .collect()
}

impl Start<'_, '_> {
    /// The access in the names of its types.
    pub(super) fn access(&self, debug: &DebugInfo<'_>, found: &Found) -> Access {
        let mut access = Access {
            function: self.level.body.name.clone(),
            inlined: self.inlined.clone(),
            line: self.line.clone(),
            ..Access::default()
        };
        match &self.failed {
            Some(failed) => {
                access.size = failed.size;
                access.write = failed.write;
                access.offset = self.offset;
            }
            None => access.fetch = true,
        }
        if let Some((of, offset, path)) = self.around(debug, found) {
            // A negative offset leads to the structure around an embedded one; which one, the code does not say.
            access.type_name = value::type_name(debug, of);
            access.member = without_indices(&path.text);
            access.offset = offset;
            access.consistent = true;
        } else if let Some(place) = &self.place
            && (place.path().is_some() || found.points_to.is_none())
        {
            let path = place.path();
            access.type_name = value::type_name(debug, place.pointer.to);
            access.member = path.map_or_else(String::new, |path| without_indices(&path.text));
            access.offset = match place.pointer.stride {
                Some(stride) if stride > 1 => {
                    let stride = i64::try_from(stride).unwrap_or(i64::MAX);
                    place.pointer.offset.rem_euclid(stride)
                }
                _ => place.pointer.offset,
            };
            if access.fetch {
                access.size = u8::try_from(self.level.body.arch.pointer_bytes()).unwrap_or(8);
            }
        } else if let Some(to) = found.points_to {
            // The code that has the pointer declares what it points to.
            access.type_name = value::type_name(debug, to);
            let size = Some(u64::from(access.size)).filter(|size| *size > 0);
            let paths = debug.elements_at(to, self.offset, size).unwrap_or_default();
            access.member = paths
                .first()
                .map_or_else(String::new, |path| without_indices(&path.text));
        }
        let sum = self
            .address()
            .map(|address| self.level.body.sum(address, self.at));
        if let (Some(index), Some(stride)) = (self.index, sum.and_then(|sum| sum.stride())) {
            access.index = Some(index);
            access.element_size = Some(stride);
        }
        access
    }

    /// What lies at the access if the pointer leads to a member of just such a structure as it was read from, as
    /// the entries of a list do (`container_of`); none where the type of the pointer itself has a member there.
    fn around<'d>(
        &self,
        debug: &DebugInfo<'d>,
        found: &Found,
    ) -> Option<(debuginfo::TypeId, i64, debuginfo::Path<'d>)> {
        let place = self.place.as_ref()?;
        let (of, at) = found.member_of?;
        let size = i64::try_from(debug.size_of(place.pointer.to).ok()??).ok()?;
        let is_own = (0..size).contains(&place.pointer.offset);
        if is_own || place.pointer.stride.is_some() || found.points_to != Some(place.pointer.to) {
            return None;
        }
        // The member that the value was read from lies in an embedded structure of the type that it points to.
        let path = debug.members_at(of, u64::try_from(at).ok()?, None).ok()?;
        let embedded = path.first()?.owner.as_ref()?;
        let is_embedded =
            value::type_name(debug, embedded.type_id) == value::type_name(debug, place.pointer.to);
        let start = at.checked_sub(i64::try_from(embedded.offset).ok()?)?;
        let there = start.checked_add(place.pointer.offset)?;
        if !is_embedded || there < 0 {
            return None;
        }
        let size = self.failed.as_ref().map(|failed| u64::from(failed.size));
        let paths = debug
            .members_at(of, u64::try_from(there).ok()?, size)
            .ok()?;
        paths.into_iter().next().map(|path| (of, there, path))
    }

    /// Whether the instruction reads the memory that it accesses.
    pub(super) fn reads(&self) -> bool {
        let Some(failed) = &self.failed else {
            return true;
        };
        let insn = self.level.body.insn(self.at);
        insn.is_some_and(|insn| {
            let mut accesses = insn.accesses().into_iter();
            accesses.any(|(address, _, write)| !write && *address == failed.address)
        })
    }

    /// The text of the instruction.
    pub(super) fn text(&self) -> &str {
        self.level
            .body
            .insn(self.at)
            .map_or("", |insn| insn.text.as_str())
    }

    /// The address as the instruction computes it.
    pub(super) fn address(&self) -> Option<&Expr> {
        self.failed.as_ref().map(|failed| &failed.address)
    }
}
