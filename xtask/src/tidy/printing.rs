//! Nobody prints except a renderer; what is rendered goes out at the rim.

use super::tree::Tree;
use super::{Complaint, Rule};
use anyhow::Result;

pub(super) static ENTRY: Rule = Rule {
    name: "printing",
    help: "println! and its like only at the rim, dbg! nowhere",
    check,
};

const RIM: &[&str] = &["attach", "whydunit"];
const MACROS: &[&str] = &["println!", "eprintln!", "print!", "eprint!"];

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for source in &tree.sources {
        let krate = source.krate().filter(|krate| !RIM.contains(krate));
        let may_print = krate.is_none() || source.aside;
        for line in source.lines() {
            let found = MACROS.iter().find(|name| line.has(name));
            let found = found.filter(|_| !may_print && !line.test);
            if let Some(name) = found {
                let wrong = format!("'{name}' outside the rim");
                let cure = "return a fact and let a format of 'report' say it";
                complaints.push(Complaint::new(&source.path, line.number, wrong, cure));
            }
            if line.has("dbg!(") {
                let cure = "take it out";
                complaints.push(Complaint::new(&source.path, line.number, "'dbg!'", cure));
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

    const TEXT: &str = "println!();\neprint!();\nmy_println!();\n// println!()\n#[cfg(test)]\nfn f() { println!() }\ndbg!(1);\n";

    #[test]
    fn inner_crates_print_nothing() {
        assert_eq!(lines("crates/text/src/a.rs", TEXT), [1, 2, 7]);
    }

    #[test]
    fn nobody_keeps_dbg() {
        assert_eq!(lines("crates/whydunit/src/a.rs", TEXT), [7]);
        assert_eq!(lines("crates/text/tests/a.rs", TEXT), [7]);
        assert_eq!(lines("xtask/src/a.rs", TEXT), [7]);
    }
}
