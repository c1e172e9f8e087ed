//! Every Rust file begins by saying what it is.

use super::tree::Tree;
use super::{Complaint, Rule};
use anyhow::Result;

pub(super) static ENTRY: Rule = Rule {
    name: "heads",
    help: "every Rust file begins with //! and says what it is",
    check,
};

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for source in &tree.sources {
        let first = source.text.lines().next().unwrap_or_default();
        let said = first.strip_prefix("//!").map(str::trim);
        if said.is_none_or(str::is_empty) {
            let cure = "begin with '//! ' and one line that says it";
            let wrong = "the file does not say what it is";
            complaints.push(Complaint::new(&source.path, 1, wrong, cure));
        }
    }
    Ok(complaints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_what_they_are() {
        for (text, complaints) in [
            ("//! It is.\n", 0),
            ("//!\n", 1),
            ("use a;\n//! Late.\n", 1),
            ("", 1),
        ] {
            let tree = Tree::made_up(&[("fuzz/a.rs", text)]);
            assert_eq!(check(&tree).unwrap().len(), complaints, "{text:?}");
        }
    }
}
