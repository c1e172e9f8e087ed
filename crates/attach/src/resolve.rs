//! From the arguments of the command line to targets.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::pstore::{RecordName, assemble};
use crate::stream::{FileSource, MemorySource, Peeked};
use crate::targets::{Content, OpenSpelled, open_stream, spelled};
use crate::{Context, Error, escape};

/// One thing to be inspected: found, and not opened yet.
pub struct Target {
    /// Its name as given, escaped for a terminal.
    pub name: String,
    /// Bytes of it on the disk, where that is known.
    pub size: Option<u64>,
    /// Nobody named it: it was found in a folder. That it is of a kind that is
    /// not read is no failure then.
    pub from_folder: bool,
    place: Place,
}

enum Place {
    Spelled(OsString, OpenSpelled),
    File(PathBuf),
    Pstore(Vec<(RecordName, PathBuf)>),
}

/// What the arguments named.
#[derive(Default)]
pub struct Resolved {
    /// In the order of the arguments; a folder's files by name.
    pub targets: Vec<Target>,
    /// What lay in folders and was left alone.
    pub skipped: Vec<Skipped>,
    /// Arguments that name nothing that can be read.
    pub errors: Vec<Error>,
}

/// Something in a folder that was left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The folder, escaped.
    pub folder: String,
    /// Its name in there, escaped.
    pub name: String,
    /// What it is (`a subfolder`, `hidden`).
    pub why: &'static str,
}

/// Turns arguments into targets. Nothing is opened, except folders to list them.
pub fn resolve(arguments: &[OsString]) -> Resolved {
    let mut resolved = Resolved::default();
    for argument in arguments {
        if let Some(open) = spelled(argument) {
            let twice = resolved
                .targets
                .iter()
                .any(|target| matches!(&target.place, Place::Spelled(name, _) if name == argument));
            if twice {
                let error = Error::new("read", argument, "it is named twice and can be read once");
                resolved.errors.push(error);
                continue;
            }
            resolved.targets.push(Target {
                name: escape(argument).into_owned(),
                size: None,
                from_folder: false,
                place: Place::Spelled(argument.clone(), open),
            });
            continue;
        }
        let path = Path::new(argument);
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => folder(path, &mut resolved),
            Ok(meta) => match refuse(path, &meta) {
                Some(error) => resolved.errors.push(error),
                None => resolved.targets.push(file(path.to_owned(), &meta, false)),
            },
            Err(error) => resolved.errors.push(missing(path, &error)),
        }
    }
    resolved.targets = gather_pstore(std::mem::take(&mut resolved.targets));
    resolved
}

impl Target {
    /// The file that it is, where it is one that somebody named.
    pub fn named_file(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) if !self.from_folder => Some(path),
            _ => None,
        }
    }

    /// Opens the target as what it is.
    pub fn open(&self, context: &Arc<Context>) -> Result<Content, Error> {
        match &self.place {
            Place::Spelled(argument, open) => open(argument, Arc::clone(context)),
            Place::File(path) => {
                let file = if self.from_folder {
                    open_regular(path)?
                } else {
                    File::open(path).map_err(|error| Error::io("open", path, &error))?
                };
                let source = FileSource::new(file, path, Arc::clone(context));
                open_stream(path, Peeked::new(Box::new(source))?)
            }
            Place::Pstore(records) => {
                let (log, gaps) = assemble(records, |path| read_record(path, context));
                let source = Peeked::new(Box::new(MemorySource::new(log, gaps)))?;
                let mut content = open_stream(Path::new(&self.name), source)?;
                if let Content::Log(log) = &mut content {
                    log.kind = "kernel log in pstore records".to_owned();
                }
                Ok(content)
            }
        }
    }
}

/// Opens bytes that are in memory, as a file that holds them would be opened.
pub fn open_bytes(name: &str, bytes: Vec<u8>) -> Result<Content, Error> {
    let source = MemorySource::new(bytes, Vec::new());
    open_stream(Path::new(name), Peeked::new(Box::new(source))?)
}

fn file(path: PathBuf, meta: &Metadata, from_folder: bool) -> Target {
    Target {
        name: escape(path.as_os_str()).into_owned(),
        size: meta.is_file().then_some(meta.len()),
        from_folder,
        place: Place::File(path),
    }
}

/// What may not be opened even when it is named.
fn refuse(path: &Path, meta: &Metadata) -> Option<Error> {
    if meta.file_type().is_block_device() {
        return Some(
            Error::new("read", path, "it is a disk, not a file").next("name a log that lies on it"),
        );
    }
    if meta.file_type().is_socket() {
        return Some(
            Error::new("read", path, "it is a socket, which a program listens on")
                .next("pipe its output in instead: … | why -"),
        );
    }
    None
}

/// Adds each file of a folder; what lies deeper is said and not entered.
fn folder(path: &Path, resolved: &mut Resolved) {
    let mut names: Vec<OsString> = Vec::new();
    let listed = fs::read_dir(path).and_then(|entries| {
        for entry in entries {
            names.push(entry?.file_name());
        }
        Ok(())
    });
    if let Err(error) = listed {
        resolved
            .errors
            .push(Error::io("list the folder", path, &error));
        return;
    }
    names.sort();
    let shown = escape(path.as_os_str()).into_owned();
    let (targets_before, skipped_before) = (resolved.targets.len(), resolved.skipped.len());
    for name in names {
        let inside = path.join(&name);
        let why = match fs::metadata(&inside) {
            _ if name.as_encoded_bytes().starts_with(b".") => "hidden",
            Err(error) if error.kind() == io::ErrorKind::NotFound => "a link to nothing",
            Err(_) => "unreadable",
            Ok(meta) if meta.is_dir() => "a subfolder",
            Ok(meta) if !meta.is_file() => special(&meta),
            Ok(meta) => {
                resolved.targets.push(file(inside, &meta, true));
                continue;
            }
        };
        resolved.skipped.push(Skipped {
            folder: shown.clone(),
            name: escape(&name).into_owned(),
            why,
        });
    }
    if resolved.targets.len() == targets_before {
        let inside = resolved.skipped.split_off(skipped_before);
        let subfolder = inside.iter().find(|skipped| skipped.why == "a subfolder");
        let error = Error::new(
            "read",
            path,
            match inside.len() {
                0 => "the folder is empty".to_owned(),
                n => format!("the folder holds no file, only {}", summary(&inside, n)),
            },
        );
        resolved.errors.push(match subfolder {
            Some(skipped) => error.next(format!(
                "subfolders are not entered unless named: why '{shown}/{}'",
                skipped.name
            )),
            None => error.next("name a folder with logs, or a log"),
        });
    }
}

/// What was left alone, in words: `2 a subfolder` would be no English.
fn summary(skipped: &[Skipped], n: usize) -> String {
    match skipped {
        [one] => format!("'{}' ({})", one.name, one.why),
        [first, ..] => format!("{n} entries such as '{}' ({})", first.name, first.why),
        [] => String::new(),
    }
}

fn special(meta: &Metadata) -> &'static str {
    let kind = meta.file_type();
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Opens what must be a file: nobody named it, and it may have become something
/// else since the folder was listed. Opening a pipe would wait for ever.
pub(crate) fn open_regular(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(|error| Error::io("open", path, &error))?;
    match file.metadata() {
        Ok(meta) if meta.is_file() => Ok(file),
        Ok(_) => Err(Error::new("read", path, "it is no longer a file")),
        Err(error) => Err(Error::io("read", path, &error)),
    }
}

/// Records of the kernel's crash store that lie in one folder are one log.
fn gather_pstore(targets: Vec<Target>) -> Vec<Target> {
    let mut gathered: Vec<Target> = Vec::new();
    let mut stores: BTreeMap<(PathBuf, String), usize> = BTreeMap::new();
    for mut target in targets {
        let record = match &target.place {
            Place::File(path) => path
                .file_name()
                .and_then(OsStr::to_str)
                .and_then(RecordName::parse),
            _ => None,
        };
        let (Some(record), Place::File(path)) = (record, &target.place) else {
            gathered.push(target);
            continue;
        };
        let path = path.clone();
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let store = stores
            .entry((folder, record.backend.clone()))
            .or_insert(gathered.len());
        match gathered.get_mut(*store) {
            Some(first) => {
                if let Place::Pstore(records) = &mut first.place {
                    records.push((record, path));
                }
                first.size = Some(first.size.unwrap_or(0) + target.size.unwrap_or(0));
            }
            None => {
                target.place = Place::Pstore(vec![(record, path)]);
                gathered.push(target);
            }
        }
    }
    for target in &mut gathered {
        if let Place::Pstore(records) = &target.place
            && let [(first, path), _, ..] = records.as_slice()
        {
            let pattern = format!("dmesg-{}-* ({} records)", first.backend, records.len());
            let folder = path.parent().map(Path::to_owned).unwrap_or_default();
            target.name = escape(folder.join(pattern).as_os_str()).into_owned();
        }
    }
    gathered
}

/// Bytes of one record in a file system of firmware variables.
const RECORD: u64 = 4 << 20;

fn read_record(path: &Path, context: &Context) -> Result<Vec<u8>, String> {
    let file = open_regular(path).map_err(|error| error.reason().to_owned())?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, RECORD), &mut bytes)
        .map_err(|error| error.to_string())?;
    context.add_bytes(bytes.len() as u64);
    Ok(bytes)
}

/// A name that does not exist, with one that does and is nearly the same.
fn missing(path: &Path, error: &io::Error) -> Error {
    let failure = Error::io("find", path, error);
    if error.kind() != io::ErrorKind::NotFound {
        return failure;
    }
    match similar(path) {
        Some(name) => failure.next(format!("did you mean '{}'?", escape(name.as_os_str()))),
        None => failure,
    }
}

pub(crate) fn similar(path: &Path) -> Option<PathBuf> {
    const ENTRIES: usize = 2000;
    let wanted = path.file_name()?.to_str()?;
    let parent = path.parent()?;
    let listed = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    fs::read_dir(listed)
        .ok()?
        .take(ENTRIES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| {
            let distance = if name
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.starts_with('.'))
            {
                0
            } else {
                distance(wanted, &name)
            };
            (distance <= 2 && distance * 3 < wanted.len()).then_some((distance, name))
        })
        .min()
        .map(|(_, name)| parent.join(name))
}

/// How many characters differ (Levenshtein), for names of files.
fn distance(a: &str, b: &str) -> usize {
    const LONGEST: usize = 64;
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX / 4;
    }
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(row.first_mut().unwrap_or(&mut 0), i + 1);
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let cost = (diagonal + usize::from(x != y))
                .min(left + 1)
                .min(*cell + 1);
            diagonal = std::mem::replace(cell, cost);
            left = cost;
        }
    }
    row.last().copied().unwrap_or(usize::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_the_same_is_near() {
        assert_eq!(distance("crash.log", "crash.log"), 0);
        assert_eq!(distance("crahs.log", "crash.log"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
