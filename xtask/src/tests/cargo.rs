//! Runs cargo, passes on what it prints, and counts tests on the way.

use super::{Counts, corpus_folder, root};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// `cargo ARGUMENTS` at the root, without input and colours.
pub fn command(arguments: &[&str]) -> Result<Command> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()?);
    command.env("CARGO_TERM_COLOR", "never");
    command.stdin(Stdio::null());
    Ok(command)
}

/// Runs `cargo ARGUMENTS` and counts the tests that it tells of; a run that fails without telling of
/// a failed test (it did not build, a test brought its process down) counts as one failure.
pub(super) fn count(arguments: &[&str]) -> Result<Counts> {
    let mut listener = Listener::new(corpus_folder(root()?).is_dir());
    // One pipe for both, so that a file's name stands before the results of its tests.
    let (reader, writer) = std::io::pipe()?;
    let mut command = command(arguments)?;
    command.stdout(writer.try_clone()?).stderr(writer);
    println!("cargo {}", arguments.join(" "));
    let mut child = command.spawn().context("running cargo")?;
    // The writing ends that this process holds must go, or the pipe never ends.
    drop(command);
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        std::io::stdout().write_all(&line)?;
        listener.hear(&String::from_utf8_lossy(&line));
        line.clear();
    }
    let status = child.wait()?;
    let mut counts = listener.counts;
    if !status.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(counts)
}

/// Understands what cargo, the test harness and criterion print.
struct Listener {
    /// Whether there is a corpus.
    corpus: bool,
    /// Whether the tests that follow are those of a file `tests/corpus.rs`.
    in_corpus_file: bool,
    /// Tests of this file that passed since there was nothing to read.
    unread: u64,
    counts: Counts,
}

impl Listener {
    fn new(corpus: bool) -> Self {
        Self {
            corpus,
            in_corpus_file: false,
            unread: 0,
            counts: Counts::default(),
        }
    }

    fn hear(&mut self, line: &str) {
        let line = line.trim();
        if let Some(file) = line.strip_prefix("Running ") {
            self.in_corpus_file = file.starts_with("tests/corpus.rs ");
        } else if line.starts_with("Doc-tests ") {
            self.in_corpus_file = false;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            // What is ignored here runs in the suite `slow`; what is filtered was not asked for.
            let unread = std::mem::take(&mut self.unread);
            self.counts.passed += number_before(result, " passed").saturating_sub(unread);
            self.counts.skipped += unread;
            self.counts.failed += number_before(result, " failed");
        } else if let Some(name) = passed_test(line) {
            if !self.corpus && (self.in_corpus_file || name.split("::").any(|m| m == "corpus")) {
                self.unread += 1;
            }
        } else if line == "Success" {
            // Criterion, trying a benchmark once.
            self.counts.passed += 1;
        }
    }
}

fn passed_test(line: &str) -> Option<&str> {
    let name = line.strip_prefix("test ")?;
    name.strip_suffix(" ... ok")
}

fn number_before(text: &str, word: &str) -> u64 {
    let head = text.split(word).next().unwrap_or_default();
    let digits = head.rsplit(' ').next().unwrap_or_default();
    digits.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
     Running unittests src/lib.rs (target/debug/deps/text-1)

running 3 tests
test events::oops::reads ... ok
test dumps::tests::corpus::all ... ok
test slow ... ignored
test bad ... FAILED

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s

     Running tests/corpus.rs (target/debug/deps/corpus-2)
test titles ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
   Doc-tests base
test crates/base/src/lib.rs - one (line 2) ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
Testing scan
Success
";

    fn heard(corpus: bool) -> Counts {
        let mut listener = Listener::new(corpus);
        PRINTED.lines().for_each(|line| listener.hear(line));
        listener.counts
    }

    #[test]
    fn results_are_summed() {
        let counts = Counts {
            passed: 5,
            failed: 1,
            skipped: 0,
        };
        assert_eq!(heard(true), counts);
    }

    #[test]
    fn tests_without_a_corpus_are_skipped() {
        let counts = Counts {
            passed: 3,
            failed: 1,
            skipped: 2,
        };
        assert_eq!(heard(false), counts);
    }
}
