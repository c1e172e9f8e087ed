//! The log reader: any bytes, in blocks of any size.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The first byte chooses the size of the blocks.
    let (block, log) = match data.split_first() {
        Some((&block, log)) => (usize::from(block) * 16 + 1, log),
        None => (1, data),
    };
    let read = |block: usize| {
        let mut events = Vec::new();
        let mut reader = text::LogReader::new(0);
        for bytes in log.chunks(block) {
            reader.feed(bytes, &mut |event| events.push(event));
        }
        let summary = reader.finish(&mut |event| events.push(event));
        assert_eq!(summary.bytes, log.len() as u64);
        assert_eq!(summary.events, events.len() as u64);
        events
    };
    let events = read(block);
    for event in &events {
        assert!(!event.title.is_empty() && event.title.len() <= 120);
        assert!(event.span.start <= event.span.end);
    }
    // How the bytes arrive changes nothing.
    assert_eq!(events, read(usize::MAX));
});
