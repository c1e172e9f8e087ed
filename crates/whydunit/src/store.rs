//! The events of one log, in bounded memory.
//!
//! A log of gigabytes may hold a million reports. All of them are kept whole
//! as long as they fit; then repeats of a title lose what only the first needs
//! (registers, modules, code), and in the end they are only counted.

use std::collections::HashSet;

use base::{Gap, LogEvent};

/// Events kept, and a count of those that are not.
pub struct Store {
    events: Vec<LogEvent>,
    titles: HashSet<String>,
    size: usize,
    whole_size: usize,
    most_size: usize,
    thinned: u64,
    dropped: u64,
}

/// Bytes of events for all inputs together.
const ALL: usize = 24 << 20;
/// Bytes that each input may have at least.
const LEAST: usize = 512 << 10;
/// Events that are kept of one input: more make no answer clearer.
const MOST: usize = 10_000;

impl Store {
    /// A store for one of so many inputs.
    pub fn new(inputs: usize) -> Self {
        let most_size = (ALL / inputs.max(1)).max(LEAST);
        Store {
            events: Vec::new(),
            titles: HashSet::new(),
            size: 0,
            whole_size: most_size / 2,
            most_size,
            thinned: 0,
            dropped: 0,
        }
    }

    /// Takes an event, as much of it as there is room for.
    pub fn add(&mut self, mut event: LogEvent) {
        let repeat = self.titles.contains(&event.title);
        let thinned = repeat && self.size > self.whole_size;
        if thinned {
            thin(&mut event);
        }
        let size = size_of_event(&event);
        // A quarter of the room is for what has not been seen before.
        let (most, most_size) = if repeat {
            (MOST / 4 * 3, self.most_size / 4 * 3)
        } else {
            (MOST, self.most_size)
        };
        if self.events.len() >= most || self.size + size > most_size {
            self.dropped += 1;
            return;
        }
        self.thinned += u64::from(thinned);
        self.size += size;
        if !repeat {
            self.titles.insert(event.title.clone());
        }
        self.events.push(event);
    }

    /// The events in the order of their first lines, and what is missing from them.
    pub fn finish(mut self) -> (Vec<LogEvent>, Vec<Gap>) {
        self.events.sort_by_key(|event| event.span);
        let mut gaps = Vec::new();
        if self.thinned > 0 {
            gaps.push(Gap::new(
                format!("the registers and modules of {} repeats", self.thinned),
                "there are more events than are kept whole",
            ));
        }
        if self.dropped > 0 {
            gaps.push(
                Gap::new(
                    format!("{} later events", self.dropped),
                    "there are more events than are kept",
                )
                .supply("the option --titles, which lists every event"),
            );
        }
        (self.events, gaps)
    }
}

/// Takes away what a repeat is not needed for.
fn thin(event: &mut LogEvent) {
    for set in &mut event.registers {
        set.registers = Vec::new();
    }
    event.registers.truncate(1);
    event.traces.truncate(1);
    for trace in &mut event.traces {
        trace.frames.truncate(16);
    }
    event.code = None;
    event.stack_words = Vec::new();
    event.modules = Vec::new();
    event.details.truncate(16);
}

/// About how many bytes an event takes; strings count with their allocation.
fn size_of_event(event: &LogEvent) -> usize {
    const STRING: usize = 48;
    let frames: usize = event
        .traces
        .iter()
        .map(|trace| trace.frames.len() + 1)
        .sum();
    let registers: usize = event
        .registers
        .iter()
        .map(|set| set.registers.len() + 4)
        .sum();
    let details: usize = event
        .details
        .iter()
        .map(|detail| detail.value.len() + 3 * STRING)
        .sum();
    size_of::<LogEvent>()
        + 16 * STRING
        + frames * (size_of::<base::Frame>() + STRING)
        + registers * (size_of::<base::Register>() + STRING)
        + event.modules.len() * (size_of::<base::Module>() + STRING)
        + event.stack_words.len() * size_of::<u64>()
        + event.code.as_ref().map_or(0, |code| code.units.len() * 8)
        + details
}

#[cfg(test)]
mod tests {
    use base::{LineSpan, Module};

    use super::*;

    fn event(line: u64, title: &str) -> LogEvent {
        let module = Module {
            name: "a_module_with_a_name".to_owned(),
            flags: String::new(),
        };
        LogEvent {
            title: title.to_owned(),
            span: LineSpan {
                input: 0,
                start: line,
                end: line + 1,
            },
            modules: vec![module; 200],
            ..LogEvent::default()
        }
    }

    #[test]
    fn a_few_events_are_kept_whole_and_put_in_order() {
        let mut store = Store::new(1);
        store.add(event(9, "b"));
        store.add(event(2, "a"));
        let (events, gaps) = store.finish();
        let lines: Vec<u64> = events.iter().map(|event| event.span.start).collect();
        assert_eq!(lines, [2, 9]);
        assert_eq!(events[1].modules.len(), 200);
        assert_eq!(gaps, []);
    }

    #[test]
    fn a_flood_is_bounded_and_said() {
        let mut store = Store::new(1);
        for line in 0..50_000 {
            store.add(event(line, "the same"));
        }
        store.add(event(60_000, "another"));
        assert!(store.size <= ALL);
        let (events, gaps) = store.finish();
        assert!(events.len() <= MOST);
        assert_eq!(events.last().unwrap().title, "another");
        assert_eq!(events[0].modules.len(), 200);
        let thinned = events
            .iter()
            .filter(|event| event.modules.is_empty())
            .count();
        assert_eq!(
            gaps[0].what,
            format!("the registers and modules of {thinned} repeats")
        );
        assert_eq!(
            gaps[1].what,
            format!("{} later events", 50_001 - events.len())
        );
    }
}
