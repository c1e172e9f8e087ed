//! A saved report from anywhere: it is read, or refused, and rendered again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use report::{FORMATS, Options, Report};

fuzz_target!(|data: &[u8]| {
    let Ok(report) = Report::from_json(data) else {
        return;
    };
    for format in FORMATS {
        (format.render)(&report, &Options::default());
    }
    let _ = report::redact(&report);
});
