//! Bytes of any kind end in content or in an error, in bounded memory.

#![allow(clippy::unwrap_used, reason = "a panic is the verdict of a test")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use attach::{Content, Context, open_bytes, resolve};
use proptest::prelude::*;

/// Reads bytes to their end; says how many came out.
fn read(bytes: Vec<u8>) -> usize {
    let Ok(Content::Log(mut log)) = open_bytes("x", bytes) else {
        return 0;
    };
    let mut block = vec![0; 8 << 10];
    let mut all = 0;
    loop {
        match log.read(&mut block).unwrap() {
            0 => break,
            n => all += n,
        }
    }
    log.gaps();
    all
}

/// What begins one of the forms, and what may stand in the middle of it.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"6,1,1000000,-;hello\n".to_vec()),
        Just(b"6,18446744073709551615,18446744073709551615,+,caller=T1;x\\x0a\\x5c".to_vec()),
        Just(b"6,7,1,-,ncfrag=0/31;the first chunk,".to_vec()),
        Just(b"6,7,1,-,ncfrag=18446744073709551615/0;".to_vec()),
        Just(b" SUBSYSTEM=pci\n".to_vec()),
        Just(b"__CURSOR=s\nMESSAGE\n\x05\0\0\0\0\0\0\0he\nlo\n\n".to_vec()),
        Just(b"__CURSOR=s\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
        Just(b"{\"MESSAGE\":\"hi\",\"PRIORITY\":\"4\"}\n".to_vec()),
        Just(b"{\"MESSAGE\":[1,2,300]}\n".to_vec()),
        Just(b"\xff\xfe[\0 \0\x00\xd8".to_vec()),
        Just(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
        Just(vec![0xfd, b'7', b'z', b'X', b'Z', 0, 0, 4]),
        Just(vec![0x28, 0xb5, 0x2f, 0xfd, 4, 0x88]),
        Just(b"\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_input_ends(bytes in pieces()) {
        // Nothing but decoding makes more of it than a prefix a line.
        let longest = 64 * bytes.len() + (1 << 20);
        prop_assert!(read(bytes) <= longest);
    }

    #[test]
    fn every_crash_record_ends(
        parts in prop::collection::vec((0u64..4, 0u32..4, prop::collection::vec(any::<u8>(), 0..60)), 0..6),
        encoded in any::<bool>(),
    ) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile-pstore");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (id, part, text) in parts {
            let suffix = if encoded { ".enc.z" } else { "" };
            let record = [format!("Oops#1 Part{part}\n").into_bytes(), text].concat();
            fs::write(folder.join(format!("dmesg-ramoops-{id}{suffix}")), record).unwrap();
        }
        let context = Arc::new(Context::new());
        for target in resolve(&[folder.into_os_string()]).targets {
            if let Ok(Content::Log(mut log)) = target.open(&context) {
                while log.read(&mut [0; 64]).unwrap() > 0 {}
            }
        }
    }
}
