//! Damaged files are answered with what is whole, or with an error that names the file: never with a panic,
//! a hang or all of the memory.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

mod common;

use debuginfo::{DebugInfo, Error, Kind, NoFiles, Object, Store, UsePlace};

/// Files of every kind: both byte orders, 32 and 64 bits, with and without addends, linked, compressed.
const FILES: &[&str] = &[
    "x86_64.ko",
    "x86_64-dwarf4.ko",
    "x86_64-zstd.ko",
    "x86_64-zlib-gnu.ko",
    "kernel-x86_64",
    "kernel-arm64",
    "i386.ko",
    "arm.ko",
    "arm64.ko",
    "mips.ko",
    "mips64.ko",
    "ppc64.ko",
    "riscv64-relax.o",
    "dwz-program",
];

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Asks everything that can be asked; how many answers came.
fn ask(bytes: &[u8]) -> Result<usize, Error> {
    let store = Store::new();
    let mut set = DebugInfo::new();
    let (id, _) = set.open("damaged.ko", bytes, &store, &NoFiles)?;
    let mut answers = 0;
    let mut count = |answer: Result<usize, Error>| match answer {
        Ok(more) => answers += more,
        Err(error) => assert!(error.to_string().starts_with("damaged.ko: "), "{error}"),
    };
    let object = set.object(id).unwrap();
    count(object.exported().map(|names| names.len()));
    for error in set.damage(id) {
        count(Err(error));
    }
    let functions = object.functions()?;
    for function in functions.iter().take(32) {
        count(ask_function(&set, object, id, function));
    }
    for name in [
        "struct bonding",
        "struct slave",
        "union x",
        "enum link_state",
        "recv_fn",
        "u32",
        "packet_type",
    ] {
        count(ask_type(&set, name));
    }
    for symbol in object.symbols()?.iter().take(64) {
        count(
            set.variable_at(id, symbol.address)
                .map(|found| usize::from(found.is_some())),
        );
    }
    Ok(answers)
}

fn ask_function(
    set: &DebugInfo<'_>,
    object: &Object<'_>,
    id: debuginfo::ObjectId,
    symbol: &debuginfo::Symbol<'_>,
) -> Result<usize, Error> {
    let mut answers = 0;
    object.room(symbol)?;
    let end = symbol.address.saturating_add(symbol.size.min(4096));
    answers += object.relocations(symbol.address..end)?.len();
    for address in (symbol.address..end).step_by(24).take(16) {
        answers += set.frames_at(id, address)?.len();
        answers += set.variables_at(id, address)?.len();
        answers += usize::from(set.frame_rules_at(id, address)?.is_some());
    }
    answers += set.lines_in(id, symbol.address..end)?.len();
    answers += set.callers_of(id, symbol.address)?.len();
    for one in set.address_taken(id, symbol.address)? {
        if let UsePlace::Data { members, .. } = one.place {
            answers += members.len();
        }
    }
    if let Some(function) = set.function_at(id, symbol.address)? {
        answers += set.prototype(&function).len();
        answers += set.arguments_of(&function)?.len();
        for variable in &function.variables {
            answers += set.declaration(variable.type_id, variable.name).len();
            if let Some(type_id) = variable.type_id {
                set.size_of(type_id)?;
                if let Some(to) = set.pointee(type_id)? {
                    answers += set.elements_at(to, 0x318, Some(1))?.len();
                }
            }
        }
    }
    Ok(answers)
}

fn ask_type(set: &DebugInfo<'_>, name: &str) -> Result<usize, Error> {
    let mut answers = 0;
    for type_id in set.types_named(name, None)? {
        answers += set.type_text(Some(type_id)).len();
        for offset in [0, 7, 24, 33, 100, 176, u64::MAX] {
            for size in [None, Some(1), Some(8), Some(u64::MAX)] {
                answers += set.members_at(type_id, offset, size)?.len();
            }
        }
        set.elements_at(type_id, i64::MIN, Some(1))?;
        set.offset_of(type_id, "alb_info.rx_hashtbl")?;
        set.offset_of(type_id, "grid[99999999999999][18446744073709551615]")?;
        if let Kind::Record { members, .. } = &set.shape(type_id)?.kind {
            answers += members.len();
        }
    }
    Ok(answers)
}

#[test]
fn whole_files_answer_everything() {
    for file in FILES {
        let answers = ask(&common::bytes(file)).unwrap();
        assert!(answers > 300, "{file}: {answers}");
    }
}

#[test]
fn files_with_changed_bytes_never_panic() {
    let files: Vec<_> = FILES.iter().map(|file| common::bytes(file)).collect();
    let mut numbers = Numbers(0x5eed);
    let mut refused = 0;
    for round in 0..2000 {
        let mut bytes = files[round % files.len()].clone();
        for _ in 0..=numbers.below(8) {
            let at = numbers.below(bytes.len());
            bytes[at] = match numbers.below(6) {
                0 => 0,
                1 => 0xff,
                2 => 0x7f,
                3 => 0x80,
                4 => bytes[at] ^ 1 << numbers.below(8),
                _ => numbers.next() as u8,
            };
        }
        refused += usize::from(ask(&bytes).is_err());
    }
    assert!(refused < 1000, "{refused} of 2000 were refused at once");
}

#[test]
fn files_with_changed_words_never_panic() {
    // Headers claim sizes and offsets of their own making.
    const WORDS: &[u64] = &[
        0,
        1,
        0x7fff_ffff,
        0xffff_ffff,
        0x1_0000_0000,
        i64::MAX as u64,
        u64::MAX,
        u64::MAX - 7,
    ];
    let files: Vec<_> = FILES.iter().map(|file| common::bytes(file)).collect();
    let mut numbers = Numbers(0xfeed);
    for round in 0..1000 {
        let mut bytes = files[round % files.len()].clone();
        // The headers of the file lie at its start, those of sections at its end.
        let (size, room) = if numbers.below(2) == 0 {
            (8, 64)
        } else {
            (4, 4096)
        };
        let from_start = numbers.below(3) == 0;
        let near = numbers.below(room.min(bytes.len() - 8));
        let at = if from_start {
            near
        } else {
            bytes.len() - 8 - near
        };
        let word = WORDS[numbers.below(WORDS.len())];
        let word = if numbers.below(2) == 0 {
            word.to_le_bytes()
        } else {
            word.to_be_bytes()
        };
        bytes[at..at + size].copy_from_slice(&word[..size]);
        let _ = ask(&bytes);
    }
}

#[test]
fn truncated_files_never_panic() {
    for file in FILES {
        let bytes = common::bytes(file);
        let mut cut = 0;
        while cut < bytes.len() {
            let error = ask(&bytes[..cut]).err();
            // The headers of sections lie at the end of every file here.
            let text = error.unwrap().to_string();
            assert!(text.starts_with("damaged.ko: "), "{text}");
            cut += 1 + cut / 4;
        }
    }
}

#[test]
fn errors_name_the_place() {
    let text = |bytes: &[u8]| ask(bytes).unwrap_err().to_string();
    assert_eq!(text(b""), "damaged.ko: not an ELF file");
    assert_eq!(
        text(b"\x7fELF"),
        "damaged.ko: offset 0x4: neither a 32-bit nor a 64-bit ELF file"
    );
    let bytes = common::bytes("x86_64.ko");
    assert_eq!(
        text(&bytes[..50]),
        "damaged.ko: offset 0x10: the ELF header is cut"
    );
    let end = text(&bytes[..bytes.len() - 1]);
    assert!(end.contains("section headers are announced"), "{end}");
}
