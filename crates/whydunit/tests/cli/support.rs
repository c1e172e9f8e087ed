//! Running the binary, and inputs for it.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run did.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// What was printed, without its line ends: text wraps anywhere.
    pub fn words(&self) -> String {
        self.out.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The binary, in an environment that says nothing about terminals and servers.
pub fn why() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_why"));
    for name in [
        "NO_COLOR",
        "TERM",
        "COLUMNS",
        "CLICOLOR_FORCE",
        "DEBUGINFOD_URLS",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs it with arguments.
pub fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    why().args(arguments).output().unwrap().into()
}

/// Runs it with arguments and something on its standard input.
pub fn run_with(input: &[u8], arguments: &[&str]) -> Ran {
    let mut child = why()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A program that ends early closes the pipe; that is its right.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap().into()
    })
}

/// An empty folder for one test.
pub fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// A folder with files in it.
pub fn folder_of(name: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let path = folder(name);
    for (name, bytes) in files {
        fs::write(path.join(name), bytes).unwrap();
    }
    path
}

/// A file of the repository.
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// A real oops, in which something is wrong whatever else the program learns.
pub fn oops() -> Vec<u8> {
    fs::read(in_repository("lab/cases/bonding-rlb-oops.mips64.log")).unwrap()
}

/// What that oops is called.
pub const OOPS: &str = "rlb_arp_recv";

/// A log in which nothing is wrong.
pub fn calm(lines: u32) -> Vec<u8> {
    (0..lines)
        .flat_map(|n| {
            format!(
                "[{:5}.{:06}] usb 1-1: new device number {n}\n",
                n / 100,
                n % 100
            )
            .into_bytes()
        })
        .collect()
}
