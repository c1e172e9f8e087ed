//! A Rust file as the rules read it: comments and literals blanked, lines of tests known.

use super::tree::File;

/// A Rust file, taken apart.
pub struct Source {
    pub path: String,
    /// The text as it is.
    pub text: String,
    /// The text with comments, strings and characters blanked; lines stay where they are.
    pub code: String,
    /// A file that is no part of what its crate ships: tests, benches, examples, a build script.
    pub aside: bool,
    /// For each line whether it stands in an item that exists in tests only.
    tests: Vec<bool>,
}

/// One line of code.
pub struct Line<'a> {
    /// Counted from 1.
    pub number: usize,
    pub code: &'a str,
    /// Whether it exists in tests only.
    pub test: bool,
}

impl Source {
    /// The crate of `crates/` that the file belongs to.
    pub fn krate(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// The lines, comments and literals blanked.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let tests = self.tests.iter().copied().chain(std::iter::repeat(false));
        self.code
            .lines()
            .zip(tests)
            .enumerate()
            .map(|(index, (code, test))| Line {
                number: index + 1,
                code,
                test,
            })
    }
}

impl Line<'_> {
    /// Whether the line has this text and no longer word that ends in it.
    pub fn has(&self, text: &str) -> bool {
        let mut rest = self.code;
        let mut before = ' ';
        while let Some((head, tail)) = rest.split_once(text) {
            before = head.chars().next_back().unwrap_or(before);
            if !is_word(before) || !text.starts_with(is_word) {
                return true;
            }
            before = text.chars().next_back().unwrap_or(before);
            rest = tail;
        }
        false
    }

    /// Whether the line has this text as a word of its own.
    pub fn has_word(&self, word: &str) -> bool {
        let mut words = self.code.split(|c: char| !is_word(c));
        words.any(|found| found == word)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The Rust files, taken apart. A module that one file declares for tests makes other files tests.
pub fn take_apart(files: &[File]) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut test_modules = Vec::new();
    for file in files.iter().filter(|file| file.ends(&["rs"])) {
        let code = blank(file.text());
        let (mut tests, modules) = tests_of(&code);
        if code.contains("#![cfg(test)]") {
            tests.fill(true);
        }
        let folder = module_folder(&file.path);
        test_modules.extend(modules.iter().map(|name| format!("{folder}/{name}")));
        sources.push(Source {
            path: file.path.clone(),
            text: file.text().to_owned(),
            code,
            aside: is_aside(&file.path),
            tests,
        });
    }
    for source in &mut sources {
        let is_of = |module: &String| {
            let rest = source.path.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        if test_modules.iter().any(is_of) {
            source.tests.fill(true);
        }
    }
    sources
}

fn is_aside(path: &str) -> bool {
    let mut parts = path.split('/').skip(2);
    matches!(
        parts.next(),
        Some("tests" | "benches" | "examples" | "build.rs")
    )
}

/// The folder in which the modules that this file declares have their files.
pub fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    match name {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        name => format!("{folder}/{}", name.trim_end_matches(".rs")),
    }
}

/// For each line whether it exists in tests only, and the names of modules that do.
fn tests_of(code: &str) -> (Vec<bool>, Vec<String>) {
    const ATTRIBUTE: &str = "#[cfg(";
    let mut lines = vec![false; code.lines().count()];
    let mut modules = Vec::new();
    let mut from = 0;
    while let Some(found) = code.get(from..).and_then(|rest| rest.find(ATTRIBUTE)) {
        let start = from + found;
        let behind = end_of_bracket(code, start + 1);
        let condition = code.get(start + ATTRIBUTE.len()..behind).unwrap_or("");
        from = behind;
        let words = condition.split(|c: char| !is_word(c));
        if !words.into_iter().any(|word| word == "test") || condition.contains("not(test") {
            continue;
        }
        let end = end_of_item(code, behind);
        let item = code.get(behind..end).unwrap_or("");
        modules.extend(declared_modules(item));
        let first = line_of(code, start);
        let last = line_of(code, end);
        for line in lines.iter_mut().take(last + 1).skip(first) {
            *line = true;
        }
        from = end;
    }
    (lines, modules)
}

/// The names in `mod name;`.
pub fn declared_modules(code: &str) -> Vec<String> {
    code.split(';')
        .filter_map(|item| {
            let (_, name) = item.rsplit_once("mod ")?;
            let name = name.trim();
            name.chars().all(is_word).then(|| name.to_owned())
        })
        .collect()
}

fn line_of(code: &str, offset: usize) -> usize {
    let head = code.get(..offset).unwrap_or(code);
    head.matches('\n').count()
}

/// The 1-based line of an offset.
pub fn line_number(code: &str, offset: usize) -> usize {
    line_of(code, offset) + 1
}

/// The offset behind the bracket that closes the first one opened from `from` on.
pub fn end_of_bracket(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices().skip_while(|(at, _)| *at < from) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth <= 1 => return at + 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The offset behind the item that starts at `from`: behind its `;` or its last brace.
fn end_of_item(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices().skip_while(|(at, _)| *at < from) {
        match c {
            '{' if depth == 0 => return end_of_bracket(code, at),
            ';' if depth == 0 => return at + 1,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return at,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Blanks comments, strings and characters; every line keeps its number.
fn blank(text: &str) -> String {
    let mut blanker = Blanker {
        text: text.chars().collect(),
        at: 0,
        code: String::with_capacity(text.len()),
    };
    while let Some(c) = blanker.peek(0) {
        match c {
            '/' if blanker.peek(1) == Some('/') => blanker.line_comment(),
            '/' if blanker.peek(1) == Some('*') => blanker.block_comment(),
            '"' => blanker.quoted('"'),
            'r' if blanker.raw_hashes().is_some() => blanker.raw_string(),
            // A lifetime has no second quote.
            '\'' if blanker.peek(1) == Some('\\') || blanker.peek(2) == Some('\'') => {
                blanker.quoted('\'');
            }
            _ => blanker.keep(),
        }
    }
    blanker.code
}

struct Blanker {
    text: Vec<char>,
    at: usize,
    code: String,
}

impl Blanker {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn keep(&mut self) {
        self.code.extend(self.peek(0));
        self.at += 1;
    }

    fn drop(&mut self) {
        let c = self.peek(0);
        self.code.push(if c == Some('\n') { '\n' } else { ' ' });
        self.at += 1;
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.drop();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.peek(0) {
            match (c, self.peek(1)) {
                ('/', Some('*')) => {
                    depth += 1;
                    self.drop();
                }
                ('*', Some('/')) => {
                    depth -= 1;
                    self.drop();
                }
                _ => {}
            }
            self.drop();
            if depth == 0 {
                return;
            }
        }
    }

    fn quoted(&mut self, quote: char) {
        self.drop();
        while let Some(c) = self.peek(0) {
            if c == '\\' {
                self.drop();
            }
            self.drop();
            if c == quote {
                return;
            }
        }
    }

    /// How many `#` follow, if a raw string starts here.
    fn raw_hashes(&self) -> Option<usize> {
        let rest = self.text.get(self.at + 1..)?;
        let hashes = rest.iter().take_while(|c| **c == '#').count();
        (rest.get(hashes) == Some(&'"')).then_some(hashes)
    }

    fn raw_string(&mut self) {
        let hashes = self.raw_hashes().unwrap_or_default();
        for _ in 0..hashes + 2 {
            self.drop();
        }
        while let Some(c) = self.peek(0) {
            self.drop();
            if c == '"' && (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                for _ in 0..hashes {
                    self.drop();
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;

    #[test]
    fn only_code_is_left() {
        let text =
            "a // b\n\"c\\\"d\" e /* f /* g */ h */ i r#\"j\"k\"# l 'm' '\\'' &'n o r\"p\" b'q'";
        let left: String = blank(text).split_whitespace().collect();
        assert_eq!(left, "aeil&'nob");
        assert_eq!(blank(text).lines().count(), 2);
    }

    fn test_lines(tree: &Tree, path: &str) -> Vec<usize> {
        let source = tree.sources.iter().find(|source| source.path == path);
        let lines = source.unwrap().lines();
        lines
            .filter(|line| line.test)
            .map(|line| line.number)
            .collect()
    }

    #[test]
    fn items_for_tests_are_known() {
        let text = "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n\
                    #[cfg(not(test))]\nfn d() {}\n#[cfg(all(test, unix))]\nfn e(f: [u8; 2]) {\n}\nfn g() {}";
        let tree = Tree::made_up(&[("crates/x/src/lib.rs", text)]);
        assert_eq!(
            test_lines(&tree, "crates/x/src/lib.rs"),
            [2, 3, 4, 5, 6, 10, 11, 12]
        );
    }

    #[test]
    fn modules_for_tests_make_whole_files_tests() {
        let tree = Tree::made_up(&[
            (
                "crates/x/src/a.rs",
                "#[cfg(test)]\nmod tests;\nmod testsuite;",
            ),
            ("crates/x/src/a/tests.rs", "one\ntwo"),
            ("crates/x/src/a/tests/more.rs", "one"),
            ("crates/x/src/a/testsuite.rs", "one"),
        ]);
        assert_eq!(test_lines(&tree, "crates/x/src/a/tests.rs"), [1, 2]);
        assert_eq!(test_lines(&tree, "crates/x/src/a/tests/more.rs"), [1]);
        assert!(test_lines(&tree, "crates/x/src/a/testsuite.rs").is_empty());
    }

    #[test]
    fn words_are_whole() {
        let line = Line {
            number: 1,
            code: "eprintln!(); my_panic!()",
            test: false,
        };
        assert!(line.has("eprintln!") && !line.has("println!") && !line.has("panic!("));
        assert!(line.has_word("my_panic") && !line.has_word("panic"));
    }
}
