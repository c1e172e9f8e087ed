//! Where each bad pointer of the laboratory came from: what the program says with the module's debug info at
//! hand, against what the specimen's author wrote before it could.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod compare;

use compare::Ended;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A log that ends at a bad pointer.
struct Specimen {
    name: String,
    expected: Value,
    /// What the program says; null if nothing.
    got: Value,
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Every specimen whose author says where the pointer came from, by name.
fn specimens() -> &'static [Specimen] {
    static ALL: OnceLock<Vec<Specimen>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut found = Vec::new();
        for entry in fs::read_dir(examples()).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let Some(name) = file.strip_suffix(".expected.json") else {
                continue;
            };
            let text = fs::read(examples().join(&file)).unwrap();
            let mut events: Value = serde_json::from_slice(&text).unwrap();
            let events = events.as_array_mut().unwrap();
            let expected = events.iter_mut().map(|event| event["provenance"].take());
            for expected in expected.filter(|expected| !expected.is_null()) {
                for word in expected.as_object().unwrap().keys() {
                    assert!(
                        WORDS.contains(&word.as_str()),
                        "{name}: {word} means nothing"
                    );
                }
                found.push(Specimen {
                    name: name.to_owned(),
                    got: provenance(name),
                    expected,
                });
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        assert!(found.len() >= 26, "the examples are missing");
        found
    })
}

/// What an author can say; the last are not asked for.
const WORDS: &[&str] = &[
    "access",
    "ends",
    "should_have_set",
    "guards",
    "handler",
    "passed",
    "fetch",
    "value",
    "variable",
    "element",
    "otherwise",
    "alone",
    "before",
    "fault_in",
    "inlined",
    "base",
    "overwritten_by",
    "freed_by",
    "slot",
    "per_cpu",
];

/// The module of the laboratory that the specimen loads.
fn lab_module(name: &str) -> String {
    let script = examples().join(format!("../lab/specimens/{name}/init.sh"));
    let script = fs::read_to_string(script).unwrap();
    let modules = script
        .lines()
        .find_map(|line| line.strip_prefix("#: lab-modules "));
    modules.unwrap().trim().to_owned()
}

/// What the program says of a log with the debug info of the module that failed.
fn provenance(name: &str) -> Value {
    let own = examples().join(format!("{name}.ko"));
    let module = match own.exists() {
        true => own,
        false => examples().join(format!("{}.ko.xz", lab_module(name))),
    };
    let mut why = Command::new(env!("CARGO_BIN_EXE_why"));
    why.env_remove("DEBUGINFOD_URLS");
    why.arg("--json")
        .arg(examples().join(format!("{name}.log")));
    let ran = why.arg("--debuginfo").arg(module).output().unwrap();
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert!(
        matches!(ran.status.code(), Some(1 | 3)),
        "{name}: {complaint}"
    );
    let mut report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    report["diagnosis"]["finding"]["provenance"].take()
}

/// An end in words.
fn words(provenance: &Value) -> String {
    let [kind, what] = ["kind", "what"].map(|name| &provenance["ends"][name]);
    match (kind.as_str(), what.as_str()) {
        (Some(kind), Some(what)) => format!("{kind} {what}"),
        _ => "-".to_owned(),
    }
}

#[test]
fn almost_every_pointer_is_followed_to_its_origin_and_none_to_a_wrong_one() {
    let mut table = Vec::new();
    let [mut hits, mut wrong] = [0, 0];
    for Specimen {
        name,
        expected,
        got,
    } in specimens()
    {
        let ended = compare::end(expected, got);
        hits += usize::from(ended == Ended::Hit);
        wrong += usize::from(ended == Ended::Wrong);
        let [wanted, found] = [expected, got].map(words);
        let mut row = format!("{name:<26} {wanted:<42} {found:<42} {ended:?}");
        for other in got["otherwise"].as_array().into_iter().flatten() {
            row.push_str(&format!("; or {}", other["what"]));
        }
        table.push(row);
    }
    let all = specimens().len();
    let table = table.join("\n");
    println!("{table}\n{hits} of {all} at their origin, {wrong} at a wrong one");
    assert_eq!(wrong, 0, "ends that are wrong:\n{table}");
    assert!(
        hits * 15 >= all * 14,
        "too few were followed to their origin:\n{table}"
    );
}

#[test]
fn what_is_said_of_the_way_is_right() {
    let mut wrong = Vec::new();
    for specimen in specimens() {
        let Specimen { expected, got, .. } = specimen;
        // What is not known is judged above.
        if compare::end(expected, got) == Ended::Hit {
            let found = compare::differences(expected, got);
            wrong.extend(
                found
                    .iter()
                    .map(|text| format!("{}: {text}", specimen.name)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Bytes that run over a neighbour have no type that leads to it: of three the program can name one.
#[test]
fn who_wrote_over_a_pointer_is_named_where_types_lead_there() {
    let mut told = Vec::new();
    for specimen in specimens() {
        let Specimen { expected, got, .. } = specimen;
        if let Some(is_named) = compare::names_overwriter(expected, got) {
            told.push((specimen.name.as_str(), is_named));
        }
    }
    let wanted = [
        ("ptr-callback-overwritten", false),
        ("ptr-list-bad-next", true),
        ("ptr-size-overflow", false),
    ];
    assert_eq!(told, wanted);
}
