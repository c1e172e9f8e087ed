//! What calls and loads refer to, in relocatable and linked files of every architecture.

#![allow(clippy::unwrap_used, reason = "a panic is the verdict of a test")]

mod common;

use debuginfo::{Object, RelocationKind};

/// `kind target+offset` of each relocation of a function, without upper parts and hints.
fn references(object: &Object<'_>, function: &str) -> Vec<String> {
    let functions = object.functions().unwrap();
    let function = functions
        .iter()
        .find(|f| f.name.split('.').next() == Some(function))
        .unwrap();
    let end = function.address + function.size;
    let mut lines = Vec::new();
    for relocation in object.relocations(function.address..end).unwrap() {
        let kind = match relocation.kind {
            RelocationKind::Call => "call",
            RelocationKind::Jump => "jump",
            kind if kind.gives_address() => "address",
            _ => continue,
        };
        let target = match (relocation.target(), relocation.external()) {
            (Some(address), _) => match object.symbol_at(address).unwrap() {
                Some(symbol) if symbol.address == function.address => continue,
                Some(symbol) => {
                    let name = symbol.name.split('.').next().unwrap();
                    format!("{name}+{}", address - symbol.address)
                }
                None => object
                    .section_at(address)
                    .unwrap()
                    .name
                    .split('.')
                    .nth(1)
                    .unwrap()
                    .to_owned(),
            },
            (None, name) => format!("{}+{}", name.unwrap(), relocation.addend),
        };
        lines.push(format!("{kind} {target}"));
    }
    lines.sort();
    lines.dedup();
    lines
}

#[test]
fn a_module_of_every_architecture_is_known_for_what_it_is() {
    for (file, arch) in common::MODULES {
        let object = common::open(file);
        let identity = object.identity();
        assert_eq!(identity.arch, Some(*arch), "{file}");
        assert_eq!(identity.module.as_deref(), Some("bond_test"), "{file}");
        assert_eq!(identity.release.as_deref(), Some("6.1.0-test"), "{file}");
        assert_eq!(
            identity.vermagic.as_deref(),
            Some("6.1.0-test SMP mod_unload"),
            "{file}"
        );
        assert_eq!(
            object.exported().unwrap(),
            ["bond_alb_initialize"],
            "{file}"
        );
        assert!(object.is_relocatable() && object.has_dwarf(), "{file}");
        let id = identity.build_id.as_ref();
        assert!(
            *file == "riscv64.ko" || id.is_some_and(|id| id.len() == 40),
            "{file}"
        );
    }
}

#[test]
fn a_handler_reads_its_globals_and_calls_the_same_functions_everywhere() {
    for (file, _) in common::MODULES {
        let object = common::open(file);
        let references = references(&object, "rlb_arp_recv");
        // Of what is reached through a register, the address is what the file tells.
        let call = if *file == "mips64.ko" {
            "address"
        } else {
            "call"
        };
        for name in ["printk", "slave_touch", "slave_weight"] {
            let wanted = format!("{call} {name}+0");
            assert!(
                references.contains(&wanted),
                "{file}: {wanted} in {references:?}"
            );
        }
        // Some compilers keep one base register for both variables.
        if !["arm64.ko", "arm.ko", "x86_64.ko", "mips64el.ko"].contains(file) {
            for wanted in ["address packets+0", "address rlb_debug+8"] {
                assert!(
                    references.iter().any(|line| line == wanted),
                    "{file}: {references:?}"
                );
            }
        }
        assert!(
            references.iter().any(|line| line == "address rodata"),
            "{file}: {references:?}"
        );
    }
}

#[test]
fn code_that_stores_the_address_of_a_function_names_it() {
    for (file, _) in common::MODULES {
        let object = common::open(file);
        let references = references(&object, "rlb_initialize");
        let wanted = "address rlb_arp_recv+0".to_owned();
        assert!(references.contains(&wanted), "{file}: {references:?}");
    }
}

#[test]
fn a_call_at_the_end_of_a_function_is_a_jump() {
    for (file, _) in common::MODULES {
        if ["riscv64.ko", "mips64.ko", "ppc64.ko", "ppc64le.ko"].contains(file) {
            continue;
        }
        let references = references(&common::open(file), "bond_open");
        assert!(
            references.contains(&"jump bond_alb_initialize+0".to_owned()),
            "{file}: {references:?}"
        );
    }
}

#[test]
fn a_constant_behind_an_operand_is_accounted_for() {
    let object = common::open("x86_64.ko");
    let packets = object.symbols_named("packets").unwrap()[0];
    let function = object.functions_named("rlb_arp_recv").unwrap()[0];
    let relocations = object
        .relocations(function.address..function.address + function.size)
        .unwrap();
    // addl $1, packets(%rip): two bytes, the operand, the constant.
    let add = &relocations[1];
    assert_eq!(add.kind, RelocationKind::Relative);
    assert_eq!(object.bytes_at(add.at - 2, 2), Some(&[0x83, 0x05][..]));
    assert_eq!(add.target(), Some(packets.address - 1));
    assert_eq!(add.target_of_operand(add.at + 5), Some(packets.address));
    assert!(add.is_in(add.at - 2, 7) && !add.is_in(add.at + 1, 7));
}

#[test]
fn tables_of_functions_name_them() {
    for (file, _) in common::MODULES {
        let object = common::open(file);
        let table = object.symbols_named("bond_netdev_ops").unwrap()[0];
        assert!(table.size > 0, "{file}");
        let relocations = object
            .relocations(table.address..table.address + table.size)
            .unwrap();
        let word = u64::from(object.identity().pointer_bits / 8);
        let functions: Vec<_> = relocations
            .iter()
            .map(|r| {
                assert_eq!(
                    (r.kind, u64::from(r.size)),
                    (RelocationKind::Address, word),
                    "{file}"
                );
                let target = r
                    .target()
                    .and_then(|t| object.symbol_at(t).unwrap().map(|s| s.name));
                (
                    (r.at - table.address) / word,
                    target.or(r.external()).unwrap(),
                )
            })
            .collect();
        assert_eq!(
            functions,
            [(0, "bond_open"), (1, "bond_close"), (3, "bond_feature")],
            "{file}"
        );
    }
}

#[test]
fn a_linked_kernel_keeps_relocations_where_its_linker_did() {
    let kernel = common::open("kernel-x86_64");
    assert_eq!(kernel.identity().release.as_deref(), Some("6.1.0-test"));
    assert_eq!(kernel.identity().module, None);
    assert!(
        kernel
            .identity()
            .banner
            .as_ref()
            .unwrap()
            .ends_with("#1 SMP")
    );
    let references = references(&kernel, "rlb_arp_recv");
    let wanted = [
        "address packets+0",
        "address rlb_debug+63",
        "address rlb_debug+8",
        "address rodata",
        "call printk+0",
        "call slave_touch+0",
        "call slave_weight+0",
    ];
    for line in references {
        assert!(wanted.contains(&line.as_str()), "{line}");
    }
    let other = common::open("kernel-arm64");
    let function = other.functions_named("bond_open").unwrap()[0];
    assert_eq!(function.address, 0xffff_8000_0801_0220);
    assert!(
        other
            .relocations(function.address..function.address + 40)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_room_of_a_function_is_what_kernels_print_as_its_size() {
    let object = common::open("x86_64.ko");
    let room = |name: &str| {
        object
            .room(&object.functions_named(name).unwrap()[0])
            .unwrap()
            .unwrap()
    };
    assert_eq!(room("rlb_arp_recv"), (0xd0, false));
    assert_eq!(room("bond_open"), (0x21, true));
}

#[test]
fn a_stripped_module_finds_its_way_to_its_debug_file() {
    let mut stripped = common::open("x86_64-stripped.ko");
    assert!(!stripped.has_dwarf());
    let debug = Box::leak(common::bytes("x86_64.ko.debug").into_boxed_slice());
    stripped.attach_debug("x86_64.ko.debug", debug).unwrap();
    assert!(stripped.has_dwarf());
    assert_eq!(
        references(&stripped, "rlb_arp_recv").len(),
        references(&common::open("x86_64.ko"), "rlb_arp_recv").len()
    );
    let other = Box::leak(common::bytes("x86_64-dwarf4.ko").into_boxed_slice());
    let error = stripped
        .attach_debug("x86_64-dwarf4.ko", other)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("x86_64-dwarf4.ko: has build-id "),
        "{error}"
    );
    let error = stripped.attach_debug(
        "arm.ko",
        Box::leak(common::bytes("arm.ko").into_boxed_slice()),
    );
    assert!(error.unwrap_err().to_string().contains("another kind"));
}
