//! No room grows too large without saying why.

use super::tree::Tree;
use super::{Complaint, Rule};
use anyhow::Result;

pub(super) static ENTRY: Rule = Rule {
    name: "length",
    help: "no source file over 800 lines without '// tidy: long because …'",
    check,
};

const MOST: usize = 800;
const MARK: &str = "tidy: long because ";

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    let sources = tree.files.iter();
    for file in sources.filter(|file| file.ends(&["rs", "c", "h", "sh", "py"])) {
        let lines = file.text().lines().count();
        let says_why = |line: &str| {
            let reason = line.trim_start_matches(['/', '*', '#', ' ']);
            reason.strip_prefix(MARK).is_some_and(|why| why.len() > 10)
        };
        if lines > MOST && !file.text().lines().any(says_why) {
            let cure = format!("part it, or say '// {MARK}…'");
            let wrong = format!("{lines} lines are more than {MOST}");
            complaints.push(Complaint::new(&file.path, MOST + 1, wrong, cure));
        }
    }
    Ok(complaints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_say_why() {
        let long = "x\n".repeat(MOST + 1);
        let said = format!("// tidy: long because it is a table\n{long}");
        let unsaid = format!("// tidy: long because\n{long}");
        for (path, text, complaints) in [
            ("a.rs", "x\n".repeat(MOST), 0),
            ("a.rs", long.clone(), 1),
            ("a.log", long, 0),
            ("a.rs", said, 0),
            ("a.rs", unsaid, 1),
        ] {
            assert_eq!(
                check(&Tree::made_up(&[(path, &text)])).unwrap().len(),
                complaints
            );
        }
    }
}
