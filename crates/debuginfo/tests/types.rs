//! Types by name, members at offsets, and how C writes them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

mod common;

use debuginfo::{DebugInfo, Kind, TypeId};

fn named(set: &DebugInfo<'_>, name: &str) -> TypeId {
    let found = set.types_named(name, None).unwrap();
    assert_eq!(found.len(), 1, "{name}");
    found[0]
}

/// The members at an offset.
fn at(set: &DebugInfo<'_>, name: &str, offset: u64, size: u64) -> Vec<String> {
    let paths = set
        .members_at(named(set, name), offset, Some(size))
        .unwrap();
    paths.into_iter().map(|path| path.text).collect()
}

#[test]
fn members_are_found_at_their_offsets_on_every_architecture() {
    for (file, arch) in common::MODULES {
        let (set, _) = common::set(file);
        let is_64 = arch::find(arch).unwrap().0.pointer_bits == 64;
        let pick = |in_32: u64, in_64: u64| if is_64 { in_64 } else { in_32 };
        let bonding = named(&set, "struct bonding");
        assert_eq!(set.type_text(Some(bonding)), "struct bonding", "{file}");
        // As `pahole -C bonding` shows it.
        let info = pick(72, 88);
        assert_eq!(
            at(&set, "struct bonding", info, pick(4, 8)),
            ["alb_info.unused.next"],
            "{file}"
        );
        let table = info + pick(12, 24);
        assert_eq!(
            at(&set, "bonding", table, pick(4, 8)),
            ["alb_info.rx_hashtbl"],
            "{file}"
        );
        let found = set
            .offset_of(bonding, "alb_info.rx_hashtbl")
            .unwrap()
            .unwrap();
        assert_eq!(found.offset, table, "{file}");
        let client = set.pointee(found.type_id.unwrap()).unwrap().unwrap();
        assert_eq!(
            set.type_text(Some(client)),
            "struct rlb_client_info",
            "{file}"
        );
        let size = set.size_of(client).unwrap().unwrap();
        assert_eq!(size, pick(36, 48), "{file}");
        // An array whose base is NULL: element 16, the byte at 24.
        let path = set
            .elements_at(client, 16 * size as i64 + 24, Some(1))
            .unwrap();
        assert_eq!(path.len(), 1, "{file}");
        assert_eq!(path[0].text, "[16].assigned", "{file}");
        assert_eq!(path[0].through("rx_hashtbl"), "rx_hashtbl[16].assigned");
        assert_eq!(path[0].member().unwrap(), "rlb_client_info.assigned");
        assert!(path[0].is_exact, "{file}");
        // Rows and columns.
        let grid = set.offset_of(bonding, "grid").unwrap().unwrap().offset;
        assert_eq!(
            at(&set, "bonding", grid + 4 * 6, 4),
            ["grid[1][2]"],
            "{file}"
        );
        assert_eq!(
            set.offset_of(bonding, "grid[1][2]")
                .unwrap()
                .unwrap()
                .offset,
            grid + 24
        );
        assert_eq!(
            set.offset_of(bonding, "grid[2]").unwrap().unwrap().offset,
            grid + 32
        );
    }
}

#[test]
fn every_member_of_a_union_may_be_meant() {
    let (set, _) = common::set("x86_64.ko");
    assert_eq!(at(&set, "bonding", 32, 4), ["low", "raw", "word"]);
    assert_eq!(at(&set, "bonding", 36, 4), ["high", "raw", "word"]);
    assert_eq!(at(&set, "bonding", 33, 1), ["low", "raw[1]", "word"]);
    assert_eq!(at(&set, "bonding", 32, 8), ["raw", "word"]);
    let paths = set.members_at(named(&set, "bonding"), 33, Some(1)).unwrap();
    let exact: Vec<_> = paths
        .iter()
        .map(|path| (path.is_exact, path.beyond))
        .collect();
    assert_eq!(exact, [(false, 1), (true, 0), (false, 1)]);
    // Members of anonymous structures belong to the one with a name.
    assert_eq!(paths[0].member().unwrap(), "bonding.low");
    assert_eq!(
        set.offset_of(named(&set, "bonding"), "high")
            .unwrap()
            .unwrap()
            .offset,
        36
    );
}

#[test]
fn bit_fields_are_told_with_their_bits_in_both_byte_orders() {
    for file in ["x86_64.ko", "x86_64-dwarf4.ko", "mips64.ko", "ppc64.ko"] {
        let (set, _) = common::set(file);
        let info = named(&set, "struct alb_bond_info");
        // rlb_enabled : 1, primary_is_promisc : 1, rebalance : 20.
        let paths = set.members_at(info, 32, Some(1)).unwrap();
        let names: Vec<_> = paths.iter().map(|path| path.text.as_str()).collect();
        assert_eq!(
            names,
            ["rlb_enabled", "primary_is_promisc", "rebalance"],
            "{file}"
        );
        let bits: Vec<_> = paths.iter().map(|path| path.bits.unwrap()).collect();
        let bits: Vec<_> = bits
            .iter()
            .map(|bits| (bits.offset - 32 * 8, bits.size))
            .collect();
        assert_eq!(bits, [(0, 1), (1, 1), (2, 20)], "{file}");
        let next = set.members_at(info, 33, Some(1)).unwrap();
        assert_eq!(next.len(), 1, "{file}");
        assert_eq!(next[0].text, "rebalance", "{file}");
    }
}

#[test]
fn an_access_that_is_no_member_is_told_as_near_as_it_is() {
    let (set, _) = common::set("x86_64.ko");
    let client = named(&set, "rlb_client_info");
    // Two bytes in the middle of an address of six.
    let paths = set.members_at(client, 9, Some(2)).unwrap();
    assert_eq!(
        (paths[0].text.as_str(), paths[0].beyond, paths[0].is_exact),
        ("mac_src", 1, false)
    );
    // Padding behind a member.
    let paths = set.members_at(client, 26, Some(1)).unwrap();
    assert_eq!((paths[0].text.as_str(), paths[0].beyond), ("", 26));
    // The whole, and behind its end.
    let paths = set.members_at(client, 0, Some(48)).unwrap();
    assert_eq!((paths[0].text.as_str(), paths[0].is_exact), ("", true));
    assert_eq!(paths[0].through("p"), "*p");
    assert!(set.members_at(client, 48, Some(1)).unwrap().is_empty());
    // A pointer into the middle, as container_of() makes one, and its element before.
    assert_eq!(
        set.elements_at(client, -24, Some(1)).unwrap()[0].text,
        "[-1].assigned"
    );
    // An array without a size at the end of a structure goes on for ever.
    let open = named(&set, "struct tlb_up_slave");
    assert_eq!(
        set.members_at(open, 8 + 8 * 100, Some(8)).unwrap()[0].text,
        "arr[100]"
    );
    assert_eq!(
        set.elements_at(open, 24, Some(8)).unwrap()[0].through("p"),
        "p->arr[2]"
    );
}

#[test]
fn what_one_source_file_only_declares_another_one_defines() {
    for file in ["x86_64.ko", "x86_64-dwarf4.ko", "mips64.ko", "kernel-arm64"] {
        let (set, id) = common::set(file);
        let function = set
            .function_at(id, common::function(&set, "rlb_arp_recv"))
            .unwrap()
            .unwrap();
        // In bond.c `struct slave` is but a name.
        let bond = function
            .variables
            .iter()
            .find(|v| v.name == "bond")
            .unwrap();
        let bonding = set.pointee(bond.type_id.unwrap()).unwrap().unwrap();
        let curr = set
            .offset_of(bonding, "curr")
            .unwrap()
            .unwrap()
            .type_id
            .unwrap();
        let slave = set.pointee(curr).unwrap().unwrap();
        assert!(set.shape(slave).unwrap().is_declaration, "{file}");
        assert_eq!(set.size_of(slave).unwrap(), Some(48), "{file}");
        let paths = set.members_at(slave, 24 + 8 + 4, Some(4)).unwrap();
        let names: Vec<_> = paths.iter().map(|path| path.text.as_str()).collect();
        assert_eq!(names, ["tlb[1].load.bytes", "tlb[1].load.word"], "{file}");
        assert_eq!(paths[1].member().unwrap(), "slave.tlb.load.word");
        // `struct sk_buff` is nowhere.
        let skb = set
            .pointee(function.variables[0].type_id.unwrap())
            .unwrap()
            .unwrap();
        assert_eq!(set.size_of(skb).unwrap(), None, "{file}");
        assert!(
            set.members_at(skb, 8, Some(8))
                .unwrap()
                .iter()
                .all(|path| path.text.is_empty())
        );
    }
}

#[test]
fn what_a_module_only_declares_the_kernel_defines() {
    // riscv64.ko is made of bond.c alone.
    let (mut set, module) = common::set("riscv64.ko");
    let function = common::function(&set, "rlb_arp_recv");
    let slave = |set: &DebugInfo<'_>| {
        let function = set.function_at(module, function).unwrap().unwrap();
        let bond = function
            .variables
            .iter()
            .find(|v| v.name == "bond")
            .unwrap();
        let bonding = set.pointee(bond.type_id.unwrap()).unwrap().unwrap();
        let curr = set
            .offset_of(bonding, "curr")
            .unwrap()
            .unwrap()
            .type_id
            .unwrap();
        set.pointee(curr).unwrap().unwrap()
    };
    assert_eq!(set.size_of(slave(&set)).unwrap(), None);
    let other = set.add(common::open("riscv64-relax.o"));
    let (found, shape) = set.strip(Some(slave(&set))).unwrap().unwrap();
    assert_eq!(
        (found.object(), shape.name, shape.size),
        (other, "slave", Some(48))
    );
}

#[test]
fn types_are_written_as_c_writes_them() {
    for (file, _) in common::MODULES {
        let (set, _) = common::set(file);
        let Kind::Record { members, .. } = &set.shape(named(&set, "struct bonding")).unwrap().kind
        else {
            panic!("{file}")
        };
        let written: Vec<_> = members
            .iter()
            .map(|m| set.declaration(m.type_id, m.name))
            .collect();
        assert_eq!(
            written,
            [
                "struct net_device *dev",
                "struct slave *curr",
                "int (*probe)(const struct sk_buff *, struct bonding *)",
                "enum link_state state",
                "union {…}",
                "u32 grid[3][4]",
                "struct alb_bond_info alb_info",
                "struct packet_type pt",
                "volatile int *const flags",
            ],
            "{file}"
        );
        assert_eq!(
            set.type_text(members[2].type_id),
            "int (*)(const struct sk_buff *, struct bonding *)"
        );
        assert_eq!(set.type_text(members[5].type_id), "u32 [3][4]");
        let ops = set
            .offset_of(named(&set, "net_device_ops"), "ndo_features")
            .unwrap()
            .unwrap();
        let wanted = "int (*ndo_features[2])(struct net_device *, int)";
        assert_eq!(set.declaration(ops.type_id, "ndo_features"), wanted);
        let Kind::Enumeration(names) = &set.shape(named(&set, "enum link_state")).unwrap().kind
        else {
            panic!("{file}")
        };
        assert_eq!(
            *names,
            [("LINK_UP", 0), ("LINK_DOWN", 4), ("LINK_BACK", -1)],
            "{file}"
        );
    }
}

#[test]
fn names_mean_what_they_mean() {
    let (set, _) = common::set("x86_64.ko");
    assert!(
        set.types_named("struct net_device_op", None)
            .unwrap()
            .is_empty()
    );
    assert!(set.types_named("union bonding", None).unwrap().is_empty());
    assert_eq!(set.type_text(Some(named(&set, "recv_fn"))), "recv_fn");
    let function = set.pointee(named(&set, "recv_fn")).unwrap();
    let wanted = "int (struct sk_buff *, struct net_device *, struct packet_type *)";
    assert_eq!(set.type_text(function), wanted);
    assert_eq!(set.size_of(named(&set, "u32")).unwrap(), Some(4));
    let near = named(&set, "struct slave");
    assert_eq!(
        set.types_named("struct bonding", Some(near)).unwrap().len(),
        1
    );
}
