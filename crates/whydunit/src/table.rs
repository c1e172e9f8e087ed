//! Rows for people: a mark, a name, and text that wraps under itself.

use report::Options;
use report::safe::{safe, width};

/// One row.
pub struct Row<'a> {
    /// A short word in the first column (`yes`), and whether it is good.
    pub mark: (&'a str, Mark),
    /// The second column.
    pub name: &'a str,
    /// Paragraphs below each other in the third column.
    pub lines: Vec<String>,
}

/// What a mark means, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// All well.
    Good,
    /// Half.
    Middling,
    /// Not.
    Bad,
}

/// Renders rows.
pub fn render(rows: &[Row<'_>], options: &Options) -> String {
    let marks = rows.iter().map(|row| width(row.mark.0)).max().unwrap_or(0);
    let names = rows.iter().map(|row| width(row.name)).max().unwrap_or(0);
    let all = usize::from(options.width.max(40));
    let indent = marks + 2 + names + 2;
    // On a narrow page the text goes below the name.
    let below = indent + 30 > all;
    let margin = if below { marks + 2 } else { indent };
    let mut out = String::new();
    for row in rows {
        out += &paint(row.mark, options.color);
        out += &" ".repeat(marks - width(row.mark.0) + 2);
        out += row.name;
        let mut column = marks + 2 + width(row.name);
        for (number, line) in row.lines.iter().enumerate() {
            if number > 0 || below {
                out.push('\n');
                column = 0;
            }
            for word in safe(line).split_whitespace() {
                let begins = column <= margin && !(below && number == 0 && column > 0);
                if !begins && column + 1 + width(word) > all {
                    out.push('\n');
                    column = 0;
                }
                let gap = if column < margin { margin - column } else { 1 };
                out += &" ".repeat(gap);
                out += word;
                column += gap + width(word);
            }
        }
        out.push('\n');
    }
    out
}

fn paint((word, mark): (&str, Mark), color: bool) -> String {
    let code = match mark {
        Mark::Good => 32,
        Mark::Middling => 33,
        Mark::Bad => 31,
    };
    if color {
        format!("\x1b[{code}m{word}\x1b[0m")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row<'static>> {
        vec![
            Row {
                mark: ("yes", Mark::Good),
                name: "one",
                lines: vec![
                    "a few words that wrap when the page is narrow".into(),
                    "second".into(),
                ],
            },
            Row {
                mark: ("no", Mark::Bad),
                name: "another name",
                lines: vec!["x".into()],
            },
        ]
    }

    #[test]
    fn text_wraps_under_itself() {
        let options = Options {
            color: false,
            width: 52,
        };
        assert_eq!(
            render(&rows(), &options),
            "yes  one           a few words that wrap when the\n\
             \x20                  page is narrow\n\
             \x20                  second\n\
             no   another name  x\n"
        );
    }

    #[test]
    fn a_narrow_page_puts_text_below() {
        let options = Options {
            color: false,
            width: 40,
        };
        for line in render(&rows(), &options).lines() {
            assert!(line.len() <= 40, "{line:?}");
        }
    }

    #[test]
    fn colour_is_only_where_asked() {
        assert!(
            !render(
                &rows(),
                &Options {
                    color: false,
                    width: 80
                }
            )
            .contains('\x1b')
        );
        assert!(
            render(
                &rows(),
                &Options {
                    color: true,
                    width: 80
                }
            )
            .contains("\x1b[32myes\x1b[0m")
        );
    }
}
