//! Every file of a registry folder is in the folder's list.

use super::source::{self, Source};
use super::tree::Tree;
use super::{Complaint, Rule};
use anyhow::Result;

pub(super) static ENTRY: Rule = Rule {
    name: "registries",
    help: "every file of a registry folder is in the list of its registry!, and the other way round",
    check,
};

/// A file with a `registry!`.
struct Registry<'a> {
    source: &'a Source,
    /// The line of the macro.
    line: usize,
    /// The modules in the list.
    listed: Vec<&'a str>,
    /// The modules declared besides: helpers and tests.
    declared: Vec<String>,
}

fn registry(source: &Source) -> Option<Registry<'_>> {
    const MACRO: &str = "registry! {";
    let code = &source.code;
    // The definition of the macro itself is `macro_rules! registry {`.
    let start = code.find(MACRO)?;
    let end = source::end_of_bracket(code, start);
    let body = code.get(start + MACRO.len()..end)?;
    let list = body.split_once("= [")?.1.split(']').next()?;
    let names = list.split(',').map(str::trim);
    Some(Registry {
        source,
        line: source::line_number(code, start),
        listed: names.filter(|name| !name.is_empty()).collect(),
        declared: source::declared_modules(code),
    })
}

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for registry in tree.sources.iter().filter_map(registry) {
        let list = &registry.source.path;
        let folder = source::module_folder(list);
        let mut found = Vec::new();
        for source in &tree.sources {
            let Some(name) = module_in(&folder, &source.path) else {
                continue;
            };
            found.push(name);
            if source.path == *list || registry.listed.contains(&name) {
                continue;
            }
            let wrong = if !registry.declared.iter().any(|declared| declared == name) {
                format!("'{name}' is not in the list of {list}")
            } else if source.code.contains("static ENTRY") {
                format!("'{name}' has an entry and is declared beside the list of {list}")
            } else {
                continue;
            };
            let cure = "add its name to the list, at the place that the order asks for";
            complaints.push(Complaint::new(&source.path, 1, wrong, cure));
        }
        for name in registry.listed.iter().filter(|name| !found.contains(name)) {
            let wrong = format!("the list names '{name}', of which there is no file");
            let cure = "add the file or take the name out";
            complaints.push(Complaint::new(list, registry.line, wrong, cure));
        }
    }
    Ok(complaints)
}

/// The module of `folder` that a file is: `NAME.rs` or `NAME/mod.rs`.
fn module_in<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
    let name = rest.strip_suffix("/mod.rs").or(rest.strip_suffix(".rs"))?;
    let is_root = matches!(name, "mod" | "lib" | "main");
    (!name.contains('/') && !is_root).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        let found = check(&Tree::made_up(files)).unwrap();
        let tell = |c: Complaint| format!("{}:{}: {}", c.path, c.line, c.wrong);
        found.into_iter().map(tell).collect()
    }

    const LIST: (&str, &str) = (
        "crates/x/src/kinds/mod.rs",
        "//! Kinds.\nmod parts;\nbase::registry! {\n    /// All, [really].\n    static KINDS: [Entry] = [\n        a, b,\n    ];\n}\n",
    );

    #[test]
    fn complete_lists_are_quiet() {
        let files = [
            LIST,
            ("crates/x/src/kinds/a.rs", "static ENTRY: Entry = 1;"),
            ("crates/x/src/kinds/b/mod.rs", ""),
            ("crates/x/src/kinds/b/more.rs", ""),
            ("crates/x/src/kinds/parts.rs", "fn help() {}"),
            ("crates/x/src/other.rs", ""),
        ];
        assert_eq!(complaints(&files), [""; 0]);
    }

    #[test]
    fn forgotten_files_and_names_are_told() {
        let files = [
            LIST,
            ("crates/x/src/kinds/a.rs", ""),
            ("crates/x/src/kinds/c.rs", "static ENTRY: Entry = 1;"),
            ("crates/x/src/kinds/parts.rs", "static ENTRY: Entry = 1;"),
        ];
        assert_eq!(
            complaints(&files),
            [
                "crates/x/src/kinds/c.rs:1: 'c' is not in the list of crates/x/src/kinds/mod.rs",
                "crates/x/src/kinds/parts.rs:1: 'parts' has an entry and is declared beside the list of crates/x/src/kinds/mod.rs",
                "crates/x/src/kinds/mod.rs:3: the list names 'b', of which there is no file",
            ]
        );
    }

    #[test]
    fn a_list_beside_its_folder_counts_too() {
        let files = [
            ("xtask/src/tidy.rs", LIST.1),
            ("xtask/src/tidy/a.rs", ""),
            ("xtask/src/tidy/b.rs", ""),
            ("xtask/src/tidy/c.rs", ""),
        ];
        assert_eq!(complaints(&files).len(), 1);
    }
}
