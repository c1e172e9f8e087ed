//! `why stacks`: what it refuses. What it shows of real dumps the laboratory tries.

use std::fs;

use synth::{ElfCore, Segment};

use crate::support::{folder_of, in_repository, oops, run};

#[test]
fn what_is_no_dump_is_refused() {
    let folder = folder_of("stacks-log", &[("console.log", &oops())]);
    let ran = run(["stacks".as_ref(), folder.join("console.log").as_os_str()]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("it is no kernel dump"), "{}", ran.err);
    assert!(ran.err.contains("why LOG"), "{}", ran.err);
    assert_eq!(run(["stacks"]).code, Some(2));
}

#[test]
fn saved_stacks_are_shown_again_and_explain_nothing() {
    let saved = in_repository("docs/transcripts/dump-panic.stacks.json");
    let json = run(["stacks".as_ref(), "--json".as_ref(), saved.as_os_str()]);
    assert_eq!((json.code, json.err.as_str()), (Some(0), ""));
    assert_eq!(json.out, fs::read_to_string(&saved).unwrap());
    let one = run(["stacks", "--limit", "1", saved.to_str().unwrap()]);
    assert!(one.out.contains("more stacks (--limit)"), "{}", one.out);
    let log = run([saved]);
    assert_eq!((log.code, log.out.as_str()), (Some(2), ""));
    assert!(log.err.contains("why stacks FILE"), "{}", log.err);
}

#[test]
fn a_dump_without_a_kernel_says_what_is_missing() {
    let folder = folder_of("stacks-empty", &[]);
    let dump = folder.join("vmcore");
    let core = ElfCore {
        segments: vec![Segment {
            physical: 0,
            bytes: vec![0; 1 << 16],
            size: 1 << 16,
        }],
        ..ElfCore::default()
    };
    fs::write(&dump, core.write()).unwrap();
    let ran = run(["stacks".as_ref(), dump.as_os_str()]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("cannot show the stacks of"), "{}", ran.err);
    assert!(ran.err.contains("VMCOREINFO"), "{}", ran.err);
}

#[test]
fn its_help_says_what_comes_first() {
    let ran = run(["stacks", "--help"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    for word in ["--debuginfo", "--json", "run on a CPU come first"] {
        assert!(ran.words().contains(word), "{word}: {}", ran.out);
    }
}
