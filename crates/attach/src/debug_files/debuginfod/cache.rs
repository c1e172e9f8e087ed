//! The files that were fetched, in the folders and by the names that elfutils gives them, so that each finds what
//! the other has fetched: `BUILDID/debuginfo`, `BUILDID/executable`. An empty file says that no server had it.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Kind;

/// Seconds that a file is remembered not to be there, where `cache_miss_s` does not say.
const MISS: u64 = 600;

/// Bytes of the file that says so.
const NUMBER: u64 = 32;

/// Seconds after which a part that nobody writes to is one of a run that was ended.
const LEFT: u64 = 86_400;

/// Names for a file that is being fetched: others may fetch it at the same time.
const NAMES: u32 = 100;

/// The folder of all of them.
pub(super) struct Cache(pub(super) PathBuf);

/// What there is of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It is there.
    File(PathBuf),
    /// No server had it, a short while ago.
    Missed(PathBuf),
    /// Nobody has asked, or long ago.
    Nothing,
}

impl Cache {
    fn path(&self, id: &str, kind: Kind) -> PathBuf {
        self.0.join(id).join(kind.word())
    }

    /// Looks for a file.
    pub(super) fn look(&self, id: &str, kind: Kind) -> Held {
        let path = self.path(id, kind);
        let Ok(meta) = fs::metadata(&path) else {
            return Held::Nothing;
        };
        if !meta.is_file() {
            // That it is none is told by whoever opens it.
            return Held::File(path);
        }
        if meta.len() > 0 {
            touch(&path);
            return Held::File(path);
        }
        // One of the future is not old.
        let then = meta.modified();
        let age = then.and_then(|then| then.elapsed().map_err(io::Error::other));
        match age {
            Ok(age) if age > self.miss() => Held::Nothing,
            _ => Held::Missed(path),
        }
    }

    /// How long a file is remembered not to be there.
    fn miss(&self) -> Duration {
        let mut text = String::new();
        let read = File::open(self.0.join("cache_miss_s"))
            .and_then(|file| file.take(NUMBER).read_to_string(&mut text));
        let told = read.ok().and_then(|_| text.trim().parse().ok());
        Duration::from_secs(told.unwrap_or(MISS))
    }

    /// Remembers that no server has a file. Where that fails, it is asked for again.
    pub(super) fn remember_miss(&self, id: &str, kind: Kind) {
        let path = self.path(id, kind);
        let empty = fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() == 0);
        if empty {
            // The time of an old one counts from now on.
            let _ = fs::remove_file(&path);
        }
        let _ = fs::create_dir_all(self.0.join(id));
        let _ = create(&path);
    }

    /// Begins a file.
    pub(super) fn begin(&self, id: &str, kind: Kind) -> io::Result<Part> {
        fs::create_dir_all(self.0.join(id))?;
        let whole = self.path(id, kind);
        self.remove_left(id, kind);
        for n in 0..NAMES {
            let name = format!("{}.{}-{n}", kind.word(), std::process::id());
            let path = whole.with_file_name(name);
            match create(&path) {
                Ok(file) => return Ok(Part { file, path, whole }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Cache {
    /// Removes the parts of a file that were left when a run was interrupted.
    fn remove_left(&self, id: &str, kind: Kind) {
        let start = format!("{}.", kind.word());
        let entries = fs::read_dir(self.0.join(id)).into_iter().flatten();
        for entry in entries.flatten().take(NAMES as usize) {
            let is_part = entry.file_name().to_string_lossy().starts_with(&start);
            let then = entry.metadata().and_then(|meta| meta.modified());
            let age = then.and_then(|then| then.elapsed().map_err(io::Error::other));
            if is_part && age.is_ok_and(|age| age > Duration::from_secs(LEFT)) {
                // Another run may have been faster.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// A new file, which only its user may read, as elfutils makes them.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Marks a file as used: who cleans the cache takes what nobody uses.
fn touch(path: &Path) {
    let now = FileTimes::new().set_accessed(SystemTime::now());
    // A cache that may only be read is as good.
    let _ = File::open(path).and_then(|file| file.set_times(now));
}

/// A file that is being fetched: it goes away unless it is kept.
pub(super) struct Part {
    pub(super) file: File,
    pub(super) path: PathBuf,
    whole: PathBuf,
}

impl Part {
    /// Gives it its name, now that it is whole.
    pub(super) fn keep(self) -> io::Result<PathBuf> {
        fs::rename(&self.path, &self.whole)?;
        Ok(self.whole.clone())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Once kept, nothing has this name any more.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::testing::{folder, put};

    const ID: &str = "3d971ba228e9a92d89b3af69d92db5c69fd5e32d";

    #[test]
    fn a_file_is_there_once_it_is_whole() {
        let cache = Cache(folder("debuginfod-cache").join("new"));
        assert_eq!(cache.look(ID, Kind::Debuginfo), Held::Nothing);
        let mut part = cache.begin(ID, Kind::Debuginfo).unwrap();
        part.file.write_all(b"ab").unwrap();
        assert_eq!(cache.look(ID, Kind::Debuginfo), Held::Nothing);
        drop(part);
        assert_eq!(fs::read_dir(cache.0.join(ID)).unwrap().count(), 0);
        let mut part = cache.begin(ID, Kind::Debuginfo).unwrap();
        let other = cache.begin(ID, Kind::Debuginfo).unwrap();
        assert_ne!(part.path, other.path);
        part.file.write_all(b"ab").unwrap();
        let kept = part.keep().unwrap();
        assert_eq!(kept, cache.0.join(ID).join("debuginfo"));
        assert_eq!(cache.look(ID, Kind::Debuginfo), Held::File(kept));
        assert_eq!(cache.look(ID, Kind::Executable), Held::Nothing);
    }

    #[test]
    fn that_there_is_none_is_remembered_for_a_while() {
        let cache = Cache(folder("debuginfod-miss"));
        cache.remember_miss(ID, Kind::Debuginfo);
        let path = cache.0.join(ID).join("debuginfo");
        let kind = Kind::Debuginfo;
        assert_eq!(cache.look(ID, kind), Held::Missed(path.clone()));
        let age = |seconds| {
            let then = SystemTime::now() - Duration::from_secs(seconds);
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            file.set_modified(then).unwrap();
        };
        age(10_000);
        assert_eq!(cache.look(ID, kind), Held::Nothing);
        put(&cache.0.join("cache_miss_s"), b"20000\n");
        assert_eq!(cache.look(ID, kind), Held::Missed(path.clone()));
        put(&cache.0.join("cache_miss_s"), b"nonsense");
        assert_eq!(cache.look(ID, kind), Held::Nothing);
        // Asked again, and again there was none: that counts from now.
        cache.remember_miss(ID, kind);
        assert_eq!(cache.look(ID, kind), Held::Missed(path));
    }

    #[test]
    fn parts_of_runs_that_were_ended_go_away() {
        let cache = Cache(folder("debuginfod-left"));
        let place = cache.0.join(ID);
        for (name, seconds) in [
            ("debuginfo.1-0", 100_000),
            ("debuginfo.2-0", 10),
            ("debuginfo", 100_000),
            ("executable.1-0", 100_000),
        ] {
            put(&place.join(name), b"ab");
            let file = OpenOptions::new().write(true).open(place.join(name));
            let then = SystemTime::now() - Duration::from_secs(seconds);
            file.unwrap().set_modified(then).unwrap();
        }
        drop(cache.begin(ID, Kind::Debuginfo).unwrap());
        let names = fs::read_dir(place).unwrap().flatten();
        let mut names: Vec<_> = names.map(|entry| entry.file_name()).collect();
        names.sort();
        assert_eq!(names, ["debuginfo", "debuginfo.2-0", "executable.1-0"]);
    }

    #[test]
    fn a_file_is_never_taken_for_one_that_is_missing() {
        let cache = Cache(folder("debuginfod-kept"));
        let path = cache.0.join(ID).join("debuginfo");
        put(&path, b"ab");
        cache.remember_miss(ID, Kind::Debuginfo);
        assert_eq!(fs::read(path).unwrap(), b"ab");
    }
}
