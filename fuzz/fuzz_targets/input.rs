//! A file of any content: compression, wrappings, crash records.
#![no_main]

use attach::Content;
use libfuzzer_sys::fuzz_target;

/// Decompressed bytes that are read; a bomb goes on for ever in bounded memory.
const MAX_BYTES: usize = 1 << 22;

fuzz_target!(|data: &[u8]| {
    let Ok(Content::Log(mut log)) = attach::open_bytes("input", data.to_vec()) else {
        return;
    };
    let mut reader = text::LogReader::new(0);
    let mut block = vec![0; 64 * 1024];
    let mut read = 0;
    while let Ok(n) = log.read(&mut block) {
        reader.feed(&block[..n], &mut |_| {});
        read += n;
        if n == 0 || read > MAX_BYTES {
            break;
        }
    }
    reader.finish(&mut |_| {});
});
