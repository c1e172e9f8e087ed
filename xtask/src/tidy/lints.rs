//! Every package takes the lints of the workspace; every exception has its reason.

use super::source;
use super::tree::Tree;
use super::{Complaint, Rule};
use anyhow::Result;

pub(super) static ENTRY: Rule = Rule {
    name: "lints",
    help: "every package inherits the workspace's lints, every #[allow] and #[expect] says why",
    check,
};

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for package in &tree.packages {
        let text = tree.file(&package.manifest).map(|file| file.text());
        let lines: Vec<&str> = text.unwrap_or_default().lines().map(str::trim).collect();
        let inherits = |pair: &[&str]| matches!(pair, ["[lints]", "workspace = true"]);
        if !lines.windows(2).any(inherits) {
            let cure = "add '[lints]' with 'workspace = true'";
            complaints.push(Complaint::new(
                &package.manifest,
                1,
                "the lints are its own",
                cure,
            ));
        }
    }
    for source in &tree.sources {
        for attribute in ["allow(", "expect("] {
            for (at, _) in source.code.match_indices(attribute) {
                if !starts_attribute(source.code.get(..at).unwrap_or_default()) {
                    continue;
                }
                let end = source::end_of_bracket(&source.code, at);
                let body = source.code.get(at..end).unwrap_or_default();
                if !body.contains("reason =") {
                    let line = source::line_number(&source.code, at);
                    let wrong = format!("#[{attribute}…)] gives no reason");
                    let cure = "add reason = \"…\", or mend what the lint tells";
                    complaints.push(Complaint::new(&source.path, line, wrong, cure));
                }
            }
        }
    }
    Ok(complaints)
}

/// Whether an attribute has just been opened: `#[`, `#![`, or the condition of a `cfg_attr`.
fn starts_attribute(head: &str) -> bool {
    let head = head.trim_end();
    if head.ends_with("#[") || head.ends_with("#![") {
        return true;
    }
    let opened = head.rsplit_once("#[").or_else(|| head.rsplit_once("#!["));
    opened.is_some_and(|(_, inside)| {
        inside.trim_start().starts_with("cfg_attr(") && !inside.contains(']')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let found = check(&Tree::made_up(&[("crates/a/src/a.rs", text)])).unwrap();
        found.into_iter().map(|c| c.line).collect()
    }

    #[test]
    fn exceptions_say_why() {
        assert_eq!(lines("#![allow(dead_code)]\n"), [1]);
        assert_eq!(lines("a\n#[ expect(\n  clippy::all)]\n"), [2]);
        assert_eq!(lines("#[cfg_attr(test, allow(dead_code))]\n"), [1]);
        assert!(lines("#[allow(\n  clippy::all,\n  reason = \"b\"\n)]\n").is_empty());
        assert!(lines("a.allow(b); c.expect(d); // #[allow(x)]\n").is_empty());
    }

    #[test]
    fn packages_inherit() {
        let own = "[lints.clippy]\nall = \"allow\"\n";
        for (text, complaints) in [("[lints]\nworkspace = true\n", 0), (own, 1), ("", 1)] {
            let tree = Tree::made_up(&[("crates/a/Cargo.toml", text)]).with_packages(&[("a", &[])]);
            assert_eq!(check(&tree).unwrap().len(), complaints);
        }
    }
}
