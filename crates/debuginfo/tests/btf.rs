//! The kernel's own description of types: what it tells is what `pahole -F btf` shows, and damage is no harm.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

mod common;

use debuginfo::{DebugInfo, Kind, Object, ObjectId, Store, TypeId};

fn named(set: &DebugInfo<'_>, name: &str) -> TypeId {
    let found = set.types_named(name, None).unwrap();
    assert_eq!(found.len(), 1, "{name}");
    found[0]
}

/// Every member with its declaration, offset and size, the bits of a bit field behind a colon.
fn members(set: &DebugInfo<'_>, type_id: TypeId) -> Vec<String> {
    let shape = set.shape(type_id).unwrap();
    let Kind::Record { members, .. } = &shape.kind else {
        return Vec::new();
    };
    members
        .iter()
        .map(|member| {
            let declared = set.declaration(member.type_id, member.name);
            let bits = member.bits.map_or_else(String::new, |bits| {
                format!(":{}+{}", bits.offset, bits.size)
            });
            let size = member.type_id.and_then(|id| set.size_of(id).unwrap());
            let size = size.map_or_else(|| "?".to_owned(), |size| size.to_string());
            format!("{declared}{bits} {} {size}", member.offset)
        })
        .collect()
}

fn kernel() -> (DebugInfo<'static>, ObjectId) {
    common::set("btf-kernel")
}

fn with_module() -> (DebugInfo<'static>, ObjectId, ObjectId) {
    let (mut set, kernel) = kernel();
    let module = set.add(common::open("btf-module.ko"));
    (set, kernel, module)
}

#[test]
fn structures_are_as_pahole_shows_them() {
    let (set, _) = kernel();
    let packet = named(&set, "struct packet_type");
    assert_eq!(set.size_of(packet).unwrap(), Some(40));
    assert_eq!(
        members(&set, packet),
        [
            "u16 type 0 2",
            "bool ignore_outgoing 2 1",
            "struct net_device *dev 8 8",
            "recv_fn func 16 8",
            "struct list_head list 24 16",
        ]
    );
    assert_eq!(
        members(&set, named(&set, "struct alb_bond_info")),
        [
            "struct list_head unused 0 16",
            "u32 rx_hashtbl_used_head 16 4",
            "struct rlb_client_info *rx_hashtbl 24 8",
            "u8 rlb_enabled:256+1 32 1",
            "u8 primary_is_promisc:257+1 32 1",
            "u32 rebalance:258+20 32 4",
            "struct tlb_up_slave *slaves 40 8",
        ]
    );
    assert_eq!(
        members(&set, named(&set, "struct tlb_up_slave")),
        ["u32 count 0 4", "struct slave *arr[] 8 ?"]
    );
    let bonding = named(&set, "struct bonding");
    let all = members(&set, bonding);
    assert_eq!(
        all[2],
        "int (*probe)(const struct sk_buff *, struct bonding *) 16 8"
    );
    assert_eq!(all[3], "enum link_state state 24 4");
    assert_eq!(all[8], "volatile int *const flags 176 8");
    assert_eq!((all.len(), set.size_of(bonding).unwrap()), (9, Some(184)));
}

#[test]
fn members_are_found_at_offsets() {
    let (set, _) = kernel();
    let at = |name: &str, offset: u64, size: u64| -> Vec<String> {
        let paths = set
            .members_at(named(&set, name), offset, Some(size))
            .unwrap();
        paths.into_iter().map(|path| path.text).collect()
    };
    assert_eq!(at("struct bonding", 112, 8), ["alb_info.rx_hashtbl"]);
    assert_eq!(at("struct bonding", 152, 8), ["pt.func"]);
    assert_eq!(
        at("struct slave", 36, 4),
        ["tlb[1].load.bytes", "tlb[1].load.word"]
    );
    assert_eq!(at("struct bonding", 36, 4), ["high", "raw", "word"]);
    let bonding = named(&set, "struct bonding");
    let path = set.offset_of(bonding, "alb_info.rx_hashtbl").unwrap();
    let client = set.pointee(path.unwrap().type_id.unwrap()).unwrap();
    assert_eq!(set.type_text(client), "struct rlb_client_info");
}

#[test]
fn names_of_numbers_and_of_types_are_known() {
    let (set, _) = kernel();
    let state = set.shape(named(&set, "enum link_state")).unwrap();
    let (dwarf, _) = common::set("kernel-x86_64");
    let told = dwarf.shape(named(&dwarf, "enum link_state")).unwrap();
    assert_eq!(state.kind, told.kind);
    assert_eq!(state.size, Some(4));
    let recv = named(&set, "recv_fn");
    assert_eq!(set.size_of(recv).unwrap(), Some(8));
    for name in [
        "u32",
        "u8",
        "bool",
        "size_t",
        "struct net_device_ops",
        "struct slave",
    ] {
        let (ours, theirs) = (named(&set, name), dwarf.types_named(name, None).unwrap()[0]);
        assert_eq!(
            set.size_of(ours).unwrap(),
            dwarf.size_of(theirs).unwrap(),
            "{name}"
        );
        let ours = set.strip(Some(ours)).unwrap().unwrap().1;
        let theirs = dwarf.strip(Some(theirs)).unwrap().unwrap().1;
        if matches!(ours.kind, Kind::Base(_)) {
            assert_eq!(ours.kind, theirs.kind, "{name}");
        }
    }
    assert!(set.types_named("struct nothing", None).unwrap().is_empty());
}

#[test]
fn names_are_found_alike_however_often_they_are_asked_for() {
    let (often, kernel, module) = with_module();
    let types = [
        "struct bonding",
        "struct kernel_symbol",
        "enum link_state",
        "recv_fn",
        "u32",
        "bond",
        "struct nothing",
    ];
    let functions = ["bond_open", "open", "kmalloc", "printk", "slave_touch", "x"];
    // A set that was asked nothing looks through the texts, one that was asked often has a table.
    for _ in 0..20 {
        for name in types {
            let wanted = with_module().0.types_named(name, None).unwrap();
            assert_eq!(often.types_named(name, None).unwrap(), wanted, "{name}");
        }
        for name in functions {
            let fresh = with_module().0;
            for id in [kernel, module] {
                let wanted = fresh.function_type(id, name).unwrap();
                assert_eq!(often.function_type(id, name).unwrap(), wanted, "{name}");
            }
        }
    }
    assert!(often.function_type(kernel, "kmalloc").unwrap().is_some());
    assert!(often.function_type(kernel, "open").unwrap().is_none());
}

#[test]
fn every_structure_is_the_one_that_dwarf_tells() {
    let (set, _) = kernel();
    let (dwarf, _) = common::set("kernel-x86_64");
    for name in [
        "alb_bond_info",
        "bonding",
        "list_head",
        "net_device",
        "net_device_ops",
        "packet_type",
        "rlb_client_info",
        "slave",
        "tlb_up_slave",
    ] {
        let name = format!("struct {name}");
        let (ours, theirs) = (
            named(&set, &name),
            dwarf.types_named(&name, None).unwrap()[0],
        );
        // BTF knows only one dimension of an array.
        let mut told = members(&dwarf, theirs);
        for member in &mut told {
            *member = member.replace("[3][4]", "[12]");
        }
        assert_eq!(members(&set, ours), told, "{name}");
    }
}

#[test]
fn functions_have_prototypes() {
    let (set, kernel) = kernel();
    let text = |name: &str| {
        let found = set.function_type(kernel, name).unwrap().unwrap();
        set.declaration(Some(found), name)
    };
    // As `pfunct -P` shows them.
    assert_eq!(text("bond_open"), "int bond_open(struct net_device *dev)");
    assert_eq!(text("kmalloc"), "void *kmalloc(size_t size, int flags)");
    assert_eq!(text("printk"), "int printk(const char *format, ...)");
    assert_eq!(set.function_type(kernel, "bond_nothing").unwrap(), None);
    let address = common::function(&set, "slave_weight");
    let function = set.function_at(kernel, address + 1).unwrap().unwrap();
    assert_eq!(
        set.prototype(&function),
        "u32 slave_weight(struct slave *slave, u32 by)"
    );
    let names: Vec<_> = function.signature.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["slave", "by"]);
    let arguments = set.arguments_of(&function).unwrap();
    let registers: Vec<_> = arguments.iter().map(|a| a.registers[0].0).collect();
    assert_eq!(registers, ["rdi", "rsi"]);
}

#[test]
fn types_of_a_module_count_on_from_those_of_the_kernel() {
    let (set, kernel, module) = with_module();
    // The module's own structure, with a member that points to a type of the kernel.
    let symbol = named(&set, "struct kernel_symbol");
    assert_eq!(symbol.object(), module);
    assert_eq!(
        members(&set, symbol),
        ["const void *value 0 8", "const char *name 8 8"]
    );
    let name = set.offset_of(symbol, "name").unwrap().unwrap();
    let text = set.pointee(name.type_id.unwrap()).unwrap().unwrap();
    assert_eq!(set.strip(Some(text)).unwrap().unwrap().0.object(), kernel);
    assert_eq!(named(&set, "struct bonding").object(), kernel);
    assert_eq!(set.damage(module), []);
}

#[test]
fn a_module_without_its_kernel_is_an_error_that_says_so() {
    let (set, module) = common::set("btf-module.ko");
    assert_eq!(set.function_type(module, "slave_touch").unwrap(), None);
    assert_eq!(set.types_named("struct bonding", None).unwrap(), []);
    let damage: Vec<_> = set.damage(module).iter().map(ToString::to_string).collect();
    let wanted =
        "btf-module.ko: .BTF+0x0: its types count on from the kernel's, which are not here";
    assert_eq!(damage, [wanted]);
}

/// Where the BTF of a file lies.
fn section(bytes: &[u8]) -> std::ops::Range<usize> {
    let start = bytes
        .windows(8)
        .position(|window| window == [0x9f, 0xeb, 1, 0, 24, 0, 0, 0])
        .unwrap();
    let word =
        |at: usize| u32::from_le_bytes(bytes[start + at..start + at + 4].try_into().unwrap());
    start..start + (24 + word(16) + word(20)) as usize
}

/// Asks everything of types alone; how many answers came.
fn ask(bytes: &[u8]) -> usize {
    let store = Store::new();
    let (arch, _) = arch::find("x86_64").unwrap();
    let Ok(object) = Object::of_types("btf", bytes, arch, None, &store) else {
        return 0;
    };
    let mut set = DebugInfo::new();
    let id = set.add(object);
    let mut answers = 0;
    for name in [
        "struct bonding",
        "struct slave",
        "enum link_state",
        "recv_fn",
        "u32",
        "packet_type",
    ] {
        for type_id in set.types_named(name, None).unwrap_or_default() {
            answers += set.type_text(Some(type_id)).len();
            answers += set.size_of(type_id).ok().flatten().map_or(0, |_| 1);
            for offset in [0, 36, 112, u64::MAX] {
                let found = set.members_at(type_id, offset, Some(8));
                answers += found.map_or(0, |found| found.len());
            }
            let _ = set.elements_at(type_id, i64::MIN, Some(1));
            let _ = set.offset_of(type_id, "alb_info.rx_hashtbl");
        }
    }
    for name in ["bond_open", "printk"] {
        if let Ok(Some(found)) = set.function_type(id, name) {
            answers += set.declaration(Some(found), name).len();
        }
    }
    answers
}

#[test]
fn types_alone_answer_too() {
    let bytes = common::bytes("btf-kernel");
    assert!(ask(&bytes[section(&bytes)]) > 100);
}

#[test]
fn types_that_are_cut_anywhere_never_panic() {
    let bytes = common::bytes("btf-kernel");
    let whole = &bytes[section(&bytes)];
    for cut in 0..whole.len() {
        ask(&whole[..cut]);
        // The header announces what is there, so that types are read until the cut.
        let mut shorter = whole[..cut].to_vec();
        if cut > 24 {
            let word = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap());
            let (types, texts) = (word(12), word(16));
            let left = cut as u32 - 24;
            shorter[12..16].copy_from_slice(&types.min(left).to_le_bytes());
            shorter[16..20].copy_from_slice(&texts.min(left).to_le_bytes());
            shorter[20..24].copy_from_slice(&left.saturating_sub(texts).to_le_bytes());
            ask(&shorter);
        }
    }
}

#[test]
fn types_with_any_word_changed_never_panic() {
    let bytes = common::bytes("btf-kernel");
    let whole = &bytes[section(&bytes)];
    for at in (0..whole.len() - 4).step_by(4) {
        for word in [
            0_u32,
            1,
            2,
            0x7f,
            0x0400_ffff,
            0x8d00_ffff,
            0x1f00_0001,
            0x7fff_ffff,
            u32::MAX,
        ] {
            let mut changed = whole.to_vec();
            changed[at..at + 4].copy_from_slice(&word.to_le_bytes());
            ask(&changed);
        }
    }
}

/// BTF of these types (words) and texts.
fn made(types: &[u32], texts: &[u8]) -> Vec<u8> {
    let size = 4 * types.len() as u32;
    let mut bytes = vec![0x9f, 0xeb, 1, 0];
    for word in [24, 0, size, size, texts.len() as u32] {
        bytes.extend(word.to_le_bytes());
    }
    for word in types {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(texts);
    bytes
}

#[test]
fn loops_and_huge_counts_end() {
    // u32 is a name of itself; bonding holds itself; packet_type is a tag of a tag of itself.
    let texts = b"\0u32\0bonding\0packet_type\0";
    let kind = |kind: u32, count: u32| kind << 24 | count;
    let types: [&[u32]; 7] = [
        &[1, kind(8, 0), 1],
        &[5, kind(4, 1), 184, 5, 2, 0],
        &[13, kind(18, 0), 4],
        &[13, kind(18, 0), 3],
        &[13, kind(8, 0), 3],
        // An array of itself, and of itself.
        &[0, kind(3, 0), 0, 6, 6, u32::MAX],
        // A structure that claims more members than there are bytes.
        &[5, kind(4, 0xffff), 8],
    ];
    ask(&made(&types.concat(), texts));
    // A hundred structures of one name: all are told, each with its own members.
    let many = [5, kind(4, 1), 8, 1, 1, 0].repeat(100);
    ask(&made(&many, texts));
}

#[test]
fn the_types_of_the_running_kernel_are_read() {
    // Not every machine shows them.
    let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        return;
    };
    let store = Store::new();
    let (arch, _) = arch::find(std::env::consts::ARCH).unwrap();
    let mut set = DebugInfo::new();
    set.add(Object::of_types("vmlinux", &bytes, arch, None, &store).unwrap());
    let list = named(&set, "struct list_head");
    assert_eq!(
        members(&set, list),
        ["struct list_head *next 0 8", "struct list_head *prev 8 8"]
    );
    let task = named(&set, "struct task_struct");
    let pid = set.offset_of(task, "pid").unwrap().unwrap();
    assert_eq!(set.type_text(pid.type_id), "pid_t");
}
