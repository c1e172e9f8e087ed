//! One specimen from end to end: a kernel dies in a virtual machine, and `why` must name its death.

use super::needs::Need;
use super::{Counts, Outcome, Suite, cargo, root};
use anyhow::{Context, Result, bail};
use serde_json::Value;

pub(super) static ENTRY: Suite = Suite {
    name: "lab",
    help: "a kernel dies in a virtual machine and is diagnosed from its console",
    needs: &[
        Need::new("qemu-system-x86_64", "qemu-system-x86"),
        Need::new("gcc-12", "gcc-12"),
        Need::new("make", "make"),
        Need::new("xz", "xz-utils"),
        // The kernel's objtool looks at every module that is built.
        Need::new("libelf.so.1", "libelf1"),
    ],
    run,
};

/// The specimen with the shortest life.
const SPECIMEN: &str = "null-deref";

fn run() -> Result<Outcome> {
    crate::lab::run(&[SPECIMEN.to_owned()])?;
    let root = root()?;
    let console = root.join(format!("target/lab/{SPECIMEN}/console.log"));
    let example = root.join(format!("examples/{SPECIMEN}.expected.json"));
    let text = std::fs::read_to_string(&example)
        .with_context(|| format!("reading {}", example.display()))?;
    let expected: Vec<Value> = serde_json::from_str(&text)?;

    let mut command = cargo::command(&["run", "--quiet", "-p", "whydunit", "--"])?;
    command.args(["--titles", "--json"]).arg(&console);
    let result = command.output().context("running why")?;
    // 1 and 3 are verdicts; 2 is wrong usage, and cargo itself fails with 101.
    if !matches!(result.status.code(), Some(0 | 1 | 3)) {
        let complaint = String::from_utf8_lossy(&result.stderr);
        bail!("why failed with {}: {complaint}", result.status);
    }
    let lines = String::from_utf8(result.stdout)?;
    let found: Vec<Value> = lines
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let differences = differences(&found, &expected);
    if !differences.is_empty() {
        let log = console.display();
        bail!("of {log}: {}", differences.join("; "));
    }
    println!("{SPECIMEN}: {} events, as its story says", found.len());
    Ok(Outcome::Ran(Counts {
        passed: 1,
        ..Counts::default()
    }))
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
}
