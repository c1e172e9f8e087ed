//! Bytes from broken machines must never panic us.

use super::tree::Tree;
use super::{Complaint, Rule};
use anyhow::Result;

pub(super) static ENTRY: Rule = Rule {
    name: "panics",
    help: "no unwrap, expect or panic! in crates that read what others wrote",
    check,
};

/// The crates that never see foreign bytes: the binary only wires, `synth` is for tests.
const EXEMPT: &[&str] = &["whydunit", "synth"];

const CALLS: &[&str] = &[
    ".unwrap()",
    ".expect(",
    ".unwrap_err()",
    ".expect_err(",
    "panic!(",
    "unreachable!(",
    "todo!(",
    "unimplemented!(",
];

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    let reads = |krate: &str| !EXEMPT.contains(&krate);
    for source in tree.crate_sources() {
        if !source.krate().is_some_and(reads) {
            continue;
        }
        for line in source.lines().filter(|line| !line.test) {
            if let Some(call) = CALLS.iter().find(|call| line.has(call)) {
                let wrong = format!("'{call}' can panic");
                let cure = "return a gap, an error or nothing";
                complaints.push(Complaint::new(&source.path, line.number, wrong, cure));
            }
        }
    }
    Ok(complaints)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let found = check(&Tree::made_up(&[(path, text)])).unwrap();
        found.into_iter().map(|c| c.line).collect()
    }

    const TEXT: &str = "a.unwrap();\na.unwrap_or(1);\na.expect(\"b\");\nself.expect_word();\npanic!();\n\
        s = \"panic!()\";\n/// a.unwrap()\n#[cfg(test)]\nmod tests {\n  fn f() { a.unwrap(); }\n}\n";

    #[test]
    fn crates_that_parse_return_errors() {
        assert_eq!(lines("crates/text/src/a.rs", TEXT), [1, 3, 5]);
    }

    #[test]
    fn others_and_tests_may_panic() {
        assert!(lines("crates/whydunit/src/a.rs", TEXT).is_empty());
        assert!(lines("crates/text/tests/a.rs", TEXT).is_empty());
        assert!(lines("crates/text/benches/a.rs", TEXT).is_empty());
    }
}
