//! The corpus is others' work and never part of the repository.

use super::tree::{File, Tree};
use super::{Complaint, Rule};
use anyhow::Result;
use std::collections::HashSet;

pub(super) static ENTRY: Rule = Rule {
    name: "copies",
    help: "no log of the corpus and no long piece of one is in the repository",
    check,
};

/// So many lines in a row, the same byte for byte with their times and addresses, are no accident.
const PIECE: usize = 12;

fn check(tree: &Tree) -> Result<Vec<Complaint>> {
    let mut logs = HashSet::new();
    let mut pieces = HashSet::new();
    for log in &tree.corpus {
        logs.insert(log.bytes.as_slice());
        logs.insert(body(&log.bytes));
        pieces.extend(pieces_of(log).map(|(_, piece)| piece));
    }
    // An empty file is nobody's.
    logs.remove([].as_slice());
    let mut complaints = Vec::new();
    for file in tree.files.iter().filter(|file| !is_licence(file)) {
        let mut told = |line, wrong: &str| {
            let cure = "take it out; tests find the corpus by WHY_CORPUS";
            complaints.push(Complaint::new(&file.path, line, wrong, cure));
        };
        let copied = pieces_of(file).find(|(_, piece)| pieces.contains(piece));
        if has_head(file) {
            told(1, "begins with the head of a corpus file");
        } else if logs.contains(file.bytes.as_slice()) {
            told(1, "is a log of the corpus");
        } else if let Some((line, _)) = copied {
            told(line, "quotes a corpus log at length");
        }
    }
    Ok(complaints)
}

fn is_licence(file: &File) -> bool {
    file.path.contains("LICENSE")
}

/// The log behind the head, which ends at the first empty line.
fn body(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    end.and_then(|at| bytes.get(at + 2..)).unwrap_or_default()
}

/// Whether the first line is the `TITLE:` that corpus files begin with.
fn has_head(file: &File) -> bool {
    file.bytes.starts_with(b"TITLE: ")
}

/// Every run of `PIECE` lines of some length, with the number of its first one.
fn pieces_of(file: &File) -> impl Iterator<Item = (usize, Vec<&[u8]>)> {
    let lines = file.bytes.split(|byte| *byte == b'\n').enumerate();
    let telling: Vec<(usize, &[u8])> = lines
        .map(|(index, line)| (index + 1, line.trim_ascii()))
        .filter(|(_, line)| line.len() > 16)
        .collect();
    let windows = telling.len().saturating_sub(PIECE - 1);
    (0..windows).filter_map(move |at| {
        let window = telling.get(at..at + PIECE)?;
        let first = window.first()?.0;
        Some((first, window.iter().map(|(_, line)| *line).collect()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> Vec<(usize, String)> {
        let log: String = (0..40)
            .map(|at| format!("[{at:12}] a line of a kernel log\n"))
            .collect();
        let corpus = format!("TITLE: BUG\nTYPE: BUG\n\n{log}");
        let text = text.replace("LOG", &log);
        let twelve: String = log
            .lines()
            .take(12)
            .map(|line| format!("  {line}\n"))
            .collect();
        let eleven: String = log
            .lines()
            .take(11)
            .map(|line| format!("  {line}\n"))
            .collect();
        let text = text.replace("TWELVE", &twelve).replace("ELEVEN", &eleven);
        let tree = Tree::made_up(&[("a.rs", &text)]).with_corpus(&corpus);
        let found = check(&tree).unwrap();
        found.into_iter().map(|c| (c.line, c.wrong)).collect()
    }

    #[test]
    fn copies_are_told() {
        assert_eq!(
            complaints("LOG"),
            [(1, "is a log of the corpus".to_owned())]
        );
        assert_eq!(
            complaints("TITLE: BUG\n\nsomething of ours"),
            [(1, "begins with the head of a corpus file".to_owned())]
        );
        let quoted = "quotes a corpus log at length".to_owned();
        assert_eq!(complaints("let a = \"\nTWELVE\";\n"), [(2, quoted)]);
    }

    #[test]
    fn short_quotes_are_no_copies() {
        assert!(complaints("let a = \"\nELEVEN\";\n").is_empty());
        assert!(complaints("").is_empty());
    }
}
