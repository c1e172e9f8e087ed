//! Tables of symbols out of memory of any content: found by what they look like, and put together as told.
#![no_main]

use std::borrow::Cow;

use base::Endian;
use debuginfo::{AddressTable, Kallsyms, KallsymsTables, find_tables};
use libfuzzer_sys::fuzz_target;

fn ask(kallsyms: &Kallsyms<'_>) {
    for address in [0, 0xffff_ffff_8100_0010, u64::MAX] {
        if let Some(symbol) = kallsyms.at(address) {
            assert!(symbol.address <= address);
            assert!(symbol.name.len() < 1 << 13);
        }
    }
    let names = ["linux_banner", "name_1", ""];
    assert_eq!(kallsyms.addresses_of(&names).len(), names.len());
    let _ = kallsyms.symbol(kallsyms.count());
    let _ = kallsyms.symbol(kallsyms.count() / 2);
}

fuzz_target!(|data: &[u8]| {
    for endian in [Endian::Little, Endian::Big] {
        for found in find_tables(data, endian) {
            if let Ok(kallsyms) = Kallsyms::new(found.tables) {
                ask(&kallsyms);
            }
        }
    }
    // The same bytes as tables that somebody told: a number, a kind, and where each part begins.
    let Some((head, rest)) = data.split_first_chunk::<12>() else {
        return;
    };
    let number = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let part = |at: usize| Cow::Borrowed(rest.get(number(at)..).unwrap_or_default());
    let base = 0xffff_ffff_8100_0000;
    let addresses = match head[2] % 3 {
        0 => AddressTable::FromItself {
            at: base,
            offsets: part(4),
        },
        1 => AddressTable::FromBase {
            base,
            offsets: part(4),
        },
        _ => AddressTable::Whole(part(4)),
    };
    let tables = KallsymsTables {
        count: number(0) as u32,
        names: part(6),
        token_table: part(8),
        token_index: part(10),
        addresses,
        endian: if head[3] & 1 == 0 {
            Endian::Little
        } else {
            Endian::Big
        },
    };
    if let Ok(kallsyms) = Kallsyms::new(tables) {
        ask(&kallsyms);
    }
});
