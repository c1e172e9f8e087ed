//! What a dump of a kernel tells: its log, and the code that ran as it lies in memory.

use std::collections::BTreeSet;

use attach::{CodeThatRan, Dump, escape};
use base::{DumpFacts, Gap, LogEvent, Partial, StackTrace, Target as _, WaitFacts};
use debuginfo::Store;
use os::linux::{Anchors, Kernel};

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

/// The log of a dump.
pub struct Told {
    /// The kernel log, as `dmesg` prints it.
    pub log: Vec<u8>,
    /// What is missing.
    pub gaps: Vec<Gap>,
}

/// What else a dump tells, once the events of its log are known.
pub struct Memory {
    /// The kernel and the modules that the events lead through, as they lie in memory.
    pub files: Vec<MemoryFile>,
    /// Which task crashed, and what the CPUs did.
    pub facts: DumpFacts,
    /// Who waits for what.
    pub waits: Waits,
    /// What ran, and where it lies.
    pub ran: (CodeThatRan, Anchors),
    /// What is missing.
    pub gaps: Vec<Gap>,
}

/// Who waits for what in a dump.
#[derive(Default)]
pub struct Waits {
    /// The facts; the threads of hangs have their stacks.
    pub facts: WaitFacts,
    /// The threads of hangs, by their numbers.
    pub involved: Vec<u32>,
    /// Where those took and want things: frames whose lines go to the sites of the facts.
    pub sites: Option<StackTrace>,
}

impl Waits {
    fn of(kernel: &Kernel<'_>) -> Waits {
        let mut facts = kernel.wait_facts();
        let involved = cause::hangs::involved(&facts);
        kernel.add_stacks(&mut facts, &involved);
        let sites = Some(kernel.site_frames(&mut facts, &involved));
        Waits {
            facts,
            involved,
            sites,
        }
    }

    /// The stacks that lines are added to.
    pub fn stacks(&mut self) -> impl Iterator<Item = &mut StackTrace> {
        let parties = self.facts.threads.iter_mut();
        let stacks = parties.filter_map(|party| party.stack.as_mut());
        stacks.chain(self.sites.as_mut())
    }

    /// Puts the lines of the sites where they belong. Of inlined functions it is the innermost that took it.
    pub fn settle(&mut self) {
        let frames = self
            .sites
            .take()
            .map_or_else(Vec::new, |sites| sites.frames);
        for (site, frame) in os::linux::sites_mut(&mut self.facts, &self.involved).zip(frames) {
            let inner = frame
                .inlined
                .first()
                .and_then(|inlined| inlined.source.clone());
            site.source = inner.or(frame.source);
        }
    }
}

/// Kinds of events that are about what CPUs did.
const OF_CPUS: &[&str] = &[
    "soft_lockup",
    "hard_lockup",
    "rcu_stall",
    "workqueue_lockup",
    "spinlock",
    "nmi",
];

/// The kernel of a dump; an error says why none was found.
pub fn open<'a>(dump: &'a Dump, store: &'a Store) -> Result<Partial<Kernel<'a>>, Gap> {
    Kernel::open(&dump.image, store)
}

/// What ran, for files to be compared with, and where it lies: the kernel, and the modules of these names.
pub fn that_ran(
    dump: &Dump,
    kernel: &Kernel<'_>,
    modules: &BTreeSet<&str>,
    has_stacks: bool,
) -> (CodeThatRan, Anchors) {
    let loaded = kernel.modules().value.iter();
    let wanted = loaded.filter(|module| modules.contains(module.name.as_str()));
    let ran = CodeThatRan {
        arch: arch::find_elf(dump.image.elf_machine(), 64),
        banner: kernel.banner().unwrap_or_default(),
        build_id: kernel.build_id(),
        modules: wanted
            .map(|module| (module.name.clone(), kernel.module_build_id(module)))
            .collect(),
        has_stacks,
    };
    (ran, kernel.anchors(modules))
}

/// Reads the kernel log.
pub fn log(kernel: &Partial<Kernel<'_>>) -> Told {
    let log = kernel.value.log_text();
    let mut gaps = kernel.gaps.clone();
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
    Told { log: text, gaps }
}

/// What memory tells of the events of its log.
pub fn memory(name: &str, dump: &Dump, kernel: &Kernel<'_>, events: &[LogEvent]) -> Memory {
    let (files, mut gaps) = files(name, kernel, events);
    let crashed = kernel.crashed(events);
    gaps.extend(crashed.gaps);
    if crashed.value.is_none() {
        gaps.push(Gap::new(
            "the task that crashed",
            "no CPU panicked, and the log sees no task die",
        ));
    }
    let mut facts = DumpFacts {
        input: 0,
        crashed: crashed.value,
        cpus: Vec::new(),
    };
    let is_of_cpus = |event: &LogEvent| {
        OF_CPUS.contains(&event.kind.as_str())
            || event.panic.iter().any(|message| message.contains("LOCKUP"))
    };
    if events.iter().any(is_of_cpus) {
        let states = kernel.cpu_states(facts.crashed.as_ref());
        gaps.extend(states.gaps);
        facts.cpus = states.value;
    }
    let waits = Waits::of(kernel);
    let mut modules = modules_of(events, &facts);
    let parties = waits.facts.threads.iter();
    let stacks = parties.filter_map(|party| party.stack.as_ref());
    let stacks: Vec<_> = stacks.chain(&waits.sites).collect();
    let frames = stacks.iter().flat_map(|stack| &stack.frames);
    modules.extend(frames.filter_map(|frame| frame.module.as_deref()));
    let own = crashed_stack(&facts).chain(cpu_stacks(&facts));
    let has_stacks = own
        .chain(stacks.iter().copied())
        .any(|stack| !stack.frames.is_empty());
    let ran = that_ran(dump, kernel, &modules, has_stacks);
    Memory {
        files,
        facts,
        waits,
        ran,
        gaps,
    }
}

/// The modules that events and stacks lead through.
fn modules_of<'f>(events: &'f [LogEvent], facts: &'f DumpFacts) -> BTreeSet<&'f str> {
    let sets = events.iter().flat_map(|event| &event.registers);
    let counters = sets.filter_map(|set| set.pc.as_ref());
    let traces = events.iter().flat_map(|event| &event.traces);
    let printed = counters.chain(traces.flat_map(|trace| &trace.frames));
    let printed = printed.filter_map(|frame| frame.module.as_deref());
    let stacks = crashed_stack(facts).chain(cpu_stacks(facts));
    let frames = stacks.flat_map(|stack| &stack.frames);
    let read = frames.filter_map(|frame| frame.module.as_deref());
    printed.chain(read).collect()
}

fn crashed_stack(facts: &DumpFacts) -> impl Iterator<Item = &StackTrace> {
    let crashed = facts.crashed.iter();
    crashed.filter_map(|crashed| crashed.stack.as_ref())
}

fn cpu_stacks(facts: &DumpFacts) -> impl Iterator<Item = &StackTrace> {
    facts.cpus.iter().filter_map(|cpu| cpu.stack.as_ref())
}

/// The kernel and the modules that the events lead through, as they lie in memory.
fn files(name: &str, kernel: &Kernel<'_>, events: &[LogEvent]) -> (Vec<MemoryFile>, Vec<Gap>) {
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
