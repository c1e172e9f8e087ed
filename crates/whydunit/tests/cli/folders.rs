//! Folders and many files.

use std::fs;
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::support::{OOPS, calm, folder, folder_of, oops, run};

#[test]
fn each_file_is_read_in_the_order_of_names() {
    let folder = folder_of(
        "folders-order",
        &[("b.log", &oops()), ("a.log", &oops()), ("c.log", &calm(5))],
    );
    let ran = run(["--titles".as_ref(), folder.as_os_str()]);
    let files: Vec<&str> = ran
        .out
        .lines()
        .filter_map(|line| line.split(": ").next())
        .collect();
    assert!(files.first().unwrap().ends_with("a.log") && files.last().unwrap().ends_with("b.log"));
    assert!(files.is_sorted());
}

#[test]
fn what_is_left_alone_is_said_and_nothing_hangs() {
    let folder = folder_of("folders-odd", &[("a.log", &oops()), (".hidden", &oops())]);
    fs::create_dir(folder.join("sub")).unwrap();
    fs::write(folder.join("sub/b.log"), oops()).unwrap();
    let made = Command::new("mkfifo")
        .arg(folder.join("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink("nowhere", folder.join("dangling")).unwrap();
    // Paths of sockets are short: the scratch folder's may be too long.
    let socket = std::env::temp_dir().join(format!("why-test-{}.sock", std::process::id()));
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::rename(&socket, folder.join("socket")).ok();
    let _ = fs::remove_file(&socket);
    let ran = run(["--titles".as_ref(), folder.as_os_str()]);
    assert!(ran.out.contains(OOPS), "{ran:?}");
    for word in ["left alone", "hidden", "subfolder"] {
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
    let ran = run(["--titles".as_ref(), folder.join("sub").as_os_str()]);
    assert!(ran.out.contains(OOPS) && ran.err.is_empty(), "{ran:?}");
}

#[test]
fn a_folder_without_files_says_what_it_holds() {
    let empty = folder("folders-empty");
    let ran = run([&empty]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("is empty"), "{}", ran.err);
    fs::create_dir(empty.join("inner")).unwrap();
    let ran = run([&empty]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("inner") && ran.err.contains("hint"),
        "{}",
        ran.err
    );
}

#[test]
fn what_is_no_log_is_passed_over_in_a_folder() {
    let zip: &[u8] = b"PK\x03\x04";
    let folder = folder_of(
        "folders-mixed",
        &[
            ("a.log", &oops()),
            ("b.zip", zip),
            ("perf.data", b"PERFILE2"),
        ],
    );
    let ran = run(["--titles".as_ref(), folder.as_os_str()]);
    assert_ne!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.err.matches("passed over").count(), 2, "{}", ran.err);
    let folder = folder_of("folders-none", &[("b.zip", zip)]);
    let ran = run([&folder]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
}

#[test]
fn many_large_files_are_told_in_order_too() {
    let folder = folder("folders-parallel");
    let filler = calm(20_000);
    let mut names = Vec::new();
    for n in 0..12 {
        let path = folder.join(format!("{n:02}.log"));
        // Early ones are large, so that later ones are ready before them.
        let repeats = 12 - n;
        let log: Vec<u8> = std::iter::repeat_n([filler.as_slice(), &oops()].concat(), repeats)
            .flatten()
            .collect();
        fs::write(&path, log).unwrap();
        names.push((path.to_str().unwrap().to_owned(), repeats));
    }
    let ran = run(["--titles".as_ref(), folder.as_os_str()]);
    let told: Vec<&str> = ran.out.lines().filter(|line| line.contains(OOPS)).collect();
    let expected: Vec<&str> = names
        .iter()
        .flat_map(|(name, repeats)| std::iter::repeat_n(name.as_str(), *repeats))
        .collect();
    assert_eq!(told.len(), expected.len());
    for (line, name) in told.iter().zip(expected) {
        assert!(line.starts_with(name), "{line} is not of {name}");
    }
}
