//! Golden texts: what a reader sees, at several widths.
//!
//! `WHY_BLESS=1 cargo test -p report` writes them anew.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use report::{Format, Options, Report};

fn golden(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("WHY_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "{name} differs; WHY_BLESS=1 writes it anew\n{text}"
    );
}

fn render(report: &Report, format: &str, color: bool, width: u16) -> String {
    let format = Format::find(format).unwrap();
    (format.render)(report, &Options { color, width })
}

#[test]
fn stacks_in_memory_read_well() {
    let report = common::dumped();
    golden("dumped-80.txt", &render(&report, "text", false, 80));
    for width in [40, 80] {
        let text = render(&report, "text", false, width);
        assert!(!text.contains('\x1b'), "{text}");
    }
}

#[test]
fn stacks_of_all_threads_read_well() {
    let options = Options {
        color: false,
        width: 80,
    };
    golden("stacks-80.txt", &common::stacks().text(2, &options));
}

#[test]
fn the_answer_reads_well_at_every_width() {
    let report = common::bonding();
    for width in [40, 80, 120] {
        let text = render(&report, "text", false, width);
        golden(&format!("bonding-{width}.txt"), &text);
        let longest = text.lines().map(report::safe::width).max().unwrap();
        assert!(longest <= usize::from(width), "{longest} cells of {width}");
    }
    golden("bonding-80-color.txt", &render(&report, "text", true, 80));
}

#[test]
fn colour_changes_no_word() {
    let report = common::bonding();
    let plain = render(&report, "text", false, 80);
    let colored = render(&report, "text", true, 80);
    assert_ne!(plain, colored);
    let mut bare = String::new();
    let mut rest = colored.as_str();
    while let Some((head, tail)) = rest.split_once("\x1b[") {
        bare.push_str(head);
        rest = tail.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    assert_eq!(plain, bare);
}

#[test]
fn nothing_in_a_log_steers_the_terminal() {
    let report = common::hostile();
    for format in report::FORMATS {
        for width in [0, 40, 120] {
            let text = (format.render)(
                &report,
                &Options {
                    color: false,
                    width,
                },
            );
            let bad = text
                .chars()
                .find(|c| *c != '\n' && report::safe::is_hostile(*c));
            assert_eq!(bad, None, "{} at {width}", format.name);
        }
    }
    golden("hostile-60.txt", &render(&report, "text", false, 60));
}

#[test]
fn an_empty_log_says_so() {
    let report = Report::of_log(vec![common::input("quiet.log", 12)], Vec::new(), None);
    let text = render(&report, "text", false, 80);
    assert_eq!(text, "Nothing wrong was found in 12 lines of quiet.log.\n");
}
