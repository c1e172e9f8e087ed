//! Every test with one command, on a fresh Debian machine with a Rust toolchain and nothing else.
//!
//! A suite that cannot run has failed: something that is missing must not look like success. The one
//! exception is the corpus of others' logs, which is not ours to ship; tests that read it stand in a
//! module or file named `corpus`, and count as skipped where there is none.

pub mod cargo;
pub mod needs;
pub mod python_drgn;

use anyhow::{Context, Result, bail};
use needs::Need;
use std::path::{Path, PathBuf};
use std::time::Instant;

const HELP: &str = "usage: cargo xtask test [SUITE...] [--without SUITE]...

  without a name    run every suite
  SUITE...          run these
  --without SUITE   leave this one out";

/// Tests that run together.
struct Suite {
    name: &'static str,
    /// What it tries.
    help: &'static str,
    /// The programs it starts, and whose package they are.
    needs: &'static [&'static [Need]],
    run: fn() -> Result<Outcome>,
}

base::registry! {
    /// Every suite, the quickest to fail first.
    static SUITES: [Suite] = [workspace, slow, benches, fuzz, lab, makedumpfile, drgn, structures, hangs];
}

/// What came of a suite.
enum Outcome {
    Ran(Counts),
    /// There is nothing to run, or an optional tool is not there; says which.
    Nothing(String),
}

/// How many tests went which way.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    const ONE_FAILED: Self = Self {
        passed: 0,
        failed: 1,
        skipped: 0,
    };

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The root of the checkout that this program was built from.
pub fn root() -> Result<&'static Path> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().context("the xtask folder has no parent")
}

/// Where the corpus of others' logs is, if there is one.
pub fn corpus_folder(root: &Path) -> PathBuf {
    match std::env::var_os("WHY_CORPUS") {
        Some(folder) => folder.into(),
        None => root.join("../shared/corpora"),
    }
}

/// Runs the suites and sums up.
pub fn run(arguments: &[String]) -> Result<()> {
    let Some(chosen) = choose(arguments)? else {
        println!("{HELP}\n\nsuites:");
        for suite in SUITES {
            println!("  {:<10} {}", suite.name, suite.help);
        }
        return Ok(());
    };
    let corpus = corpus_folder(root()?);
    if !corpus.is_dir() {
        let folder = corpus.display();
        println!("there is no corpus at {folder} (WHY_CORPUS names one): its tests are skipped");
    }
    let wanted = chosen.iter().flat_map(|suite| suite.needs).copied();
    let wanted = wanted.flatten();
    needs::install(&wanted.collect::<Vec<_>>());

    let mut total = Counts::default();
    let mut table = vec![format!(
        "{:<10} {:>7} {:>7} {:>8} {:>8}",
        "suite", "passed", "failed", "skipped", "seconds"
    )];
    for suite in chosen {
        println!("\n=== {}: {}", suite.name, suite.help);
        let started = Instant::now();
        let outcome =
            needs::check(suite.needs.iter().copied().flatten()).and_then(|()| (suite.run)());
        let (counts, remark) = match outcome {
            Ok(Outcome::Ran(counts)) => (counts, String::new()),
            Ok(Outcome::Nothing(why)) => (Counts::default(), why),
            Err(error) => {
                println!("{error:#}");
                // What a program complained is for above; the table has one line.
                let text = format!("{error:#}");
                let first = text.lines().next().unwrap_or_default();
                (Counts::ONE_FAILED, first.to_owned())
            }
        };
        let seconds = started.elapsed().as_secs();
        let Counts {
            passed,
            failed,
            skipped,
        } = counts;
        let row = format!(
            "{:<10} {passed:>7} {failed:>7} {skipped:>8} {seconds:>8}  {remark}",
            suite.name
        );
        println!("{}", row.trim_end());
        table.push(row.trim_end().to_owned());
        total.add(counts);
    }
    println!("\n{}\n", table.join("\n"));
    let Counts {
        passed,
        failed,
        skipped,
    } = total;
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        bail!("{failed} tests failed or could not run");
    }
    Ok(())
}

/// The suites that the command line asks for; none if it asks for help.
fn choose(arguments: &[String]) -> Result<Option<Vec<&'static Suite>>> {
    let find = |name: &str| {
        let found = SUITES.iter().find(|suite| suite.name == name);
        found.with_context(|| format!("there is no suite '{name}'\n{HELP}"))
    };
    let mut chosen: Vec<&Suite> = Vec::new();
    let mut without = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" => return Ok(None),
            "--without" => {
                let name = words.next().context("--without takes a suite")?;
                without.push(find(name)?.name);
            }
            name => chosen.push(find(name)?),
        }
    }
    if chosen.is_empty() {
        chosen.extend(SUITES);
    }
    chosen.retain(|suite| !without.contains(&suite.name));
    Ok(Some(chosen))
}

#[cfg(test)]
mod choice {
    use super::*;

    fn chosen(arguments: &[&str]) -> Vec<&'static str> {
        let words: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let suites = choose(&words).unwrap().unwrap();
        suites.iter().map(|suite| suite.name).collect()
    }

    #[test]
    fn suites_are_chosen_by_name() {
        assert_eq!(chosen(&[]).len(), SUITES.len());
        assert_eq!(chosen(&["lab", "slow"]), ["lab", "slow"]);
        assert!(!chosen(&["--without", "lab"]).contains(&"lab"));
        assert!(choose(&["attic".to_owned()]).is_err());
        assert!(choose(&["--without".to_owned()]).is_err());
    }
}
