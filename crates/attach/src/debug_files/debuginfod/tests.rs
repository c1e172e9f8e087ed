//! What servers answer, and what is made of it.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::server::{Reply, Server, absent, ok, status};
use super::*;
use crate::testing::folder;

const ID: &str = "3d971ba228e9a92d89b3af69d92db5c69fd5e32d";

/// Any bytes stand for a file here; more than a block of them.
fn file() -> Vec<u8> {
    (0..700_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// What a watch has heard: bytes that had come, and bytes that there are.
type Heard = Vec<(u64, Option<u64>)>;

fn settings(name: &str, servers: &[&Server]) -> Settings {
    Settings {
        servers: servers.iter().map(|server| server.url()).collect(),
        cache: Some(folder(name)),
        timeout: Some(Duration::from_secs(60)),
        ..Settings::default()
    }
}

/// Opens any file.
fn any(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| error.to_string())
}

fn fetch(settings: &Settings) -> Result<Found<Vec<u8>>, Missing> {
    Client::new(settings.clone()).fetch(ID, Kind::Debuginfo, &any)
}

/// Why nothing was found; what came is not kept.
#[track_caller]
fn why(settings: &Settings) -> String {
    let why = fetch(settings).err().unwrap().why;
    assert_eq!(kept(settings), [""; 0], "{why}");
    why
}

/// The files of the build in the cache that are not empty.
fn kept(settings: &Settings) -> Vec<String> {
    let folder = settings.cache.clone().unwrap().join(ID);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let whole = entries.filter(|entry| entry.metadata().unwrap().len() > 0);
    whole
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_file_is_fetched_once() {
    let server = Server::new(|_| ok(&file()));
    let settings = settings("fetch-once", &[&server]);
    let heard: Arc<Mutex<Heard>> = Arc::default();
    let mut client = Client::new(settings.clone());
    let hears = Arc::clone(&heard);
    client.watch(Box::new(move |download| {
        assert!(download.from.ends_with("/debuginfo"), "{}", download.from);
        hears.lock().unwrap().push((download.done, download.total));
    }));
    let found = client.fetch(ID, Kind::Debuginfo, &any).unwrap();
    assert!(found.file == file());
    assert_eq!(
        found.from,
        format!("{}/buildid/{ID}/debuginfo", server.url())
    );
    let path = settings.cache.clone().unwrap().join(ID).join("debuginfo");
    assert_eq!(found.path, path);
    let size = file().len() as u64;
    let heard = heard.lock().unwrap();
    assert_eq!(heard.first(), Some(&(0, None)));
    assert_eq!(heard.last(), Some(&(size, Some(size))));
    // From now on nobody is asked.
    let again = fetch(&settings).unwrap();
    assert!(again.file == file() && again.from.contains("cache"));
    assert_eq!(server.asked(), [format!("/buildid/{ID}/debuginfo")]);
    assert_eq!(kept(&settings), ["debuginfo"]);
}

#[test]
fn what_others_fetched_is_used() {
    let server = Server::new(|_| absent());
    let settings = settings("fetched-by-others", &[&server]);
    let path = settings.cache.clone().unwrap().join(ID).join("executable");
    crate::testing::put(&path, b"theirs");
    let client = Client::new(settings);
    // Digits may be large ones.
    let id = ID.to_ascii_uppercase();
    let found = client.fetch(&id, Kind::Executable, &any).unwrap();
    assert_eq!(found.file, b"theirs");
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn that_nobody_has_it_is_remembered() {
    let (first, second) = (Server::new(|_| absent()), Server::new(|_| absent()));
    let settings = settings("absent", &[&first, &second]);
    let told = why(&settings);
    for server in [&first, &second] {
        assert!(
            told.contains(&format!("{} has none", server.url())),
            "{told}"
        );
    }
    assert!(told.contains(ID), "{told}");
    assert!(why(&settings).contains("a short while ago"));
    assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
    let empty = settings.cache.clone().unwrap().join(ID).join("debuginfo");
    assert_eq!(fs::metadata(empty).unwrap().len(), 0);
    // Another file of the build may be there.
    let other = Client::new(settings).fetch(ID, Kind::Executable, &any);
    assert!(other.is_err());
    assert_eq!(first.asked().len(), 2);
}

#[test]
fn the_next_server_is_asked_where_one_fails() {
    let broken = Server::new(|_| status("500 Internal Server Error", ""));
    let good = Server::new(|_| ok(b"here"));
    let settings = settings("next", &[&broken, &good]);
    assert_eq!(fetch(&settings).unwrap().file, b"here");
    assert_eq!((broken.asked().len(), good.asked().len()), (1, 1));
}

#[test]
fn a_failure_is_no_proof_that_there_is_none() {
    let broken = Server::new(|_| status("503 Service Unavailable", ""));
    let none = Server::new(|_| absent());
    let settings = settings("failure", &[&broken, &none]);
    let told = why(&settings);
    assert!(told.contains("it answered with status 503"), "{told}");
    // So it is asked again, by the next run; not again by this one.
    let client = Client::new(settings);
    for _ in 0..3 {
        assert!(client.fetch(ID, Kind::Debuginfo, &any).is_err());
    }
    assert_eq!((broken.asked().len(), none.asked().len()), (2, 2));
}

#[test]
fn a_file_that_is_refused_is_not_kept() {
    let server = Server::new(|_| ok(b"another build"));
    let settings = settings("refused", &[&server]);
    let refuses = |_: &Path| Err::<(), _>("it has build-id ab, and cd was asked for".to_owned());
    let client = Client::new(settings.clone());
    let told = client.fetch(ID, Kind::Debuginfo, &refuses).err().unwrap();
    assert!(
        told.why.contains("is refused: it has build-id ab"),
        "{told:?}"
    );
    assert_eq!(kept(&settings), [""; 0]);
}

#[test]
fn a_cut_file_is_not_used() {
    let cut = |_: &str| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
        Reply::Raw([head.as_bytes(), &[b'x'; 5000]].concat())
    };
    let server = Server::new(cut);
    let told = why(&settings("cut", &[&server]));
    assert!(told.contains("broke off after 5000 bytes"), "{told}");
    // Where nothing tells the length of the answer, the server may still tell that of the file.
    let server = Server::new(|_| {
        let head = "HTTP/1.1 200 OK\r\nX-DEBUGINFOD-SIZE: 100000\r\nConnection: close\r\n\r\n";
        Reply::Raw([head.as_bytes(), &[b'x'; 5000]].concat())
    });
    let told = why(&settings("cut-open", &[&server]));
    assert!(told.contains("it sent 5000 of 100000 bytes"), "{told}");
    let server = Server::new(|_| ok(b""));
    let told = why(&settings("cut-all", &[&server]));
    assert!(told.contains("an empty file"), "{told}");
}

#[test]
fn a_file_that_is_too_large_is_not_taken() {
    let server = Server::new(|_| ok(&file()));
    let mut limited = settings("large", &[&server]);
    limited.most = Some(1000);
    let told = why(&limited);
    assert!(
        told.contains(
            "it has 2800000 bytes, more than the 1000 that may come (DEBUGINFOD_MAXSIZE)"
        ),
        "{told}"
    );
    let request = server.requests().pop().unwrap().to_ascii_lowercase();
    assert!(
        request.contains("x-debuginfod-maxsize: 1000\r\n"),
        "{request}"
    );
    // One that does not say so is stopped at the limit.
    let server = Server::new(|_| {
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        Reply::Raw([&head[..], &file()].concat())
    });
    let mut limited = settings("large-open", &[&server]);
    limited.most = Some(1000);
    assert!(why(&limited).contains("it has more than the 1000"));
    // One that has read the limit.
    let server = Server::new(|_| status("406 Not Acceptable", ""));
    let mut limited = settings("large-told", &[&server]);
    limited.most = Some(1000);
    assert!(why(&limited).contains("it has more than the 1000"));
}

#[test]
fn redirects_are_followed_to_the_web_alone() {
    let goal = Server::new(|_| ok(b"there"));
    let url = goal.url();
    let server = Server::new(move |path| match path.starts_with("/a/") {
        true => status("302 Found", "Location: /b\r\n"),
        false => status("301 Moved Permanently", &format!("Location: {url}/c\r\n")),
    });
    let mut through = settings("redirect", &[&server]);
    through.servers = vec![format!("{}/a", server.url())];
    assert_eq!(fetch(&through).unwrap().file, b"there");
    assert_eq!(
        server.asked(),
        [format!("/a/buildid/{ID}/debuginfo"), "/b".to_owned()]
    );
    assert_eq!(goal.asked(), ["/c"]);
    for (to, not) in [
        ("file:///etc/passwd", "only http:// and https://"),
        ("gopher://a/b", "only http:// and https://"),
        ("", "that is no address"),
        ("http://", "only http:// and https://"),
    ] {
        let server = Server::new(move |_| status("302 Found", &format!("Location: {to}\r\n")));
        let told = why(&settings("redirect-no", &[&server]));
        assert!(told.contains(not), "{to}: {told}");
    }
}

#[test]
fn redirects_are_counted() {
    let server = Server::new(|_| status("307 Temporary Redirect", "Location: /again\r\n"));
    let told = why(&settings("redirect-ever", &[&server]));
    assert!(told.contains("redirected more than 5 times"), "{told}");
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn a_silent_server_is_given_up_for_this_run() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    for (name, sent) in [("silent", &b""[..]), ("silent-half", half)] {
        let server = Server::new(|_| Reply::Hang(sent.to_vec()));
        let other = Server::new(|_| absent());
        let mut settings = settings(name, &[&server, &other]);
        settings.timeout = Some(Duration::from_millis(300));
        let client = Client::new(settings.clone());
        for kind in [Kind::Debuginfo, Kind::Executable] {
            let told = client.fetch(ID, kind, &any).err().unwrap();
            assert!(told.why.contains("it took too long"), "{told:?}");
            assert!(told.next.contains("DEBUGINFOD_URLS"), "{told:?}");
        }
        // The other is asked for both, and that it has none proves nothing.
        assert_eq!((server.asked().len(), other.asked().len()), (1, 2));
        assert_eq!(kept(&settings), [""; 0]);
        assert!(client.cache.unwrap().look(ID, Kind::Debuginfo) == Held::Nothing);
    }
}

#[test]
fn what_is_no_http_is_no_answer() {
    let endless = [&b"HTTP/1.1 200 OK\r\nX: "[..], &vec![b'x'; 1 << 20]].concat();
    for (name, bytes) in [
        ("garbage", b"\x00\xff\x1b[2J nonsense\r\n\r\n".to_vec()),
        ("nothing", Vec::new()),
        (
            "length",
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc".to_vec(),
        ),
        (
            "lengths",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 99\r\n\r\nabc".to_vec(),
        ),
        (
            "chunks",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc".to_vec(),
        ),
        ("header", endless),
    ] {
        let server = Server::new(move |_| Reply::Raw(bytes.clone()));
        let settings = settings(&format!("garbage-{name}"), &[&server]);
        let client = Client::new(settings.clone());
        // What a real file would have to be is not there.
        let open = |path: &Path| match fs::read(path) {
            Ok(bytes) if bytes == file() => Ok(()),
            _ => Err("it is not the file".to_owned()),
        };
        let told = client.fetch(ID, Kind::Debuginfo, &open).err().unwrap();
        assert!(told.why.contains(&server.url()), "{name}: {told:?}");
        assert!(!told.why.contains('\u{1b}'), "{name}: {told:?}");
        assert_eq!(kept(&settings), [""; 0], "{name}");
    }
}

#[test]
fn nothing_but_a_build_id_becomes_part_of_an_address() {
    let server = Server::new(|_| ok(b"here"));
    let settings = settings("hostile-id", &[&server]);
    let client = Client::new(settings.clone());
    let long = "ab".repeat(65);
    for id in [
        "",
        "a",
        "abc",
        "../../etc/passwd",
        "ab/../cd",
        "ab cd",
        "ab\r\nX: y",
        "zz",
        &long,
    ] {
        assert!(client.fetch(id, Kind::Debuginfo, &any).is_err(), "{id}");
    }
    assert_eq!(server.asked().len(), 0);
    assert_eq!(fs::read_dir(settings.cache.unwrap()).unwrap().count(), 0);
}

#[test]
fn nobody_answers() {
    // A port that was free a moment ago.
    let url = Server::new(|_| absent()).url();
    let mut settings = settings("refused-connection", &[]);
    settings.servers = vec![url.clone()];
    let told = why(&settings);
    assert!(told.contains(&format!("{url}: ")), "{told}");
    let missing = fetch(&settings).err().unwrap();
    assert!(missing.next.contains("DEBUGINFOD_URLS"), "{missing:?}");
}

#[test]
fn a_cache_that_cannot_be_written_is_told_before_anybody_is_asked() {
    let server = Server::new(|_| ok(b"here"));
    let mut settings = settings("no-cache", &[&server]);
    let file = settings.cache.clone().unwrap().join("file");
    fs::File::create(&file).unwrap().write_all(b"x").unwrap();
    settings.cache = Some(file);
    let missing = fetch(&settings).err().unwrap();
    assert!(missing.why.contains("cannot be kept"), "{missing:?}");
    assert!(
        missing.next.contains("DEBUGINFOD_CACHE_PATH"),
        "{missing:?}"
    );
    settings.cache = None;
    let missing = fetch(&settings).err().unwrap();
    assert!(missing.why.contains("where to keep"), "{missing:?}");
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_damaged_file_of_the_cache_is_told_and_left() {
    let server = Server::new(|_| ok(b"here"));
    let settings = settings("damaged", &[&server]);
    let path = settings.cache.clone().unwrap().join(ID).join("debuginfo");
    crate::testing::put(&path, b"damaged");
    let refuses = |_: &Path| Err::<(), _>("it is cut".to_owned());
    let client = Client::new(settings);
    let missing = client.fetch(ID, Kind::Debuginfo, &refuses).err().unwrap();
    assert!(missing.why.contains("but it is cut"), "{missing:?}");
    assert!(missing.next.starts_with("remove '"), "{missing:?}");
    assert_eq!(
        (server.asked().len(), fs::read(path).unwrap()),
        (0, b"damaged".to_vec())
    );
}

#[test]
fn secrets_of_addresses_are_not_shown() {
    assert_eq!(
        shown("https://user:secret@a.example:80/x@y"),
        "https://a.example:80/x@y"
    );
    assert_eq!(shown("http://a/\u{1b}[2J"), "http://a/\\u{1b}[2J");
}
