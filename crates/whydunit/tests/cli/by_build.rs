//! Debug files that nobody names: `--sysroot`, `--no-default-debuginfo`, `DEBUGINFOD_URLS`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Ran, folder_of, in_repository};

/// The build-id of the module that the small objects hold.
const ID: &str = "3d971ba228e9a92d89b3af69d92db5c69fd5e32d";

/// A crash in it, of a kernel that prints build-ids.
fn log() -> String {
    format!(
        "\
[    2.016278] BUG: kernel NULL pointer dereference, address: 0000000000000010
[    2.017595] Oops: 0000 [#1] PREEMPT SMP NOPTI
[    2.017595] CPU: 1 PID: 92 Comm: provoke Tainted: G           OE      6.1.0-test #1
[    2.017595] RIP: 0010:bond_open+0x27/0x60 [bond_test {ID}]
[    2.017595] RAX: 0000000000000000 RBX: 0000000000000000 RCX: ffffffff8d806b78
[    2.017595] Call Trace:
[    2.017595]  <TASK>
[    2.017595]  bond_open+0x27/0x60 [bond_test {ID}]
[    2.017595]  </TASK>
[    2.017595] ---[ end trace 0000000000000000 ]---
"
    )
}

fn module() -> Vec<u8> {
    fs::read(in_repository("crates/debuginfo/tests/objects/x86_64.ko")).unwrap()
}

/// A folder with the log, and the root of a file system with the module.
fn folder(name: &str) -> PathBuf {
    let folder = folder_of(name, &[("oops.log", log().as_bytes())]);
    let modules = folder.join("root/lib/modules/6.1.0-test/extra");
    fs::create_dir_all(&modules).unwrap();
    fs::write(modules.join("bond-test.ko"), module()).unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    folder
}

fn why(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = crate::support::why();
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.current_dir(folder).args(arguments);
    command.envs(environment.iter().copied());
    command.env("DEBUGINFOD_CACHE_PATH", folder.join("cache"));
    command.output().unwrap().into()
}

/// A server that has the module, and how often it was asked. It ends with the test's process.
fn server() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                head.extend(byte);
            }
            count.fetch_add(1, Ordering::SeqCst);
            let wanted = format!("GET /buildid/{ID}/debuginfo ");
            let body = match head.starts_with(wanted.as_bytes()) {
                true => module(),
                false => Vec::new(),
            };
            let status = if body.is_empty() {
                "404 Not Found"
            } else {
                "200 OK"
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream
                .write_all(&[head.as_bytes(), &body].concat())
                .unwrap();
        }
    });
    (url, asked)
}

#[test]
fn installed_files_are_used_and_told() {
    let folder = folder("by-build-installed");
    let ran = why(&folder, &["oops.log", "--sysroot", "root"], &[]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(3), ""), "{ran:?}");
    let note = "Note the code and debug information of the module bond_test: \
                'root/lib/modules/6.1.0-test/extra/bond-test.ko', found among the installed files by its build-id.";
    assert!(ran.words().contains(note), "{}", ran.out);
    let plain = why(&folder, &["oops.log", "--sysroot", "empty"], &[]);
    assert!(!plain.words().contains("found among"), "{}", plain.out);
    let forbidden = ["oops.log", "--sysroot", "root", "--no-default-debuginfo"];
    assert_eq!(why(&folder, &forbidden, &[]).out, plain.out);
}

#[test]
fn servers_are_asked_if_they_are_named_and_not_else() {
    let folder = folder("by-build-server");
    let (url, asked) = server();
    let arguments = ["oops.log", "--sysroot", "empty"];
    let plain = why(&folder, &arguments, &[("DEBUGINFOD_URLS", "")]);
    assert_eq!(why(&folder, &arguments, &[]).out, plain.out);
    let named = [("DEBUGINFOD_URLS", url.as_str())];
    let forbidden = [&arguments[..], &["--no-default-debuginfo"]].concat();
    assert_eq!(why(&folder, &forbidden, &named).out, plain.out);
    // Titles are those of the log.
    let titles = why(&folder, &["oops.log", "--titles"], &named);
    assert_eq!(
        (titles.code, titles.err.as_str()),
        (Some(3), ""),
        "{titles:?}"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert!(!folder.join("cache").exists());

    let ran = why(&folder, &arguments, &named);
    assert_eq!((ran.code, ran.err.as_str()), (Some(3), ""), "{ran:?}");
    assert!(
        ran.words().contains("of the module bond_test: '"),
        "{}",
        ran.out
    );
    let json = why(&folder, &[&arguments[..], &["--json"]].concat(), &[]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // Who is not asked gives nothing out of the cache either: it is off.
    assert!(!json.out.contains("found from"), "{}", json.out);
    let json = why(&folder, &[&arguments[..], &["--json"]].concat(), &named);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let note = json["diagnosis"]["notes"].to_string();
    assert!(
        note.contains("found from the cache of debuginfod"),
        "{note}"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_server_that_fails_changes_nothing_but_what_is_missing() {
    let folder = folder("by-build-failing");
    let arguments = ["oops.log", "--sysroot", "empty"];
    let plain = why(&folder, &arguments, &[]);
    for (urls, why_not) in [
        ("file:///etc", "only http:// and https://"),
        // Nothing listens at port 1, and nobody needs a name server to know it.
        ("http://127.0.0.1:1", "http://127.0.0.1:1: "),
    ] {
        let ran = why(&folder, &arguments, &[("DEBUGINFOD_URLS", urls)]);
        assert_eq!((ran.code, ran.err.as_str()), (plain.code, ""), "{ran:?}");
        assert!(ran.words().contains(why_not), "{}", ran.out);
        assert!(ran.out.starts_with(plain.out.lines().next().unwrap()));
    }
}
