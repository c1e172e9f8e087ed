//! Source lines and inlined functions of stacks, by files with the debug info of what ran.
//!
//! Frames keep the names that the target itself has for them: files only add to them. Every place is asked for
//! once, however many stacks go through it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use base::{Gap, InlinedCall, StackTrace};
use debuginfo::{DebugInfo, ObjectId, RunningFunction, Symbol, base_name};
use rayon::prelude::*;

use super::Kernel;

/// Places that one thread looks up before it takes more: neighbours are often of one file.
const PIECE: usize = 4;

/// Names of functions in a gap.
const NAMES: usize = 8;

/// A place in code: where it is looked up, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The module; none of the kernel.
    module: Option<String>,
    /// The address that is looked up.
    lookup: u64,
    /// The function there.
    function: String,
    /// Where the function begins.
    start: u64,
}

/// What files tell of a place.
#[derive(Clone, Debug, Default)]
struct Told {
    source: Option<String>,
    inlined: Vec<InlinedCall>,
    /// The file has another function there.
    differs: bool,
}

/// Of one file: what its addresses are away from those of the target.
struct Bias {
    id: ObjectId,
    /// Of each section with functions of known places.
    sections: BTreeMap<u32, u64>,
}

/// Where the code of a target lies: what the addresses of files are told from.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// Where the kernel's text begins.
    text: Option<u64>,
    /// The symbols of modules, with their addresses.
    modules: BTreeMap<String, Vec<(u64, String)>>,
}

impl Kernel<'_> {
    /// Where the kernel and the modules of these names lie.
    pub fn anchors(&self, modules: &BTreeSet<&str>) -> Anchors {
        let symbols = |name: &&str| Some(((*name).to_owned(), self.symbols_of_module(name)?));
        Anchors {
            text: self.known("_text").or(self.known("_stext")),
            modules: modules.iter().filter_map(symbols).collect(),
        }
    }
}

impl Anchors {
    /// Adds what `info` tells of the frames of stacks; the answer is what it does not tell.
    pub fn add_lines(&self, info: &DebugInfo<'_>, stacks: &mut [&mut StackTrace]) -> Vec<Gap> {
        let mut places: BTreeMap<Place, Told> = BTreeMap::new();
        for frame in stacks.iter().flat_map(|stack| &stack.frames) {
            places.extend(place(frame).map(|place| (place, Told::default())));
        }
        let modules = self.modules.keys();
        let finder = Finder {
            anchors: self,
            info,
            image: OnceLock::new(),
            modules: modules
                .map(|module| (module.as_str(), OnceLock::new()))
                .collect(),
        };
        // Neighbours are of one unit: they are told one after the other.
        places
            .iter_mut()
            .collect::<Vec<_>>()
            .into_par_iter()
            .with_min_len(PIECE)
            .for_each(|(place, told)| *told = finder.tell(place));
        let gaps = gaps(&places);
        for frame in stacks.iter_mut().flat_map(|stack| &mut stack.frames) {
            let told = place(frame).and_then(|place| places.get(&place));
            if let Some(told) = told.filter(|told| !told.differs) {
                frame.source.clone_from(&told.source);
                frame.inlined.clone_from(&told.inlined);
            }
        }
        gaps
    }
}

fn place(frame: &base::StackFrame) -> Option<Place> {
    let (function, offset) = (frame.function.clone()?, frame.offset?);
    Some(Place {
        module: frame.module.clone(),
        lookup: frame.pc.0.wrapping_sub(u64::from(!frame.is_exact)),
        function,
        start: frame.pc.0.wrapping_sub(offset),
    })
}

/// Finds places of the target in files.
struct Finder<'f, 'a> {
    anchors: &'f Anchors,
    info: &'f DebugInfo<'a>,
    image: OnceLock<Option<Bias>>,
    modules: BTreeMap<&'f str, OnceLock<Option<Bias>>>,
}

impl Finder<'_, '_> {
    fn tell(&self, place: &Place) -> Told {
        let found = match &place.module {
            None => self.in_image(place),
            Some(module) => self.in_module(module, place),
        };
        let Some((id, address)) = found else {
            return Told::default();
        };
        // What is damaged tells nothing here; whoever opened the file asks it for damage.
        let Ok((running, line)) = self.info.running_at(id, address) else {
            return Told::default();
        };
        told(&place.function, &running, line.map(|line| line.text()))
    }

    /// The kernel lies in one piece, as its file has it.
    fn in_image(&self, place: &Place) -> Option<(ObjectId, u64)> {
        let bias = self.image.get_or_init(|| {
            let id = self.info.kernel()?;
            let object = self.info.object(id).filter(|object| object.has_dwarf())?;
            let sections = object.sections().iter();
            let mut sections = sections.filter(|section| section.name == ".text");
            let text = sections.next()?.address?;
            let runs = self.anchors.text?;
            Some(Bias {
                id,
                sections: BTreeMap::from([(0, runs.wrapping_sub(text))]),
            })
        });
        let Bias { id, sections } = bias.as_ref()?;
        let bias = sections.values().next()?;
        Some((*id, place.lookup.wrapping_sub(*bias)))
    }

    /// The sections of a module lie where the loader put each of them: functions whose names are there once tell.
    fn in_module(&self, module: &str, place: &Place) -> Option<(ObjectId, u64)> {
        let bias = self.modules.get(module)?;
        let bias = bias.get_or_init(|| self.bias_of_module(module)).as_ref()?;
        let object = self.info.object(bias.id)?;
        let offset = place.lookup.wrapping_sub(place.start);
        let symbols = object.symbols_named(&place.function).ok()?;
        let is_there = |symbol: &&Symbol<'_>| {
            let bias = symbol
                .section()
                .and_then(|section| bias.sections.get(&section));
            bias.is_some_and(|bias| symbol.address.wrapping_add(*bias) == place.start)
        };
        let symbol = symbols.iter().find(is_there)?;
        Some((bias.id, symbol.address.wrapping_add(offset)))
    }

    fn bias_of_module(&self, module: &str) -> Option<Bias> {
        let id = self.info.module(module)?;
        let object = self.info.object(id).filter(|object| object.has_dwarf())?;
        let mut loaded: BTreeMap<&str, Option<u64>> = BTreeMap::new();
        for (address, name) in self.anchors.modules.get(module)? {
            // A name that is there twice tells nothing.
            let known = loaded.entry(name).or_insert(Some(*address));
            if *known != Some(*address) {
                *known = None;
            }
        }
        let mut sections = BTreeMap::new();
        let functions = object.functions().ok()?;
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for function in &functions {
            *seen.entry(function.name).or_default() += 1;
        }
        for function in functions {
            if let (Some(section), Some(Some(address)), Some(1)) = (
                function.section(),
                loaded.get(function.name),
                seen.get(function.name),
            ) {
                let bias = address.wrapping_sub(function.address);
                sections.entry(section).or_insert(bias);
            }
        }
        Some(Bias { id, sections })
    }
}

/// What the functions that run at a place are for the frame of `function` there.
fn told(function: &str, running: &[RunningFunction<'_>], line: Option<String>) -> Told {
    let source = |running: &RunningFunction<'_>| running.line.as_ref().map(|line| line.text());
    let Some((compiled, inlined)) = running.split_last() else {
        // Assembly has lines and no functions.
        return Told {
            source: line,
            ..Told::default()
        };
    };
    let inlined = inlined.iter().map(|inlined| InlinedCall {
        function: inlined.function.to_owned(),
        source: source(inlined),
    });
    Told {
        source: source(compiled),
        inlined: inlined.collect(),
        differs: !is_same(function, compiled.function),
    }
}

/// Whether a symbol is of the function that its source calls `source`.
///
/// System calls have symbols that macros made (`__do_sys_write` is inlined into `__x64_sys_write`), and both are
/// told by their own names; a copy of a function has its name with something behind it.
fn is_same(symbol: &str, source: &str) -> bool {
    base_name(symbol) == base_name(source)
}

/// Where the files contradict the target. That there is no file is said by whoever looked for it.
fn gaps(places: &BTreeMap<Place, Told>) -> Vec<Gap> {
    let differing = places.iter().filter(|(_, told)| told.differs);
    let names: Vec<&str> = differing
        .map(|(place, _)| place.function.as_str())
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let mut shown = names.get(..NAMES).unwrap_or(&names).join(", ");
    if let Some(more) = names.len().checked_sub(NAMES).filter(|more| *more > 0) {
        shown.push_str(&format!(" and {more} more"));
    }
    let why = "the files have other functions at these places";
    vec![Gap::new(format!("source lines in {shown}"), why)]
}

#[cfg(test)]
mod tests {
    use debuginfo::SourceLine;

    use super::*;

    fn running(function: &str, line: u32, is_inlined: bool) -> RunningFunction<'_> {
        RunningFunction {
            function,
            line: Some(SourceLine {
                file: "a.c".into(),
                directory: "/src".into(),
                line,
                column: 0,
            }),
            is_inlined,
        }
    }

    #[test]
    fn a_frame_keeps_its_name_and_gets_lines() {
        let chain = [running("pour", 3, true), running("cook", 9, false)];
        let found = told("cook.constprop.0", &chain, None);
        assert!(!found.differs);
        assert_eq!(found.source.as_deref(), Some("a.c:9"));
        let [pour] = found.inlined.as_slice() else {
            unreachable!("one function is inlined");
        };
        assert_eq!(
            (pour.function.as_str(), pour.source.as_deref()),
            ("pour", Some("a.c:3"))
        );
        assert!(told("bake", &chain, None).differs);
        let assembly = told("entry", &[], Some("entry.S:1".to_owned()));
        assert_eq!(assembly.source.as_deref(), Some("entry.S:1"));
    }

    #[test]
    fn a_file_that_contradicts_is_a_gap() {
        let place = |function: &str| Place {
            module: None,
            lookup: 1,
            function: function.to_owned(),
            start: 0,
        };
        let other = Told {
            differs: true,
            ..Told::default()
        };
        assert_eq!(gaps(&BTreeMap::from([(place("f"), Told::default())])), []);
        let names: Vec<String> = (10..20).map(|n| format!("f{n}")).collect();
        let places = names.iter().map(|name| (place(name), other.clone()));
        let told = gaps(&places.collect());
        assert_eq!(
            told[0].what,
            "source lines in f10, f11, f12, f13, f14, f15, f16, f17 and 2 more"
        );
    }
}
