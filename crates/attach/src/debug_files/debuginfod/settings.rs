//! What the environment says about debuginfod, in the variables that all its clients share
//! (`debuginfod-client-config(7)` of elfutils).

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use base::Gap;

use super::shown;

/// Servers that are asked.
const MOST_SERVERS: usize = 16;

/// Seconds until a silent server is given up, where nothing is set.
const TIMEOUT: u64 = 90;

/// Bytes of one file, where nothing is set: no kernel has more.
const LARGEST: u64 = 8 << 30;

/// A variable of the environment.
pub(super) type Variable<'v> = &'v dyn Fn(&str) -> Option<OsString>;

/// Whom to ask, and how long.
#[derive(Clone, Debug, Default)]
pub(in crate::debug_files) struct Settings {
    /// What stands before `/buildid/…`, in the order they are asked.
    pub(super) servers: Vec<String>,
    /// Where files are kept; none where the environment names no place.
    pub(super) cache: Option<PathBuf>,
    /// How long a server may be silent, or send less than 100 KiB; none for ever.
    pub(super) timeout: Option<Duration>,
    /// How long one transfer may take.
    pub(super) longest: Option<Duration>,
    /// Bytes that a file may have, where the user says so.
    pub(super) most: Option<u64>,
    /// Whether the proxies of the environment are used.
    pub(super) proxies: bool,
    /// What the environment says that cannot be followed.
    pub(super) gaps: Vec<Gap>,
}

impl Settings {
    /// Reads them; none where `DEBUGINFOD_URLS` is not set or empty: nothing is asked then.
    pub(in crate::debug_files) fn read(variable: Variable<'_>) -> Option<Settings> {
        let urls = variable("DEBUGINFOD_URLS")?;
        let mut settings = Settings {
            cache: cache(variable),
            proxies: true,
            ..Settings::default()
        };
        settings.add_servers(&urls.to_string_lossy());
        if settings.servers.is_empty() && settings.gaps.is_empty() {
            return None;
        }
        let timeout = settings.number(variable, "DEBUGINFOD_TIMEOUT", TIMEOUT);
        settings.timeout = timeout.map(Duration::from_secs);
        let longest = settings.number(variable, "DEBUGINFOD_MAXTIME", 0);
        settings.longest = longest.map(Duration::from_secs);
        settings.most = settings.number(variable, "DEBUGINFOD_MAXSIZE", 0);
        if variable("DEBUGINFOD_HEADERS_FILE").is_some_and(|path| !path.is_empty()) {
            let why = "this version sends no headers of DEBUGINFOD_HEADERS_FILE";
            settings
                .gaps
                .push(Gap::new("how debuginfod is to be asked", why));
        }
        Some(settings)
    }

    /// For servers that a test runs on this machine.
    #[cfg(test)]
    pub(in crate::debug_files) fn without_proxies(&mut self) {
        self.proxies = false;
    }

    /// Bytes that one file may have.
    pub(super) fn limit(&self) -> u64 {
        self.most.unwrap_or(LARGEST)
    }

    /// Takes the servers that can be asked. Words such as `ima:enforcing` rule those behind them: signatures are
    /// not checked here, so who demands them is not asked.
    fn add_servers(&mut self, urls: &str) {
        let mut signed = false;
        for word in urls.split_whitespace() {
            if let Some(policy) = word.strip_prefix("ima:") {
                signed = policy == "enforcing";
                continue;
            }
            let url = word.trim_end_matches('/');
            let why = if signed {
                "DEBUGINFOD_URLS demands signatures of it (ima:enforcing), which are not checked here"
            } else if !is_web(url) {
                "only http:// and https:// with the name of a host are asked"
            } else if self.servers.len() >= MOST_SERVERS {
                "DEBUGINFOD_URLS names too many servers"
            } else {
                if !self.servers.iter().any(|known| known == url) {
                    self.servers.push(url.to_owned());
                }
                continue;
            };
            let what = format!("debug information of the server '{}'", shown(url));
            self.gaps.push(Gap::new(what, why));
        }
    }

    /// A number; none for what means no limit. What is no number is told, and the default is taken.
    fn number(&mut self, variable: Variable<'_>, name: &str, otherwise: u64) -> Option<u64> {
        let given = variable(name).filter(|value| !value.is_empty());
        let given = given.map(|value| value.to_string_lossy().trim().to_owned());
        let number = match given.as_deref().map(str::parse::<i64>) {
            None => otherwise,
            // Zero and less mean no limit, as elfutils has it.
            Some(Ok(number)) => u64::try_from(number).unwrap_or(0),
            Some(Err(_)) => {
                let why = format!("{name} is no number, and {otherwise} is taken");
                self.gaps
                    .push(Gap::new("how debuginfod is to be asked", why));
                otherwise
            }
        };
        (number > 0).then_some(number)
    }
}

/// Whether a text is the address of a web server.
pub(super) fn is_web(url: &str) -> bool {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else {
        return false;
    };
    let scheme = uri.scheme_str();
    let host = uri.host().is_some_and(|host| !host.is_empty());
    host && (scheme == Some("http") || scheme == Some("https"))
}

/// Where elfutils keeps its files, too, so that neither fetches what the other has.
fn cache(variable: Variable<'_>) -> Option<PathBuf> {
    let folder = |name: &str| {
        let value = variable(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    if let Some(path) = folder("DEBUGINFOD_CACHE_PATH") {
        return Some(path);
    }
    let old = folder("HOME").map(|home| home.join(".debuginfod_client_cache"));
    if let Some(old) = old.filter(|old| old.is_dir()) {
        return Some(old);
    }
    let caches = folder("XDG_CACHE_HOME");
    let caches = caches.or_else(|| folder("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("debuginfod_client"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Option<Settings> {
        Settings::read(&|name| {
            let value = pairs.iter().find(|(key, _)| *key == name);
            value.map(|(_, value)| OsString::from(value))
        })
    }

    fn why(settings: &Settings) -> Vec<String> {
        let gaps = settings.gaps.iter();
        gaps.map(|gap| format!("{}: {}", gap.what, gap.why))
            .collect()
    }

    #[test]
    fn nobody_is_asked_unless_servers_are_named() {
        assert!(read(&[("HOME", "/home/a")]).is_none());
        for nothing in ["", "  ", "ima:enforcing"] {
            assert!(read(&[("DEBUGINFOD_URLS", nothing)]).is_none(), "{nothing}");
        }
    }

    #[test]
    fn defaults_are_those_of_elfutils() {
        let urls = (
            "DEBUGINFOD_URLS",
            "https://a.example/ http://b.example:8002",
        );
        let settings = read(&[urls, ("HOME", "/home/a")]).unwrap();
        assert_eq!(
            settings.servers,
            ["https://a.example", "http://b.example:8002"]
        );
        assert_eq!(settings.timeout, Some(Duration::from_secs(90)));
        assert_eq!((settings.longest, settings.most), (None, None));
        let cache = |pairs: &[(&str, &str)]| read(pairs).unwrap().cache;
        let path = |path: &str| Some(PathBuf::from(path));
        assert_eq!(settings.cache, path("/home/a/.cache/debuginfod_client"));
        let xdg = ("XDG_CACHE_HOME", "/x");
        assert_eq!(cache(&[urls, xdg]), path("/x/debuginfod_client"));
        let own = ("DEBUGINFOD_CACHE_PATH", "/own");
        assert_eq!(cache(&[urls, xdg, own]), path("/own"));
        assert_eq!(cache(&[urls]), None);
    }

    #[test]
    fn an_old_cache_is_used_where_there_is_one() {
        let home = crate::testing::folder("debuginfod-old-cache");
        let old = home.join(".debuginfod_client_cache");
        std::fs::create_dir(&old).unwrap();
        let settings = read(&[
            ("DEBUGINFOD_URLS", "http://a"),
            ("HOME", home.to_str().unwrap()),
            ("XDG_CACHE_HOME", "/x"),
        ]);
        assert_eq!(settings.unwrap().cache, Some(old));
    }

    #[test]
    fn limits_are_numbers() {
        let urls = ("DEBUGINFOD_URLS", "http://a");
        let settings = read(&[
            urls,
            ("DEBUGINFOD_TIMEOUT", "0"),
            ("DEBUGINFOD_MAXTIME", "5"),
            ("DEBUGINFOD_MAXSIZE", "1000"),
        ]);
        let settings = settings.unwrap();
        assert_eq!(settings.timeout, None);
        assert_eq!(settings.longest, Some(Duration::from_secs(5)));
        assert_eq!((settings.most, settings.limit()), (Some(1000), 1000));
        let settings = read(&[urls, ("DEBUGINFOD_TIMEOUT", "soon")]).unwrap();
        assert_eq!(settings.timeout, Some(Duration::from_secs(90)));
        let told =
            "how debuginfod is to be asked: DEBUGINFOD_TIMEOUT is no number, and 90 is taken";
        assert_eq!(why(&settings), [told]);
        let settings = read(&[urls, ("DEBUGINFOD_HEADERS_FILE", "/x")]).unwrap();
        assert!(why(&settings)[0].contains("sends no headers"));
    }

    #[test]
    fn who_cannot_be_asked_is_told() {
        let urls = "file:///etc ftp://a http:// nonsense http://user:secret@b ima:enforcing https://c ima:ignore http://d";
        let settings = read(&[("DEBUGINFOD_URLS", urls)]).unwrap();
        assert_eq!(settings.servers, ["http://user:secret@b", "http://d"]);
        let told = why(&settings);
        assert_eq!(told.len(), 5, "{told:#?}");
        assert!(told[0].contains("'file:///etc': only http"), "{told:#?}");
        assert!(told[4].contains("'https://c': DEBUGINFOD_URLS demands signatures"));
        let many: Vec<String> = (0..100).map(|n| format!("http://h{n}")).collect();
        let settings = read(&[("DEBUGINFOD_URLS", &many.join(" "))]).unwrap();
        assert_eq!(settings.servers.len(), MOST_SERVERS);
    }
}
