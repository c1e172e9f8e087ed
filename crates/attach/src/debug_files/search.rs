//! Which file of the named folders is the one, and where the files lie that other files name.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use base::Gap;
use debuginfo::{Files, Wanted};

use super::DebugFiles;
use super::candidate::Candidate;
use super::fit::{Fit, fit};
use super::needed::Needed;
use super::walk::Index;

/// Files that are opened in search of one.
const MOST_TRIED: usize = 64;

/// What a search among several files found.
#[derive(Default)]
pub(super) struct Choice {
    pub(super) best: Option<(Fit, Candidate)>,
    /// What was wrong with others.
    pub(super) rejected: Vec<String>,
}

/// Searches for one run of the program.
pub(super) struct Search<'a> {
    pub(super) files: &'a DebugFiles,
    pub(super) needed: Needed,
    /// Files that were named, and fit.
    pub(super) named: Vec<&'a Candidate>,
    /// Companions that a file with code has got.
    pub(super) used: RefCell<BTreeSet<PathBuf>>,
    index: OnceCell<Index>,
    /// What the folders of modules hold that nobody named.
    pub(super) installed: OnceCell<Index>,
}

impl<'a> Search<'a> {
    pub(super) fn new(files: &'a DebugFiles, needed: Needed) -> Self {
        Search {
            files,
            needed,
            named: Vec::new(),
            used: RefCell::default(),
            index: OnceCell::new(),
            installed: OnceCell::new(),
        }
    }

    /// What the folders hold; they are looked through when this is first asked for.
    pub(super) fn index(&self) -> &Index {
        self.index
            .get_or_init(|| Index::of(&self.files.folders, &self.needed))
    }

    /// The same, if they have been looked through.
    pub(super) fn known_index(&self) -> Option<&Index> {
        self.index.get()
    }

    /// The file that fits best; of equal ones the first.
    pub(super) fn choose(&self, paths: impl IntoIterator<Item = PathBuf>) -> Choice {
        let mut choice = Choice::default();
        let mut seen = BTreeSet::new();
        let rank = |fit: &Fit, file: &Candidate| (fit.clone(), file.has_code, file.has_dwarf);
        for path in paths {
            if !is_new(&path, &mut seen) {
                continue;
            }
            if seen.len() > MOST_TRIED {
                break;
            }
            let file = match Candidate::open(&self.files.opener, &path, &self.needed) {
                Ok(file) => file,
                Err(error) => {
                    choice.rejected.push(error.to_string());
                    continue;
                }
            };
            let fit = match fit(&file.identity, file.role.as_ref(), &self.needed) {
                Fit::Wrong(why) => {
                    choice
                        .rejected
                        .push(format!("'{}' does not fit: {why}", file.label));
                    continue;
                }
                fit => fit,
            };
            let done = fit >= Fit::Release && file.has_code && file.has_dwarf;
            let better = |(known, best): &(Fit, Candidate)| rank(&fit, &file) > rank(known, best);
            if choice.best.as_ref().is_none_or(better) {
                choice.best = Some((fit, file));
            }
            if done {
                break;
            }
        }
        choice
    }

    /// Links that are named by this build-id, in the usual places.
    pub(super) fn links<'s>(
        &'s self,
        build_id: &str,
    ) -> impl Iterator<Item = PathBuf> + use<'s, 'a> {
        let name = build_id
            .split_at_checked(2)
            .map(|(group, rest)| format!("{group}/{rest}"));
        let usual = self.files.folders.iter().flat_map(|folder| {
            [
                ".build-id",
                "usr/lib/debug/.build-id",
                "lib/debug/.build-id",
                "",
            ]
            .map(|root| folder.join(root))
        });
        // Only where the usual places have none is it worth to look through all.
        let others = std::iter::once_with(|| self.index().build_ids.iter().cloned()).flatten();
        usual.chain(others).flat_map(move |root| {
            let name = name.clone();
            name.into_iter()
                .flat_map(move |name| [root.join(format!("{name}.debug")), root.join(name)])
        })
    }

    /// Where a file may lie that the one at `of` calls `name`.
    fn beside<'s>(&'s self, of: &Path, name: &str) -> impl Iterator<Item = PathBuf> + use<'s, 'a> {
        let parent = of.parent().unwrap_or(Path::new("")).to_owned();
        let whole = PathBuf::from(name.trim_start_matches('/'));
        // A path that leads upwards is for the file's own neighbours alone.
        let leads_up = whole
            .components()
            .any(|part| !matches!(part, std::path::Component::Normal(_)));
        let own = Path::new(name).file_name().map(PathBuf::from);
        let installed = parent.strip_prefix("/").map(Path::to_owned).ok();
        let near = own
            .clone()
            .into_iter()
            .flat_map(move |own| [parent.join(&own), parent.join(".debug").join(own)]);
        let folders = self.files.folders.iter().flat_map(move |folder| {
            let mut paths = Vec::new();
            if !leads_up {
                paths.push(folder.join(&whole));
            }
            if let Some(own) = &own {
                paths.push(folder.join(own));
                paths.push(folder.join(".debug").join(own));
                if let Some(installed) = &installed {
                    paths.push(folder.join(installed).join(own));
                    paths.push(folder.join("usr/lib/debug").join(installed).join(own));
                }
            }
            paths
        });
        near.chain(folders)
    }
}

/// Whether there is a file at `path` that was not seen under another name.
fn is_new(path: &Path, seen: &mut BTreeSet<(u64, u64)>) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && seen.insert((meta.dev(), meta.ino())))
}

/// Finds what one file names.
pub(super) struct Finder<'s, 'a> {
    pub(super) search: &'s Search<'a>,
    pub(super) of: &'a Candidate,
    /// Files that were there and are not the ones.
    pub(super) gaps: RefCell<Vec<Gap>>,
    /// Which files were found that nobody named, in sentences.
    pub(super) found: RefCell<Vec<String>>,
}

impl<'a> Finder<'_, 'a> {
    /// The first of `paths` that `is` the one.
    pub(super) fn first(
        &self,
        paths: impl Iterator<Item = PathBuf>,
        is: &dyn Fn(&Candidate) -> Result<(), String>,
    ) -> Option<&'a Candidate> {
        let files = self.search.files;
        let mut seen = BTreeSet::new();
        is_new(&self.of.path, &mut seen);
        let mut rejected = Vec::new();
        for path in paths {
            if !is_new(&path, &mut seen) {
                continue;
            }
            if seen.len() > MOST_TRIED {
                break;
            }
            let found = Candidate::open(&files.opener, &path, &self.search.needed)
                .map_err(|error| error.to_string())
                .and_then(|file| is(&file).map(|()| file));
            match found {
                Ok(file) => {
                    self.search.used.borrow_mut().insert(path);
                    return Some(files.kept.keep(file));
                }
                Err(why) => rejected.push(why),
            }
        }
        if let Some(why) = rejected.into_iter().next() {
            let what = format!("the debug info of {}", self.of.label);
            self.gaps.borrow_mut().push(Gap::new(what, why));
        }
        None
    }

    fn debug_file(&self, name: Option<&str>) -> Option<&'a Candidate> {
        let is = |file: &Candidate| match file.is_build_of(self.of) {
            _ if !file.has_dwarf => Err(format!("'{}' has none either", file.label)),
            Some(false) => Err(format!("'{}' is of another build", file.label)),
            _ => Ok(()),
        };
        let named = self.search.named.iter().copied().find(|file| {
            let same = file
                .is_build_of(self.of)
                .unwrap_or(file.role.is_some() && file.role == self.of.role);
            same && file.has_dwarf && file.path != self.of.path
        });
        if let Some(file) = named {
            self.search.used.borrow_mut().insert(file.path.clone());
            return Some(file);
        }
        let by_id = self
            .of
            .identity
            .build_id
            .iter()
            .flat_map(|id| self.search.links(id));
        let by_name = name
            .into_iter()
            .flat_map(|name| self.search.beside(&self.of.path, name));
        let by_role = std::iter::once_with(|| {
            let index = self.search.index();
            match self.of.module() {
                Some(name) => index.modules.get(name).cloned().unwrap_or_default(),
                None => index.kernels.clone(),
            }
        });
        self.first(by_name.chain(by_id).chain(by_role.flatten()), &is)
            .or_else(|| {
                let build_id = self.of.identity.build_id.as_deref()?;
                self.usual(self.of.role.as_ref(), build_id)
            })
    }

    fn shared_file(&self, name: &str, build_id: &str) -> Option<&'a Candidate> {
        let is = |file: &Candidate| {
            if file.identity.build_id.as_deref() == Some(build_id) {
                return Ok(());
            }
            Err(format!(
                "'{}' is not of build {build_id}, which it names",
                file.label
            ))
        };
        let given = self.of.path.parent().map(|parent| parent.join(name));
        let links = self.search.links(build_id);
        let beside = self.search.beside(&self.of.path, name);
        self.first(given.into_iter().chain(beside).chain(links), &is)
            .or_else(|| self.usual(None, build_id))
    }
}

impl<'a> Files<'a> for Finder<'_, 'a> {
    fn find(&self, wanted: Wanted<'_>) -> Option<(String, &'a [u8])> {
        let file = match wanted {
            Wanted::DebugFile { name, .. } => self.debug_file(name),
            Wanted::SharedFile { name, build_id, .. } => self.shared_file(name, build_id),
        }?;
        Some((file.label.clone(), &file.bytes))
    }
}
