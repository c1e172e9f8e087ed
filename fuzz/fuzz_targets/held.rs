//! Any bytes as the code of a function that calls others which take and give back locks.
#![no_main]

use std::borrow::Cow;
use std::ops::Range;

use code::held::{Code, FunctionRange, Holdings};
use libfuzzer_sys::fuzz_target;

const START: u64 = 0x1000;

struct Bytes<'a>(&'a [u8]);

impl Code for Bytes<'_> {
    fn function_at(&self, address: u64) -> Option<FunctionRange> {
        // Functions of 64 bytes, one behind the other, and one of all the rest.
        let size = self.0.len() as u64;
        let place = address.checked_sub(START).filter(|place| *place < size)?;
        let number = (place / 64).min(4);
        let start = START + 64 * number;
        let end = if number == 4 {
            START + size
        } else {
            start + 64
        };
        Some(FunctionRange {
            start,
            end: end.min(START + size),
            name: format!(
                "f{}{}",
                number / 2,
                if number % 2 == 1 { ".cold" } else { "" }
            ),
        })
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        let at = |address: u64| usize::try_from(address.checked_sub(START)?).ok();
        self.0
            .get(at(range.start)?..at(range.end)?)
            .map(Cow::Borrowed)
    }

    fn addresses_of(&self, names: &[&str]) -> Vec<Vec<u64>> {
        // Their addresses are near, so that calls of them are found soon.
        let all = names.iter().zip(0..);
        all.map(|(name, number)| match *name {
            "f0" => vec![START],
            "f1" => vec![START + 128],
            _ => vec![START - 8 - 4 * number],
        })
        .collect()
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((arch, _)) = arch::find("x86_64") else {
        return;
    };
    let data = data.get(..4096).unwrap_or(data);
    let code = Bytes(data);
    let Ok(holdings) = Holdings::new(&code, arch) else {
        return;
    };
    let step = (data.len() / 16).max(1);
    for place in (0..data.len()).step_by(step) {
        for is_exact in [false, true] {
            let held = holdings.at(START + place as u64, is_exact);
            assert!(held.locks.len() <= 256 && held.released.len() <= 256);
        }
    }
});
