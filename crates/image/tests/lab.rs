//! Dumps that QEMU wrote of a kernel that died in the laboratory, against what QEMU and the kernel said then:
//! `cargo xtask lab dump-panic && cargo test -p image --test lab`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use base::{Memory, PhysAddr, Target};
use image::{Image, search};

fn left(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../../target/lab/dump-panic").join(name)
}

fn text(name: &str) -> String {
    let bytes = std::fs::read(left(name)).expect("run 'cargo xtask lab dump-panic' first");
    String::from_utf8_lossy(&bytes).replace('\r', "")
}

fn open(name: &str) -> Image {
    let bytes = std::fs::read(left(name)).expect("run 'cargo xtask lab dump-panic' first");
    Image::open(Box::new(bytes)).unwrap()
}

/// What QEMU's `info registers -a` says of each processor, by our names.
fn told() -> Vec<BTreeMap<String, u64>> {
    let text = text("registers.txt");
    let processors = text.split("CPU#").skip(1).map(|processor| {
        let mut registers = BTreeMap::new();
        for line in processor.lines() {
            let (name, rest) = line.split_once('=').unwrap_or_default();
            let words: Vec<&str> = rest.split_whitespace().collect();
            let hex = |index: usize| {
                let word: Option<&&str> = words.get(index);
                word.and_then(|word| u64::from_str_radix(word, 16).ok())
            };
            // Segments have their base behind the selector, tables at first.
            match (name.trim(), hex(0), hex(1)) {
                (name @ ("FS" | "GS" | "TR" | "LDT"), _, Some(base)) => {
                    registers.insert(format!("{}_base", name.to_lowercase()), base);
                    registers.insert(name.to_lowercase(), hex(0).unwrap());
                }
                (name @ ("GDT" | "IDT"), Some(base), _) => {
                    registers.insert(format!("{}_base", name.to_lowercase()), base);
                }
                (name @ ("CS" | "SS" | "DS" | "ES"), Some(selector), _) => {
                    registers.insert(name.to_lowercase(), selector);
                }
                _ => {
                    // Several on a line: "RAX=1 R8 =2".
                    let line = line.replace(" =", "=");
                    for (name, value) in line
                        .split_whitespace()
                        .filter_map(|word| word.split_once('='))
                    {
                        if let Ok(value) = u64::from_str_radix(value, 16) {
                            registers.insert(name.to_lowercase().replace("rfl", "eflags"), value);
                        }
                    }
                }
            }
        }
        registers
    });
    processors.collect()
}

/// The first number of the line in the console that ends so.
fn on_console(console: &str, end: &str) -> u64 {
    let line = console.lines().find(|line| line.trim_end().ends_with(end));
    let word = line.unwrap().trim().split([' ', '-']).next().unwrap();
    u64::from_str_radix(word, 16).unwrap()
}

#[test]
fn registers_are_those_that_qemu_tells() {
    let told = told();
    assert_eq!(told.len(), 2);
    for name in ["vmcore.elf", "vmcore.flat"] {
        let image = open(name);
        assert_eq!(image.cpus().len(), 2);
        for (cpu, told) in image.cpus().iter().zip(&told) {
            assert_eq!(cpu.pid, None);
            let mut compared = 0;
            for (register, value) in &cpu.registers {
                if let Some(wanted) = told.get(*register) {
                    assert_eq!(value, wanted, "{name}, processor {}: {register}", cpu.cpu);
                    compared += 1;
                }
            }
            assert!(compared >= 30, "{compared}: {:?}", cpu.registers);
        }
    }
}

#[test]
fn both_formats_have_the_same_memory() {
    let (elf, flat) = (open("vmcore.elf"), open("vmcore.flat"));
    assert_eq!(elf.physical_ranges(), flat.physical_ranges());
    assert_eq!(elf.vmcoreinfo(), flat.vmcoreinfo());
    assert_eq!((elf.gaps(), flat.gaps()), (vec![], vec![]));
    let mut same = 0;
    for range in flat.physical_ranges() {
        let absent = flat.visit_physical(range, &mut |address, bytes| {
            assert_eq!(
                elf.physical_bytes(address, bytes.len()),
                Some(bytes),
                "{address}"
            );
            same += bytes.len() as u64;
            ControlFlow::Continue(())
        });
        assert_eq!(absent, 0);
    }
    assert_eq!(same, (512 << 20) + (256 << 10));
}

#[test]
fn the_kernel_lies_where_it_said() {
    let console = text("console.log");
    let text_at = on_console(&console, ": Kernel code");
    let banner =
        text_at + on_console(&console, "D linux_banner") - on_console(&console, "T _stext");
    for name in ["vmcore.elf", "vmcore.flat"] {
        let image = open(name);
        let release = image.release().unwrap();
        let mut bytes = vec![0; 200];
        image.read_physical(PhysAddr(banner), &mut bytes).unwrap();
        let wanted = format!("Linux version {release} (");
        assert!(
            bytes.starts_with(wanted.as_bytes()),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        // The task that died has its name in memory, and somewhere a pointer leads to the first task.
        let init_task = on_console(&console, "D init_task");
        assert!(search(&image, &[init_task], 100).found.len() > 10);
    }
}
