//! Asks debuginfod servers for files by their build-id, and keeps what comes.
//!
//! Off unless `DEBUGINFOD_URLS` names servers. A file is used only when it is whole and has the build-id that was
//! asked for; until then it has a name of its own, so nobody ever sees a part of one. The protocol and the
//! variables are those of elfutils: `debuginfod(8)`, `debuginfod-client-config(7)`.

mod cache;
mod http;
#[cfg(test)]
pub(super) mod server;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::Gap;

use self::cache::{Cache, Held};
use self::http::{Answer, Failure, Http};
pub(super) use self::settings::Settings;

/// Hexadecimal digits of the longest build-id.
const LONGEST_ID: usize = 128;

/// Files that are asked for in one run.
const MOST_ASKED: usize = 256;

/// Which file of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// That with the debug information.
    Debuginfo,
    /// That with the code.
    Executable,
}

impl Kind {
    /// Its word in addresses and in the cache.
    fn word(self) -> &'static str {
        match self {
            Kind::Debuginfo => "debuginfo",
            Kind::Executable => "executable",
        }
    }
}

/// How far a file is that is being fetched.
#[derive(Clone, Copy, Debug)]
pub struct Download<'d> {
    /// Where it comes from, as it may be shown.
    pub from: &'d str,
    /// Bytes that have come.
    pub done: u64,
    /// Bytes that it has, if the server tells.
    pub total: Option<u64>,
}

/// Hears how far files are that are being fetched.
pub type Watch = Box<dyn Fn(Download<'_>) + Send + Sync>;

/// A file that was found.
pub(super) struct Found<T> {
    pub(super) file: T,
    /// Where it lies now.
    pub(super) path: PathBuf,
    /// Where it came from, for people.
    pub(super) from: String,
}

/// Why there is none: what was asked, of whom, and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) why: String,
    /// What to do about it; empty where nothing helps.
    pub(super) next: String,
}

impl Missing {
    /// Both in a sentence.
    pub(super) fn words(&self) -> String {
        match self.next.is_empty() {
            true => self.why.clone(),
            false => format!("{} ({})", self.why, self.next),
        }
    }
}

/// The servers, and what they have given.
pub(super) struct Client {
    servers: Vec<String>,
    http: Http,
    cache: Option<Cache>,
    watch: Option<Watch>,
    gaps: Vec<Gap>,
    memory: Mutex<Memory>,
}

/// What was learnt in this run.
#[derive(Default)]
struct Memory {
    /// Servers that cannot be talked to, and why.
    dead: BTreeMap<usize, String>,
    /// Files that are not to be had.
    missing: BTreeMap<(String, Kind), Missing>,
    /// Files that were asked for.
    asked: usize,
}

impl Client {
    /// A client of these servers. Nothing is asked yet.
    pub(super) fn new(settings: Settings) -> Client {
        Client {
            servers: settings.servers.clone(),
            cache: settings.cache.clone().map(Cache),
            gaps: settings.gaps.clone(),
            http: Http::new(settings),
            watch: None,
            memory: Mutex::default(),
        }
    }

    /// Whoever is to hear how far files are.
    pub(super) fn watch(&mut self, watch: Watch) {
        self.watch = Some(watch);
    }

    /// What the environment says that cannot be followed.
    pub(super) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of the build `id`. `open` opens it, and says what is wrong with it.
    pub(super) fn fetch<T>(
        &self,
        id: &str,
        kind: Kind,
        open: &dyn Fn(&Path) -> Result<T, String>,
    ) -> Result<Found<T>, Missing> {
        let id = id.to_ascii_lowercase();
        if !is_build_id(&id) {
            return Err(missing("what it says is its build-id is none", ""));
        }
        let key = (id, kind);
        if let Some(missing) = self.memory().missing.get(&key) {
            return Err(missing.clone());
        }
        let found = self.look(&key.0, kind, open);
        if let Err(missing) = &found {
            self.memory().missing.insert(key, missing.clone());
        }
        found
    }

    fn look<T>(
        &self,
        id: &str,
        kind: Kind,
        open: &dyn Fn(&Path) -> Result<T, String>,
    ) -> Result<Found<T>, Missing> {
        let Some(cache) = &self.cache else {
            let why = "debuginfod is not asked: nothing says where to keep files";
            return Err(missing(why, "set HOME or DEBUGINFOD_CACHE_PATH"));
        };
        match cache.look(id, kind) {
            Held::File(path) => {
                return match open(&path) {
                    Ok(file) => Ok(Found {
                        file,
                        from: "the cache of debuginfod".to_owned(),
                        path,
                    }),
                    Err(why) => {
                        let path = crate::escape(path.as_os_str());
                        let why = format!("the cache of debuginfod holds '{path}', but {why}");
                        Err(missing(&why, &format!("remove '{path}'")))
                    }
                };
            }
            Held::Missed(path) => {
                let path = crate::escape(path.as_os_str());
                let why = format!(
                    "no debuginfod server had the {} of build {id} a short while ago",
                    kind.word()
                );
                return Err(missing(&why, &format!("remove '{path}' to ask again")));
            }
            Held::Nothing => {}
        }
        {
            let mut memory = self.memory();
            if memory.asked >= MOST_ASKED {
                return Err(missing("too many files were asked for in one run", ""));
            }
            memory.asked += 1;
        }
        let mut answers = Vec::new();
        let mut all_absent = true;
        for (number, server) in self.servers.iter().enumerate() {
            let name = shown(server);
            if let Some(why) = self.memory().dead.get(&number) {
                all_absent = false;
                answers.push(format!("{name}: {why}"));
                continue;
            }
            match self.ask(server, cache, id, kind, open) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => answers.push(format!("{name} has none")),
                Err(failure) => {
                    all_absent = false;
                    let why = match failure {
                        Failure::Server(why) => {
                            self.memory().dead.insert(number, why.clone());
                            why
                        }
                        Failure::File(why) => why,
                        Failure::Here(error) => {
                            let folder = crate::escape(cache.0.as_os_str());
                            let why = format!(
                                "what debuginfod gives cannot be kept in '{folder}': {error}"
                            );
                            return Err(missing(
                                &why,
                                "set DEBUGINFOD_CACHE_PATH to a folder with room",
                            ));
                        }
                    };
                    answers.push(format!("{name}: {why}"));
                }
            }
        }
        if all_absent && !self.servers.is_empty() {
            cache.remember_miss(id, kind);
        }
        let why = match answers.as_slice() {
            [] => "no debuginfod server can be asked".to_owned(),
            some => format!(
                "debuginfod was asked for the {} of build {id}; {}",
                kind.word(),
                some.join("; ")
            ),
        };
        let next = match all_absent {
            true => "",
            false => "check DEBUGINFOD_URLS and the way there",
        };
        Err(missing(&why, next))
    }

    /// Asks one server; none where it does not have the file.
    fn ask<T>(
        &self,
        server: &str,
        cache: &Cache,
        id: &str,
        kind: Kind,
        open: &dyn Fn(&Path) -> Result<T, String>,
    ) -> Result<Option<Found<T>>, Failure> {
        let url = format!("{server}/buildid/{id}/{}", kind.word());
        let from = shown(&url);
        let told = |done, total| {
            if let Some(watch) = &self.watch {
                let from = &from;
                watch(Download { from, done, total });
            }
        };
        let mut part = cache.begin(id, kind).map_err(Failure::Here)?;
        match self.http.get(&url, &mut part.file, &told)? {
            Answer::Absent => Ok(None),
            Answer::Taken => {
                let file = open(&part.path)
                    .map_err(|why| Failure::File(format!("what it sent is refused: {why}")))?;
                let path = part.keep().map_err(Failure::Here)?;
                Ok(Some(Found { file, path, from }))
            }
        }
    }
}

fn missing(why: &str, next: &str) -> Missing {
    Missing {
        why: why.to_owned(),
        next: next.to_owned(),
    }
}

/// Whether a text is a build-id: it becomes part of an address and of a path.
fn is_build_id(id: &str) -> bool {
    let length = (2..=LONGEST_ID).contains(&id.len()) && id.len().is_multiple_of(2);
    length && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An address as it may be shown: without a user's name and password.
fn shown(url: &str) -> String {
    let safe = crate::escape(url.as_ref()).into_owned();
    let Some((scheme, rest)) = safe.split_once("://") else {
        return safe;
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{path}"),
        None => safe,
    }
}
