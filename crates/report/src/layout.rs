//! A page of styled text that wraps at words.

use owo_colors::{OwoColorize as _, Style};

use crate::safe::{cells, safe, width};

/// The narrowest page; a narrower terminal wraps by itself.
const NARROWEST: usize = 40;

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Running text.
    Plain,
    /// The heading of a section.
    Heading,
    /// The verdict, or a name that matters.
    Strong,
    /// The verdict when something is wrong.
    Bad,
    /// The verdict when nothing is.
    Good,
    /// Where a thing comes from, or a thing of less weight.
    Dim,
}

impl Role {
    fn style(self) -> Style {
        match self {
            Role::Plain => Style::new(),
            Role::Heading => Style::new().bold().cyan(),
            Role::Strong => Style::new().bold(),
            Role::Bad => Style::new().bold().red(),
            Role::Good => Style::new().bold().green(),
            Role::Dim => Style::new().dimmed(),
        }
    }
}

/// How a paragraph begins.
#[derive(Clone, Copy, Debug)]
pub struct Lead<'a> {
    /// Cells before the label.
    pub indent: usize,
    /// A number, dash or name before the text; may be empty.
    pub label: &'a str,
    /// What the label is.
    pub role: Role,
    /// Cells before the text, on the first line and on those that follow.
    pub hang: usize,
}

impl<'a> Lead<'a> {
    /// No label.
    pub fn margin(indent: usize) -> Lead<'static> {
        Lead {
            indent,
            label: "",
            role: Role::Plain,
            hang: indent,
        }
    }

    /// A label in a column of its own.
    pub fn label(indent: usize, label: &'a str, role: Role, hang: usize) -> Lead<'a> {
        Lead {
            indent,
            label,
            role,
            hang,
        }
    }
}

/// A page in the making.
pub struct Page {
    text: String,
    color: bool,
    width: usize,
}

impl Page {
    /// An empty page.
    pub fn new(color: bool, width: usize) -> Self {
        Page {
            text: String::new(),
            color,
            width: width.max(NARROWEST),
        }
    }

    /// The rendered text.
    pub fn finish(self) -> String {
        self.text
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// The heading of a section, after an empty line.
    pub fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.blank();
        }
        self.piece(Role::Heading, text);
        self.text.push('\n');
    }

    /// Pieces in a row, wrapped at words.
    pub fn paragraph(&mut self, lead: Lead<'_>, pieces: &[(Role, &str)]) {
        let label = safe(lead.label);
        // On a narrow page a deep margin leaves no room: the text comes to the left.
        let hang = lead.hang.min(self.width * 2 / 5);
        self.spaces(lead.indent);
        self.piece(lead.role, &label);
        let mut column = lead.indent + width(&label);
        if !label.is_empty() || column < hang {
            let to = hang.max(column + 1);
            self.spaces(to - column);
            column = to;
        }
        let mut line: Vec<(Role, String)> = Vec::new();
        for (role, text) in pieces {
            for word in safe(text).split(' ').filter(|word| !word.is_empty()) {
                let mut word = word;
                while !word.is_empty() {
                    let gap = usize::from(!line.is_empty());
                    if column + gap + width(word) <= self.width {
                        column += gap + width(word);
                        line.push((*role, word.to_owned()));
                        break;
                    }
                    // A word that no line holds is cut between two characters.
                    let room = self.width.saturating_sub(column + gap);
                    if width(word) > self.width.saturating_sub(hang) && room >= 8 {
                        let (head, tail) = cut(word, room);
                        line.push((*role, head.to_owned()));
                        word = tail;
                    }
                    self.words(&line);
                    line.clear();
                    self.spaces(hang);
                    column = hang;
                }
            }
        }
        self.words(&line);
    }

    /// A line as it is, cut where it would pass the page's width.
    pub fn verbatim(&mut self, indent: usize, pieces: &[(Role, &str)]) {
        self.spaces(indent);
        let mut room = self.width.saturating_sub(indent);
        for (role, text) in pieces {
            let text = safe(text);
            let (head, tail) = cut(&text, room);
            if tail.is_empty() {
                self.piece(*role, head);
                room -= width(head);
            } else {
                let (head, _) = cut(head, room.saturating_sub(1));
                self.piece(*role, head);
                self.piece(Role::Dim, "…");
                break;
            }
        }
        self.end_line();
    }

    /// A command line, for copying: on one line whatever the width.
    pub fn command(&mut self, indent: usize, command: &str) {
        self.spaces(indent);
        self.piece(Role::Strong, &safe(command));
        self.text.push('\n');
    }

    /// Cells of a line behind `indent`.
    pub fn room(&self, indent: usize) -> usize {
        self.width.saturating_sub(indent)
    }

    /// The words of one line, those of one role as one piece, and the line's end.
    fn words(&mut self, words: &[(Role, String)]) {
        let mut rest = words;
        let mut first = true;
        while let Some((role, _)) = rest.first() {
            let same = rest.iter().take_while(|(other, _)| other == role).count();
            let (run, tail) = rest.split_at(same);
            let text: Vec<&str> = run.iter().map(|(_, word)| word.as_str()).collect();
            if !first {
                self.text.push(' ');
            }
            self.piece(*role, &text.join(" "));
            first = false;
            rest = tail;
        }
        self.end_line();
    }

    fn end_line(&mut self) {
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
    }

    fn spaces(&mut self, count: usize) {
        self.text.extend(std::iter::repeat_n(' ', count));
    }

    fn piece(&mut self, role: Role, text: &str) {
        if self.color && role != Role::Plain && !text.is_empty() {
            self.text.push_str(&text.style(role.style()).to_string());
        } else {
            self.text.push_str(text);
        }
    }
}

/// The head of `text` that fits into `room` cells, and the rest; the head is never empty.
fn cut(text: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += cells(c);
        if used > room && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_long_ones_are_cut_between_characters() {
        let mut page = Page::new(false, 40);
        let long = "é".repeat(60);
        page.paragraph(
            Lead::label(2, "-", Role::Dim, 4),
            &[
                (Role::Plain, "one two three four five six seven eight nine"),
                (Role::Dim, &long),
            ],
        );
        let text = page.finish();
        assert!(text.lines().all(|line| width(line) <= 40), "{text}");
        assert_eq!(text.matches('é').count(), 60);
        assert!(text.starts_with("  - one two three"));
    }

    #[test]
    fn colour_comes_only_when_asked_for() {
        for color in [false, true] {
            let mut page = Page::new(color, 80);
            page.heading("Evidence");
            page.paragraph(Lead::margin(0), &[(Role::Bad, "x\x1b[2J")]);
            let text = page.finish();
            assert_eq!(text.contains("\x1b["), color);
            assert!(!text.contains("\x1b[2J"));
        }
    }
}
