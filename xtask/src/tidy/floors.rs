//! The table of floors in `docs/architecture.md` against what the packages say that they use.

use super::tree::{Dependency, Package, Tree};
use super::{Complaint, Rule};
use anyhow::Result;

pub(super) static ENTRY: Rule = Rule {
    name: "floors",
    help: "a crate uses only crates above it in the table of docs/architecture.md",
    check,
};

const PLAN: &str = "docs/architecture.md";
const HEADING: &str = "## The floors";

/// A row of the table.
struct Floor {
    line: usize,
    name: String,
    /// Not built yet.
    planned: bool,
    /// Only tests may use it.
    dev: bool,
}

/// The rows; the first cell is the name in backticks, and `(planned)` or `(dev-dependency)` behind it.
fn floors(plan: &str) -> Vec<Floor> {
    let lines = plan.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines
        .skip_while(|(_, line)| *line != HEADING)
        .skip(1)
        .take_while(|(_, line)| !line.starts_with("## "))
        .filter_map(|(line, text)| {
            let cell = text.strip_prefix("| `")?.split('|').next()?;
            let (name, marks) = cell.split_once('`')?;
            Some(Floor {
                line,
                name: name.to_owned(),
                planned: marks.contains("planned"),
                dev: marks.contains("dev-dependency"),
            })
        })
        .collect()
}

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let plan = tree.file(PLAN).map(|file| file.text()).unwrap_or_default();
    let floors = floors(plan);
    let mut complaints = Vec::new();
    if floors.is_empty() {
        let wrong = format!("there is no table under '{HEADING}'");
        complaints.push(Complaint::new(PLAN, 1, wrong, "write it"));
    }
    let is_crate = |package: &&Package| package.manifest.starts_with("crates/");
    for floor in &floors {
        let name = &floor.name;
        let stands = tree.packages.iter().filter(is_crate);
        let (wrong, cure) = match (stands.into_iter().any(|p| p.name == *name), floor.planned) {
            (true, true) => (
                format!("'{name}' is marked planned and stands"),
                "take the mark away",
            ),
            (false, false) => (
                format!("there is no crate '{name}'"),
                "mark the row (planned), or take it out",
            ),
            _ => continue,
        };
        complaints.push(Complaint::new(PLAN, floor.line, wrong, cure));
    }
    for package in tree.packages.iter().filter(is_crate) {
        let Package { name, manifest, .. } = package;
        if *manifest != format!("crates/{name}/Cargo.toml") {
            let cure = "give folder and package one name";
            complaints.push(Complaint::new(
                manifest,
                1,
                format!("the package is '{name}'"),
                cure,
            ));
        }
        let Some(own) = floors.iter().position(|floor| floor.name == *name) else {
            let wrong = format!("'{name}' is missing from the table of {PLAN}");
            complaints.push(Complaint::new(manifest, 1, wrong, "give it a floor there"));
            continue;
        };
        for used in &package.dependencies {
            if !tree.packages.iter().any(|other| other.name == used.name) {
                continue;
            }
            if let Some((wrong, cure)) = judge(&floors, own, used) {
                let line = line_of(tree, manifest, &used.name);
                let wrong = format!("'{name}' {wrong}");
                complaints.push(Complaint::new(manifest, line, wrong, cure));
            }
        }
    }
    Ok(complaints)
}

/// What is wrong with the crate on the floor `own` using another package of the workspace.
fn judge(floors: &[Floor], own: usize, used: &Dependency) -> Option<(String, &'static str)> {
    let name = &used.name;
    let Some(other) = floors.iter().position(|floor| floor.name == *name) else {
        return Some((
            format!("uses '{name}', which is no crate of the house"),
            "do without",
        ));
    };
    if floors.get(other).is_some_and(|floor| floor.dev) {
        let wrong = format!("uses '{name}', which is for tests");
        return (!used.dev).then_some((wrong, "make it a dev-dependency"));
    }
    (other >= own).then(|| {
        let cure = "move what is needed up, or change the table and say why";
        (format!("uses '{name}', which stands below it"), cure)
    })
}

fn line_of(tree: &Tree, manifest: &str, name: &str) -> usize {
    let text = tree.file(manifest).map(|file| file.text());
    let mut lines = text.unwrap_or_default().lines();
    let is_it = |line: &str| {
        let rest = line.trim_start().strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    lines.position(is_it).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# Plan\n\n## The floors\n\n| crate | what |\n| --- | --- |\n| `base` | words |\n\
        | `text` | logs |\n| `trace` (planned) | D |\n| `synth` (dev-dependency) | inputs |\n\n## More\n| `no` |\n";

    fn complaints(plan: &str, packages: &[(&str, &[&str])]) -> Vec<String> {
        let text = "[dependencies]\ntext.workspace = true\n";
        let tree = Tree::made_up(&[(PLAN, plan), ("crates/base/Cargo.toml", text)]);
        let found = check(&tree.with_packages(packages)).unwrap();
        let tell = |c: Complaint| format!("{}:{}: {}", c.path, c.line, c.wrong);
        found.into_iter().map(tell).collect()
    }

    #[test]
    fn what_follows_the_table_is_quiet() {
        let good: &[(&str, &[&str])] = &[
            ("base", &["serde"]),
            ("text", &["base", "dev:synth"]),
            ("synth", &["base", "text"]),
        ];
        assert_eq!(complaints(TABLE, good), [""; 0]);
    }

    #[test]
    fn a_crate_may_not_use_what_stands_below() {
        let bad: &[(&str, &[&str])] = &[("base", &["text"]), ("text", &["synth"]), ("synth", &[])];
        assert_eq!(
            complaints(TABLE, bad),
            [
                "crates/base/Cargo.toml:2: 'base' uses 'text', which stands below it",
                "crates/text/Cargo.toml:1: 'text' uses 'synth', which is for tests",
            ]
        );
        let bad: &[(&str, &[&str])] =
            &[("base", &["dev:text"]), ("text", &[]), ("synth", &["text"])];
        assert_eq!(complaints(TABLE, bad).len(), 1);
    }

    #[test]
    fn table_and_crates_name_the_same() {
        let bad: &[(&str, &[&str])] = &[
            ("base", &[]),
            ("trace", &[]),
            ("attic", &[]),
            ("synth", &[]),
        ];
        assert_eq!(
            complaints(TABLE, bad),
            [
                "docs/architecture.md:8: there is no crate 'text'",
                "docs/architecture.md:9: 'trace' is marked planned and stands",
                "crates/attic/Cargo.toml:1: 'attic' is missing from the table of docs/architecture.md",
            ]
        );
        assert_eq!(complaints("", &[]).len(), 1);
    }
}
