//! Links in prose lead somewhere.

use super::tree::Tree;
use super::{Complaint, Rule};
use anyhow::Result;
use std::path::{Component, Path};

pub(super) static ENTRY: Rule = Rule {
    name: "links",
    help: "links in Markdown files lead to files that exist",
    check,
};

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for file in tree.files.iter().filter(|file| file.ends(&["md"])) {
        let mut in_code = false;
        for (index, line) in file.text().lines().enumerate() {
            in_code ^= line.trim_start().starts_with("```");
            for link in links(line).filter(|_| !in_code) {
                if !leads_somewhere(tree, &file.path, link) {
                    let wrong = format!("'{link}' leads nowhere");
                    let cure = "name a file of the repository, relative to this one";
                    complaints.push(Complaint::new(&file.path, index + 1, wrong, cure));
                }
            }
        }
    }
    Ok(complaints)
}

/// The targets of `[text](target)` and `[name]: target`, without those that are elsewhere.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split(')').next()?;
        target.split(' ').next()
    });
    let reference = line
        .strip_prefix('[')
        .and_then(|rest| Some(rest.split_once("]: ")?.1.trim()));
    let is_here = |target: &&str| {
        let elsewhere = target.contains("://") || target.starts_with("mailto:");
        !elsewhere && !target.is_empty() && !target.starts_with(['#', '<'])
    };
    inline.chain(reference).filter(is_here)
}

fn leads_somewhere(tree: &Tree, from: &str, link: &str) -> bool {
    let target = link.split('#').next().unwrap_or(link);
    let folder = Path::new(from).parent().unwrap_or(Path::new(""));
    let mut parts: Vec<String> = Vec::new();
    for part in folder.join(target).components() {
        match part {
            Component::ParentDir if parts.pop().is_none() => return false,
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::ParentDir | Component::CurDir => {}
            // An absolute path is one of the writer's machine.
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    let path = parts.join("/");
    let folder = format!("{path}/");
    let is_it = |file: &super::tree::File| file.path == path || file.path.starts_with(&folder);
    path.is_empty() || tree.files.iter().any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_files() {
        let text = "[a](b.md) [a](../README.md#x) [a](../crates) [a](https://x.org) [a](#here)\n\
            [a](c.md)\n```\n[a](d.md)\n```\n[ref]: e.md\n[a](/etc/passwd) [a](../../b.md)\n";
        let tree = Tree::made_up(&[
            ("docs/a.md", text),
            ("docs/b.md", ""),
            ("README.md", ""),
            ("crates/x/src/lib.rs", "a[0](b)"),
        ]);
        let lines: Vec<usize> = check(&tree).unwrap().iter().map(|c| c.line).collect();
        assert_eq!(lines, [2, 6, 7, 7]);
    }
}
