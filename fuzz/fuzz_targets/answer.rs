//! From a log to the answer in every format, and back from its JSON.
#![no_main]

use cause::InputFacts;
use libfuzzer_sys::fuzz_target;
use report::{FORMATS, Options, Report};

fuzz_target!(|data: &[u8]| {
    let Some((&width, log)) = data.split_first() else {
        return;
    };
    let mut events = Vec::new();
    let mut reader = text::LogReader::new(0);
    reader.feed(log, &mut |event| events.push(event));
    let summary = reader.finish(&mut |event| events.push(event));
    events.sort_by_key(|event| event.span);
    events.truncate(200);
    let input = InputFacts {
        name: "log".to_owned(),
        kind: "kernel log".to_owned(),
        lines: summary.lines,
        bytes: summary.bytes,
        gaps: summary.gaps,
    };
    let report = Report::of_log(vec![input], events, None);
    let options = Options {
        color: width % 2 == 0,
        width: u16::from(width),
    };
    for format in FORMATS {
        let shown = (format.render)(&report, &options);
        // Whatever the log holds, a terminal sees no control characters of its making.
        let mut rest = shown.as_str();
        while let Some(at) = rest.find('\x1b') {
            rest = rest[at + 1..]
                .strip_prefix('[')
                .expect("only our own colours");
            let end = rest.find('m').expect("a colour ends");
            assert!(options.color && rest[..end].bytes().all(|b| b.is_ascii_digit() || b == b';'));
        }
    }
    let json =
        (report::Format::find("json").expect("the format").render)(&report, &Options::default());
    let again = Report::from_json(json.as_bytes()).expect("a report reads its own JSON");
    assert_eq!(again, report);
    let _ = report::redact(&report);
});
