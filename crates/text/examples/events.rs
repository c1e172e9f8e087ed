//! Prints the events of a log as JSON lines: `cargo run -p text --example events -- LOG`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for developers of the reader"
)]

fn main() {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).unwrap();
        let mut reader = text::LogReader::new(0);
        let mut print =
            |event: base::LogEvent| println!("{}", serde_json::to_string(&event).unwrap());
        reader.feed(&bytes, &mut print);
        reader.finish(&mut print);
    }
}
