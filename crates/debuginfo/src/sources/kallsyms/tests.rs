//! Tables that `scripts/kallsyms.c` could have written, small and of every layout.

use super::*;

/// How the parts follow each other, and how addresses are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// `.quad` addresses before the names.
    Whole,
    /// Offsets before the names; those of per-CPU variables are absolute.
    Signed,
    /// Offsets behind the tokens.
    Behind,
    /// Offsets behind the tokens, from themselves, and nothing aligned more than it needs.
    Itself,
}

const BASE: u64 = 0xffff_ffff_8100_0000;

/// Parts begin at multiples of 8; in the newest shape where their numbers need it.
fn align(bytes: &mut Vec<u8>, shape: Shape, need: usize) {
    let to = if shape == Shape::Itself { need } else { 8 };
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

/// 1500 symbols, two at each address; the last has a long name.
fn symbols() -> Vec<(u64, String)> {
    let name = |n: u64| match n {
        1499 => format!("Tlast_{}", "x".repeat(300)),
        n => format!("{}name_{n}", if n % 2 == 0 { 'T' } else { 't' }),
    };
    (0..1500).map(|n| (BASE + n / 2 * 16, name(n))).collect()
}

/// The tables in a piece of memory which `at` is the address of.
fn write(shape: Shape) -> Vec<u8> {
    let symbols = symbols();
    let mut bytes = vec![0xcc; 64];
    let offsets = |bytes: &mut Vec<u8>| {
        for (n, (address, _)) in symbols.iter().enumerate() {
            let here = bytes.len() as u64;
            let word = match shape {
                // The first is a per-CPU variable, which makes the order of addresses start anew.
                Shape::Signed if n == 0 => 0x40,
                Shape::Signed => (BASE as u32).wrapping_sub(*address as u32).wrapping_sub(1),
                Shape::Itself => (*address).wrapping_sub(here) as u32,
                _ => (*address - BASE) as u32,
            };
            bytes.extend(word.to_le_bytes());
        }
        align(bytes, shape, 4);
        if shape != Shape::Itself {
            bytes.extend(BASE.to_le_bytes());
        }
    };
    match shape {
        Shape::Whole => symbols
            .iter()
            .for_each(|(at, _)| bytes.extend(at.to_le_bytes())),
        Shape::Signed => offsets(&mut bytes),
        _ => {}
    }
    bytes.extend(1500_u32.to_le_bytes());
    align(&mut bytes, shape, 1);
    let names = bytes.len();
    let mut markers = Vec::new();
    for (n, (_, name)) in symbols.iter().enumerate() {
        if n % 256 == 0 {
            markers.push((bytes.len() - names) as u32);
        }
        // The token 1 stands for `name_`.
        let packed = name.replace("name_", "\u{1}");
        match packed.len() {
            short @ 0..=0x7f => bytes.push(short as u8),
            long => bytes.extend([long as u8 & 0x7f | 0x80, (long >> 7) as u8]),
        }
        bytes.extend(packed.bytes());
    }
    align(&mut bytes, shape, 4);
    markers.iter().for_each(|at| bytes.extend(at.to_le_bytes()));
    align(&mut bytes, shape, 1);
    let (tokens, mut index) = (bytes.len(), Vec::new());
    for token in 0..=255_u8 {
        index.push((bytes.len() - tokens) as u16);
        match token {
            1 => bytes.extend(b"name_"),
            b' '..=b'~' => bytes.push(token),
            _ => {}
        }
        bytes.push(0);
    }
    align(&mut bytes, shape, 2);
    index.iter().for_each(|at| bytes.extend(at.to_le_bytes()));
    align(&mut bytes, shape, 4);
    if matches!(shape, Shape::Behind | Shape::Itself) {
        offsets(&mut bytes);
    }
    bytes.extend([0xee; 64]);
    bytes
}

#[test]
fn tables_of_every_layout_are_found_and_read() {
    for shape in [Shape::Whole, Shape::Signed, Shape::Behind, Shape::Itself] {
        let memory = write(shape);
        let found = find_tables(&memory, Endian::Little);
        assert_eq!(found.len(), 1, "{shape:?}");
        let kallsyms = Kallsyms::new(found[0].tables.clone()).unwrap();
        assert_eq!(kallsyms.count(), 1500);
        assert_eq!(kallsyms.is_signed, shape == Shape::Signed);
        let first = kallsyms.symbol(2).unwrap();
        assert_eq!(
            (first.name.as_str(), first.kind),
            ("name_2", b'T'),
            "{shape:?}"
        );
        assert_eq!(
            (first.address, first.size),
            (BASE + 16, Some(16)),
            "{shape:?}"
        );
        // Of two at one address the first, from any byte of it.
        let middle = kallsyms.at(BASE + 300 * 16 + 7).unwrap();
        assert_eq!(middle.name, "name_600");
        let last = kallsyms.at(u64::MAX).unwrap();
        assert_eq!((last.name.as_str(), last.size), ("name_1498", None));
        let long = format!("last_{}", "x".repeat(300));
        let asked = kallsyms.addresses_of(&["name_77", &long, "nobody", "name_600"]);
        let end = BASE + 749 * 16;
        assert_eq!(
            asked,
            [Some(BASE + 38 * 16), Some(end), None, Some(BASE + 4800)]
        );
        let below = kallsyms.at(BASE - 1).map(|symbol| symbol.address);
        assert_eq!(below, (shape == Shape::Signed).then_some(0x40));
    }
}

#[test]
fn damage_is_no_table_and_no_panic() {
    let memory = write(Shape::Behind);
    // Any byte may be another one; cuts are everywhere.
    for at in (0..memory.len()).step_by(37) {
        let mut damaged = memory.clone();
        damaged[at] ^= 0xff;
        for found in find_tables(&damaged, Endian::Little) {
            let kallsyms = Kallsyms::new(found.tables).unwrap();
            kallsyms.at(BASE + 99);
            kallsyms.address_of("name_3");
        }
        find_tables(&memory[..at], Endian::Little);
    }
    let tables = find_tables(&memory, Endian::Little).remove(0).tables;
    let cut = KallsymsTables {
        names: Cow::Borrowed(&[5, b'T']),
        ..tables.clone()
    };
    let kallsyms = Kallsyms::new(cut).unwrap();
    assert_eq!(
        (kallsyms.at(BASE), kallsyms.address_of("name_1")),
        (None, None)
    );
    let none = KallsymsTables {
        count: 0,
        ..tables.clone()
    };
    assert!(Kallsyms::new(none).is_err());
    let many = KallsymsTables {
        count: 1 << 20,
        ..tables
    };
    assert!(Kallsyms::new(many).is_err());
}
