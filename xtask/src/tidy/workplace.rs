//! The repository stands alone: no paths of the machine it was written on, no numbers of a tracker.

use super::tree::Tree;
use super::{Complaint, Rule};
use anyhow::Result;

pub(super) static ENTRY: Rule = Rule {
    name: "workplace",
    help: "no paths of somebody's machine, no numbers of an issue tracker",
    check,
};

/// Put together here, so that this file does not break its own rule.
const FOLDERS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        // What a kernel printed is kept byte for byte.
        let is_data = file.ends(&["log", "txt", "lock"]);
        for (index, line) in file.text().lines().enumerate() {
            if FOLDERS.iter().any(|folder| names_folder(line, folder)) {
                let wrong = "a path of somebody's machine";
                let cure = "say it relative to the repository";
                complaints.push(Complaint::new(&file.path, index + 1, wrong, cure));
            }
            if !is_data && names_issue(line) {
                let wrong = "a number of an issue tracker";
                let cure = "say the reason itself";
                complaints.push(Complaint::new(&file.path, index + 1, wrong, cure));
            }
        }
    }
    Ok(complaints)
}

/// Whether an absolute path starts with the folder somewhere in the line.
fn names_folder(line: &str, folder: &str) -> bool {
    let within_path = |c: char| c.is_alphanumeric() || "._-~})*".contains(c);
    line.match_indices(folder).any(|(at, _)| {
        let head = line.get(..at).unwrap_or_default();
        !head.ends_with(within_path)
    })
}

fn names_issue(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.match_indices("issue").any(|(at, word)| {
        let rest = line.get(at + word.len()..).unwrap_or_default();
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        let number = rest.trim_start_matches([' ', '#', '/', '-']);
        rest.len() > number.len() && number.starts_with(|c: char| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> usize {
        check(&Tree::made_up(&[(path, text)])).unwrap().len()
    }

    #[test]
    fn paths_of_machines_are_told() {
        let path = |head: &str| format!("{head}{}x", FOLDERS[0]);
        assert_eq!(complaints("a.md", &path("see ")), 1);
        assert_eq!(complaints("a.log", &path("")), 1);
        assert_eq!(complaints("a.md", &path("frame")), 0);
        assert_eq!(complaints("a.rs", "// homework/x\n"), 0);
    }

    #[test]
    fn numbers_of_trackers_are_told() {
        let number = |between: &str| format!("// issue{between}12\n");
        assert_eq!(complaints("a.rs", &number(" ")), 1);
        assert_eq!(complaints("a.rs", &number("s #")), 1);
        assert_eq!(complaints("a.md", &number("/")), 1);
        assert_eq!(complaints("a.log", &number(" ")), 0);
        assert_eq!(complaints("a.rs", "// it may issue 'dmesg', tissue\n"), 0);
    }
}
