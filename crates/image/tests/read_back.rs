//! What was written into a dump is read out of it, in every format.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use std::ops::ControlFlow;

use base::{CpuRegisters, Endian, Memory, PhysAddr, ReadError, Target};
use common::{SIZE, VMCOREINFO, all, all_there_and_right, elf_core, kdump, notes, open, pages};
use image::{Error, search};
use proptest::prelude::*;
use synth::{ElfCore, Kdump, Order, Packing, Segment, flatten};

fn register(cpu: &CpuRegisters, name: &str) -> Option<u64> {
    let found = cpu.registers.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value)
}

#[test]
fn every_format_tells_the_same() {
    for (name, bytes) in all() {
        let image = open(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(all_there_and_right(&image, &pages()), "{name}");
        assert_eq!(image.gaps(), [], "{name}");
        assert_eq!(image.vmcoreinfo(), Some(VMCOREINFO), "{name}");
        assert_eq!(image.release(), Some("6.1.0-made-up"));
        assert_eq!((image.elf_machine(), image.endian()), (62, Endian::Little));
        let ranges: Vec<_> = [0..5, 10..48, 200..201]
            .map(|r| r.start * SIZE..r.end * SIZE)
            .into();
        assert_eq!(image.physical_ranges(), ranges, "{name}");
        let [first, second] = image.cpus() else {
            panic!("{name}: {:?}", image.cpus())
        };
        assert_eq!((first.cpu, first.pid, second.cpu), (0, None, 1));
        assert_eq!(register(first, "rip"), Some(1016));
        assert_eq!(register(second, "rsp"), Some(2019));
        assert_eq!(register(second, "cr3"), Some(0x2000));
        assert_eq!(register(second, "gdt_base"), Some(42));
        assert_eq!(register(first, "idt_base"), Some(51));
        assert_eq!(register(first, "kernel_gs_base"), Some(61));
    }
}

#[test]
fn the_head_tells_what_it_is() {
    let about = open(flatten(&kdump(Packing::Zstd).write(), 4096))
        .unwrap()
        .about()
        .clone();
    assert_eq!(about.format, "kdump-compressed, version 6, zstd, flattened");
    assert_eq!(
        (about.created, about.dump_level),
        (Some(1_700_000_000), Some(31))
    );
    assert_eq!(about.erased.as_deref(), Some("erase jiffies\n"));
    let uts = about.uts.unwrap();
    assert_eq!(
        (uts.node.as_str(), uts.machine.as_str()),
        ("node", "x86_64")
    );
    assert_eq!(open(elf_core().write()).unwrap().about().format, "ELF core");
}

#[test]
fn memory_is_visited_in_order_and_without_what_is_absent() {
    for (name, bytes) in all() {
        let image = open(bytes).unwrap();
        for range in [
            0..250 * SIZE,
            3 * SIZE + 8..22 * SIZE + 16,
            11 * SIZE..14 * SIZE,
        ] {
            let (mut seen, mut expected) = (Vec::new(), Vec::new());
            let absent = image.visit_physical(range.clone(), &mut |address, bytes| {
                seen.extend(bytes.iter().zip(address.0..).map(|(byte, at)| (at, *byte)));
                ControlFlow::Continue(())
            });
            for (number, page) in pages() {
                let page = page.unwrap_or_default();
                expected.extend(
                    page.iter()
                        .zip(number * SIZE..)
                        .map(|(byte, at)| (at, *byte)),
                );
            }
            expected.retain(|(at, _)| range.contains(at));
            assert_eq!(seen, expected, "{name}");
            assert_eq!(
                absent,
                range.end - range.start - expected.len() as u64,
                "{name}"
            );
            let mut times = 0;
            image.visit_physical(range, &mut |_, _| {
                times += 1;
                ControlFlow::Break(())
            });
            assert_eq!(times, 1, "{name}");
        }
    }
}

#[test]
fn words_are_searched_in_all_memory() {
    let word = u64::from_le_bytes(*pages()[&200].as_ref().unwrap().first_chunk().unwrap());
    for (name, bytes) in all() {
        let image = open(bytes).unwrap();
        let one = search(&image, &[word], 10);
        assert_eq!(one.found, [(PhysAddr(200 * SIZE), word)], "{name}");
        assert_eq!((one.limited, one.absent), (false, 2 * SIZE), "{name}");
        let zeroes = search(&image, &[0, word], 10);
        assert!(zeroes.limited && zeroes.found.len() == 10, "{name}");
        assert_eq!(zeroes.found[0].1, 0);
        let unlimited = search(&image, &[0, word], usize::MAX).found;
        assert_eq!(unlimited[..10], zeroes.found, "{name}");
    }
}

#[test]
fn a_page_that_is_not_packed_is_not_copied() {
    let image = open(kdump(Packing::None).write()).unwrap();
    let page = pages()[&11].clone().unwrap();
    assert_eq!(
        image.physical_bytes(PhysAddr(11 * SIZE + 8), 16),
        page.get(8..24)
    );
    assert_eq!(
        image.physical_bytes(PhysAddr(11 * SIZE), SIZE as usize),
        Some(&*page)
    );
    assert_eq!(
        image.physical_bytes(PhysAddr(11 * SIZE + 1), SIZE as usize),
        None
    );
    assert_eq!(image.physical_bytes(PhysAddr(12 * SIZE), 8), None);
    let image = open(elf_core().write()).unwrap();
    let size = 23 * SIZE as usize;
    let bytes = image.physical_bytes(PhysAddr(25 * SIZE), size);
    assert_eq!(bytes.map(<[u8]>::len), Some(size));
    assert_eq!(image.physical_bytes(PhysAddr(25 * SIZE), size + 1), None);
}

#[test]
fn older_versions_and_the_other_byte_order_are_read() {
    for version in 1..=6 {
        for order in [Order::Little, Order::Big] {
            let machine = if order == Order::Big {
                "s390x"
            } else {
                "x86_64"
            };
            let file = Kdump {
                version,
                order,
                machine: machine.into(),
                notes: notes(order),
                ..kdump(Packing::Lzo)
            };
            let image = open(file.write()).unwrap();
            assert!(all_there_and_right(&image, &pages()), "{version} {order:?}");
            assert_eq!(
                image.vmcoreinfo().is_some(),
                version >= 3,
                "{version} {order:?}"
            );
            assert_eq!(image.cpus().len(), if version >= 4 { 2 } else { 0 });
            assert_eq!(image.about().erased.is_some(), version >= 5);
            assert_eq!(image.gaps().is_empty(), version >= 4, "{:?}", image.gaps());
        }
    }
    let file = ElfCore {
        order: Order::Big,
        machine: 22,
        notes: notes(Order::Big),
        many: true,
        ..elf_core()
    };
    let image = open(file.write()).unwrap();
    assert_eq!((image.elf_machine(), image.endian()), (22, Endian::Big));
    assert!(all_there_and_right(&image, &pages()));
    assert_eq!(image.vmcoreinfo(), Some(VMCOREINFO));
}

#[test]
fn a_part_of_a_split_dump_has_its_own_pages() {
    for version in [2, 6] {
        let image = open(
            Kdump {
                version,
                part: Some(11..40),
                ..kdump(Packing::Snappy)
            }
            .write(),
        )
        .unwrap();
        let mut got = vec![0; SIZE as usize];
        for number in [11, 14, 39] {
            image
                .read_physical(PhysAddr(number * SIZE), &mut got)
                .unwrap();
            assert_eq!(Some(&got), pages()[&number].as_ref());
        }
        for number in [4, 10, 40, 200] {
            let error = image
                .read_physical(PhysAddr(number * SIZE), &mut got)
                .unwrap_err();
            assert!(matches!(error, ReadError::NotSupported(why) if why.contains("another part")));
        }
        assert!(
            image
                .gaps()
                .iter()
                .any(|gap| gap.what == "the pages outside 0xb to 0x28")
        );
        let mut seen = 0;
        image.visit_physical(0..250 * SIZE, &mut |_, bytes| {
            seen += bytes.len() as u64;
            ControlFlow::Continue(())
        });
        assert_eq!(seen, 27 * SIZE);
    }
}

#[test]
fn one_bitmap_does_not_tell_what_was_left_out() {
    let image = open(
        Kdump {
            one_bitmap: true,
            ..kdump(Packing::Zlib)
        }
        .write(),
    )
    .unwrap();
    let mut got = [0; 8];
    assert_eq!(image.read_physical(PhysAddr(11 * SIZE), &mut got), Ok(()));
    for number in [6, 12] {
        let error = image
            .read_physical(PhysAddr(number * SIZE), &mut got)
            .unwrap_err();
        assert!(matches!(error, ReadError::NotSupported(_)));
    }
    let error = image.read_physical(PhysAddr(201 * SIZE), &mut got);
    assert_eq!(error, Err(ReadError::NotMemory(PhysAddr(201 * SIZE))));
    assert_eq!(image.gaps()[0].what, "which pages were left out");
}

#[test]
fn an_incomplete_dump_says_so() {
    let file = Kdump {
        status: 0x8,
        ..kdump(Packing::Zlib)
    }
    .write();
    let whole = open(file.clone()).unwrap();
    assert_eq!(whole.gaps()[0].what, "0 of 42 pages of the dump");
    let image = open(file[..file.len() - 1].to_vec()).unwrap();
    assert_eq!(image.gaps()[0].what, "1 of 42 pages of the dump");
    assert!(image.gaps()[0].why.contains("disk was full"));
}

#[test]
fn what_is_not_read_is_named() {
    let error = |bytes: Vec<u8>| open(bytes).err().unwrap();
    assert_eq!(error(b"hello".to_vec()), Error::Unknown);
    let mut elf = elf_core().write();
    elf[4] = 1;
    assert!(error(elf).to_string().contains("ELF core of 32 bits"));
    let mut elf = elf_core().write();
    elf[16] = 3;
    assert_eq!(
        error(elf).to_string(),
        "it is an ELF file of type 3 and no core"
    );
    let process = ElfCore {
        notes: synth::note(Order::Little, "CORE", 3, &[0; 136]),
        ..elf_core()
    };
    assert_eq!(
        error(process.write()).to_string(),
        "it is the core of a process and no kernel's"
    );
    let other = Kdump {
        version: 7,
        ..kdump(Packing::Zlib)
    };
    assert!(
        error(other.write())
            .to_string()
            .contains("version 7; 1 to 6 are known")
    );
    let other = Kdump {
        machine: "vax".into(),
        ..kdump(Packing::Zlib)
    };
    assert!(
        error(other.write())
            .to_string()
            .contains("the machine 'vax'")
    );
    let other = Kdump {
        page_size: 1000,
        ..kdump(Packing::Zlib)
    };
    assert_eq!(
        error(other.write()).to_string(),
        "pages of 1000 bytes, at offset 0x1ac of the dump"
    );
    let beyond = Segment {
        physical: u64::MAX - 100,
        bytes: vec![0; 200],
        size: 200,
    };
    let other = ElfCore {
        segments: vec![beyond],
        ..elf_core()
    };
    assert!(
        error(other.write())
            .to_string()
            .contains("ends beyond all memory")
    );
    let twice = flatten(&flatten(&elf_core().write(), 4096), 4096);
    assert!(error(twice).to_string().contains("flattened twice"));
}

#[test]
fn memory_that_is_claimed_is_not_walked_through() {
    // A segment of 2^60 bytes, and a last piece that makes the flattened dump as long.
    let size = 1 << 60;
    let long = Segment {
        physical: 0,
        bytes: vec![7; 8192],
        size,
    };
    let mut core = ElfCore {
        segments: vec![long],
        ..elf_core()
    }
    .write();
    let in_file = 64 + 56 + 32;
    core[in_file..in_file + 8].copy_from_slice(&size.to_le_bytes());
    let mut file = flatten(&core, 5000);
    file.truncate(file.len() - 16);
    file.extend([size, 8].map(u64::to_be_bytes).concat());
    file.extend([9; 8]);
    file.extend([0xff; 16]);
    let image = open(file).unwrap();
    let mut pieces = Vec::new();
    let absent = image.visit_physical(0..u64::MAX, &mut |address, bytes| {
        pieces.push((address.0, bytes.len()));
        ControlFlow::Continue(())
    });
    assert!(pieces.len() < 10, "{pieces:?}");
    let seen: u64 = pieces.iter().map(|(_, size)| *size as u64).sum();
    assert!(
        seen >= 8192 && absent == u64::MAX - seen,
        "{pieces:?} {absent:#x}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_memory_comes_back(
        numbers in prop::collection::btree_set(0u64..600, 1..60),
        packing in 0..5usize,
        piece in 30..5000usize,
        version in 1..=6u32,
    ) {
        let kept = |number: &u64| (*number, (number % 5 != 3).then(|| synth::page(*number, SIZE as usize)));
        let memory: synth::Pages = numbers.iter().map(kept).collect();
        let file = Kdump { pages: memory.clone(), version, ..kdump(Packing::ALL[packing]) }.write();
        for bytes in [file.clone(), flatten(&file, piece)] {
            let image = open(bytes).unwrap();
            for number in 0..610 {
                let address = PhysAddr(number * SIZE);
                let mut got = vec![0; SIZE as usize];
                let read = image.read_physical(address, &mut got);
                match memory.get(&number) {
                    Some(Some(page)) => { read.unwrap(); prop_assert_eq!(&got, page); }
                    Some(None) => prop_assert_eq!(read, Err(ReadError::Filtered(address))),
                    None => prop_assert_eq!(read, Err(ReadError::NotMemory(address))),
                }
            }
            prop_assert!(image.gaps().iter().all(|gap| !gap.what.contains("of the dump")));
        }
    }
}
