//! Kernels that really hang: what `why` tells of their dumps against what was written down before it read them, without
//! debug info and with that of our module.
//!
//! `lab/specimens/NAME/expected.json` has the hangs (`hangs`) and the names of threads that must be in no circle
//! (`not`). What an expected hang or link leaves out is not compared; a list is of answers that are all right; a name
//! that ends with `*` stands for all that begin so. A hang that `may_lack` need not be told, but must be right if it is.

use super::needs;
use super::{Counts, Outcome, Suite, cargo, root};
use anyhow::{Context, Result, bail};
use serde_json::Value;

pub(super) static ENTRY: Suite = Suite {
    name: "hangs",
    help: "deadlocks of dumped kernels are told as their stories say, and none of a healthy one",
    needs: &[needs::LAB],
    run,
};

const SPECIMENS: &[&str] = &["hang-locks", "hang-readers", "hang-healthy", "hang-events"];

/// The module of them all; its debug info is the only one that is kept for every run.
const MODULE: &str = "whylock.ko";

/// Shapes that say that nobody will ever go on.
const FOR_EVER: &[&str] = &["cycle", "itself", "owner_gone", "ownerless"];

fn run() -> Result<Outcome> {
    let names: Vec<String> = SPECIMENS.iter().map(ToString::to_string).collect();
    crate::lab::run(&names)?;
    let mut counts = Counts::default();
    for specimen in SPECIMENS {
        let expected = root()?
            .join("lab/specimens")
            .join(specimen)
            .join("expected.json");
        let text = std::fs::read_to_string(&expected)
            .with_context(|| format!("reading {}", expected.display()))?;
        let expected: Value = serde_json::from_str(&text)?;
        let folder = root()?.join("target/lab").join(specimen);
        let path = |file: &str| folder.join(file).to_string_lossy().into_owned();
        let (dump, module) = (path("vmcore.elf"), path(MODULE));
        let ways: [(&str, Vec<&str>); 2] = [
            ("the dump alone", vec![&dump]),
            (
                "with the module's debug info",
                vec![&dump, "--debuginfo", &module],
            ),
        ];
        for (way, arguments) in ways {
            let Compared { wrong, lacks } = compare(&report(&arguments)?, &expected);
            for line in &lacks {
                println!("{specimen}, {way}: as yet not told: {line}");
            }
            for line in &wrong {
                println!("{specimen}, {way}: {line}");
            }
            if wrong.is_empty() {
                println!("{specimen}, {way}: as its story says");
                counts.passed += 1;
            } else {
                counts.failed += 1;
            }
        }
    }
    Ok(Outcome::Ran(counts))
}

/// What `why` says of a dump.
fn report(arguments: &[&str]) -> Result<Value> {
    let mut command = cargo::command(&[
        "run",
        "--quiet",
        "--release",
        "-p",
        "whydunit",
        "--",
        "--json",
    ])?;
    let result = command.args(arguments).output().context("running why")?;
    // 1 and 3 are verdicts; 2 is wrong usage, and cargo itself fails with 101.
    if !matches!(result.status.code(), Some(0 | 1 | 3)) {
        let complaint = String::from_utf8_lossy(&result.stderr);
        bail!("why failed with {}: {complaint}", result.status);
    }
    Ok(serde_json::from_slice(&result.stdout)?)
}

/// What a report says otherwise than it should, and what it need not say and does not.
#[derive(Debug, Default)]
struct Compared {
    wrong: Vec<String>,
    lacks: Vec<String>,
}

/// Holds the hangs of a report against those expected. Each expected one takes the reported one that fits best, which
/// must have no differences; reported ones that are left over and say "for ever" are wrong.
fn compare(report: &Value, expected: &Value) -> Compared {
    let mut compared = Compared::default();
    let mut left = reported(report);
    for wanted in members(expected, "hangs") {
        let judged = left
            .iter()
            .map(|hang| differences(hang, wanted))
            .enumerate();
        // Of those that tell of one of the same waiters: others are no attempts at this one.
        let near = judged.filter(|(at, _)| left.get(*at).is_some_and(|hang| meets(hang, wanted)));
        match near.min_by_key(|(_, differences)| differences.len()) {
            Some((at, differences)) => {
                left.remove(at);
                compared.wrong.extend(differences);
            }
            None if wanted.get("may_lack") == Some(&Value::Bool(true)) => {
                compared.lacks.push(outline(wanted));
            }
            None => compared
                .wrong
                .push(format!("not told: {}", outline(wanted))),
        }
    }
    let for_ever = left.iter().filter(|hang| FOR_EVER.contains(&hang.shape));
    compared.wrong.extend(for_ever.map(|hang| {
        let names: Vec<&str> = hang.names().collect();
        format!("told and not so: {} of {}", hang.shape, names.join(", "))
    }));
    for hang in reported(report) {
        let innocent = members(expected, "not").filter(|pattern| {
            let is_in = hang.names().any(|name| fits(name, pattern));
            is_in && matches!(hang.shape, "cycle" | "itself")
        });
        compared
            .wrong
            .extend(innocent.map(|who| format!("{who} is told to be in a {}", hang.shape)));
    }
    compared
}

/// A hang as the report has it.
struct Reported<'a> {
    shape: &'a str,
    hang: &'a Value,
}

impl<'a> Reported<'a> {
    fn names(&self) -> impl Iterator<Item = &'a str> {
        members(self.hang, "threads").map(|party| text(party, "/thread/comm"))
    }

    /// The name of the thread that a link gives by its place.
    fn name(&self, link: &Value, role: &str) -> &'a str {
        let place = link.get(role).and_then(Value::as_u64);
        let place = place.and_then(|place| usize::try_from(place).ok());
        place
            .and_then(|place| self.names().nth(place))
            .unwrap_or("nobody")
    }
}

/// All hangs of a report, the main finding's first.
fn reported(report: &Value) -> Vec<Reported<'_>> {
    let first = report.pointer("/diagnosis/finding").into_iter();
    let others = report
        .pointer("/diagnosis")
        .into_iter()
        .flat_map(|diagnosis| members(diagnosis, "others"));
    let hangs = first
        .chain(others)
        .filter_map(|finding| finding.get("hang"));
    hangs
        .map(|hang| Reported {
            shape: text(hang, "/shape"),
            hang,
        })
        .collect()
}

/// Whether one of the threads that wait by the one waits by the other.
fn meets(hang: &Reported<'_>, wanted: &Value) -> bool {
    let waits = |link: &Value| {
        let waiter = link.get("waiter").unwrap_or(&Value::Null);
        // The workers of all queues have names alike: they are no sign.
        let is_one = waiter.as_str().is_some_and(|name| !name.ends_with('*'));
        let mut found = members(hang.hang, "links").map(|link| hang.name(link, "waiter"));
        is_one && found.any(|name| fits(name, waiter))
    };
    members(wanted, "links").any(waits)
}

fn differences(hang: &Reported<'_>, wanted: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    let of = outline(wanted);
    let mut differs = |what: &str, got: &str, wanted: &Value| {
        if !fits(got, wanted) {
            differences.push(format!("{of}: {what} is {got} instead of {wanted}"));
        }
    };
    if let Some(shape) = wanted.get("shape") {
        differs("the shape", hang.shape, shape);
    }
    if let Some(behind) = wanted.get("behind") {
        let got = hang.hang.get("behind").unwrap_or(&Value::Null).to_string();
        differs(
            "the number behind",
            &got,
            &Value::String(behind.to_string()),
        );
    }
    let (found, links): (Vec<_>, Vec<_>) = (
        members(hang.hang, "links").collect(),
        members(wanted, "links").collect(),
    );
    if found.len() != links.len() {
        let links = Value::String(links.len().to_string());
        differs("the number of links", &found.len().to_string(), &links);
    }
    for link in links {
        let waiter = link.get("waiter").unwrap_or(&Value::Null);
        let got = found
            .iter()
            .find(|got| fits(hang.name(got, "waiter"), waiter));
        let Some(got) = got else {
            differs("a link's waiter", "nobody", waiter);
            continue;
        };
        let holder = hang.name(got, "holder");
        for (member, got) in [
            ("kind", text(got, "/resource/kind")),
            ("resource", bare(text(got, "/resource/name"))),
            ("wants", text(got, "/wants")),
            ("holder", holder),
            ("has", text(got, "/has")),
            ("waits_in", text(got, "/waits_at/function")),
            ("taken_in", text(got, "/taken_at/function")),
        ] {
            if let Some(wanted) = link.get(member) {
                differs(&format!("{member} of {waiter}"), got, wanted);
            }
        }
    }
    differences
}

/// Whether it is what is wanted, or one of it.
fn fits(got: &str, wanted: &Value) -> bool {
    match wanted {
        Value::Array(any) => any.iter().any(|wanted| fits(got, wanted)),
        Value::String(wanted) => match wanted.strip_suffix('*') {
            Some(start) => got.starts_with(start),
            None => got == wanted,
        },
        _ => false,
    }
}

/// A name without the module that follows it: `vault+0x18 [whylock]`.
fn bare(name: &str) -> &str {
    name.split_once(" [").map_or(name, |(name, _)| name)
}

/// What an expected hang is called in messages.
fn outline(wanted: &Value) -> String {
    let waiters: Vec<&str> = members(wanted, "links")
        .map(|link| text(link, "/waiter"))
        .collect();
    format!("{} of {}", text(wanted, "/shape"), waiters.join(", "))
}

fn members<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    let list = value.get(name).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value
        .pointer(at)
        .and_then(Value::as_str)
        .unwrap_or("(none)")
}

#[cfg(test)]
mod comparison {
    use super::*;
    use serde_json::json;

    fn wanted() -> Value {
        json!({"hangs": [{"shape": "cycle", "behind": 1, "links": [
            {"waiter": "a", "kind": "mutex", "resource": ["x.lock", "x+0x8"], "wants": "exclusive", "holder": "kworker/*",
             "has": "exclusive", "waits_in": "f", "taken_in": "g"},
            {"waiter": "kworker/*", "holder": "a", "kind": ["mutex", "work"]}]}],
            "not": ["idle-*"]})
    }

    /// The same circle as a report has it, beginning elsewhere.
    fn told() -> Value {
        json!({"shape": "cycle", "behind": 1,
            "threads": [{"thread": {"comm": "kworker/0:1"}}, {"thread": {"comm": "a"}}],
            "links": [
                {"waiter": 0, "holder": 1, "wants": "event", "has": "event", "resource": {"kind": "work"}},
                {"waiter": 1, "holder": 0, "wants": "exclusive", "has": "exclusive",
                 "resource": {"kind": "mutex", "name": "x+0x8 [module]"},
                 "waits_at": {"function": "f"}, "taken_at": {"function": "g"}}]})
    }

    fn wrong(hangs: &[Value], wanted: &Value) -> Vec<String> {
        let findings: Vec<Value> = hangs.iter().map(|hang| json!({"hang": hang})).collect();
        let (first, others) = findings
            .split_first()
            .map_or((None, &[][..]), |(a, b)| (Some(a), b));
        let report = json!({"diagnosis": {"finding": first, "others": others}});
        compare(&report, wanted).wrong
    }

    #[test]
    fn a_circle_may_begin_anywhere_and_stand_among_others() {
        assert_eq!(wrong(&[told()], &wanted()), [""; 0]);
        let blocker = json!({"shape": "blocker", "threads": [], "links": []});
        assert_eq!(wrong(&[blocker, told()], &wanted()), [""; 0]);
    }

    #[test]
    fn each_difference_is_told() {
        for (at, value) in [
            ("/shape", json!("itself")),
            ("/behind", json!(0)),
            ("/links/1/resource/name", json!("y.lock")),
            ("/links/1/resource/kind", json!("rt_mutex")),
            ("/links/1/wants", json!("shared")),
            ("/links/1/has", json!("shared")),
            ("/links/1/holder", json!(1)),
            ("/links/1/waits_at/function", json!("h")),
            ("/links/1/taken_at", json!(null)),
            ("/links/0/holder", json!(7)),
        ] {
            let mut hang = told();
            *hang.pointer_mut(at).unwrap() = value;
            assert_eq!(wrong(&[hang], &wanted()).len(), 1, "{at}");
        }
        let mut short = told();
        short["links"].as_array_mut().unwrap().remove(0);
        assert_eq!(wrong(&[short], &wanted()).len(), 2);
    }

    #[test]
    fn what_is_missing_or_too_much_is_told() {
        assert_eq!(wrong(&[], &wanted()).len(), 1);
        assert_eq!(wrong(&[told(), told()], &wanted()).len(), 1);
        let mut lax = wanted();
        lax["hangs"][0]["may_lack"] = json!(true);
        assert_eq!(wrong(&[], &lax), [""; 0]);
        let mut bad = told();
        bad["behind"] = json!(9);
        assert_eq!(wrong(&[bad], &lax).len(), 1);
    }

    #[test]
    fn of_a_healthy_system_a_blocker_alone_may_be_told() {
        let healthy = json!({"hangs": [], "not": ["idle-*"]});
        for shape in ["cycle", "itself", "owner_gone", "ownerless", "blocker"] {
            let mut hang = told();
            hang["shape"] = json!(shape);
            assert_eq!(
                wrong(&[hang], &healthy).len(),
                usize::from(shape != "blocker")
            );
        }
        let mut accused = told();
        accused["threads"]
            .as_array_mut()
            .unwrap()
            .push(json!({"thread": {"comm": "idle-3"}}));
        assert_eq!(wrong(&[accused], &wanted()).len(), 1);
    }

    #[test]
    fn every_expectation_can_be_read() {
        for specimen in SPECIMENS {
            let file = root()
                .unwrap()
                .join("lab/specimens")
                .join(specimen)
                .join("expected.json");
            let expected: Value =
                serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
            assert!(
                expected.get("hangs").is_some_and(Value::is_array),
                "{specimen}"
            );
            for link in members(&expected, "hangs").flat_map(|hang| members(hang, "links")) {
                for (name, _) in link.as_object().unwrap() {
                    const NAMES: &[&str] = &[
                        "waiter", "kind", "resource", "wants", "holder", "has", "waits_in",
                        "taken_in",
                    ];
                    assert!(NAMES.contains(&name.as_str()), "{specimen}: {name}");
                }
            }
        }
    }
}
