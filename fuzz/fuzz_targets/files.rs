//! A log and the object file that it is said to be of: what both together tell of a bad pointer, and what is asked
//! of the code of any function.
#![no_main]

use cause::{FileTracer, NoSources, Tracer};
use code::{Body, Key, Reached, Registered, Stores, View};
use debuginfo::{DebugInfo, NoFiles, Store};
use libfuzzer_sys::fuzz_target;

/// Functions and instructions that are asked about, and questions that go through the whole file.
const MOST_FUNCTIONS: usize = 12;
const MOST_NODES: usize = 64;
const MOST_SEARCHES: usize = 3;

fuzz_target!(|data: &[u8]| {
    // Two bytes tell how long the log is.
    let Some(([low, high], rest)) = data.split_first_chunk::<2>() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    let (log, file) = rest.split_at(length);
    let store = Store::new();
    let mut debug = DebugInfo::new();
    let Ok((id, _)) = debug.open("file", file, &store, &NoFiles) else {
        return;
    };
    let tracer = FileTracer::new(&debug, &NoSources);
    let mut events = Vec::new();
    let mut reader = text::LogReader::new(0);
    reader.feed(log, &mut |event| events.push(event));
    reader.finish(&mut |event| events.push(event));
    for event in events.iter().take(2) {
        let _ = tracer.trace(event);
    }
    let Some(object) = debug.object(id) else {
        return;
    };
    let mut searches = 0;
    for function in object
        .functions()
        .unwrap_or_default()
        .iter()
        .take(MOST_FUNCTIONS)
    {
        let Ok(Some(body)) = Body::of_function(&debug, id, function.address) else {
            continue;
        };
        let view = View::new(&debug, &body);
        let step = body.nodes.len().div_ceil(MOST_NODES).max(1);
        for (at, node) in body.nodes.iter().enumerate().step_by(step) {
            assert!(view.conditions(at).len() <= 24);
            for (address, size, _) in node.insn.accesses() {
                let _ = body.sum(address, at);
                let _ = view.text(address, at);
                let Some(place) = view.place(address, size, None, at) else {
                    continue;
                };
                if let Some(key) = Key::of(&view, &place)
                    && searches < MOST_SEARCHES
                {
                    searches += 1;
                    if let Ok(stores) = Stores::find(&debug, &key) {
                        assert!(stores.found.len() <= 64);
                    }
                }
            }
        }
        let _ = Reached::find(&debug, id, function.address);
        let _ = Registered::find(&debug, id, function.address);
    }
});
