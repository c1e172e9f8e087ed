//! Writes a small dump of each format into a folder: `cargo run -p synth --example dumps FOLDER`. Seeds for the
//! fuzzer.

#![allow(clippy::unwrap_used, reason = "this fails loudly to whoever runs it")]

use std::path::PathBuf;

use synth::{ElfCore, Kdump, Order, Packing, Segment, flatten, note, prstatus_x86_64, qemu_x86_64};

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap());
    let put = |name: String, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
    let mut notes = note(Order::Little, "CORE", 1, &prstatus_x86_64(1, &[7; 27]));
    notes.extend(note(
        Order::Little,
        "QEMU",
        0,
        &qemu_x86_64([1; 5], 2, 3, 4),
    ));
    notes.extend(note(Order::Little, "VMCOREINFO", 0, b"OSRELEASE=6.1.0\n"));
    for packing in Packing::ALL {
        let page = |number| (number, (number != 4).then(|| synth::page(number % 6, 512)));
        let file = Kdump {
            packing,
            page_size: 512,
            pages: (0..9).chain([20]).map(page).collect(),
            vmcoreinfo: b"OSRELEASE=6.1.0\n".to_vec(),
            notes: notes.clone(),
            ..Kdump::default()
        };
        put(format!("kdump-{packing:?}"), file.write());
        put(format!("flat-{packing:?}"), flatten(&file.write(), 1000));
    }
    let segment = |physical, size| Segment {
        physical,
        bytes: synth::page(physical, 1000),
        size,
    };
    let core = ElfCore {
        notes,
        segments: vec![segment(0, 1000), segment(4096, 5000), segment(4196, 1000)],
        ..ElfCore::default()
    };
    put("elf".into(), core.write());
    put("flat-elf".into(), flatten(&core.write(), 300));
}
