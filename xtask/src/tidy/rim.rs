//! Files, the clock, the environment, other programs and the network belong to the rim.

use super::tree::Tree;
use super::{Complaint, Rule};
use anyhow::Result;

pub(super) static ENTRY: Rule = Rule {
    name: "rim",
    help: "only the rim opens files, reads the clock or the environment, starts programs",
    check,
};

const RIM: &[&str] = &["attach", "serve", "whydunit"];
const MODULES: &[&str] = &["fs", "env", "process"];
/// Clocks and sockets; the addresses of `std::net` are plain data.
const TYPES: &[&str] = &[
    "SystemTime",
    "Instant",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
];

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    let inside = |krate: &str| !RIM.contains(&krate);
    for source in tree.crate_sources() {
        if !source.krate().is_some_and(inside) {
            continue;
        }
        let mut in_std_group = false;
        for line in source.lines() {
            // `use std::{fs, io};` may go over several lines.
            in_std_group |= line.has("std::{");
            let module = MODULES.iter().find(|module| {
                line.has(&format!("std::{module}")) && line.has_word(module)
                    || in_std_group && line.has_word(module)
            });
            in_std_group &= !line.code.contains(';');
            let kind = TYPES.iter().find(|kind| line.has_word(kind));
            let Some(word) = module.or(kind).filter(|_| !line.test) else {
                continue;
            };
            let wrong = format!("'{word}' is for {} only", RIM.join(", "));
            let cure = "let the rim read it and hand it in";
            complaints.push(Complaint::new(&source.path, line.number, wrong, cure));
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

    const TEXT: &str = "use std::fs::File;\nuse std::fmt;\nuse std::{\n    io,\n    env,\n};\nlet env = 1;\n\
        fn f(at: Instant, ip: std::net::IpAddr) {}\nlet a = env!(x); // std::fs\n#[cfg(test)]\nfn g() { std::fs::read(x); }\n";

    #[test]
    fn inner_crates_touch_nothing() {
        assert_eq!(lines("crates/text/src/a.rs", TEXT), [1, 5, 8]);
    }

    #[test]
    fn the_rim_and_tests_may() {
        assert!(lines("crates/attach/src/a.rs", TEXT).is_empty());
        assert!(lines("crates/text/tests/a.rs", TEXT).is_empty());
        assert!(lines("xtask/src/a.rs", TEXT).is_empty());
    }
}
