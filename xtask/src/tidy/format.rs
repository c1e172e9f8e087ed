//! Every Rust file is formatted, also those that only a macro declares: `cargo fmt` follows `mod`
//! and does not look into `registry!`.

use super::source::Source;
use super::tree::Tree;
use super::{Complaint, Rule};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::process::{Command, Stdio};

pub(super) static ENTRY: Rule = Rule {
    name: "format",
    help: "every Rust file is as rustfmt writes it, also those that only a macro declares",
    check,
};

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for (source, formatted) in format_all(tree)? {
        let wrong = match formatted {
            Ok(text) if text == source.text => continue,
            Ok(text) => {
                let pairs = source.text.lines().zip(text.lines());
                let same = pairs.take_while(|(is, should)| is == should).count();
                (same + 1, "not as rustfmt writes it".to_owned())
            }
            Err(complaint) => (1, complaint),
        };
        let cure = "run 'cargo xtask tidy --fix'";
        complaints.push(Complaint::new(&source.path, wrong.0, wrong.1, cure));
    }
    Ok(complaints)
}

/// Formats every file that needs it; returns how many did.
pub fn fix(tree: &Tree) -> Result<usize> {
    let mut changed = 0;
    for (source, formatted) in format_all(tree)? {
        match formatted {
            Ok(text) if text != source.text => {
                std::fs::write(tree.root.join(&source.path), text)
                    .with_context(|| format!("writing {}", source.path))?;
                changed += 1;
            }
            Ok(_) => {}
            Err(complaint) => bail!("{}: {complaint}", source.path),
        }
    }
    Ok(changed)
}

/// A file as rustfmt writes it, or what rustfmt says against it.
type Formatted = std::result::Result<String, String>;

/// Formats on every core: a process for each file, since rustfmt would follow `mod` in files it opens.
fn format_all(tree: &Tree) -> Result<Vec<(&Source, Formatted)>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = tree.sources.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let work = |sources: &'_ [Source]| -> Result<Vec<Formatted>> {
            sources.iter().map(|source| rustfmt(tree, source)).collect()
        };
        let handles: Vec<_> = tree
            .sources
            .chunks(share)
            .map(|sources| (sources, scope.spawn(move || work(sources))))
            .collect();
        let mut all = Vec::new();
        for (sources, handle) in handles {
            let Ok(formatted) = handle.join() else {
                bail!("a thread that formats panicked");
            };
            all.extend(sources.iter().zip(formatted?));
        }
        Ok(all)
    })
}

fn rustfmt(tree: &Tree, source: &Source) -> Result<Formatted> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--color", "never"])
        .current_dir(&tree.root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("running rustfmt (a component of the toolchain)")?;
    let mut input = child.stdin.take().context("rustfmt has no input")?;
    // It reads everything before it writes anything, so nobody waits for the other.
    input.write_all(source.text.as_bytes())?;
    drop(input);
    let result = child.wait_with_output()?;
    if result.status.success() {
        return Ok(Ok(String::from_utf8(result.stdout)?));
    }
    let complaint = String::from_utf8_lossy(&result.stderr);
    let first = complaint.lines().next().unwrap_or("rustfmt fails");
    Ok(Err(first.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_formatted() {
        let tree = Tree::made_up(&[
            ("crates/a/src/good.rs", "//! A.\n\nfn a() {}\n"),
            // Declared modules are not followed: this one does not even exist.
            (
                "crates/a/src/bad.rs",
                "//! B.\nmod elsewhere;\nfn  b( ){}\n",
            ),
            ("crates/a/src/broken.rs", "fn {\n"),
        ]);
        let told: Vec<(String, usize)> = check(&tree)
            .unwrap()
            .into_iter()
            .map(|c| (c.path, c.line))
            .collect();
        assert_eq!(
            told,
            [
                ("crates/a/src/bad.rs".to_owned(), 3),
                ("crates/a/src/broken.rs".to_owned(), 1),
            ]
        );
    }
}
