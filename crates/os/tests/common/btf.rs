//! A description of types made by hand: those of the kernel's lists, trees and maps.

use debuginfo::{DebugInfo, Object, Store};

/// A description of types that is being written (`Documentation/bpf/btf.rst`).
#[derive(Default)]
pub struct Btf {
    types: Vec<u8>,
    texts: Vec<u8>,
    count: u32,
}

/// A member: name, type, first bit, and bits of a bit field (0 of others).
pub type Member<'m> = (&'m str, u32, u32, u32);

impl Btf {
    pub fn new() -> Self {
        Btf {
            texts: vec![0],
            ..Btf::default()
        }
    }

    fn text(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.texts.len() as u32;
        self.texts.extend_from_slice(text.as_bytes());
        self.texts.push(0);
        at
    }

    fn words(&mut self, words: &[u32]) -> u32 {
        for word in words {
            self.types.extend_from_slice(&word.to_le_bytes());
        }
        self.count += 1;
        self.count
    }

    /// A number without a sign.
    pub fn int(&mut self, name: &str, bytes: u32) -> u32 {
        let name = self.text(name);
        self.words(&[name, 1 << 24, bytes, 8 * bytes])
    }

    pub fn pointer(&mut self) -> u32 {
        self.words(&[0, 2 << 24, 0])
    }

    pub fn array(&mut self, element: u32, index: u32, count: u32) -> u32 {
        self.words(&[0, 3 << 24, 0, element, index, count])
    }

    fn record(&mut self, kind: u32, name: &str, bytes: u32, members: &[Member<'_>]) -> u32 {
        let is_bits = members.iter().any(|member| member.3 != 0);
        let head = kind << 24 | members.len() as u32 | u32::from(is_bits) << 31;
        let mut words = vec![self.text(name), head, bytes];
        for (name, type_id, bit, bits) in members {
            let name = self.text(name);
            words.extend([name, *type_id, bits << 24 | bit]);
        }
        self.words(&words)
    }

    pub fn structure(&mut self, name: &str, bytes: u32, members: &[Member<'_>]) -> u32 {
        self.record(4, name, bytes, members)
    }

    pub fn union(&mut self, name: &str, bytes: u32, members: &[Member<'_>]) -> u32 {
        self.record(5, name, bytes, members)
    }

    pub fn enumeration(&mut self, name: &str, names: &[(&str, i32)]) -> u32 {
        let mut words = vec![self.text(name), 6 << 24 | names.len() as u32, 4];
        for (name, number) in names {
            let name = self.text(name);
            words.extend([name, number.cast_unsigned()]);
        }
        self.words(&words)
    }

    pub fn finish(self) -> Vec<u8> {
        let (types, texts) = (self.types.len() as u32, self.texts.len() as u32);
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, types, types, texts] {
            bytes.extend_from_slice(&u32::to_le_bytes(word));
        }
        bytes.extend(self.types);
        bytes.extend(self.texts);
        bytes
    }
}

/// The types of lists, trees and maps as Linux 6.1 has them on x86_64.
pub fn kernel_types(store: &Store) -> DebugInfo<'_> {
    let mut btf = Btf::new();
    let long = btf.int("unsigned long", 8);
    let int = btf.int("unsigned int", 4);
    let byte = btf.int("unsigned char", 1);
    let pointer = btf.pointer();
    btf.structure(
        "rb_node",
        24,
        &[
            ("__rb_parent_color", long, 0, 0),
            ("rb_right", pointer, 64, 0),
            ("rb_left", pointer, 128, 0),
        ],
    );
    btf.structure("rb_root", 8, &[("rb_node", pointer, 0, 0)]);
    let xarray = btf.structure(
        "xarray",
        16,
        &[
            ("xa_lock", int, 0, 0),
            ("xa_flags", int, 32, 0),
            ("xa_head", pointer, 64, 0),
        ],
    );
    let slots = btf.array(pointer, int, 64);
    let marks = btf.array(long, int, 3);
    let both = btf.union("", 24, &[("tags", marks, 0, 0), ("marks", marks, 0, 0)]);
    btf.structure(
        "xa_node",
        576,
        &[
            ("shift", byte, 0, 0),
            ("offset", byte, 8, 0),
            ("count", byte, 16, 0),
            ("nr_values", byte, 24, 0),
            ("parent", pointer, 64, 0),
            ("array", pointer, 128, 0),
            ("slots", slots, 320, 0),
            ("", both, 552 * 8, 0),
        ],
    );
    btf.structure(
        "idr",
        24,
        &[
            ("idr_rt", xarray, 0, 0),
            ("idr_base", int, 128, 0),
            ("idr_next", int, 160, 0),
        ],
    );
    btf.structure(
        "maple_tree",
        16,
        &[
            ("ma_lock", int, 0, 0),
            ("ma_flags", int, 32, 0),
            ("ma_root", pointer, 64, 0),
        ],
    );
    let (pivots, slots) = (btf.array(long, int, 15), btf.array(pointer, int, 16));
    btf.structure(
        "maple_range_64",
        256,
        &[
            ("parent", pointer, 0, 0),
            ("pivot", pivots, 64, 0),
            ("slot", slots, 1024, 0),
        ],
    );
    let (pivots, slots) = (btf.array(long, int, 9), btf.array(pointer, int, 10));
    btf.structure(
        "maple_arange_64",
        248,
        &[
            ("parent", pointer, 0, 0),
            ("pivot", pivots, 64, 0),
            ("slot", slots, 640, 0),
        ],
    );
    // Bit fields in a structure without a name in a structure, as those of a slab are.
    let counters = btf.structure(
        "",
        8,
        &[
            ("inuse", int, 0, 16),
            ("objects", int, 16, 15),
            ("frozen", int, 31, 1),
        ],
    );
    btf.structure(
        "slab",
        48,
        &[("freelist", pointer, 256, 0), ("", counters, 320, 0)],
    );
    btf.enumeration(
        "pageflags",
        &[("PG_locked", 0), ("PG_slab", 9), ("PG_none", -1)],
    );
    let arch = arch::find("x86_64").unwrap().0;
    let object = Object::of_types("vmlinux", store.keep(btf.finish()), arch, None, store).unwrap();
    let mut info = DebugInfo::new();
    info.add(object);
    info
}
