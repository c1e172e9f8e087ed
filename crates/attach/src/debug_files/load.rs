//! Opens the files that the events of a log need, and says which are missing.

use std::path::PathBuf;

use base::Gap;
use debuginfo::{DebugInfo, Store};

use super::candidate::Candidate;
use super::fit::{Fit, fit};
use super::names::{Role, usual_kernels};
use super::search::{Choice, Finder, Search};
use super::{DebugFiles, Loaded, supply};
use crate::{Error, escape};

/// What is being loaded.
pub(super) struct Loading<'a> {
    pub(super) search: Search<'a>,
    store: &'a Store,
    /// The files of the objects so far.
    opened: Vec<&'a Candidate>,
    /// What there are files for that do not fit: why it is missing is said with these.
    pub(super) refused: Vec<Role>,
    pub(super) loaded: Loaded<'a>,
}

impl<'a> Loading<'a> {
    pub(super) fn new(search: Search<'a>, store: &'a Store) -> Self {
        Loading {
            search,
            store,
            opened: Vec::new(),
            refused: Vec::new(),
            loaded: Loaded {
                debug: DebugInfo::new(),
                gaps: Vec::new(),
                errors: Vec::new(),
                found: Vec::new(),
            },
        }
    }

    /// Loads everything.
    pub(super) fn run(mut self) -> Loaded<'a> {
        self.open_named();
        let named = self.search.named.clone();
        let (companions, others): (Vec<_>, Vec<_>) =
            named.into_iter().partition(|file| file.is_companion());
        for file in others.iter().filter(|file| !file.is_types) {
            self.add(file);
        }
        if self.search.needed.kernel {
            self.add_kernel();
            self.add_modules();
            self.add_by_build();
        }
        for file in companions {
            self.add_alone(file);
        }
        // The types of a module count on from those of a kernel.
        for file in others.iter().filter(|file| file.is_types) {
            self.add(file);
        }
        self.tell_missing();
        self.tell_folders();
        self.loaded
    }

    fn files(&self) -> &'a DebugFiles {
        self.search.files
    }

    fn fail(&mut self, path: &std::path::Path, error: Error) {
        let what = format!("the debug information in '{}'", escape(path.as_os_str()));
        self.loaded.gaps.push(Gap::new(what, error.reason()));
        self.loaded.errors.push(error);
    }

    /// Opens the files that were named: all of them, and what does not fit is said.
    fn open_named(&mut self) {
        for path in &self.files().named {
            let file = match Candidate::open(&self.files().opener, path, &self.search.needed) {
                Ok(file) => file,
                Err(error) => {
                    self.fail(path, error);
                    continue;
                }
            };
            let fit = fit(&file.identity, file.role.as_ref(), &self.search.needed);
            if let Fit::Wrong(why) = fit {
                let what = format!("the debug information in '{}'", file.label);
                let supply = supply::fitting(&self.search.needed, file.role.as_ref());
                let gap = Gap::new(what, why).supply(supply);
                self.loaded.gaps.push(gap);
                self.refused.extend(file.role);
                continue;
            }
            self.search.named.push(self.files().kept.keep(file));
        }
    }

    /// Adds a file, with those that it names.
    pub(super) fn add(&mut self, file: &'a Candidate) {
        let object = match file.object(&self.search.needed, self.store) {
            Ok(object) => object,
            Err(error) => return self.fail(&file.path, error),
        };
        self.opened.push(file);
        if file.is_types {
            self.loaded.debug.add(object);
            return;
        }
        let finder = Finder {
            search: &self.search,
            of: file,
            gaps: Vec::new().into(),
            found: Vec::new().into(),
        };
        let (_, gaps) = self.loaded.debug.complete(object, self.store, &finder);
        self.loaded.gaps.append(&mut finder.gaps.into_inner());
        self.loaded.found.append(&mut finder.found.into_inner());
        self.loaded.gaps.extend(gaps);
    }

    /// Adds a companion that was named, where no file with its code took it.
    pub(super) fn add_alone(&mut self, file: &'a Candidate) {
        let is_same = |other: &&Candidate| other.is_build_of(file) == Some(true);
        if self.search.used.borrow().contains(&file.path) || self.opened.iter().any(is_same) {
            return;
        }
        self.add(file);
        if self.search.needed.by_dump {
            // The memory of a dump has the code.
            return;
        }
        let (what, supply) = match file.module() {
            Some(name) => (
                format!("the code of the module {name}"),
                format!("the module itself, {name}.ko (--debuginfo)"),
            ),
            None => (
                "the code of the kernel".to_owned(),
                "the vmlinux that holds its code too (--debuginfo)".to_owned(),
            ),
        };
        let why = format!("'{}' holds debug information alone", file.label);
        self.loaded.gaps.push(Gap::new(what, why).supply(supply));
    }

    /// Whether a file with the code of it is there.
    pub(super) fn has(&self, role: &Role) -> bool {
        self.opened
            .iter()
            .any(|file| file.role.as_ref() == Some(role))
    }

    /// Whether it is missing, and nothing has been said about it.
    fn lacks(&self, role: &Role) -> bool {
        !self.has(role) && !self.refused.contains(role)
    }

    /// Finds the kernel in the folders, where none was named.
    fn add_kernel(&mut self) {
        if self.has(&Role::Kernel) || self.files().folders.is_empty() {
            return;
        }
        let needed = &self.search.needed;
        let names = usual_kernels(needed.release());
        let usual = self
            .files()
            .folders
            .iter()
            .flat_map(|folder| names.iter().map(|name| folder.join(name)));
        let mut choice = self.search.choose(usual);
        let told = needed.release().is_some() || !needed.kernel_ids.is_empty();
        let least = if told { Fit::Release } else { Fit::Unknown };
        if choice.best.as_ref().is_none_or(|(fit, _)| *fit < least) {
            let by_id = needed
                .kernel_ids
                .iter()
                .flat_map(|id| self.search.links(id));
            let first = choice.best.take().map(|(_, file)| file.path);
            let all = first
                .into_iter()
                .chain(by_id)
                .chain(self.search.index().kernels.iter().cloned());
            let rejected = choice.rejected;
            choice = self.search.choose(all);
            choice.rejected.splice(..0, rejected);
        }
        self.take(choice, &Role::Kernel);
    }

    /// Finds the modules that the events name in the folders, where they were not named.
    fn add_modules(&mut self) {
        if self.files().folders.is_empty() {
            return;
        }
        for (name, ids) in self.search.needed.modules.clone() {
            let role = Role::Module(name.clone());
            if self.has(&role) {
                continue;
            }
            let by_id = ids.iter().flat_map(|id| self.search.links(id));
            let by_name = std::iter::once_with(|| self.search.index().modules.get(&name))
                .flatten()
                .flatten()
                .cloned();
            let choice = self.search.choose(by_id.chain(by_name));
            self.take(choice, &role);
        }
    }

    /// Adds what was chosen; where there was nothing to choose, what was wrong is said.
    fn take(&mut self, choice: Choice, role: &Role) {
        if let Some((_, file)) = choice.best {
            let file = self.files().kept.keep(file);
            return if file.is_companion() {
                self.add_alone(file);
            } else {
                self.add(file);
            };
        }
        let mut rejected = choice.rejected;
        rejected.dedup();
        let Some(first) = rejected.first() else {
            return;
        };
        let more = match rejected.len() {
            1 => String::new(),
            n => format!("; {} more cannot be used either", n - 1),
        };
        let what = match role {
            Role::Kernel => "the code and debug information of the kernel".to_owned(),
            Role::Module(name) => format!("the code and debug information of the module {name}"),
        };
        let supply = supply::fitting(&self.search.needed, Some(role));
        let gap = Gap::new(what, format!("{first}{more}")).supply(supply);
        self.loaded.gaps.push(gap);
        self.refused.push(role.clone());
    }

    /// Says what the log needs and no file is there for.
    fn tell_missing(&mut self) {
        let needed = &self.search.needed;
        // Who named nothing waits for nothing.
        if !needed.kernel || self.files().is_empty() {
            return;
        }
        let mut missing = Vec::new();
        let modules: Vec<&str> = needed
            .modules
            .keys()
            .filter(|name| self.lacks(&Role::Module((*name).clone())))
            .map(String::as_str)
            .collect();
        let release = needed.release().unwrap_or("that died");
        if self.lacks(&Role::Kernel) {
            missing.push((format!("the kernel {release}"), "vmlinux".to_owned()));
        }
        if let Some(first) = modules.first() {
            let of = if modules.len() == 1 {
                "the module"
            } else {
                "the modules"
            };
            missing.push((
                format!("{of} {}", modules.join(", ")),
                format!("{first}.ko"),
            ));
        }
        let why = self.why_missing();
        for (what, example) in missing {
            let gap = Gap::new(
                format!("the code and debug information of {what}"),
                why.clone(),
            )
            .supply(format!(
                "the files, such as {example}, or a folder with them (--debuginfo)"
            ));
            self.loaded.gaps.push(gap);
        }
        if let [first, others @ ..] = self.search.needed.releases.as_slice()
            && !others.is_empty()
        {
            let what = format!(
                "the code and debug information of kernel {}",
                others.join(", ")
            );
            let why = format!(
                "the logs are of several kernels, and only files of one, {first}, are used at once"
            );
            self.loaded
                .gaps
                .push(Gap::new(what, why).supply("each log by itself"));
        }
    }

    fn why_missing(&self) -> String {
        let folders = self.shown_folders();
        match self.search.known_index() {
            _ if folders.is_empty() => "no file that was named is of it".to_owned(),
            Some(index) => match &index.stopped {
                Some(stopped) => format!("it was not found in {folders}: {stopped}"),
                None => format!("it was not found in {folders}"),
            },
            None => format!("it was not found in {folders}"),
        }
    }

    fn shown_folders(&self) -> String {
        let shown = self
            .files()
            .folders
            .iter()
            .map(|folder| format!("'{}'", escape(folder.as_os_str())));
        shown.collect::<Vec<_>>().join(", ")
    }

    /// A folder that somebody named and that holds nothing of use is an error.
    fn tell_folders(&mut self) {
        let Some(index) = self.search.known_index() else {
            return;
        };
        let used = |folder: &PathBuf| {
            let opened = self.opened.iter().any(|file| file.path.starts_with(folder));
            opened
                || self
                    .search
                    .used
                    .borrow()
                    .iter()
                    .any(|path| path.starts_with(folder))
        };
        let useless = index.useless.iter().filter(|folder| !used(folder));
        let errors: Vec<Error> = useless
            .map(|folder| {
                let kernel = match self.search.needed.release() {
                    Some(release) => format!("vmlinux, vmlinux-{release}"),
                    None => "vmlinux, vmlinux-RELEASE".to_owned(),
                };
                let module = self.search.needed.modules.keys().next().map_or("NAME", String::as_str);
                super::bytes::told(
                    folder,
                    &format!(
                        "the folder holds none: looked for {kernel}, {module}.ko (also .ko.debug, and \
                         compressed), .build-id"
                    ),
                )
                .next("name the folder where a debug package was unpacked, or a build tree")
            })
            .collect();
        self.loaded.errors.extend(errors);
    }
}
