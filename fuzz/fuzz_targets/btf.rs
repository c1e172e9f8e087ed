//! The kernel's own description of types, of any content; also one that counts on from another.
#![no_main]

use debuginfo::{DebugInfo, Object, Store};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The first two bytes tell where a second description begins, which is a module's.
    let Some((cut, data)) = data.split_first_chunk::<2>() else {
        return;
    };
    let cut = usize::from(u16::from_le_bytes(*cut)).min(data.len());
    let (kernel, module) = data.split_at(cut);
    let Some(arch) = arch::ARCHES.first() else {
        return;
    };
    let store = Store::new();
    let mut set = DebugInfo::new();
    for (name, bytes) in [(None, kernel), (Some("module"), module)] {
        if let Ok(object) = Object::of_types("types", bytes, arch, name, &store) {
            set.add(object);
        }
    }
    for name in [
        "struct bonding",
        "enum link_state",
        "recv_fn",
        "u32",
        "packet_type",
    ] {
        for type_id in set
            .types_named(name, None)
            .unwrap_or_default()
            .into_iter()
            .take(8)
        {
            assert!(set.type_text(Some(type_id)).len() < 1 << 22);
            let _ = set.size_of(type_id);
            let _ = set.shape(type_id);
            for offset in [0, 36, 112, u64::MAX] {
                let _ = set.members_at(type_id, offset, Some(8));
            }
            let _ = set.elements_at(type_id, i64::MIN, Some(1));
            let _ = set.offset_of(type_id, "alb_info.rx_hashtbl");
        }
    }
    let ids: Vec<_> = set.objects().map(|(id, _)| id).collect();
    for id in ids {
        for name in ["bond_open", "printk"] {
            if let Ok(Some(found)) = set.function_type(id, name) {
                assert!(set.declaration(Some(found), name).len() < 1 << 22);
            }
        }
        let _ = set.damage(id);
    }
});
