//! Folders, files and events for the tests of this folder.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base::{Frame, LogEvent, RegisterSet, Trace, Trust};

use super::{DebugFiles, Loaded, Usual};
use crate::Context;
pub(super) use crate::testing::{folder, put};

/// The build-id of the module among the objects that tests of debug information read.
pub(super) const ID: &str = "3d971ba228e9a92d89b3af69d92db5c69fd5e32d";

/// One of the small objects of the crate below.
pub(super) fn object(name: &str) -> Vec<u8> {
    let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../debuginfo/tests/objects");
    fs::read(objects.join(name)).unwrap()
}

/// A crash of x86_64 in the first of these modules, each with its build-id where one is printed.
pub(super) fn event(release: &str, modules: &[(&str, Option<&str>)]) -> LogEvent {
    let frame = |module: Option<&str>, id: Option<&str>| Frame {
        pc: None,
        function: Some("bond_open".to_owned()),
        offset: None,
        size: None,
        module: module.map(str::to_owned),
        build_id: id.map(str::to_owned),
        source: None,
        inline: false,
        stack: None,
        trust: Trust::PrintedByKernel,
        line: 1,
    };
    let mut event = LogEvent {
        crash: true,
        ..LogEvent::default()
    };
    event.machine.release = Some(release.to_owned());
    event.machine.arch = Some("x86_64".to_owned());
    event.registers.push(RegisterSet {
        whose: "kernel".to_owned(),
        pc: modules.first().map(|(name, id)| frame(Some(name), *id)),
        ..RegisterSet::default()
    });
    event.traces.push(Trace {
        frames: modules
            .iter()
            .map(|(name, id)| frame(Some(name), *id))
            .chain([frame(None, None)])
            .collect(),
        ..Trace::default()
    });
    event
}

/// What was loaded, in words that tests compare.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Label, module, and whether there is DWARF.
    pub(super) objects: Vec<(String, Option<String>, bool)>,
    pub(super) gaps: Vec<String>,
    pub(super) errors: Vec<String>,
    pub(super) found: Vec<String>,
}

/// Loads what `event` needs from `paths`, shown without their folder `root`.
pub(super) fn load(root: &Path, paths: &[&str], event: &LogEvent) -> Told {
    load_with(root, paths, Usual::none(), event)
}

/// The same, with what is looked for by itself.
pub(super) fn load_with(root: &Path, paths: &[&str], usual: Usual, event: &LogEvent) -> Told {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| root.join(path).into_os_string())
        .collect();
    let (files, mut errors) = DebugFiles::new(&paths, usual, Arc::new(Context::new()));
    let store = debuginfo::Store::new();
    let Loaded {
        debug,
        gaps,
        errors: more,
        found,
    } = files.load(std::slice::from_ref(event), &[], &store);
    errors.extend(more);
    let short = |text: &str| {
        text.replace(&format!("{}/", root.display()), "")
            .replace(&*root.to_string_lossy(), ".")
    };
    Told {
        objects: debug
            .objects()
            .map(|(_, object)| {
                let module = object.identity().module.clone();
                (short(object.label()), module, object.has_dwarf())
            })
            .collect(),
        gaps: gaps
            .iter()
            .map(|gap| short(&format!("{}: {}", gap.what, gap.why)))
            .collect(),
        errors: errors
            .iter()
            .map(|error| short(&format!("{error}; {}", error.advice())))
            .collect(),
        found: found.iter().map(|found| short(found)).collect(),
    }
}
