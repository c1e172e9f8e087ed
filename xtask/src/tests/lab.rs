//! Specimens from end to end: a kernel dies in a virtual machine, and `why` must name its death; with debug info
//! fresh from the compiler and from Debian also where the pointer came from that it died of.

use super::needs;
use super::{Outcome, Suite, cargo, root};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::time::Instant;

pub(super) static ENTRY: Suite = Suite {
    name: "lab",
    help: "a kernel dies in a virtual machine and is diagnosed from its console",
    needs: &[needs::LAB],
    run,
};

/// The specimen with the shortest life.
const SPECIMEN: &str = "null-deref";
/// One whose memory is dumped.
const DUMP: &str = "dump-panic";
/// One whose memory tells why nobody set a pointer.
const OBJECT: &str = "dump-null-array";
/// The same with a module that carries no types.
const UNTYPED: &str = "dump-bare";
/// One that follows a bad pointer.
const POINTER: &str = "ptr-null-array";

fn run() -> Result<Outcome> {
    crate::lab::run(&["--vmlinux", SPECIMEN, POINTER].map(str::to_owned))?;
    crate::lab::run(&[DUMP, OBJECT, UNTYPED].map(str::to_owned))?;
    verdict()?;
    origin()?;
    dumped()?;
    stacks()?;
    object()?;
    // Registers, memory and places, against what QEMU and the kernel said when it was dumped.
    let mut counts = cargo::count(&["test", "--release", "-p", "image", "--test", "lab"])?;
    counts.passed += 4 + TOLD.len() as u64;
    Ok(Outcome::Ran(counts))
}

fn verdict() -> Result<()> {
    let expected = expected(SPECIMEN)?;
    let lines = why(&["--titles", "--json", &left(SPECIMEN, "console.log")?])?;
    let found: Vec<Value> = lines
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let differences = differences(&found, &expected);
    if !differences.is_empty() {
        bail!("{SPECIMEN}: {}", differences.join("; "));
    }
    println!("{SPECIMEN}: {} events, as its story says", found.len());
    Ok(())
}

/// What `why` must say of the failure that the memory of which was dumped: with what at hand, of which member, and
/// whether it says that types are missing.
struct Told {
    specimen: &'static str,
    with_module: bool,
    /// Type, member and where the pointer came from.
    words: [&'static str; 3],
    lacks_types: bool,
}

const TOLD: &[Told] = &[
    // The module carries its types: nothing but the dump is needed.
    Told {
        specimen: DUMP,
        with_module: false,
        words: ["struct customer", "discount", "struct order.customer"],
        lacks_types: false,
    },
    Told {
        specimen: UNTYPED,
        with_module: false,
        words: ["", "", "argument 1 of customer_discount"],
        lacks_types: true,
    },
    Told {
        specimen: UNTYPED,
        with_module: true,
        words: ["struct customer", "discount", "struct order.customer"],
        lacks_types: false,
    },
];

fn dumped() -> Result<()> {
    for told in TOLD {
        let Told { specimen, .. } = told;
        let (dump, module) = (left(specimen, "vmcore.elf")?, left(specimen, "whyfail.ko")?);
        let mut arguments = vec!["--json", &dump];
        if told.with_module {
            arguments.extend(["--debuginfo", &module]);
        }
        let report: Value = serde_json::from_str(&why(&arguments)?)?;
        let with = if told.with_module {
            " and its module"
        } else {
            ""
        };
        let wrong = told.otherwise(&report);
        if !wrong.is_empty() {
            bail!("{specimen}{with}: {}", wrong.join("; "));
        }
        println!("{specimen}{with}: explained from memory, {}", told.words[2]);
    }
    Ok(())
}

/// With the dump at hand the object itself tells that it was never meant to have what was missing.
fn object() -> Result<()> {
    let (dump, module) = (left(OBJECT, "vmcore.elf")?, left(OBJECT, "whyptr.ko")?);
    let report: Value = serde_json::from_str(&why(&["--json", &dump, "--debuginfo", &module])?)?;
    let provenance = report.pointer("/diagnosis/finding/provenance");
    let provenance = provenance.context("the dump's pointer was not followed")?;
    let told = |pointer: &str| provenance.pointer(pointer).unwrap_or(&Value::Null);
    let held: Vec<(&Value, &Value)> = told("/memory")
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|reading| Some((reading.get("what")?, reading.get("value")?)))
        .collect();
    for (what, value) in [
        ("struct bundle.balance.rx_hashtbl", "0"),
        ("struct handler.dev", "0"),
        ("struct handler.type", "0x806"),
    ] {
        if !held.iter().any(|(w, v)| *w == what && *v == value) {
            bail!("{OBJECT}: memory has {held:?}, and not {what} = {value}");
        }
    }
    // Who balances asks for the mode, by itself and through what is made of it.
    for way in ["/setters/0/reached/0", "/setters/0/reached/0/reached/0"] {
        let today = told(&format!("{way}/guards/0/today"));
        let says = |pointer: &str, wanted: Value| today.pointer(pointer) == Some(&wanted);
        let is_right = says("/holds", false.into())
            && says("/by/0/what", "bundle->mode".into())
            && says("/by/0/value", "1".into());
        if !is_right {
            bail!("{OBJECT}: {way} is judged so: {today}");
        }
    }
    println!("{OBJECT}: the object in memory tells who never ran for it");
    Ok(())
}

/// The stacks of a dump have the same frames with debug info and without: it adds lines and inlined functions alone.
fn stacks() -> Result<()> {
    let (dump, module) = (left(DUMP, "vmcore.elf")?, left(DUMP, "whyfail.ko")?);
    // Of the same build: Debian's kernel is the same for all specimens.
    let vmlinux = left(SPECIMEN, "vmlinux")?;
    let plain = why(&["stacks", "--json", &dump])?;
    let arguments = ["stacks", "--json", &dump, "--debuginfo"];
    let with = why(&[&arguments[..], &[&vmlinux, "--debuginfo", &module]].concat())?;
    let (plain, with) = (serde_json::from_str(&plain)?, serde_json::from_str(&with)?);
    let (plain, lines) = (frames(&plain)?, frames(&with)?);
    if plain.is_empty() || plain.len() != lines.len() {
        bail!(
            "{DUMP}: {} frames and {} with lines",
            plain.len(),
            lines.len()
        );
    }
    for (plain, lined) in plain.iter().zip(&lines) {
        for member in ["pc", "sp", "function", "offset", "module", "rule"] {
            if plain.get(member) != lined.get(member) {
                bail!("{DUMP}: {plain} is {lined} with lines");
            }
        }
    }
    let has = |frame: &&&Value, member| frame.get(member).is_some();
    let sources = lines.iter().filter(|frame| has(frame, "source")).count();
    let inlined = lines.iter().filter(|frame| has(frame, "inlined")).count();
    if sources < lines.len() || inlined == 0 {
        bail!(
            "{DUMP}: {sources} of {} frames have lines, {inlined} inlined functions",
            lines.len()
        );
    }
    if let Some(gaps) = with.get("gaps") {
        bail!("{DUMP}: {gaps}");
    }
    println!("{DUMP}: {} frames are the same with lines", lines.len());
    Ok(())
}

/// The frames of a document with stacks.
fn frames(document: &Value) -> Result<Vec<&Value>> {
    let groups = document.get("groups").and_then(Value::as_array);
    let stacks = groups.context("there are no stacks")?.iter();
    let frames = stacks.filter_map(|group| group.pointer("/stack/frames")?.as_array());
    Ok(frames.flatten().collect())
}

impl Told {
    fn otherwise(&self, report: &Value) -> Vec<String> {
        let text = |at: &str| {
            report
                .pointer(at)
                .and_then(Value::as_str)
                .unwrap_or("(none)")
        };
        let of = |at: &str| text(&format!("/diagnosis/finding/provenance/{at}"));
        let [kind, member, what] = self.words;
        let mut wrong: Vec<String> = [
            (of("access/function"), "customer_discount"),
            (of("access/type"), kind),
            (of("access/member"), member),
            (of("ends/what"), what),
        ]
        .iter()
        .filter(|(got, wanted)| got != wanted)
        .map(|(got, wanted)| format!("'{got}' instead of '{wanted}'"))
        .collect();
        let gaps = report.pointer("/diagnosis/gaps").and_then(Value::as_array);
        let lacks = gaps.into_iter().flatten().any(|gap| {
            let word = |name: &str| gap.get(name).and_then(Value::as_str).unwrap_or_default();
            word("what") == "the types of the module whyfail"
                && word("why").contains("carries no types")
        });
        if lacks != self.lacks_types {
            wrong.push(format!("that the module lacks types is said: {lacks}"));
        }
        wrong
    }
}

fn origin() -> Result<()> {
    let expected = expected(POINTER)?;
    let expected = expected
        .first()
        .and_then(|event| event.get("provenance"))
        .context("the story tells of no pointer")?;
    let console = left(POINTER, "console.log")?;
    let module = left(POINTER, "whyptr.ko")?;
    let vmlinux = left(POINTER, "vmlinux")?;
    let started = Instant::now();
    let report = why(&[
        "--json",
        &console,
        "--debuginfo",
        &module,
        "--debuginfo",
        &vmlinux,
    ])?;
    let report: Value = serde_json::from_str(&report)?;
    let seconds = started.elapsed().as_secs();
    let found = report.pointer("/diagnosis/finding/provenance");
    let found = found.context("the pointer was not followed")?;
    let differences = otherwise(found, expected);
    if !differences.is_empty() {
        bail!("{POINTER}: {}", differences.join("; "));
    }
    println!("{POINTER}: the pointer came from where its story says, {seconds} s");
    Ok(())
}

/// A file that the run of a specimen left.
fn left(specimen: &str, file: &str) -> Result<String> {
    let path = root()?.join("target/lab").join(specimen).join(file);
    let path = path.to_str().context("a path that is no text")?;
    Ok(path.to_owned())
}

fn expected(specimen: &str) -> Result<Vec<Value>> {
    let example = root()?.join(format!("examples/{specimen}.expected.json"));
    let text = std::fs::read_to_string(&example)
        .with_context(|| format!("reading {}", example.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// What `why` prints.
fn why(arguments: &[&str]) -> Result<String> {
    let mut command = cargo::command(&["run", "--quiet", "-p", "whydunit", "--"])?;
    let result = command.args(arguments).output().context("running why")?;
    // 1 and 3 are verdicts; 2 is wrong usage, and cargo itself fails with 101.
    if !matches!(result.status.code(), Some(0 | 1 | 3)) {
        let complaint = String::from_utf8_lossy(&result.stderr);
        bail!("why failed with {}: {complaint}", result.status);
    }
    Ok(String::from_utf8(result.stdout)?)
}

/// What `why` says of the access and of the origin otherwise than the story.
fn otherwise(found: &Value, expected: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    for part in ["access", "ends"] {
        let wanted = expected.get(part).and_then(Value::as_object);
        for (name, wanted) in wanted.into_iter().flatten() {
            let got = found.get(part).and_then(|part| part.get(name));
            let got = got.unwrap_or(&Value::Null);
            if got != wanted {
                differences.push(format!("{part}.{name} is {got} instead of {wanted}"));
            }
        }
    }
    differences
}

/// What `why` says otherwise than the story; the members have other names there.
fn differences(found: &[Value], expected: &[Value]) -> Vec<String> {
    const MEMBERS: &[(&str, &str)] = &[
        ("title", "title"),
        ("crash", "crash"),
        ("frame", "function"),
    ];
    let mut differences = Vec::new();
    if found.len() != expected.len() {
        let (found, expected) = (found.len(), expected.len());
        differences.push(format!("{found} events instead of {expected}"));
    }
    for (found, expected) in found.iter().zip(expected) {
        for (ours, theirs) in MEMBERS {
            let got = found.get(ours).unwrap_or(&Value::Null);
            match expected.get(theirs) {
                Some(wanted) if got != wanted => {
                    differences.push(format!("{ours} is {got} instead of {wanted}"));
                }
                _ => {}
            }
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_story_decides() {
        let expected = [json!({"title": "BUG in f", "crash": true, "function": "f", "note": "x"})];
        let right = json!({"title": "BUG in f", "crash": true, "frame": "f", "line_start": 1});
        let wrong = json!({"title": "BUG in g", "crash": true, "frame": "f"});
        assert!(differences(std::slice::from_ref(&right), &expected).is_empty());
        assert_eq!(differences(&[wrong], &expected).len(), 1);
        assert_eq!(differences(&[], &expected).len(), 1);
        assert_eq!(differences(&[right.clone(), right], &expected).len(), 1);
    }

    #[test]
    fn a_dump_is_told_with_its_types_or_that_they_lack() {
        let report = |kind: &str, member: &str, what: &str, gaps: Value| {
            json!({"diagnosis": {"gaps": gaps, "finding": {"provenance": {
                "access": {"function": "customer_discount", "type": kind, "member": member},
                "ends": {"what": what}}}}})
        };
        let gap = json!([{"what": "the types of the module whyfail", "why": "it carries no types (BTF)"}]);
        let typed = report(
            "struct customer",
            "discount",
            "struct order.customer",
            json!([]),
        );
        let bare = report("", "", "argument 1 of customer_discount", gap);
        let wrong = |told: &Told, report: &Value| told.otherwise(report).len();
        assert_eq!([wrong(&TOLD[0], &typed), wrong(&TOLD[0], &bare)], [0, 4]);
        assert_eq!([wrong(&TOLD[1], &typed), wrong(&TOLD[1], &bare)], [4, 0]);
        assert_eq!(wrong(&TOLD[0], &json!({})), 4);
    }

    #[test]
    fn the_story_knows_where_the_pointer_came_from() {
        let expected = json!({"access": {"member": "assigned", "offset": 24}, "ends": {"kind": "member", "what": "a.b"}});
        let right = json!({"access": {"function": "f", "member": "assigned", "offset": 24},
            "ends": {"kind": "member", "what": "a.b", "value": "NULL"}});
        let wrong = json!({"access": {"member": "told", "offset": 24}, "ends": {"kind": "unknown", "what": "rax"}});
        assert!(otherwise(&right, &expected).is_empty());
        assert_eq!(otherwise(&wrong, &expected).len(), 3);
        assert_eq!(otherwise(&json!({}), &expected).len(), 4);
    }
}
