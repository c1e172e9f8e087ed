//! The rules of the house, one file each; `cargo xtask tidy` holds the whole tree against them.
//!
//! A complaint reads `path:line: rule: what is wrong; what to do`. Every rule has tests with a small
//! made-up tree that breaks it: a rule that cannot fail is no rule.

mod source;
mod tree;

use anyhow::{Result, bail};
use tree::Tree;

const HELP: &str = "usage: cargo xtask tidy [--fix [PATH...]]

  --fix       format every Rust file first, also those that only a macro declares
  PATH...     format only what is there, such as crates/text: others may be editing the rest";

/// One rule.
struct Rule {
    /// Its name in a complaint.
    name: &'static str,
    /// What it sees to.
    help: &'static str,
    /// Everything in the tree that breaks it.
    check: fn(&Tree) -> Result<Vec<Complaint>>,
}

base::registry! {
    /// Every rule, from the plan of the house down to single characters.
    static RULES: [Rule] = [
        floors, registries, rim, printing, panics, lints, heads, length, links, workplace, copies, format,
    ];
}

/// Where a rule is broken, and how to mend it.
#[derive(Debug, PartialEq, Eq)]
struct Complaint {
    path: String,
    line: usize,
    wrong: String,
    cure: String,
}

impl Complaint {
    fn new(path: &str, line: usize, wrong: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            wrong: wrong.into(),
            cure: cure.into(),
        }
    }
}

/// Checks every rule; with `--fix` formats first.
pub fn run(arguments: &[String]) -> Result<()> {
    let mut fix = false;
    let mut paths = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--fix" => fix = true,
            "-h" | "--help" => {
                println!("{HELP}\n\nrules:");
                for rule in RULES {
                    println!("  {:<10} {}", rule.name, rule.help);
                }
                return Ok(());
            }
            path if fix && !path.starts_with('-') => paths.push(path.trim_end_matches('/')),
            other => bail!("unknown argument '{other}'\n{HELP}"),
        }
    }
    if fix {
        let mut tree = Tree::of_checkout()?;
        tree.sources
            .retain(|source| is_within(&source.path, &paths));
        if tree.sources.is_empty() {
            bail!("there is no Rust file in {}", paths.join(" "));
        }
        let changed = format::fix(&tree)?;
        println!("formatted {changed} files");
    }
    let tree = Tree::of_checkout()?;
    if tree.corpus.is_empty() {
        println!("there is no corpus to compare with (WHY_CORPUS names one)");
    }
    let mut broken = 0;
    for rule in RULES {
        for complaint in (rule.check)(&tree)? {
            let Complaint { path, line, .. } = &complaint;
            let Complaint { wrong, cure, .. } = &complaint;
            println!("{path}:{line}: {}: {wrong}; {cure}", rule.name);
            broken += 1;
        }
    }
    let (rules, files) = (RULES.len(), tree.files.len());
    if broken > 0 {
        bail!("{broken} complaints of {rules} rules over {files} files");
    }
    println!("{rules} rules hold over {files} files");
    Ok(())
}

/// Whether a path is one of these, or below one; every path is, where there are none.
fn is_within(path: &str, paths: &[&str]) -> bool {
    paths.is_empty()
        || paths.iter().any(|outer| {
            let rest = path.strip_prefix(outer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
}

/// The crates with this text in their code.
pub fn crates_with(text: &str) -> Result<Vec<String>> {
    let tree = Tree::of_checkout()?;
    let sources = tree.sources.iter();
    let mut names: Vec<String> = sources
        .filter(|source| source.code.contains(text))
        .filter_map(|source| source.krate().map(str::to_owned))
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_limit_what_is_formatted() {
        assert!(is_within("crates/a/src/a.rs", &[]));
        assert!(is_within("crates/a/src/a.rs", &["b", "crates/a"]));
        assert!(is_within("crates/a/src/a.rs", &["crates/a/src/a.rs"]));
        assert!(!is_within("crates/ab/src/a.rs", &["crates/a"]));
    }
}
