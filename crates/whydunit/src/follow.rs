//! `why /dev/kmsg`: explains what the kernel has printed, then each new event.

use attach::{LiveLog, Pause};
use base::LogEvent;
use cause::InputFacts;
use report::Report;
use text::LogReader;

use crate::code::Code;
use crate::exit::Exit;
use crate::output::{Output, complain_of, hint};
use crate::store::Store;

/// Follows until interrupted; `show` renders what a burst of lines told.
pub fn follow(
    name: &str,
    mut live: LiveLog,
    code: &Code,
    output: &mut Output,
    show: &mut dyn FnMut(Report, &mut Output) -> bool,
) -> Exit {
    let mut exit = Exit::Fine;
    let mut first = true;
    loop {
        let mut store = Store::new(1);
        let mut reader = LogReader::new(0);
        let mut sink = |event: LogEvent| store.add(event);
        let pause = live.read(&mut |bytes| reader.feed(bytes, &mut sink));
        let summary = reader.finish(&mut sink);
        let (events, mut gaps) = store.finish();
        gaps.extend(summary.gaps);
        gaps.extend(live.gaps());
        let pause = match pause {
            Ok(pause) => pause,
            Err(error) => {
                complain_of(&error);
                return Exit::Unusable;
            }
        };
        // Later bursts are told only when they tell something.
        if first || !events.is_empty() {
            let facts = InputFacts {
                name: name.to_owned(),
                kind: "live kernel log".to_owned(),
                lines: summary.lines,
                bytes: summary.bytes,
                gaps,
            };
            let (report, loaded) = code.explain(vec![facts], events, Vec::new(), Vec::new(), &[]);
            exit = exit.and(loaded).and(report.diagnosis.outcome().into());
            if !show(report, output) || !output.flush() {
                return exit;
            }
        }
        if std::mem::take(&mut first) && pause == Pause::Quiet {
            hint("following the log; Ctrl-C ends it");
        }
        let pause = match pause {
            Pause::Quiet => live.wait(),
            other => Ok(other),
        };
        match pause {
            Ok(Pause::Quiet) => {}
            Ok(Pause::Interrupted) => return Exit::Interrupted,
            Ok(Pause::Ended) => return exit,
            Err(error) => {
                complain_of(&error);
                return Exit::Unusable;
            }
        }
    }
}
