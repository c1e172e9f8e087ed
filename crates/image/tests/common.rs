//! Dumps that are made up, and what must be read out of them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    dead_code,
    reason = "this is part of tests, and not every test uses all of it"
)]

use base::{Memory, PhysAddr, ReadError};
use image::Image;
use synth::{
    ElfCore, Kdump, Order, Packing, Pages, Segment, flatten, note, prstatus_x86_64, qemu_x86_64,
};

pub const SIZE: u64 = 512;
pub const VMCOREINFO: &str = "OSRELEASE=6.1.0-made-up\nPAGESIZE=4096\n";

/// Memory with holes: no page 5 to 9, pages 12 and 13 left out, pages of zeroes.
pub fn pages() -> Pages {
    let page = |number: u64| match number {
        12 | 13 => (number, None),
        20..=30 | 47 => (number, Some(vec![0; SIZE as usize])),
        _ => (number, Some(synth::page(number, SIZE as usize))),
    };
    (0..5).chain(10..48).chain([200]).map(page).collect()
}

pub fn notes(order: Order) -> Vec<u8> {
    let registers = |cpu: u64| std::array::from_fn(|index| 1000 * cpu + index as u64);
    let mut notes = Vec::new();
    for cpu in 1..=2u32 {
        notes.extend(note(
            order,
            "CORE",
            1,
            &prstatus_x86_64(cpu, &registers(cpu.into())),
        ));
    }
    for cpu in 1..=2 {
        let state = qemu_x86_64(
            [0x8005_0033, 0, 7, 0x1000 * cpu, 6],
            40 + cpu,
            50 + cpu,
            60 + cpu,
        );
        notes.extend(note(order, "QEMU", 0, &state));
    }
    notes.extend(note(order, "VMCOREINFO", 0, VMCOREINFO.as_bytes()));
    notes
}

pub fn kdump(packing: Packing) -> Kdump {
    Kdump {
        page_size: SIZE as u32,
        packing,
        pages: pages(),
        vmcoreinfo: VMCOREINFO.into(),
        notes: notes(Order::Little),
        erased: b"erase jiffies\n".to_vec(),
        ..Kdump::default()
    }
}

/// The same memory in segments; what was left out is the end of one.
pub fn elf_core() -> ElfCore {
    let pages = pages();
    let bytes = |numbers: std::ops::Range<u64>| -> Vec<u8> {
        numbers
            .flat_map(|number| pages[&number].clone().unwrap())
            .collect()
    };
    let segment = |numbers: std::ops::Range<u64>, size| Segment {
        physical: numbers.start * SIZE,
        bytes: bytes(numbers),
        size: size * SIZE,
    };
    ElfCore {
        notes: notes(Order::Little),
        // The third is inside the fourth, as the kernel's text is.
        segments: vec![
            segment(0..5, 5),
            segment(10..12, 4),
            segment(20..25, 5),
            segment(14..48, 34),
            segment(200..201, 1),
        ],
        ..ElfCore::default()
    }
}

/// Every format, by name.
pub fn all() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    for packing in Packing::ALL {
        all.push((format!("kdump {packing:?}"), kdump(packing).write()));
    }
    all.push(("elf".into(), elf_core().write()));
    all.push((
        "flattened kdump".into(),
        flatten(&kdump(Packing::Zlib).write(), 700),
    ));
    all.push(("flattened elf".into(), flatten(&elf_core().write(), 5000)));
    all
}

pub fn open(bytes: Vec<u8>) -> image::Result<Image> {
    Image::open(Box::new(bytes))
}

/// Reads every page, whole and in part; whether all were there that the dump should have. What is there must be
/// right.
pub fn all_there_and_right(image: &Image, pages: &Pages) -> bool {
    let mut all = true;
    for number in 0..210 {
        let address = PhysAddr(number * SIZE);
        let mut got = vec![0xaa; SIZE as usize];
        let read = image.read_physical(address, &mut got);
        match (pages.get(&number), read) {
            (Some(Some(page)), Ok(())) => assert_eq!(&got, page, "page {number}"),
            (Some(Some(_)), Err(ReadError::Truncated(at))) => {
                assert!((address.0..address.0 + SIZE).contains(&at.0));
                all = false;
            }
            // Where the bitmaps are cut nobody knows.
            (Some(None) | None, Err(ReadError::Truncated(at))) => {
                assert_eq!(at, address);
                all = false;
            }
            (Some(None), Err(error)) => assert_eq!(error, ReadError::Filtered(address)),
            (None, Err(error)) => assert_eq!(error, ReadError::NotMemory(address)),
            (expected, got) => panic!("page {number}: {got:?}, expected {}", expected.is_some()),
        }
    }
    all
}
