//! Who calls a function, and who keeps its address.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

mod common;

use debuginfo::{DebugInfo, UsePlace};

/// Files with both source files in them.
fn files() -> impl Iterator<Item = &'static str> {
    let modules = common::MODULES
        .iter()
        .map(|(file, _)| *file)
        .filter(|file| *file != "riscv64.ko");
    modules.chain(["kernel-x86_64", "kernel-arm64"])
}

/// `function` or `function (jump)` of each caller.
fn callers(set: &DebugInfo<'_>, name: &str) -> Vec<String> {
    let (id, symbol) = set.functions_named(name, None).unwrap()[0];
    let callers = set.callers_of(id, symbol.address).unwrap();
    let text = |caller: &debuginfo::Caller<'_>| {
        let mark = if caller.is_jump { " (jump)" } else { "" };
        format!(
            "{}{mark}",
            debuginfo::base_name(caller.function.unwrap().name)
        )
    };
    callers.iter().map(text).collect()
}

/// Where the address of a function is kept or made.
fn uses(set: &DebugInfo<'_>, name: &str) -> Vec<String> {
    let (id, symbol) = set.functions_named(name, None).unwrap()[0];
    let uses = set.address_taken(id, symbol.address).unwrap();
    let text = |place: &UsePlace<'_>| match place {
        UsePlace::Code { function } => debuginfo::base_name(function.unwrap().name).to_owned(),
        UsePlace::Data {
            variable,
            type_id,
            members,
            ..
        } => {
            assert_eq!(members.len(), 1);
            format!(
                "{}.{}: {}",
                variable.unwrap(),
                members[0].text,
                set.type_text(*type_id)
            )
        }
    };
    uses.iter().map(|one| text(&one.place)).collect()
}

#[test]
fn callers_are_found_with_and_without_relocations_and_through_registers() {
    for file in files() {
        let (set, _) = common::set(file);
        let mut found = callers(&set, "rlb_initialize");
        found.sort();
        assert_eq!(found, ["bond_alb_initialize", "bond_close"], "{file}");
        assert_eq!(callers(&set, "slave_touch"), ["rlb_arp_recv"], "{file}");
        assert_eq!(callers(&set, "slave_weight"), ["rlb_arp_recv"], "{file}");
        let tail = callers(&set, "bond_alb_initialize");
        // PowerPC restores its table of contents behind a call, so it does not jump.
        let is_jump = !file.starts_with("ppc");
        assert_eq!(
            tail,
            [if is_jump {
                "bond_open (jump)"
            } else {
                "bond_open"
            }],
            "{file}"
        );
        assert!(callers(&set, "rlb_arp_recv").is_empty(), "{file}");
        assert!(callers(&set, "bond_feature").is_empty(), "{file}");
    }
}

#[test]
fn the_calling_instruction_is_told() {
    let (set, id) = common::set("x86_64.ko");
    let address = common::function(&set, "rlb_initialize");
    for caller in set.callers_of(id, address).unwrap() {
        let object = set.object(id).unwrap();
        assert_eq!(object.bytes_at(caller.at, 1), Some(&[0xe8][..]));
        assert_eq!((caller.through, caller.is_jump), (None, false));
    }
    let (set, id) = common::set("mips64.ko");
    let address = common::function(&set, "slave_touch");
    let caller = &set.callers_of(id, address).unwrap()[0];
    assert_eq!(caller.through, Some(arch::Reg("v0")));
    // jalr v0
    let object = set.object(id).unwrap();
    assert_eq!(
        object.bytes_at(caller.at, 4),
        Some(&[0x00, 0x40, 0xf8, 0x09][..])
    );
}

#[test]
fn a_handler_is_known_by_who_stores_its_address() {
    for file in files() {
        let (set, _) = common::set(file);
        assert_eq!(uses(&set, "rlb_arp_recv"), ["rlb_initialize"], "{file}");
        let ops = "const struct net_device_ops";
        assert_eq!(
            uses(&set, "bond_close"),
            [format!("bond_netdev_ops.ndo_stop: {ops}")],
            "{file}"
        );
        assert_eq!(
            uses(&set, "bond_open"),
            [format!("bond_netdev_ops.ndo_open: {ops}")],
            "{file}"
        );
        let wanted = format!("bond_netdev_ops.ndo_features[1]: {ops}");
        assert_eq!(uses(&set, "bond_feature"), [wanted], "{file}");
        assert!(uses(&set, "slave_touch").is_empty(), "{file}");
    }
}

#[test]
fn callers_in_modules_name_what_the_kernel_defines() {
    let (mut set, kernel) = common::set("kernel-x86_64");
    let module = set.add(common::open("x86_64.ko"));
    let address = set.functions_named("kmalloc", None).unwrap()[0].1.address;
    let callers = set.callers_of(kernel, address).unwrap();
    let found: Vec<_> = callers
        .iter()
        .map(|c| (c.object, c.function.unwrap().name))
        .collect();
    let name = "rlb_initialize.constprop.0";
    assert_eq!(found, [(kernel, name), (module, name)]);
}

#[test]
fn variables_are_known_by_their_addresses() {
    for file in files() {
        let (set, id) = common::set(file);
        let object = set.object(id).unwrap();
        let address = object.symbols_named("rlb_debug").unwrap()[0].address;
        let (name, type_id, offset) = set.variable_at(id, address + 8).unwrap().unwrap();
        assert_eq!(
            (set.declaration(type_id, name), offset),
            ("u32 rlb_debug[16]".to_owned(), 8),
            "{file}"
        );
        let address = object.symbols_named("packets").unwrap()[0].address;
        let (name, type_id, offset) = set.variable_at(id, address).unwrap().unwrap();
        assert_eq!(
            (set.declaration(type_id, name), offset),
            ("u32 packets".to_owned(), 0),
            "{file}"
        );
    }
}

#[test]
fn looking_for_one_address_finds_what_the_index_has() {
    // The first questions to a linked file are answered without an index, later ones with it.
    for file in ["kernel-x86_64", "kernel-arm64"] {
        let (indexed, id) = common::set(file);
        for _ in 0..32 {
            indexed.callers_of(id, 0).unwrap();
        }
        let functions = indexed.object(id).unwrap().functions().unwrap();
        let mut called = 0;
        for function in functions {
            let (new, _) = common::set(file);
            let callers = new.callers_of(id, function.address).unwrap();
            assert_eq!(callers, indexed.callers_of(id, function.address).unwrap());
            assert_eq!(
                new.address_taken(id, function.address).unwrap(),
                indexed.address_taken(id, function.address).unwrap()
            );
            called += usize::from(!callers.is_empty());
        }
        assert!(called > 3, "{file}: {called}");
    }
}
