//! A file that was opened, and what it says it is.

use std::path::{Path, PathBuf};

use debuginfo::{Identity, Object, Store};

use super::bytes::{Bytes, Opener, is_btf, stands_alone, told};
use super::names::{Role, plain, role};
use super::needed::Needed;
use crate::{Error, escape};

/// A file that may be of use.
#[derive(Default)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    /// Its name as it may be shown.
    pub(super) label: String,
    pub(super) bytes: Bytes,
    /// What it says it is; of BTF alone nothing.
    pub(super) identity: Identity,
    /// What it is, by what it says, else by its name.
    pub(super) role: Option<Role>,
    /// Whether it holds instructions: the companions that debug packages have do not.
    pub(super) has_code: bool,
    pub(super) has_dwarf: bool,
    /// Whether it is BTF and nothing else.
    pub(super) is_types: bool,
}

impl Candidate {
    /// Opens a file, as far as it takes to know what it is.
    pub(super) fn open(opener: &Opener, path: &Path, needed: &Needed) -> Result<Candidate, Error> {
        let bytes = opener.open(path)?;
        let mut candidate = Candidate {
            path: path.to_owned(),
            label: escape(path.as_os_str()).into_owned(),
            role: path.file_name().and_then(role),
            is_types: is_btf(&bytes),
            ..Candidate::default()
        };
        if candidate.is_types {
            // The kernel shows its own types as `vmlinux`, those of a module under the module's name. Whatever the
            // file is called, those of a module count on from others.
            let name = path.file_stem().and_then(|name| name.to_str());
            candidate.role = match stands_alone(&bytes) {
                true => Some(Role::Kernel),
                false => name.map(|name| Role::Module(plain(name))),
            };
            candidate.bytes = bytes;
            return Ok(candidate);
        }
        let store = Store::new();
        let object = Object::open(&candidate.label, &bytes, &store)
            .map_err(|error| told(path, error.what()).next("copy it again, whole"))?;
        if let Some(section) = object.sections().iter().find(|section| section.is_cut()) {
            let why = format!(
                "it is cut: it ends before its section {} does",
                section.name
            );
            return Err(told(path, &why).next("copy it again, whole"));
        }
        candidate.has_code = object.has_code();
        candidate.has_dwarf = object.has_dwarf();
        candidate.identity = object.identity().clone();
        drop(object);
        candidate.bytes = bytes;
        if let Some(told) = candidate.told_role(needed) {
            candidate.role = Some(told);
        }
        Ok(candidate)
    }

    /// What it says it is, or what the build-ids in the log say that it is.
    fn told_role(&self, needed: &Needed) -> Option<Role> {
        if let Some(module) = &self.identity.module {
            return Some(Role::Module(plain(module)));
        }
        if self.identity.banner.is_some() {
            return Some(Role::Kernel);
        }
        let id = self.identity.build_id.as_ref()?;
        let of_module = needed.modules.iter().find(|(_, ids)| ids.contains(id));
        of_module
            .map(|(name, _)| Role::Module(name.clone()))
            .or_else(|| needed.kernel_ids.contains(id).then_some(Role::Kernel))
    }

    /// Whether it holds debug information and no code: of use beside the file with the code.
    pub(super) fn is_companion(&self) -> bool {
        self.has_dwarf && !self.has_code
    }

    /// Whether it is of the same build as `other`; none where one of both does not tell.
    pub(super) fn is_build_of(&self, other: &Candidate) -> Option<bool> {
        let (own, other) = (&self.identity.build_id, &other.identity.build_id);
        Some(own.as_ref()? == other.as_ref()?)
    }

    /// The name of the module that it is.
    pub(super) fn module(&self) -> Option<&str> {
        match &self.role {
            Some(Role::Module(name)) => Some(name),
            _ => None,
        }
    }

    /// The object that it is.
    pub(super) fn object<'a>(
        &'a self,
        needed: &Needed,
        store: &'a Store,
    ) -> Result<Object<'a>, Error> {
        let wrong = |error: debuginfo::Error| told(&self.path, error.what());
        if self.is_types {
            let Some(arch) = needed.arch else {
                let why = "it holds types alone, and the log does not tell of which architecture they are";
                return Err(told(&self.path, why).next("name the kernel's vmlinux instead"));
            };
            return Object::of_types(&self.label, &self.bytes, arch, self.module(), store)
                .map_err(wrong);
        }
        let object = Object::open(&self.label, &self.bytes, store).map_err(wrong)?;
        Ok(match self.module() {
            Some(name) if self.identity.module.is_none() => object.of_module(name),
            _ => object,
        })
    }
}
