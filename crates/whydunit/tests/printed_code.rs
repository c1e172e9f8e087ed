//! What the code bytes of a log tell of a bad pointer, against what the source of the program
//! that died says: nothing that is claimed may contradict it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};

use base::LogEvent;
use cause::provenance::{self, Agreement, Leaf, Past, Place, Provenance, Shape};
use serde_json::Value;
use text::LogReader;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn events(log: &Path) -> Vec<LogEvent> {
    let mut events = Vec::new();
    let mut reader = LogReader::new(0);
    reader.feed(&std::fs::read(log).unwrap(), &mut |event| {
        events.push(event);
    });
    reader.finish(&mut |event| events.push(event));
    events.sort_by_key(|event| event.span);
    events
}

/// The specimens of bad pointers: name, event, truth.
fn specimens() -> Vec<(String, LogEvent, Value)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(name) = name
            .strip_prefix("ptr-")
            .and_then(|name| name.strip_suffix(".log"))
        else {
            continue;
        };
        let expected = std::fs::read(path.with_extension("expected.json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        let truth = expected[0]["provenance"].clone();
        assert!(truth["access"].is_object(), "{name}: no truth");
        let event = events(&path).into_iter().find(|event| event.crash).unwrap();
        found.push((name.to_owned(), event, truth));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(found.len() >= 21, "the specimens are missing");
    found
}

/// The offset of the member from the pointer that was bad, as claimed.
fn offset(shape: &Shape) -> Option<i64> {
    match shape {
        Shape::Member { offset, .. } | Shape::Element { offset, .. } => Some(*offset),
        Shape::Other => None,
    }
}

#[test]
fn nothing_claimed_contradicts_the_source() {
    let [mut told, mut elements] = [0, 0];
    for (name, event, truth) in specimens() {
        let access = &truth["access"];
        if truth["fetch"] == true {
            // The code bytes are those of nowhere: that must be said, and nothing else.
            assert!(provenance::trace(&event).is_err(), "{name}");
            assert!(provenance::gap(&event).is_some(), "{name}");
            continue;
        }
        let provenance = provenance::trace(&event).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        assert_eq!(provenance.access.agreement, Agreement::Same, "{name}");
        assert_eq!(
            u64::from(provenance.access.size),
            access["size"].as_u64().unwrap(),
            "{name}: bytes"
        );
        assert_eq!(
            provenance.access.write,
            access["write"].as_bool().unwrap(),
            "{name}: write"
        );
        let shape = provenance.shape();
        // A list's entry lies around its head: `next` points to the head, the member before it.
        let inside = truth["value"] == "LIST_POISON1";
        if let Some(offset) = offset(&shape).filter(|_| !inside) {
            assert_eq!(offset, access["offset"].as_i64().unwrap(), "{name}: offset");
        }
        if let Shape::Element { index, size, .. } = &shape {
            elements += 1;
            assert_eq!(Some(*index), access["index"].as_u64(), "{name}: element");
            assert_eq!(Some(*size), access["element_size"].as_u64(), "{name}: size");
        } else {
            // MIPS and RISC-V print few instructions: of the index too little to say anything of the shape.
            let silent = matches!(shape, Shape::Other);
            assert!(
                silent || access["index"].is_null(),
                "{name}: no element seen"
            );
        }
        let verdict = provenance::verdict(&provenance, "f").map(|verdict| verdict.join(" "));
        if let Some(verdict) = &verdict {
            told += 1;
            value(&name, &provenance, &truth, verdict);
        }
        ends(&name, &provenance, &truth);
    }
    assert!(told >= 20, "only {told} have a verdict");
    // x86 and arm64 print enough of the function.
    assert!(elements >= 2, "only {elements} are elements");
}

/// What the pointer is said to be.
fn value(name: &str, provenance: &Provenance, truth: &Value, verdict: &str) {
    let shape = provenance.shape();
    let value = shape.pointer().unwrap().value.unwrap();
    let expected = match truth["value"].as_str() {
        Some("ERR_PTR(-ENODEV)") => "ENODEV (-19)",
        Some("LIST_POISON1") => "LIST_POISON1",
        Some(other) => panic!("{name}: {other}"),
        None if truth["ends"]["kind"] == "freed" => "POISON_FREE",
        None if value == 0 => "is NULL",
        None => "is 0x",
    };
    assert!(verdict.contains(expected), "{name}: {verdict}");
}

/// Where the pointer is said to come from.
fn ends(name: &str, provenance: &Provenance, truth: &Value) {
    let shape = provenance.shape();
    let Some(pointer) = shape.pointer() else {
        return;
    };
    let kind = truth["ends"]["kind"].as_str().unwrap();
    match &pointer.leaf {
        Leaf::Loaded { .. } => assert!(
            // A member, whatever became of it.
            matches!(kind, "member" | "freed" | "poison" | "global" | "stack"),
            "{name}: read from memory, not {kind}"
        ),
        Leaf::Register { past, .. } => match past {
            Past::Returned(_) => assert_eq!(kind, "return", "{name}"),
            // It may be the argument of one that was handed it.
            Past::Argument(_) => {
                let before = truth["before"].as_str().unwrap_or_default();
                assert!(
                    kind == "argument" || before.starts_with("argument"),
                    "{name}"
                );
            }
            Past::Several(_) => assert!(truth["otherwise"].is_string(), "{name}"),
            _ => {}
        },
        Leaf::Opaque(_) | Leaf::Address(_) | Leaf::Eighth { .. } => {}
    }
    if let Some(hop) = provenance.hops().first() {
        let expected = matches!(
            (hop.place, kind, truth["per_cpu"] == true),
            (Place::PerCpu, "global", true)
                | (Place::Global, "global", false)
                | (Place::Stack, "stack" | "member", _)
                | (Place::Object, "member" | "freed" | "poison", _)
        );
        assert!(expected, "{name}: in {:?}, not {kind}", hop.place);
    }
    let element = &truth["element"];
    if element.is_object() {
        let hops = provenance.hops();
        let (_, index) = hops[0].element().expect("an element");
        assert_eq!(index.value, element["index"].as_u64(), "{name}: index");
        assert_eq!(
            Some(index.factor),
            element["element_size"].as_u64(),
            "{name}"
        );
    }
    let member = provenance.hops().first().map(|hop| hop.offset);
    if let Some(offset) = truth["base"]["offset"].as_i64() {
        assert_eq!(member, Some(offset), "{name}: where the pointer lies");
    }
}

#[test]
fn the_first_case_is_an_element_of_a_null_array() {
    let log = root().join("lab/cases/bonding-rlb-oops.mips64.log");
    let event = events(&log).into_iter().find(|event| event.crash).unwrap();
    let provenance = provenance::trace(&event).unwrap();
    assert_eq!(
        provenance::verdict(&provenance, "rlb_arp_recv").unwrap(),
        [
            "rlb_arp_recv read 1 byte at offset 24 of element 16 of an array whose base pointer is NULL; \
             the elements are 48 bytes.",
            "The NULL sits at offset 616 of the object at s2 = 0xa8000000012d1600.",
        ]
    );
}
