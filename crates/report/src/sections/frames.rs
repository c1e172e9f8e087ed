//! Frames of stacks in memory, one a line, each with how it was had.

use base::{FrameRule, StackEnd, StackFrame, StackTrace};
use cause::words;

use crate::layout::{Page, Role};
use crate::safe::width;

/// Behind which frames stands how they were had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// Behind all.
    All,
    /// Behind those that are not by an unwind table.
    Notable,
    /// The same in user space, whose first frame is where the kernel was entered.
    NotableOfUser,
}

/// The frames `from` on, and the end; at most `limit` of them, and the rest is counted.
pub fn render(stack: &StackTrace, from: usize, limit: usize, marks: Marks, page: &mut Page) {
    let frames = stack.frames.get(from..).unwrap_or_default();
    let shown = frames.get(..limit).unwrap_or(frames);
    let mut on: Option<&str> = None;
    for frame in shown {
        if on != frame.stack.as_deref() {
            on = frame.stack.as_deref();
            let mark = on.map_or("<task>".to_owned(), |stack| format!("<{stack}>"));
            page.verbatim(4, &[(Role::Dim, &mark)]);
        }
        one(frame, marks, page);
    }
    let more = frames.len().saturating_sub(shown.len());
    if more > 0 {
        let more = words::count(u64::try_from(more).unwrap_or(u64::MAX), "more frame");
        page.verbatim(6, &[(Role::Dim, &format!("… {more}"))]);
    }
    match stack.end {
        StackEnd::Bottom => {}
        StackEnd::User => user(stack.user.as_deref(), limit, marks, page),
        StackEnd::NotRunYet => page.verbatim(6, &[(Role::Dim, "it has not run yet")]),
        StackEnd::Lost => {
            let why = format!("lost: {}", stack.why);
            page.verbatim(6, &[(Role::Dim, &why)]);
        }
    }
}

/// What is below the kernel's frames, and its stack where there is one.
fn user(stack: Option<&StackTrace>, limit: usize, marks: Marks, page: &mut Page) {
    match stack {
        Some(stack) if !stack.frames.is_empty() => {
            page.verbatim(6, &[(Role::Dim, "user space:")]);
            let marks = match marks {
                Marks::All => Marks::All,
                Marks::Notable | Marks::NotableOfUser => Marks::NotableOfUser,
            };
            render(stack, 0, limit, marks, page);
        }
        Some(stack) if !stack.why.is_empty() => {
            let why = format!("user space; its stack is not known: {}", stack.why);
            page.verbatim(6, &[(Role::Dim, &why)]);
        }
        _ => page.verbatim(6, &[(Role::Dim, "user space")]),
    }
}

/// One frame, below the functions that are inlined into it.
fn one(frame: &StackFrame, marks: Marks, page: &mut Page) {
    let doubt = if frame.is_guess { "? " } else { "  " };
    let role = if frame.is_guess {
        Role::Dim
    } else {
        Role::Plain
    };
    let mut row = |name: &str, mark: &str, source: Option<&str>| {
        let used = width(name) + width(mark) + 3;
        let source = source.map(|source| shortened(source, page.room(6).saturating_sub(used)));
        let source = source.map_or_else(String::new, |source| format!(" ({source})"));
        page.verbatim(
            4,
            &[
                (Role::Dim, doubt),
                (role, name),
                (Role::Dim, mark),
                (Role::Dim, &source),
            ],
        );
    };
    for call in &frame.inlined {
        row(&call.function, " (inlined)", call.source.as_deref());
    }
    let mark = match (marks, frame.rule) {
        (
            Marks::Notable | Marks::NotableOfUser,
            FrameRule::Orc | FrameRule::Cfi | FrameRule::Switched,
        )
        | (Marks::NotableOfUser, FrameRule::Interrupted) => String::new(),
        (_, rule) => format!("  [{}]", rule.words()),
    };
    row(&words::stack_frame(frame), &mark, frame.source.as_deref());
}

/// A path that fits into `room` cells without folders at its front, where it needs that: its end tells more.
fn shortened(source: &str, room: usize) -> String {
    let mut rest = source;
    let mut cut = false;
    while width(rest) + usize::from(cut) * 2 > room
        && let Some((_, tail)) = rest.split_once('/')
    {
        rest = tail;
        cut = true;
    }
    match cut {
        true => format!("…/{rest}"),
        false => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_loses_its_front() {
        assert_eq!(
            shortened("kernel/sched/core.c:12", 30),
            "kernel/sched/core.c:12"
        );
        assert_eq!(shortened("kernel/sched/core.c:12", 20), "…/sched/core.c:12");
        assert_eq!(shortened("/a/b/core.c:12", 3), "…/core.c:12");
        assert_eq!(shortened("core.c:12", 3), "core.c:12");
    }
}
