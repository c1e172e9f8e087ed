//! What a dump of a kernel tells: its log, and the code that ran as it lies in memory.

use attach::{Dump, escape};
use base::{Gap, LogEvent};
use debuginfo::Store;
use os::linux::Kernel;

/// A kernel or a module as it lies in the memory of a dump, in the form of a file.
pub struct MemoryFile {
    /// What it is, for people.
    pub label: String,
    /// The module; none for the kernel itself.
    pub module: Option<String>,
    /// The file.
    pub bytes: Vec<u8>,
    /// What it lacks, which is of interest where it is used.
    pub lacks: Option<Gap>,
}

/// The log of a dump, and a way to the rest.
pub struct Told {
    /// The kernel log, as `dmesg` prints it.
    pub log: Vec<u8>,
    /// What is missing.
    pub gaps: Vec<Gap>,
}

/// Reads the kernel log; an error says why no kernel was found.
pub fn log(dump: &Dump) -> Result<Told, Gap> {
    let store = Store::new();
    let kernel = Kernel::open(&dump.image, &store)?;
    let log = kernel.value.log_text();
    let mut gaps = kernel.gaps;
    gaps.extend(log.gaps);
    let mut text = Vec::new();
    // A dump tells what it is a dump of; its log may have forgotten.
    if let Ok(banner) = kernel.value.banner()
        && !log.value.contains(&banner)
    {
        text.extend_from_slice(banner.as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(log.value.as_bytes());
    Ok(Told { log: text, gaps })
}

/// The kernel and the modules that the events lead through, as they lie in memory.
pub fn files(name: &str, dump: &Dump, events: &[LogEvent]) -> (Vec<MemoryFile>, Vec<Gap>) {
    let (mut files, mut gaps) = (Vec::new(), Vec::new());
    let has_pointer =
        |event: &&LogEvent| matches!(event.kind.as_str(), "oops" | "general_protection");
    let mut wanted: Vec<&str> = Vec::new();
    for event in events.iter().filter(has_pointer) {
        let counters = event.registers.iter().filter_map(|set| set.pc.as_ref());
        let frames = event.traces.iter().flat_map(|trace| &trace.frames);
        for module in counters
            .chain(frames)
            .filter_map(|frame| frame.module.as_deref())
        {
            if !wanted.contains(&module) {
                wanted.push(module);
            }
        }
    }
    if !events.iter().any(|event| has_pointer(&event)) {
        return (files, gaps);
    }
    let store = Store::new();
    let kernel = match Kernel::open(&dump.image, &store) {
        Ok(kernel) => kernel.value,
        Err(gap) => return (files, vec![gap]),
    };
    match kernel.file() {
        Ok(bytes) => files.push(MemoryFile {
            label: format!("the kernel in {name}"),
            module: None,
            bytes,
            lacks: None,
        }),
        Err(gap) => gaps.push(gap),
    }
    for wanted in wanted {
        let modules = &kernel.modules().value;
        let Some(module) = modules.iter().find(|module| module.name == wanted) else {
            let what = format!("the code of the module {}", escape(wanted.as_ref()));
            gaps.push(Gap::new(
                what,
                "the dump's list of modules does not have it",
            ));
            continue;
        };
        let (types, lacks) = match kernel.module_types(wanted) {
            Ok(Some(types)) => (Some(types), None),
            Ok(None) => (None, Some(without_types(wanted))),
            Err(gap) => (None, Some(gap)),
        };
        match kernel.module_file(module, types.as_deref()) {
            Ok(bytes) => files.push(MemoryFile {
                label: format!("{} in {name}", escape(wanted.as_ref())),
                module: Some(module.name.clone()),
                bytes,
                lacks,
            }),
            Err(gap) => gaps.push(gap),
        }
    }
    (files, gaps)
}

/// A module that was built without types: its structures and members have no names.
fn without_types(module: &str) -> Gap {
    Gap::new(
        format!("the types of the module {}", escape(module.as_ref())),
        "it carries no types (BTF); its file with debug information, given with --debuginfo, has them",
    )
}
