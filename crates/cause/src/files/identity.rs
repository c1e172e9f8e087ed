//! Whether the files given are those that ran, and where in them a printed frame is.
//!
//! Most logs carry no build-id. What they do carry is compared with the files before anything is claimed from
//! these: the kernel's release, names and sizes of functions, and the code bytes around the instruction that
//! failed, without what a running kernel rewrites.
#![allow(
    dead_code,
    reason = "asked by the slicer over files, which is being built"
)]

use base::{Endian, Frame, LogEvent, RegisterSet, Trust};
use debuginfo::{Comparison, DebugInfo, Object, ObjectId, SizeFit, Symbol};

use crate::provenance::code_bytes;

/// How a file stands to the log, by one kind of comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The log prints its build-id: nothing else need be compared.
    BuildId { file: String, build_id: String },
    /// The code bytes of the log are its code.
    Code {
        file: String,
        function: String,
        /// Bytes compared.
        compared: u64,
        /// Bytes left out, as a running kernel rewrites them.
        masked: u64,
    },
    /// It is of the same release.
    Release {
        file: String,
        release: String,
        /// What else of the build the log prints and the file says too (`#1 Debian 6.1.192-2`).
        build: Option<String>,
    },
    /// It has the functions that the log prints, of the printed sizes.
    Symbols {
        file: String,
        /// Functions of the printed size.
        same: usize,
        /// Functions whose printed size cannot be told from the file.
        open: usize,
    },
    /// It is not the file that ran.
    Contradicts(Contradiction),
}

/// A difference that shows both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction {
    /// The file.
    pub(crate) file: String,
    /// What differs.
    pub(crate) what: String,
    /// How it is in the log.
    pub(crate) log: String,
    /// How it is in the file.
    pub(crate) found: String,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot<'a> {
    /// The file.
    pub(crate) object: ObjectId,
    /// The function of the symbol table.
    pub(crate) function: Symbol<'a>,
    /// The printed address, in the addresses of the file.
    pub(crate) address: u64,
    /// Whether a call returns there: the instruction that was executed last ends before it.
    pub(crate) is_return: bool,
}

impl Spot<'_> {
    /// An address within the instruction that was executed, to ask for lines and inlined functions.
    pub(crate) fn lookup(&self) -> u64 {
        self.address.saturating_sub(u64::from(self.is_return))
    }
}

/// Where a printed frame is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Located<'a> {
    /// There.
    At(Spot<'a>),
    /// In one of these functions of one name: nothing tells them apart.
    Ambiguous(Vec<Spot<'a>>),
    /// In none of the files: the one it would be in is another than ran.
    Contradicts(Contradiction),
    /// In a file that is not here (`bonding.ko`).
    NoFile(String),
    /// The frame names no function.
    Unnamed,
}

impl Fit {
    /// The comparison in a sentence.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Fit::BuildId { file, build_id } => {
                format!("{file} is the file that ran: the log prints its build-id {build_id}")
            }
            Fit::Code {
                file,
                function,
                compared,
                masked,
            } => {
                let left_out = match masked {
                    0 => String::new(),
                    n => format!("; {n} that a running kernel rewrites were left out"),
                };
                format!(
                    "the code bytes of the log are those of {function}() in {file}: {compared} \
                     compared, all equal{left_out}"
                )
            }
            Fit::Release {
                file,
                release,
                build: Some(build),
            } => {
                format!("{file} is of the kernel {release} {build}, as the log prints it")
            }
            Fit::Release { file, release, .. } => {
                format!("{file} is of the release {release}, as the log prints it")
            }
            Fit::Symbols { file, same, open } => {
                let functions = |n: usize| match n {
                    1 => "1 function".to_owned(),
                    n => format!("{n} functions"),
                };
                let open = match open {
                    0 => String::new(),
                    n => format!(", and {n} more whose size a file does not tell"),
                };
                let has = functions(*same);
                format!("{file} has {has} of the names and sizes that the log prints{open}")
            }
            Fit::Contradicts(contradiction) => contradiction.sentence(),
        }
    }

    /// How it is known.
    pub(crate) fn trust(&self) -> Trust {
        match self {
            Fit::BuildId { .. } | Fit::Code { .. } | Fit::Contradicts(_) => Trust::Computed,
            Fit::Release { .. } | Fit::Symbols { .. } => Trust::Inferred,
        }
    }

    /// The contradiction, if it is one.
    pub(crate) fn contradiction(&self) -> Option<&Contradiction> {
        match self {
            Fit::Contradicts(contradiction) => Some(contradiction),
            _ => None,
        }
    }
}

impl Contradiction {
    /// It in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let Contradiction {
            file,
            what,
            log,
            found,
        } = self;
        format!(
            "{file} is not the file that ran: {what} is {log} in the log and {found} in the file"
        )
    }
}

/// Compares every file that the event's frames lie in with the event.
///
/// Each file has its comparisons one after the other; a build-id, where both sides have one, is the only one.
pub(crate) fn check(debug: &DebugInfo<'_>, event: &LogEvent) -> Vec<Fit> {
    let mut fits = Vec::new();
    for (id, module) in involved(debug, event) {
        let Some(object) = debug.object(id) else {
            continue;
        };
        match build_id(object, event, module) {
            Some(fit) => fits.push(fit),
            None => {
                fits.extend(architecture(object, event));
                fits.extend(release(object, event));
                fits.extend(code(debug, id, module, event));
                fits.extend(symbols(object, event, module));
            }
        }
    }
    fits
}

/// The place of a printed frame in the files.
pub(crate) fn locate<'a>(debug: &DebugInfo<'a>, frame: &Frame, event: &LogEvent) -> Located<'a> {
    let (Some(name), Some(offset)) = (frame.function.as_deref(), frame.offset) else {
        return Located::Unnamed;
    };
    let module = frame.module.as_deref();
    let missing = || match module {
        Some(module) => Located::NoFile(format!("{module}.ko")),
        None => Located::NoFile("vmlinux".to_owned()),
    };
    let Some((id, object)) = home(debug, module).and_then(|id| Some((id, debug.object(id)?)))
    else {
        return missing();
    };
    let is_return = !is_counter(frame, event);
    let mut spots: Vec<Spot<'a>> = Vec::new();
    let mut wrong = None;
    for function in named(object, name) {
        match size(object, &function, frame) {
            Ok(_) => spots.push(Spot {
                object: id,
                function,
                address: function.address.saturating_add(offset),
                is_return,
            }),
            Err(contradiction) => wrong = wrong.or(Some(contradiction)),
        }
    }
    // The code bytes are those at the first program counter.
    if counter(event).is_some_and(|counter| is_same(counter, frame)) {
        spots.retain(|spot| match compare(object, spot.address, event) {
            Some(comparison) => {
                let differs = differs(object, spot, &comparison);
                let keeps = differs.is_none();
                wrong = wrong.take().or(differs);
                keeps
            }
            None => true,
        });
    }
    match (spots.as_slice(), wrong) {
        ([spot], _) => Located::At(*spot),
        ([], Some(wrong)) => Located::Contradicts(wrong),
        ([], None) => Located::Contradicts(Contradiction {
            file: object.label().to_owned(),
            what: format!("the function {name}()"),
            log: "printed".to_owned(),
            found: "absent".to_owned(),
        }),
        _ => Located::Ambiguous(spots),
    }
}

/// The object that a module's name, or none, means.
fn home(debug: &DebugInfo<'_>, module: Option<&str>) -> Option<ObjectId> {
    let id = match module {
        Some(module) => debug.module(module),
        None => debug.kernel(),
    };
    // Types alone have no functions to be compared, or to be found in.
    id.filter(|id| {
        debug
            .object(*id)
            .is_some_and(|object| !object.is_types_only())
    })
}

/// The functions of exactly this name, those of several names for one place once.
fn named<'a>(object: &Object<'a>, name: &str) -> Vec<Symbol<'a>> {
    // A file whose symbols cannot be read has none; what is wrong with it is told by whoever opened it.
    let mut found = object.functions_named(name).unwrap_or_default();
    found.sort_by_key(|function| (function.address, function.index));
    found.dedup_by_key(|function| function.address);
    found
}

/// The program counter that the code bytes were printed at.
fn counter(event: &LogEvent) -> Option<&Frame> {
    event.registers.first().and_then(|set| set.pc.as_ref())
}

/// Whether two frames print the same place.
fn is_same(one: &Frame, other: &Frame) -> bool {
    (&one.function, one.offset, &one.module) == (&other.function, other.offset, &other.module)
}

/// Whether a frame is a program counter, not a place that a call returns to: some kernels print it again as the
/// first of the trace.
fn is_counter(frame: &Frame, event: &LogEvent) -> bool {
    let counters = event.registers.iter().filter_map(|set| set.pc.as_ref());
    counters.into_iter().any(|counter| is_same(counter, frame))
}

/// All frames of the event that are of the kernel or a module, with the trust to be compared.
fn frames(event: &LogEvent) -> impl Iterator<Item = &Frame> {
    fn of_set(set: &RegisterSet) -> impl Iterator<Item = &Frame> {
        set.pc.iter().chain(&set.link)
    }
    let registers = event.registers.iter().filter(|set| set.whose != "user");
    let traced = event.traces.iter().flat_map(|trace| &trace.frames);
    registers
        .flat_map(of_set)
        .chain(traced)
        .filter(|frame| frame.function.is_some() && frame.offset.is_some())
}

/// The files that the event's frames lie in: the module's name, or none for the kernel.
fn involved<'e>(debug: &DebugInfo<'_>, event: &'e LogEvent) -> Vec<(ObjectId, Option<&'e str>)> {
    let mut found: Vec<(ObjectId, Option<&str>)> = Vec::new();
    for frame in frames(event) {
        let module = frame.module.as_deref();
        if let Some(id) = home(debug, module)
            && !found.iter().any(|(known, _)| *known == id)
        {
            found.push((id, module));
        }
    }
    found
}

/// Compares build-ids, where both sides have one.
fn build_id(object: &Object<'_>, event: &LogEvent, module: Option<&str>) -> Option<Fit> {
    let own = object.identity().build_id.as_deref()?;
    let of_frame = || {
        let same = frames(event).filter(|frame| frame.module.as_deref() == module);
        same.filter_map(|frame| frame.build_id.as_deref()).next()
    };
    // `CONFIG_STACKTRACE_BUILD_ID` prints the kernel's behind its version ("dump_stack: add
    // vmlinux build ID to stack traces").
    let of_version = || {
        let mut words = event.machine.version.as_deref()?.split_whitespace();
        words.rfind(|word| is_build_id(word))
    };
    let printed = match module {
        Some(_) => of_frame(),
        None => of_frame().or_else(of_version),
    }?;
    let file = object.label().to_owned();
    // A log may print only the first digits.
    Some(if own.starts_with(&printed.to_ascii_lowercase()) {
        Fit::BuildId {
            file,
            build_id: printed.to_owned(),
        }
    } else {
        Fit::Contradicts(Contradiction {
            file,
            what: "the build-id".to_owned(),
            log: printed.to_owned(),
            found: own.to_owned(),
        })
    })
}

fn is_build_id(word: &str) -> bool {
    matches!(word.len(), 32 | 40) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a word tells how the kernel preempted at that moment (`PREEMPT(lazy)`), which is no part of its version:
/// Linux 6.15 prints it between the parts of that ("lib/dump_stack: Use preempt_model_str()").
fn is_preemption(word: &str) -> bool {
    word.starts_with("PREEMPT") && word.contains(['(', '{'])
}

/// Compares the architecture; that it is the same says nothing by itself.
fn architecture(object: &Object<'_>, event: &LogEvent) -> Option<Fit> {
    let (own, printed) = (object.arch()?, event.machine.arch.as_deref()?);
    let (known, _) = arch::find(printed)?;
    (known.name != own.name).then(|| {
        Fit::Contradicts(Contradiction {
            file: object.label().to_owned(),
            what: "the architecture".to_owned(),
            log: printed.to_owned(),
            found: own.name.to_owned(),
        })
    })
}

/// Compares the release, and of the kernel itself what else the log prints of its build.
fn release(object: &Object<'_>, event: &LogEvent) -> Option<Fit> {
    let identity = object.identity();
    let (own, printed) = (
        identity.release.as_deref()?,
        event.machine.release.as_deref()?,
    );
    let file = object.label().to_owned();
    let differs = |what: &str, log: &str, found: &str| {
        Fit::Contradicts(Contradiction {
            file: file.clone(),
            what: what.to_owned(),
            log: log.to_owned(),
            found: found.to_owned(),
        })
    };
    if own != printed {
        return Some(differs("the kernel's release", printed, own));
    }
    let version = event.machine.version.as_deref().unwrap_or_default();
    let words: Vec<&str> = version
        .split_whitespace()
        .filter(|word| !is_build_id(word) && !is_preemption(word))
        .collect();
    let mut build = None;
    if let (Some(banner), false) = (identity.banner.as_deref(), words.is_empty()) {
        let known: Vec<&str> = banner.split_whitespace().collect();
        let version = words.join(" ");
        if words.iter().any(|word| !known.contains(word)) {
            let own = banner.split_once(" #").map_or(banner, |(_, own)| own);
            return Some(differs("the kernel's build", &version, &format!("#{own}")));
        }
        build = Some(version);
    }
    Some(Fit::Release {
        file,
        release: printed.to_owned(),
        build,
    })
}

/// Compares the code bytes, where they are of this object.
fn code(
    debug: &DebugInfo<'_>,
    id: ObjectId,
    module: Option<&str>,
    event: &LogEvent,
) -> Option<Fit> {
    let counter = counter(event).filter(|frame| frame.module.as_deref() == module)?;
    let object = debug.object(id)?;
    match locate(debug, counter, event) {
        Located::At(spot) => {
            let comparison = compare(object, spot.address, event)?;
            (comparison.equal > 0).then(|| Fit::Code {
                file: object.label().to_owned(),
                function: spot.function.name.to_owned(),
                compared: comparison.equal,
                masked: comparison.rewritten,
            })
        }
        Located::Contradicts(contradiction) => Some(Fit::Contradicts(contradiction)),
        // Each of these has the printed bytes.
        Located::Ambiguous(_) | Located::NoFile(_) | Located::Unnamed => None,
    }
}

/// The log's code bytes compared with what the file has, its program counter being `address`.
fn compare(object: &Object<'_>, address: u64, event: &LogEvent) -> Option<Comparison> {
    let (start, ran) = window(object, address, event)?;
    object.compare(start, &ran).ok()
}

/// The log's code bytes, and where in the file they begin when its program counter is `address`.
///
/// `debuginfo::Object::running_code` lays them over a function's text.
pub(crate) fn window(
    object: &Object<'_>,
    address: u64,
    event: &LogEvent,
) -> Option<(u64, Vec<u8>)> {
    // Instructions of arm64 are little-endian also where data is not.
    let endian = match object.arch()?.name {
        "arm64" => Endian::Little,
        _ => object.endian(),
    };
    let (ran, mark) = code_bytes(event.code.as_ref()?, endian)?;
    let mark = u64::try_from(mark).ok()?;
    // What lies before the first address of the file's space belongs to nothing.
    Some((address.checked_sub(mark)?, ran))
}

fn differs(object: &Object<'_>, spot: &Spot<'_>, comparison: &Comparison) -> Option<Contradiction> {
    let difference = comparison.difference.as_ref()?;
    let name = spot.function.name;
    let function = spot.function.address;
    let place = match difference.at.checked_sub(function) {
        Some(offset) => format!("{name}+{offset:#x}"),
        None => format!("{name}-{:#x}", function.saturating_sub(difference.at)),
    };
    let hex = |bytes: &[u8]| {
        let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.join(" ")
    };
    Some(Contradiction {
        file: object.label().to_owned(),
        what: format!("the code at {place} (address {:#x})", difference.at),
        log: hex(&difference.ran),
        found: hex(&difference.file),
    })
}

/// Compares the printed size of a function; whether it is the file's, or cannot be told.
fn size(object: &Object<'_>, function: &Symbol<'_>, frame: &Frame) -> Result<bool, Contradiction> {
    let Some(printed) = frame.size else {
        return Ok(false);
    };
    match object.size_fits(function, printed) {
        Ok(SizeFit::Same) => Ok(true),
        Ok(SizeFit::Other { file }) => Err(Contradiction {
            file: object.label().to_owned(),
            what: format!("the size of {}()", function.name),
            log: format!("{printed:#x}"),
            found: format!("{file:#x}"),
        }),
        Ok(SizeFit::Open) | Err(_) => Ok(false),
    }
}

/// Compares names and sizes of all functions that the event prints of this object.
fn symbols(object: &Object<'_>, event: &LogEvent, module: Option<&str>) -> Option<Fit> {
    let mut seen: Vec<(&str, Option<u64>)> = Vec::new();
    let (mut same, mut open) = (0, 0);
    for frame in frames(event).filter(|frame| frame.module.as_deref() == module) {
        let Some(name) = frame.function.as_deref() else {
            continue;
        };
        // What the kernel itself doubts may be anything; a damaged line too, so a frame stands for itself.
        if seen.contains(&(name, frame.size)) || frame.trust != Trust::PrintedByKernel {
            continue;
        }
        seen.push((name, frame.size));
        let candidates = named(object, name);
        if candidates.is_empty() {
            return Some(Fit::Contradicts(Contradiction {
                file: object.label().to_owned(),
                what: format!("the function {name}()"),
                log: "printed".to_owned(),
                found: "absent".to_owned(),
            }));
        }
        let mut results = candidates
            .iter()
            .map(|function| size(object, function, frame));
        match results.clone().find_map(Result::ok) {
            Some(true) => same += 1,
            Some(false) => open += 1,
            None => {
                let wrong = results.find_map(Result::err);
                return wrong.map(Fit::Contradicts);
            }
        }
    }
    (same + open > 0).then(|| Fit::Symbols {
        file: object.label().to_owned(),
        same,
        open,
    })
}

#[cfg(test)]
mod tests;
