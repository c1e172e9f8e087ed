//! Files that nobody named, found by their build-id: in the usual places, then at debuginfod servers.
//!
//! Only what the events and stacks lead through is looked for, and only what tells its build-id: a file that
//! merely looks right is none.

use std::path::{Path, PathBuf};

use base::Gap;

use super::candidate::Candidate;
use super::debuginfod::{Found, Kind, Missing};
use super::fit::Fit;
use super::installed;
use super::load::Loading;
use super::names::Role;
use super::search::{Choice, Finder, Search};
use super::supply;
use super::walk::Index;
use crate::escape;

impl<'a> Search<'a> {
    /// Where links to the files of a build lie on this machine.
    fn installed_links(&self, build_id: &str) -> Vec<PathBuf> {
        let root = self.files.usual.root();
        root.map_or_else(Vec::new, |root| installed::links(root, build_id))
    }

    /// Where files of the build may be installed.
    fn installed_paths(&self, role: Option<&Role>, build_id: &str) -> Vec<PathBuf> {
        let Some(root) = self.files.usual.root() else {
            return Vec::new();
        };
        let mut paths = self.installed_links(build_id);
        let release = self.needed.release();
        match role {
            Some(Role::Kernel) => paths.extend(installed::kernels(root, release)),
            Some(Role::Module(name)) => {
                let index = self
                    .installed
                    .get_or_init(|| Index::of(&installed::modules(root, release), &self.needed));
                let by_name = index.modules.get(name);
                paths.extend(by_name.into_iter().flatten().cloned());
            }
            None => {}
        }
        paths
    }

    /// What of the build is installed.
    fn installed(&self, role: &Role, build_id: &str) -> Choice {
        let mut choice = self.choose(self.installed_paths(Some(role), build_id));
        if let Some((fit, file)) = choice.best.take_if(|(fit, _)| *fit != Fit::Exact) {
            // What may be it is not enough where nobody says that it is.
            debug_assert!(fit < Fit::Exact);
            let why = format!(
                "'{}' does not tell that it is of build {build_id}",
                file.label
            );
            choice.rejected.push(why);
        }
        choice
    }

    /// Asks the servers; none where there are none.
    fn fetch(
        &self,
        build_id: &str,
        kind: Kind,
        role: Option<&Role>,
    ) -> Option<Result<Found<Candidate>, Missing>> {
        let servers = self.files.usual.servers()?;
        let open = |path: &Path| {
            let file = Candidate::open(&self.files.opener, path, &self.needed)
                .map_err(|error| error.reason().to_owned())?;
            match &file.identity.build_id {
                Some(own) if own.eq_ignore_ascii_case(build_id) => {}
                Some(own) => {
                    return Err(format!(
                        "it has build-id {own}, and {build_id} was asked for"
                    ));
                }
                None => return Err(format!("it has no build-id, and {build_id} was asked for")),
            }
            match kind {
                Kind::Debuginfo if !file.has_dwarf => Err("it has no debug information".to_owned()),
                Kind::Executable if !file.has_code => Err("it has no code".to_owned()),
                _ => Ok(file),
            }
        };
        let mut found = servers.fetch(build_id, kind, &open);
        if let Ok(found) = &mut found {
            // It was opened before it got its name.
            found.file.path.clone_from(&found.path);
            found.file.label = escape(found.path.as_os_str()).into_owned();
            if found.file.role.is_none() {
                found.file.role = role.cloned();
            }
        }
        Some(found)
    }
}

impl Loading<'_> {
    /// Finds the kernel and the modules that are still missing and whose builds are told.
    pub(super) fn add_by_build(&mut self) {
        let needed = &self.search.needed;
        if !needed.places || self.search.files.usual.is_none() {
            return;
        }
        self.loaded
            .gaps
            .extend(self.search.files.usual.gaps().iter().cloned());
        let modules = needed.modules.keys().cloned().map(Role::Module);
        let roles: Vec<Role> = std::iter::once(Role::Kernel).chain(modules).collect();
        for role in roles {
            if self.has(&role) {
                continue;
            }
            // Of several builds nobody tells which one is meant.
            let mut ids = self.search.needed.ids(&role).into_iter().flatten();
            if let (Some(id), None) = (ids.next().cloned(), ids.next()) {
                self.add_build(&role, &id);
            }
        }
    }

    fn add_build(&mut self, role: &Role, build_id: &str) {
        let Choice { best, rejected } = self.search.installed(role, build_id);
        let mut whole = best.map(|(_, file)| {
            self.tell_found(role, &file, "among the installed files");
            file
        });
        let mut missing = None;
        if whole.is_none() {
            match self.search.fetch(build_id, Kind::Debuginfo, Some(role)) {
                Some(Ok(found)) => {
                    self.tell_found(role, &found.file, &format!("from {}", found.from));
                    whole = Some(found.file);
                }
                Some(Err(why)) => missing = Some(why),
                None => {}
            }
        }
        let lacks_code = match &whole {
            Some(file) => !file.has_code,
            // Without debug information the code of a log is of use, that of a dump is in its memory.
            None => !self.search.needed.by_dump,
        };
        if lacks_code {
            match self.search.fetch(build_id, Kind::Executable, Some(role)) {
                Some(Ok(found)) => {
                    self.tell_found(role, &found.file, &format!("from {}", found.from));
                    let code = self.search.files.kept.keep(found.file);
                    if let Some(companion) = whole {
                        let companion = self.search.files.kept.keep(companion);
                        self.search.named.push(companion);
                    }
                    return self.add(code);
                }
                Some(Err(why)) => missing = missing.or(Some(why)),
                None => {}
            }
        }
        if let Some(file) = whole {
            let file = self.search.files.kept.keep(file);
            return match file.is_companion() {
                true => self.add_alone(file),
                false => self.add(file),
            };
        }
        self.tell_none(role, rejected, missing);
    }

    /// Says which file was found that nobody named.
    fn tell_found(&mut self, role: &Role, file: &Candidate, from: &str) {
        let what = match (file.has_code, file.has_dwarf) {
            (true, false) => "the code",
            (false, true) => "the debug information",
            _ => "the code and debug information",
        };
        self.loaded.found.push(sentence(
            &format!("{what} of {}", self.search.words(role)),
            &file.label,
            from,
        ));
    }

    /// Says that no file was found, if anything can be said of where it was looked for.
    fn tell_none(&mut self, role: &Role, rejected: Vec<String>, missing: Option<Missing>) {
        let needed = &self.search.needed;
        let asked = missing.is_some();
        let mut whys: Vec<String> = rejected.into_iter().take(1).collect();
        whys.extend(missing.map(|missing| missing.words()));
        if whys.is_empty() {
            return;
        }
        let what = format!(
            "the code and debug information of {}",
            self.search.words(role)
        );
        let supply = match asked {
            true => supply::elsewhere(needed, role),
            false => supply::fitting(needed, Some(role)),
        };
        let gap = Gap::new(what, whys.join("; ")).supply(supply);
        self.loaded.gaps.push(gap);
        self.refused.push(role.clone());
    }
}

impl Search<'_> {
    /// What it is, for sentences.
    fn words(&self, role: &Role) -> String {
        match (role, self.needed.release()) {
            (Role::Kernel, Some(release)) => format!("the kernel {}", escape(release.as_ref())),
            (Role::Kernel, None) => "the kernel".to_owned(),
            (Role::Module(name), _) => format!("the module {}", escape(name.as_ref())),
        }
    }
}

impl<'a> Finder<'_, 'a> {
    /// A companion of the build `build_id`, which the file at hand names: nobody named it, so it must tell its build.
    /// One with a role is where its like are; one that several share is found by links alone.
    pub(super) fn usual(&self, role: Option<&Role>, build_id: &str) -> Option<&'a Candidate> {
        let search = self.search;
        if !search.needed.places {
            return None;
        }
        let is = |file: &Candidate| match file.identity.build_id.as_deref() {
            Some(own) if own == build_id && file.has_dwarf => Ok(()),
            Some(own) if own == build_id => {
                Err(format!("'{}' has no debug information", file.label))
            }
            _ => Err(format!("'{}' is of another build", file.label)),
        };
        let what = format!("the debug information of {}", self.of.label);
        let paths = search.installed_paths(role, build_id);
        if let Some(file) = self.first(paths.into_iter(), &is) {
            let told = sentence(&what, &file.label, "among the installed files");
            self.found.borrow_mut().push(told);
            return Some(file);
        }
        match search.fetch(build_id, Kind::Debuginfo, None)? {
            Ok(found) => {
                let told = sentence(&what, &found.file.label, &format!("from {}", found.from));
                self.found.borrow_mut().push(told);
                Some(search.files.kept.keep(found.file))
            }
            Err(missing) => {
                self.gaps.borrow_mut().push(Gap::new(what, missing.words()));
                None
            }
        }
    }
}

fn sentence(what: &str, label: &str, from: &str) -> String {
    format!("{what}: '{label}', found {from} by its build-id.")
}
