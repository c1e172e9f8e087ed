//! Asks one web server for one file.
//!
//! Redirects are followed here and not by the library: only to `http` and `https`, never from the second to the
//! first, and a counted number of times. What a server sends is bounded, and checked by whoever asked.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use base::Budget;
use ureq::http::{Response, Uri, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use super::settings::{Settings, is_web};
use super::shown;

/// Redirects of one request.
const REDIRECTS: u64 = 5;

/// Bytes that are taken at once.
const BLOCK: usize = 256 << 10;

/// Who sends less in the time of `DEBUGINFOD_TIMEOUT` is given up, as elfutils does.
const LEAST: u64 = 100 << 10;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The file, whole as far as the server tells.
    Taken,
    /// The server does not have it.
    Absent,
}

/// Why nothing came, in words.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server cannot be talked to: it need not be asked again.
    Server(String),
    /// This one file cannot be had.
    File(String),
    /// It cannot be written here.
    Here(io::Error),
}

/// A client for all servers of one run.
pub(super) struct Http {
    agent: OnceLock<Agent>,
    settings: Settings,
}

impl Http {
    /// Nothing is opened before something is asked for.
    pub(super) fn new(settings: Settings) -> Http {
        Http {
            agent: OnceLock::new(),
            settings,
        }
    }

    fn agent(&self) -> &Agent {
        self.agent.get_or_init(|| {
            let settings = &self.settings;
            let proxy = settings.proxies.then(Proxy::try_from_env).flatten();
            let tls = TlsConfig::builder().root_certs(trusted()).build();
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .proxy(proxy)
                .tls_config(tls)
                .user_agent(concat!("whydunit/", env!("CARGO_PKG_VERSION")))
                .accept("*/*")
                // What comes is to be what is kept, byte by byte.
                .accept_encoding("identity")
                .timeout_global(settings.longest)
                .timeout_resolve(settings.timeout)
                .timeout_connect(settings.timeout)
                .timeout_recv_response(settings.timeout)
                .timeout_per_read(settings.timeout)
                .timeout_per_write(settings.timeout)
                .build()
                .into()
        })
    }

    /// Fetches what `url` leads to; `told` hears how much has come, and how much there is.
    pub(super) fn get(
        &self,
        url: &str,
        to: &mut File,
        told: &dyn Fn(u64, Option<u64>),
    ) -> Result<Answer, Failure> {
        let mut place = url.to_owned();
        let mut redirects = Budget::new("redirects", REDIRECTS);
        loop {
            told(0, None);
            let mut request = self.agent().get(&place);
            if let Some(most) = self.settings.most {
                // A server that reads it need not begin in vain.
                request = request.header("X-DEBUGINFOD-MAXSIZE", most.to_string());
            }
            let response = request.call().map_err(|error| self.silent(&error))?;
            match response.status().as_u16() {
                200 => return self.take(response, to, told),
                404 => return Ok(Answer::Absent),
                301 | 302 | 303 | 307 | 308 => {
                    let many =
                        |_| Failure::File(format!("it redirected more than {REDIRECTS} times"));
                    redirects.spend(1).map_err(many)?;
                    place = elsewhere(&place, &response)?;
                }
                406 if self.settings.most.is_some() => return Err(self.too_large(None)),
                status => return Err(Failure::File(format!("it answered with status {status}"))),
            }
        }
    }

    /// Takes the file that an answer holds.
    fn take(
        &self,
        response: Response<Body>,
        to: &mut File,
        told: &dyn Fn(u64, Option<u64>),
    ) -> Result<Answer, Failure> {
        let body = response.body().content_length();
        // It also tells the size where the length of the answer is not known.
        let size = response.headers().get("x-debuginfod-size");
        let size = size.and_then(|size| size.to_str().ok()?.trim().parse().ok());
        let size: Option<u64> = body.or(size);
        let limit = self.settings.limit();
        if size.is_some_and(|size| size > limit) {
            return Err(self.too_large(size));
        }
        let mut left = Budget::new("bytes of a file", limit);
        let mut reader = response.into_body().into_reader();
        let mut block = vec![0; BLOCK];
        let mut pace = Pace::new(self.settings.timeout);
        loop {
            let n = match reader.read(&mut block) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.broken(error, left.used())),
            };
            left.spend(n as u64).map_err(|_| self.too_large(None))?;
            to.write_all(block.get(..n).unwrap_or_default())
                .map_err(Failure::Here)?;
            told(left.used(), size);
            if !pace.keeps(n as u64) {
                let seconds = self.settings.timeout.unwrap_or_default().as_secs();
                let why =
                    format!("it sent less than 100 KiB in {seconds} seconds (DEBUGINFOD_TIMEOUT)");
                return Err(Failure::Server(why));
            }
        }
        match size {
            Some(size) if size != left.used() => {
                let why = format!("it sent {} of {size} bytes", left.used());
                Err(Failure::File(why))
            }
            _ if left.used() == 0 => Err(Failure::File("it sent an empty file".to_owned())),
            _ => Ok(Answer::Taken),
        }
    }

    fn too_large(&self, size: Option<u64>) -> Failure {
        let limit = self.settings.limit();
        let by = match self.settings.most {
            Some(_) => " (DEBUGINFOD_MAXSIZE)",
            None => "",
        };
        let has = size.map_or_else(
            || "it has more".to_owned(),
            |size| format!("it has {size} bytes, more"),
        );
        Failure::File(format!("{has} than the {limit} that may come{by}"))
    }

    /// No answer came, or none that is one.
    fn silent(&self, error: &ureq::Error) -> Failure {
        Failure::Server(match error {
            ureq::Error::Timeout(_) => self.late(),
            ureq::Error::Io(error) if is_late(error) => self.late(),
            ureq::Error::HostNotFound => "no host has this name".to_owned(),
            ureq::Error::Io(error) => escaped(&error.to_string()),
            ureq::Error::Protocol(_) | ureq::Error::Http(_) => {
                "what it answered is no HTTP".to_owned()
            }
            other => escaped(&other.to_string()),
        })
    }

    /// The answer ended before its end.
    fn broken(&self, error: io::Error, done: u64) -> Failure {
        let error = ureq::Error::from(error);
        match &error {
            ureq::Error::Timeout(_) => Failure::Server(self.late()),
            ureq::Error::Io(error) if is_late(error) => Failure::Server(self.late()),
            other => {
                let why = escaped(&other.to_string());
                Failure::File(format!("what it sent broke off after {done} bytes: {why}"))
            }
        }
    }

    fn late(&self) -> String {
        let set = |name: &str, time: Option<Duration>| {
            time.map(|time| format!("{name} is {} s", time.as_secs()))
        };
        let times = [
            set("DEBUGINFOD_TIMEOUT", self.settings.timeout),
            set("DEBUGINFOD_MAXTIME", self.settings.longest),
        ];
        let times: Vec<String> = times.into_iter().flatten().collect();
        format!("it took too long ({})", times.join(", "))
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

/// What may hold text of a server.
fn escaped(text: &str) -> String {
    crate::escape(text.as_ref()).into_owned()
}

/// How fast a server sends.
struct Pace {
    window: Option<Duration>,
    since: Instant,
    came: u64,
}

impl Pace {
    fn new(window: Option<Duration>) -> Pace {
        Pace {
            window,
            since: Instant::now(),
            came: 0,
        }
    }

    /// Counts what came; whether it is enough.
    fn keeps(&mut self, bytes: u64) -> bool {
        self.came += bytes;
        let over = self
            .window
            .is_some_and(|window| self.since.elapsed() >= window);
        if !over {
            return true;
        }
        let enough = self.came >= LEAST;
        (self.since, self.came) = (Instant::now(), 0);
        enough
    }
}

fn is_secure(url: &str) -> bool {
    url.get(..6)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
}

/// The certificates that this machine trusts: a company's own server is among them, if anywhere.
fn trusted() -> RootCerts {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Another one that is installed is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let found = rustls_native_certs::load_native_certs().certs;
    let owned = |der: &[u8]| Certificate::from_der(der).to_owned();
    RootCerts::from(found.iter().map(|der| owned(der)))
}

/// Where a redirect leads.
fn elsewhere(from: &str, response: &Response<Body>) -> Result<String, Failure> {
    let to = response.headers().get(header::LOCATION);
    let to = to.and_then(|to| to.to_str().ok()).unwrap_or_default();
    let refused = |why: &str| {
        let to = shown(to);
        Err(Failure::File(format!("it redirected to '{to}': {why}")))
    };
    let place: Cow<'_, str> = match from.parse::<Uri>() {
        Ok(base) if !to.is_empty() => resolve(&base, to),
        _ => return refused("that is no address"),
    };
    if !is_web(&place) {
        return refused("only http:// and https:// are asked");
    }
    if is_secure(from) && !is_secure(&place) {
        return refused("from https:// it must not lead to http://");
    }
    Ok(place.into_owned())
}

/// An address that may be relative to another (RFC 3986, 5.2; without `..`, which servers resolve).
fn resolve<'u>(base: &Uri, to: &'u str) -> Cow<'u, str> {
    let scheme = base.scheme_str().unwrap_or("http");
    let host = base
        .authority()
        .map_or("", ureq::http::uri::Authority::as_str);
    if let Some(rest) = to.strip_prefix("//") {
        return Cow::Owned(format!("{scheme}://{rest}"));
    }
    if to.starts_with('/') {
        return Cow::Owned(format!("{scheme}://{host}{to}"));
    }
    // A colon before any slash ends a scheme.
    let first = to.split(['/', '?', '#']).next().unwrap_or_default();
    if first.contains(':') {
        return Cow::Borrowed(to);
    }
    let folder = base
        .path()
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    Cow::Owned(format!("{scheme}://{host}{folder}/{to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_redirects_stay_with_their_server() {
        let base: Uri = "http://a:1/x/y?z".parse().unwrap();
        for (to, place) in [
            ("/b", "http://a:1/b"),
            ("b", "http://a:1/x/b"),
            ("//c/d", "http://c/d"),
            ("https://e/f", "https://e/f"),
            ("file:///etc/passwd", "file:///etc/passwd"),
            ("b?u=http://q", "http://a:1/x/b?u=http://q"),
        ] {
            assert_eq!(resolve(&base, to), place, "{to}");
        }
    }

    #[test]
    fn a_slow_server_is_told_from_a_fast_one() {
        let mut never = Pace::new(None);
        assert!(never.keeps(1));
        // A window of no length is over at once.
        let mut pace = Pace::new(Some(Duration::ZERO));
        assert!(pace.keeps(LEAST) && !pace.keeps(LEAST - 1));
    }
}
