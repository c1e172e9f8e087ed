//! The decoders of all architectures: any bytes at any address.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((address, code)) = data.split_first_chunk::<8>() else {
        return;
    };
    let address = u64::from_le_bytes(*address);
    for arch in arch::ARCHES {
        for endian in arch.endians {
            let Some(decode) = arch.decoder(*endian) else {
                continue;
            };
            let mut at = 0;
            while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
                let size = match decode(rest, address.wrapping_add(at as u64)) {
                    Ok(insn) => {
                        assert!(insn.size > 0 && usize::from(insn.size) <= rest.len());
                        for (address, size, _) in insn.accesses() {
                            assert!(size > 0);
                            let _ = address.evaluate(&|_| Some(u64::MAX));
                        }
                        insn.size
                    }
                    Err(error) => error.size.max(1),
                };
                at += usize::from(size);
            }
        }
    }
});
