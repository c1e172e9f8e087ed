//! The transcripts in the documents are what the program prints.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

use std::path::Path;
use std::process::Command;

/// A command and what a document says it prints.
struct Transcript {
    arguments: Vec<String>,
    output: String,
}

/// The blocks fenced as `console` that begin with `$ why `.
fn transcripts(document: &str) -> Vec<Transcript> {
    let mut found = Vec::new();
    for block in document.split("```console\n").skip(1) {
        let body = block.split("```").next().unwrap();
        let (command, output) = body.split_once('\n').unwrap();
        let arguments = command
            .strip_prefix("$ why ")
            .expect("a transcript begins with its command");
        found.push(Transcript {
            arguments: arguments.split(' ').map(str::to_owned).collect(),
            output: output.to_owned(),
        });
    }
    found
}

#[test]
fn transcripts_are_what_the_program_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut checked = 0;
    for document in ["README.md", "docs/guide.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for transcript in transcripts(&text) {
            let run = Command::new(env!("CARGO_BIN_EXE_why"))
                .env_remove("DEBUGINFOD_URLS")
                .args(&transcript.arguments)
                .current_dir(&root)
                .env_remove("COLUMNS")
                .output()
                .unwrap();
            let printed = String::from_utf8(run.stdout).unwrap();
            assert_eq!(
                printed,
                transcript.output,
                "{document}: why {}",
                transcript.arguments.join(" ")
            );
            checked += 1;
        }
    }
    assert!(checked >= 7, "the documents lost their transcripts");
}
