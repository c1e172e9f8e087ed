//! Transcripts of debuggers as targets.

use serde_json::Value;

use crate::support::{in_repository, run, run_with};

#[test]
fn a_debuggers_transcript_gives_the_circle() {
    let path = in_repository("lab/cases/aggr-deadlock.mdb.txt");
    let ran = run([&path]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    assert!(
        ran.words().starts_with(
            "Deadlock: two threads wait for each other for ever. Thread ffffffffa69be740 (dladm) waits for the rwlock \
             at 0xffffffff93785580 for writing, and thread fffffe8000359c80 holds it for reading; thread \
             fffffe8000359c80 waits for the rwlock at 0xffffffff85798720 for reading, and thread ffffffffa69be740 \
             (dladm) holds it for writing. Thread fffffe800016dc80 waits behind them."
        ),
        "{}",
        ran.out
    );
    assert!(
        ran.words()
            .contains("word 0xb: 1 reader, a writer wants it, has waiters")
    );
    let json = run([path.as_os_str(), "--json".as_ref()]).out;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["inputs"][0]["kind"], "transcript of mdb");
    let hang = &report["diagnosis"]["finding"]["hang"];
    assert_eq!(
        (&hang["shape"], &hang["behind"]),
        (&"cycle".into(), &1.into())
    );
    let links = hang["links"].as_array().unwrap();
    let told: Vec<_> = links
        .iter()
        .map(|link| {
            [&link["resource"]["address"], &link["wants"], &link["has"]]
                .map(|word| word.as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ["0xffffffff93785580", "exclusive", "shared"],
            ["0xffffffff85798720", "shared", "exclusive"]
        ]
    );
    assert_eq!(links[0]["taken_at"]["function"], "mac_rx");
}

#[test]
fn what_a_transcript_does_not_tell_is_said() {
    let whole = std::fs::read(in_repository("lab/cases/aggr-deadlock.mdb.txt")).unwrap();
    let ran = run_with(whole.get(..1200).unwrap(), &["-"]);
    assert!(
        ran.words().contains(
            "who has the rwlock at ffffffff93785580, for which a thread waits: nothing in the transcript tells. Supply \
             what ffffffff93785580::rwlock prints."
        ),
        "{}",
        ran.out
    );
}
