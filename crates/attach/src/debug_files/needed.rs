//! Which files the events of logs need: their kernel, and the modules that they name.

use std::collections::{BTreeMap, BTreeSet};

use arch::Arch;
use base::{Frame, LogEvent};

use super::names::{Role, plain};

/// Modules that are looked for; the deepest stacks name fewer.
const MOST_MODULES: usize = 64;

/// Kernels that are told apart.
const MOST_RELEASES: usize = 16;

/// Digits of a build-id that is a SHA-1, as kernels print it.
const BUILD_ID: usize = 40;

/// What the events say about the code that ran.
#[derive(Clone, Debug, Default)]
pub(super) struct Needed {
    /// Whether any event names a place in the kernel at all.
    pub(super) kernel: bool,
    /// The releases of kernels, that of the first crash first.
    pub(super) releases: Vec<String>,
    /// The build-ids that kernels printed of themselves.
    pub(super) kernel_ids: BTreeSet<String>,
    /// Names of modules in their plain form, and the build-ids printed with them.
    pub(super) modules: BTreeMap<String, BTreeSet<String>>,
    /// Whether a place is of interest enough to look for files that nobody named.
    pub(super) places: bool,
    /// The architecture.
    pub(super) arch: Option<&'static Arch>,
    /// Whether a dump tells, which is surer than its log.
    pub(super) by_dump: bool,
    /// What tells it for people to whom the kernel belongs: the kernel's banner or version.
    pub(super) version: String,
}

/// What ran in a dump, as its memory tells it.
#[derive(Clone, Debug, Default)]
pub struct CodeThatRan {
    /// The architecture.
    pub arch: Option<&'static Arch>,
    /// The kernel's text about itself (`Linux version 6.1.0 …`).
    pub banner: String,
    /// The kernel's build-id, in hexadecimal digits.
    pub build_id: Option<String>,
    /// The modules that are of interest, and their build-ids.
    pub modules: Vec<(String, Option<String>)>,
    /// Whether stacks lead through it that are to have lines.
    pub has_stacks: bool,
}

impl Needed {
    /// What these events need. Crashes come first: the room for modules is bounded.
    pub(super) fn of(events: &[LogEvent]) -> Needed {
        let mut needed = Needed::default();
        let crashes = events.iter().filter(|event| event.crash);
        for event in crashes.chain(events.iter().filter(|event| !event.crash)) {
            needed.add(event);
        }
        needed
    }

    /// Adds what the memory of a dump tells, which comes before all that logs print.
    pub(super) fn add_dump(&mut self, ran: &CodeThatRan) {
        self.kernel = true;
        self.by_dump = true;
        self.places |= ran.has_stacks;
        self.version.clone_from(&ran.banner);
        self.arch = ran.arch.or(self.arch);
        if let Some(release) = ran.banner.split(' ').nth(2) {
            self.releases.retain(|known| known != release);
            self.releases.insert(0, release.to_owned());
        }
        let ids = ran.build_id.iter().filter(|id| is_build_id(id));
        self.kernel_ids.extend(ids.cloned());
        for (name, id) in &ran.modules {
            let name = plain(name);
            if self.modules.len() >= MOST_MODULES && !self.modules.contains_key(&name) {
                continue;
            }
            let ids = self.modules.entry(name).or_default();
            ids.extend(id.iter().filter(|id| is_build_id(id)).cloned());
        }
    }

    /// What tells which build it was, for sentences.
    pub(super) fn teller(&self) -> &'static str {
        if self.by_dump { "dump" } else { "log" }
    }

    fn add(&mut self, event: &LogEvent) {
        let machine = &event.machine;
        if self.version.is_empty()
            && let Some(version) = &machine.version
        {
            self.version.clone_from(version);
        }
        if let Some(release) = &machine.release
            && self.releases.len() < MOST_RELEASES
            && !self.releases.contains(release)
        {
            self.releases.push(release.clone());
        }
        // Under CONFIG_STACKTRACE_BUILD_ID it stands behind the version.
        let last = machine
            .version
            .as_deref()
            .and_then(|v| v.split_whitespace().last());
        if let Some(id) = last.filter(|id| is_build_id(id)) {
            self.kernel_ids.insert(id.to_ascii_lowercase());
        }
        if self.arch.is_none() {
            let name = machine.arch.as_deref();
            self.arch = name.and_then(arch::find).map(|(arch, _)| arch);
        }
        let registers = event.registers.iter().filter(|set| set.whose != "user");
        let places = registers.flat_map(|set| set.pc.iter().chain(&set.link));
        let frames = event.traces.iter().flat_map(|trace| &trace.frames);
        for frame in places.chain(frames) {
            self.add_frame(frame);
        }
    }

    fn add_frame(&mut self, frame: &Frame) {
        if frame.function.is_none() && frame.module.is_none() {
            return;
        }
        self.kernel = true;
        self.places = true;
        let Some(module) = &frame.module else {
            return;
        };
        let module = plain(module);
        if self.modules.len() >= MOST_MODULES && !self.modules.contains_key(&module) {
            return;
        }
        let ids = self.modules.entry(module).or_default();
        if let Some(id) = frame.build_id.as_ref().filter(|id| is_build_id(id)) {
            ids.insert(id.to_ascii_lowercase());
        }
    }

    /// The build-ids that are told of it.
    pub(super) fn ids(&self, role: &Role) -> Option<&BTreeSet<String>> {
        match role {
            Role::Kernel => Some(&self.kernel_ids),
            Role::Module(name) => self.modules.get(&plain(name)),
        }
    }

    /// The first of them.
    pub(super) fn id(&self, role: &Role) -> Option<&String> {
        self.ids(role)?.first()
    }

    /// The release of the first crash.
    pub(super) fn release(&self) -> Option<&str> {
        self.releases.first().map(String::as_str)
    }
}

fn is_build_id(word: &str) -> bool {
    word.len() == BUILD_ID && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ID, event};
    use super::*;

    #[test]
    fn events_name_their_kernel_and_modules() {
        let mut first = event("6.1.0-other", &[("beside", None)]);
        first.crash = false;
        let mut crash = event("6.1.0-test", &[("snd-pcm", Some(ID)), ("snd_pcm", None)]);
        crash.machine.version = Some(format!("#1 SMP {ID}"));
        let needed = Needed::of(&[first, crash]);
        assert!(needed.kernel);
        assert_eq!(needed.releases, ["6.1.0-test", "6.1.0-other"]);
        assert_eq!(needed.kernel_ids, BTreeSet::from([ID.to_owned()]));
        assert_eq!(
            needed.modules.keys().collect::<Vec<_>>(),
            ["beside", "snd_pcm"]
        );
        assert_eq!(needed.modules["snd_pcm"], BTreeSet::from([ID.to_owned()]));
        assert_eq!(needed.arch.map(|arch| arch.name), Some("x86_64"));
    }

    #[test]
    fn a_log_without_places_needs_nothing() {
        assert!(!Needed::of(&[LogEvent::default()]).kernel);
    }

    #[test]
    fn modules_are_bounded() {
        let names: Vec<String> = (0..1000).map(|n| format!("m{n}")).collect();
        let modules: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
        let needed = Needed::of(&[event("6.1.0", &modules)]);
        assert_eq!(needed.modules.len(), MOST_MODULES);
    }
}
