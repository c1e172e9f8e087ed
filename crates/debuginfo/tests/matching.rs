//! Code that ran is compared with the code of its file, without what a kernel rewrites.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

mod common;

use debuginfo::{Difference, Object, Ran, Rewrite, SizeFit};

fn start(object: &Object<'_>, name: &str) -> u64 {
    object.functions_named(name).unwrap()[0].address
}

/// The places that are rewritten from `first` on, as offsets.
fn sites(file: &str) -> Vec<(u64, u64, Rewrite)> {
    let object = common::open(file);
    let first = start(&object, "first");
    let sites = object.rewritten(first..first + 0x46).unwrap();
    let places = sites.iter().filter(|site| site.why != Rewrite::Relocation);
    places
        .map(|site| (site.range.start - first, site.range.end - first, site.why))
        .collect()
}

#[test]
fn every_table_names_its_places() {
    let wanted = [
        (0, 5, Rewrite::Tracing),
        (5, 6, Rewrite::Lock),
        (8, 13, Rewrite::StaticKey),
        (13, 16, Rewrite::Alternative),
        (16, 21, Rewrite::Retpoline),
        (21, 27, Rewrite::Retpoline),
        (30, 35, Rewrite::Return),
        (51, 55, Rewrite::Landing),
        (55, 57, Rewrite::StaticKey),
        (57, 62, Rewrite::StaticCall),
        (62, 68, Rewrite::Paravirt),
    ];
    for file in ["rewritten.o", "rewritten-flags.o", "rewritten-kernel"] {
        assert_eq!(sites(file), wanted, "{file}");
    }
    let wanted = [
        (4, 12, Rewrite::Tracing),
        (16, 20, Rewrite::StaticKey),
        (20, 28, Rewrite::Alternative),
    ];
    assert_eq!(sites("rewritten-arm64.o"), wanted);
}

#[test]
fn rewritten_code_is_no_difference() {
    for file in ["rewritten.o", "rewritten-kernel"] {
        let object = common::open(file);
        let first = start(&object, "first");
        let own = object.bytes_at(first, 0x46).unwrap();
        let mut ran = own.to_vec();
        let mut put = |at: usize, bytes: &[u8]| ran[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &[0x0f, 0x1f, 0x44, 0, 0]);
        put(5, &[0x3e]);
        put(8, &[0xe9, 0x37, 0, 0, 0]);
        put(13, &[0x0f, 0x01, 0xcb]);
        put(16, &[0xff, 0xd0, 0x0f, 0x1f, 0]);
        put(21, &[0x2e, 0x41, 0xff, 0xd3, 0x66, 0x90]);
        put(30, &[0xc3, 0xcc, 0xcc, 0xcc, 0xcc]);
        put(36, &[0x65, 0x48, 0xc1, 0x3c, 0x25]);
        put(51, &[0x0f, 0x1f, 0x40, 0xd6]);
        put(55, &[0x66, 0x90]);
        put(57, &[0xe8, 1, 2, 3, 4]);
        put(62, &[0xfa, 0x66, 0x0f, 0x1f, 0x04, 0]);
        let comparison = object.compare(first, &ran).unwrap();
        assert_eq!(comparison.difference, None, "{file}");
        assert_eq!(comparison.equal + comparison.rewritten, 0x46, "{file}");
        assert_eq!(comparison.equal, 2 + 3 + 2, "{file}");

        // A probe's breakpoint at an instruction is none either, another instruction is.
        ran[27] = 0xcc;
        assert_eq!(object.compare(first, &ran).unwrap().difference, None);
        ran[28] = 0x8b;
        let difference = object.compare(first, &ran).unwrap().difference;
        let wanted = Difference {
            at: first + 28,
            ran: vec![0x8b, 0xf8, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0x90],
            file: own[28..36].to_vec(),
        };
        assert_eq!(difference, Some(wanted), "{file}");
    }
}

#[test]
fn arm64_may_use_a_shadow_stack_instead_of_signatures() {
    let object = common::open("rewritten-arm64.o");
    let first = start(&object, "first");
    let own = object.bytes_at(first, 36).unwrap();
    let mut ran = own.to_vec();
    ran[12..16].copy_from_slice(&0xf800_865e_u32.to_le_bytes());
    ran[28..32].copy_from_slice(&0xf85f_8e5e_u32.to_le_bytes());
    let comparison = object.compare(first, &ran).unwrap();
    assert_eq!(
        (
            comparison.difference,
            comparison.equal,
            comparison.rewritten
        ),
        (None, 8, 28)
    );
    ran[28..32].copy_from_slice(&0xf800_865e_u32.to_le_bytes());
    assert!(object.compare(first, &ran).unwrap().difference.is_some());
}

/// What ran from the alternative on, and of what is rewritten there the offsets and reasons.
fn replaced(object: &Object<'_>, first: u64, ran: &Ran<'_>) -> Vec<(u64, Rewrite)> {
    let running = object
        .running_code(first..first + 0x46, std::slice::from_ref(ran))
        .unwrap();
    let replaced = running.replaced.iter();
    replaced
        .map(|site| (site.range.start - first, site.why))
        .collect()
}

#[test]
fn what_ran_is_laid_over_the_file_where_it_was_rewritten() {
    for file in ["rewritten.o", "rewritten-kernel"] {
        let object = common::open(file);
        let first = start(&object, "first");
        let linked = object.linked_code(first..first + 0x46).unwrap();
        let mut bytes = linked.clone();
        let mut put = |at: usize, new: &[u8]| bytes[at..at + new.len()].copy_from_slice(new);
        put(0, &[0x0f, 0x1f, 0x44, 0, 0]);
        put(5, &[0x3e]);
        put(8, &[0xe9, 0x37, 0, 0, 0]);
        put(16, &[0xff, 0xd0, 0x0f, 0x1f, 0]);
        put(51, &[0x0f, 0x1f, 0x40, 0xd6]);
        let ran = Ran {
            address: first,
            bytes: bytes.clone().into(),
        };
        let told = replaced(&object, first, &ran);
        assert_eq!(
            told,
            [(8, Rewrite::StaticKey), (16, Rewrite::Retpoline)],
            "{file}"
        );
        let running = object.running_code(first..first + 0x46, &[ran]).unwrap();
        // The tracer, the lock prefix and the landing change no value.
        assert_eq!(running.bytes[..8], linked[..8], "{file}");
        assert_eq!(running.bytes[8..51], bytes[8..51], "{file}");
        assert_eq!(running.bytes[51..], linked[51..], "{file}");
        assert_eq!(running.seen_keys, [first + 8, first + 55], "{file}");
    }
}

#[test]
fn what_was_seen_in_part_or_while_it_was_rewritten_is_not_used() {
    let object = common::open("rewritten.o");
    let first = start(&object, "first");
    let linked = object.linked_code(first..first + 0x46).unwrap();
    let mut bytes = linked.clone();
    bytes[8..13].copy_from_slice(&[0xe9, 0x37, 0, 0, 0]);
    let cut = Ran {
        address: first + 9,
        bytes: bytes[9..].to_vec().into(),
    };
    assert_eq!(replaced(&object, first, &cut), []);
    bytes[8] = 0xcc;
    let ran = Ran {
        address: first,
        bytes: bytes.clone().into(),
    };
    assert_eq!(replaced(&object, first, &ran), []);
    let running = object.running_code(first..first + 0x46, &[ran]).unwrap();
    assert_eq!(running.seen_keys, [first + 55]);
    // What the loader fills in is no other instruction.
    bytes[8..].copy_from_slice(&linked[8..]);
    let fields = object.rewritten(first..first + 0x46).unwrap();
    let field = fields
        .iter()
        .find(|site| site.why == Rewrite::Relocation && site.range.start > first + 8)
        .unwrap();
    bytes[usize::try_from(field.range.start - first).unwrap()] ^= 0x55;
    let ran = Ran {
        address: first,
        bytes: bytes.into(),
    };
    assert_eq!(replaced(&object, first, &ran), []);
    // Nothing is laid over what has no code, and what is elsewhere says nothing.
    let far = Ran {
        address: u64::MAX - 2,
        bytes: vec![0; 8].into(),
    };
    assert_eq!(replaced(&object, first, &far), []);
}

#[test]
fn what_the_file_has_no_code_for_is_counted() {
    let object = common::open("rewritten.o");
    let first = start(&object, "first");
    let mut ran = vec![0xaa; 10];
    ran.extend(object.bytes_at(first, 8).unwrap());
    let comparison = object.compare(first - 10, &ran).unwrap();
    assert_eq!((comparison.outside, comparison.difference), (10, None));
    assert_eq!(object.compare(u64::MAX - 3, &ran).unwrap().outside, 3);
    assert_eq!(object.compare(0, &[]).unwrap().equal, 0);
}

#[test]
fn a_size_is_the_distance_to_a_symbol_behind() {
    let object = common::open("rewritten.o");
    let function = |name: &str| object.functions_named(name).unwrap()[0];
    let first = function("first");
    assert_eq!(object.size_fits(&first, 0x23).unwrap(), SizeFit::Same);
    assert_eq!(object.size_fits(&first, 0x33).unwrap(), SizeFit::Same);
    let other = SizeFit::Other { file: 0x33 };
    assert_eq!(object.size_fits(&first, 0x30).unwrap(), other);
    // What follows the last symbol of a section is wherever the loader has put it.
    let second = function("second");
    assert_eq!(object.size_fits(&second, 0x13).unwrap(), SizeFit::Same);
    assert_eq!(object.size_fits(&second, 0x1d).unwrap(), SizeFit::Open);
    let other = SizeFit::Other { file: 0x13 };
    assert_eq!(object.size_fits(&second, 0x10).unwrap(), other);
}

/// The window of `rlb_update_client+0x27/0x60 [whyptr]`, as a kernel 6.1.0-56-cloud-amd64 has printed it, the byte
/// at the program counter being number 42.
const WINDOW: &str = "00 00 00 0f 1f 44 00 00 55 48 89 f5 53 48 8b 9f 18 01 00 00 8b 7e 08 e8 b7 fe ff ff 0f b6 c0 48 \
     8d 04 40 48 c1 e0 04 48 01 d8 80 78 18 00 74 07 8b 4d 0c 39 08 74 07 5b 5d c3 cc cc cc cc 8b 55";

#[test]
fn a_window_of_a_real_log_is_the_code_of_the_module() {
    let object = common::open("lab-whyptr.ko");
    let ran: Vec<u8> = WINDOW
        .split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect();
    let function = object.functions_named("rlb_update_client").unwrap()[0];
    assert_eq!(object.size_fits(&function, 0x60).unwrap(), SizeFit::Same);
    let from = function.address + 0x27 - 42;
    let comparison = object.compare(from, &ran).unwrap();
    // The call of the tracer and a return: 5 bytes each.
    let counts = (
        comparison.equal,
        comparison.rewritten,
        comparison.difference,
    );
    assert_eq!(counts, (54, 10, None));
    // One byte further it is other code.
    assert!(object.compare(from + 1, &ran).unwrap().difference.is_some());
}

#[test]
fn the_code_of_a_file_is_found_in_memory() {
    // The same functions, in a module's file and linked to other addresses.
    let (file, memory) = (
        common::open("rewritten.o"),
        common::open("rewritten-kernel"),
    );
    let seen = file.seen_in(&memory);
    let [here, there] = [&file, &memory].map(|object| start(object, "first"));
    let near: Vec<&Ran<'_>> = seen
        .iter()
        .filter(|ran| (ran.address..ran.address + ran.bytes.len() as u64).contains(&here))
        .collect();
    assert_eq!(near.len(), 1, "{seen:?}");
    let ran = near[0];
    let skipped = usize::try_from(here - ran.address).unwrap();
    assert_eq!(
        ran.bytes[skipped..skipped + 0x46],
        memory.bytes_at(there, 0x46).unwrap()[..]
    );
    // Another file has none of its functions.
    assert_eq!(file.seen_in(&common::open("rewritten-arm64.o")).len(), 0);
}
