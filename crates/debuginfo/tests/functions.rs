//! What runs at an address: inline chains, lines, variables, arguments and calls, on every architecture.

#![allow(clippy::unwrap_used, reason = "a panic is the verdict of a test")]

mod common;

use arch::{Expr, Load, Op, Reg};
use debuginfo::{CFA, DebugInfo, ObjectId, Where};

/// Files with the same functions: modules of all architectures and kernels, DWARF 4 and 5, compressed.
fn files() -> impl Iterator<Item = &'static str> {
    let others = [
        "x86_64-dwarf4.ko",
        "x86_64-zstd.ko",
        "x86_64-zlib.ko",
        "x86_64-zlib-gnu.ko",
        "kernel-x86_64",
        "kernel-arm64",
    ];
    common::MODULES.iter().map(|(file, _)| *file).chain(others)
}

/// `function file:line` of each frame, innermost first.
fn chain(set: &DebugInfo<'_>, id: ObjectId, address: u64) -> Vec<String> {
    let frames = set.frames_at(id, address).unwrap();
    let text = |frame: &debuginfo::InlineFrame<'_>| {
        let mark = if frame.is_inlined { " inlined" } else { "" };
        format!(
            "{}{mark} {}",
            frame.function,
            frame.line.as_ref().unwrap().text()
        )
    };
    frames.iter().map(text).collect()
}

/// The address of the call of `callee` in a function, by what debug info says follows it.
fn behind_call(set: &DebugInfo<'_>, id: ObjectId, function: u64, callee: &str) -> u64 {
    let calls = set.calls_at(id, function).unwrap();
    let call = calls.iter().find(|call| call.callee == Some(callee));
    call.unwrap().return_address
}

#[test]
fn an_inlined_function_is_told_with_its_call() {
    for file in files() {
        let (set, id) = common::set(file);
        // bond_close makes a call that is that of bond_alb_initialize, inlined into it.
        let close = common::function(&set, "bond_close");
        let inside = behind_call(&set, id, close, "rlb_initialize") - 1;
        let wanted = [
            "bond_alb_initialize inlined bond.c:62",
            "bond_close bond.c:72",
        ];
        assert_eq!(chain(&set, id, inside), wanted, "{file}");
        let init = common::function(&set, "bond_alb_initialize");
        let inside = behind_call(&set, id, init, "rlb_initialize") - 1;
        assert_eq!(
            chain(&set, id, inside),
            ["bond_alb_initialize bond.c:62"],
            "{file}"
        );
    }
}

#[test]
fn a_function_within_another_is_found() {
    let (set, id) = common::set("nested.o");
    let [outer, inner] = ["count", "look"].map(|name| common::function(&set, name));
    assert_ne!(outer, inner);
    for (address, name, variables) in [
        (outer, "count", &["numbers", "length", "least"][..]),
        (inner, "look", &["number"]),
    ] {
        let function = set.function_at(id, address).unwrap().unwrap();
        assert_eq!(function.name, name);
        let parameters: Vec<_> = function.parameters().map(|of| of.name).collect();
        assert_eq!(parameters, variables);
    }
}

#[test]
fn two_inlined_functions_are_told_innermost_first() {
    for file in files() {
        let (set, id) = common::set(file);
        let handler = common::function(&set, "rlb_arp_recv");
        let function = set.function_at(id, handler).unwrap().unwrap();
        let range = function.ranges[0].clone();
        // Somewhere in it the member is read, by the inlined function that knows the member.
        let found = range
            .filter(|at| chain(&set, id, *at)[0].starts_with("client_"))
            .collect::<Vec<_>>();
        let used = found
            .iter()
            .map(|at| chain(&set, id, *at))
            .find(|chain| chain.len() == 2)
            .unwrap();
        assert_eq!(used[0], "client_used inlined bond.c:17", "{file}");
        assert_eq!(used[1], "rlb_arp_recv bond.c:28", "{file}");
    }
}

#[test]
fn files_are_told_with_the_directory_of_the_compilation() {
    let (set, id) = common::set("x86_64.ko");
    let line = set
        .line_at(id, common::function(&set, "slave_touch"))
        .unwrap()
        .unwrap();
    assert_eq!(
        (&*line.file, &*line.directory, line.line),
        ("slave.c", "/build/bond", 24)
    );
    assert_eq!(line.path(), "/build/bond/slave.c");
    let function = set
        .function_at(id, common::function(&set, "slave_touch"))
        .unwrap()
        .unwrap();
    let declared = set.line_told(function.declared).unwrap().unwrap();
    assert_eq!(declared.text(), "slave.c:22");
    let range = function.ranges[0].clone();
    let lines: Vec<_> = set
        .lines_in(id, range)
        .unwrap()
        .iter()
        .map(|(_, line)| line.line)
        .collect();
    assert_eq!(lines, [24, 25]);
}

#[test]
fn prototypes_are_those_of_the_source() {
    for file in files().filter(|file| *file != "riscv64.ko") {
        let (set, id) = common::set(file);
        let text = |name: &str| {
            let function = set
                .function_at(id, common::function(&set, name))
                .unwrap()
                .unwrap();
            set.prototype(&function)
        };
        assert_eq!(
            text("rlb_arp_recv"),
            "static int rlb_arp_recv(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt)",
            "{file}"
        );
        // A compiler's copy has lost a parameter; its source has not.
        let wanted = "static int rlb_initialize(struct bonding *bond, int count)";
        assert_eq!(text("rlb_initialize"), wanted, "{file}");
        assert_eq!(
            text("slave_weight"),
            "u32 slave_weight(struct slave *slave, u32 by)",
            "{file}"
        );
        assert_eq!(
            text("slave_touch"),
            "void slave_touch(struct slave *slave)",
            "{file}"
        );
    }
}

#[test]
fn parameters_come_in_the_registers_of_the_convention() {
    for (file, arch) in common::MODULES {
        let (set, id) = common::set(file);
        let function = set
            .function_at(id, common::function(&set, "rlb_arp_recv"))
            .unwrap()
            .unwrap();
        let arguments = set.arguments_of(&function).unwrap();
        let names = match *arch {
            "x86_64" => ["rdi", "rsi", "rdx"],
            "i386" => ["eax", "edx", "ecx"],
            "arm64" => ["x0", "x1", "x2"],
            "arm" => ["r0", "r1", "r2"],
            "ppc64" => ["r3", "r4", "r5"],
            _ => ["a0", "a1", "a2"],
        };
        for (argument, register) in arguments.iter().zip(names) {
            assert_eq!(
                argument.registers,
                [Reg(register)],
                "{file} {}",
                argument.name
            );
            // Debug info says the same of the first instruction.
            assert_eq!(
                argument.at_entry,
                Where::Register(Reg(register)),
                "{file} {}",
                argument.name
            );
        }
        assert_eq!(arguments[1].name, "dev");
        // How a copy is called is the compiler's business.
        let copy = set
            .function_at(id, common::function(&set, "rlb_initialize"))
            .unwrap()
            .unwrap();
        let arguments = set.arguments_of(&copy).unwrap();
        assert!(
            arguments
                .iter()
                .all(|argument| argument.registers.is_empty()),
            "{file}"
        );
        assert_eq!(
            arguments[0].at_entry,
            Where::Register(Reg(names[0])),
            "{file}"
        );
        assert_eq!(
            (arguments[1].name, &arguments[1].at_entry),
            ("count", &Where::Constant(256))
        );
    }
}

#[test]
fn variables_are_where_the_compiler_put_them() {
    let (set, id) = common::set("x86_64.ko");
    let handler = common::function(&set, "rlb_arp_recv");
    let at = |offset: u64| {
        let variables = set.variables_at(id, handler + offset).unwrap();
        let text = |v: &debuginfo::VariableAt<'_>| {
            format!(
                "{} {}: {:?}",
                v.depth,
                set.declaration(v.type_id, v.name),
                v.place
            )
        };
        variables.iter().map(text).collect::<Vec<_>>()
    };
    // As `gdb -batch -ex 'info scope'` and `readelf --debug-dump=loc` show them.
    let early = at(0);
    assert!(
        early.contains(&"0 struct sk_buff *skb: Register(rdi)".to_owned()),
        "{early:?}"
    );
    assert!(
        early.contains(&"0 struct net_device *dev: Register(rsi)".to_owned()),
        "{early:?}"
    );
    assert!(
        early.contains(&"0 struct bonding *bond: Unavailable".to_owned()),
        "{early:?}"
    );
    let late = at(0x54);
    assert!(
        late.contains(&"0 struct packet_type *pt: Register(r13)".to_owned()),
        "{late:?}"
    );
    assert!(
        late.contains(&"0 struct bonding *bond: Register(rbp)".to_owned()),
        "{late:?}"
    );
    assert!(
        late.contains(&"0 u32 sum[4]: Frame(-64)".to_owned()),
        "{late:?}"
    );
    // The first argument is gone, but not what it was.
    assert!(
        late.contains(&"0 struct sk_buff *skb: AtEntry(Reg(rdi))".to_owned()),
        "{late:?}"
    );
}

#[test]
fn the_structure_of_the_handler_is_in_a_register_that_calls_preserve_everywhere() {
    for (file, arch) in common::MODULES {
        let (set, id) = common::set(file);
        let handler = common::function(&set, "rlb_arp_recv");
        let behind = behind_call(&set, id, handler, "slave_touch");
        let variables = set.variables_at(id, behind).unwrap();
        let bond = variables
            .iter()
            .find(|v| v.name == "bond" && v.function == "rlb_arp_recv")
            .unwrap();
        assert_eq!(set.type_text(bond.type_id), "struct bonding *", "{file}");
        let wanted = match *file {
            "x86_64.ko" => "rbp",
            "arm64.ko" => "x21",
            "mips64.ko" | "mips64el.ko" => "s2",
            "i386.ko" => "ebp",
            "arm.ko" => "r7",
            "mips.ko" => "s4",
            "riscv64.ko" => "s3",
            _ => "r29",
        };
        let arch = arch::find(arch).unwrap().0;
        assert!(arch.register(wanted).unwrap().has(arch::Role::CalleeSaved));
        assert_eq!(bond.place, Where::Register(Reg(wanted)), "{file}");
    }
}

#[test]
fn calls_tell_what_their_arguments_were() {
    let (set, id) = common::set("x86_64.ko");
    let told = set
        .calls_at(id, common::function(&set, "rlb_initialize"))
        .unwrap();
    let calls: Vec<_> = told
        .iter()
        .map(|call| (call.callee, call.is_tail))
        .collect();
    assert_eq!(
        calls,
        [(Some("kmalloc"), false), (Some("dev_add_pack"), false)]
    );
    assert_eq!(
        told[0].arguments,
        [
            (Reg("rdi"), Where::Constant(12288)),
            (Reg("rsi"), Where::Constant(0xcc0))
        ]
    );
    let pt = Expr::Binary(
        Op::Add,
        Box::new(Expr::Reg(Reg("rbx"))),
        Box::new(Expr::Const(136)),
    );
    assert_eq!(told[1].arguments, [(Reg("rdi"), Where::Value(pt))]);

    // On ppc64 an argument lies in the frame.
    let (set, id) = common::set("ppc64.ko");
    let calls = set
        .calls_at(id, common::function(&set, "rlb_arp_recv"))
        .unwrap();
    let printk = calls
        .iter()
        .find(|call| call.callee == Some("printk"))
        .unwrap();
    let Where::Value(Expr::Load(load)) = &printk.arguments[1].1 else {
        panic!("{printk:?}")
    };
    let Load {
        address: Expr::Binary(Op::Add, base, _),
        size: 8,
        ..
    } = &**load
    else {
        panic!("{load:?}")
    };
    assert_eq!(**base, Expr::Reg(CFA));

    // At the end of a function the call is a jump.
    let (set, id) = common::set("mips64.ko");
    let calls = set
        .calls_at(id, common::function(&set, "bond_open"))
        .unwrap();
    let last = calls.last().unwrap();
    assert_eq!(
        (last.callee, last.is_tail),
        (Some("bond_alb_initialize"), true)
    );
}

#[test]
fn a_separate_debug_file_answers_for_the_stripped_one() {
    struct Beside(Vec<u8>);
    impl debuginfo::Files<'static> for Beside {
        fn find(&self, wanted: debuginfo::Wanted<'_>) -> Option<(String, &'static [u8])> {
            let debuginfo::Wanted::DebugFile { of, build_id, name } = wanted else {
                return None;
            };
            assert_eq!((of, name), ("x86_64-stripped.ko", None));
            assert_eq!(build_id.unwrap().len(), 40);
            Some((
                "x86_64.ko.debug".to_owned(),
                Box::leak(self.0.clone().into_boxed_slice()),
            ))
        }
    }
    let stripped = Box::leak(common::bytes("x86_64-stripped.ko").into_boxed_slice());
    let store = Box::leak(Box::new(debuginfo::Store::new()));
    let mut set = DebugInfo::new();
    let files = Beside(common::bytes("x86_64.ko.debug"));
    let (id, gaps) = set
        .open("x86_64-stripped.ko", stripped, store, &files)
        .unwrap();
    assert!(gaps.is_empty(), "{gaps:?}");
    let close = common::function(&set, "bond_close");
    let inside = behind_call(&set, id, close, "rlb_initialize") - 1;
    assert_eq!(
        chain(&set, id, inside)[0],
        "bond_alb_initialize inlined bond.c:62"
    );

    // The wrong one is refused, and said so; functions are still known by name.
    let mut set = DebugInfo::new();
    let files = Beside(common::bytes("arm64.ko"));
    let (id, gaps) = set
        .open("x86_64-stripped.ko", stripped, store, &files)
        .unwrap();
    assert_eq!(gaps.len(), 1);
    assert!(
        gaps[0]
            .why
            .starts_with("x86_64.ko.debug: is of another kind"),
        "{}",
        gaps[0].why
    );
    let close = common::function(&set, "bond_close");
    let frames = set.frames_at(id, close).unwrap();
    assert_eq!(
        (frames.len(), frames[0].function, &frames[0].line),
        (1, "bond_close", &None)
    );
}

#[test]
fn modules_are_found_by_the_names_that_logs_print() {
    let (mut set, kernel) = common::set("kernel-x86_64");
    let module = set.add(common::open("x86_64.ko"));
    assert_eq!(set.kernel(), Some(kernel));
    assert_eq!(set.module("bond_test"), Some(module));
    assert_eq!(set.module("bond-test"), Some(module));
    assert_eq!(set.module("bond"), None);
    assert_eq!(
        set.functions_named("bond_open", Some("bond_test")).unwrap()[0].0,
        module
    );
    assert_eq!(set.functions_named("bond_open", None).unwrap().len(), 2);
    assert_eq!(set.functions_named("kmalloc", None).unwrap()[0].0, kernel);
    assert!(
        set.functions_named("kmalloc", Some("bond_test"))
            .unwrap()
            .is_empty()
    );
    assert!(
        set.functions_named("bond_open", Some("other"))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn what_programs_share_is_asked_for_and_used() {
    struct Shared(&'static [u8]);
    impl debuginfo::Files<'static> for Shared {
        fn find(&self, wanted: debuginfo::Wanted<'_>) -> Option<(String, &'static [u8])> {
            let debuginfo::Wanted::SharedFile { of, name, build_id } = wanted else {
                return None;
            };
            assert_eq!(
                (of, name, build_id.len()),
                ("dwz-program", "dwz-shared.debug", 40)
            );
            Some((name.to_owned(), self.0))
        }
    }
    let bytes = |name: &str| Box::leak(common::bytes(name).into_boxed_slice());
    let store = Box::leak(Box::new(debuginfo::Store::new()));
    let mut set = DebugInfo::new();
    let files = Shared(bytes("dwz-shared.debug"));
    let (id, gaps) = set
        .open("dwz-program", bytes("dwz-program"), store, &files)
        .unwrap();
    assert!(gaps.is_empty(), "{gaps:?}");
    let close = common::function(&set, "bond_close");
    let inside = behind_call(&set, id, close, "rlb_initialize") - 1;
    let wanted = [
        "bond_alb_initialize inlined bond.c:62",
        "bond_close bond.c:72",
    ];
    assert_eq!(chain(&set, id, inside), wanted);
    let handler = set
        .function_at(id, common::function(&set, "rlb_arp_recv"))
        .unwrap()
        .unwrap();
    assert_eq!(
        set.prototype(&handler),
        "static int rlb_arp_recv(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt)"
    );
    let bonding = set.types_named("struct bonding", None).unwrap()[0];
    let paths = set.members_at(bonding, 112, Some(8)).unwrap();
    assert_eq!(paths[0].text, "alb_info.rx_hashtbl");
    let debug = set.object(id).unwrap().symbols_named("rlb_debug").unwrap()[0].address;
    let (name, type_id, _) = set.variable_at(id, debug).unwrap().unwrap();
    assert_eq!(set.declaration(type_id, name), "u32 rlb_debug[16]");

    // Without the shared file the rest still answers.
    let mut set = DebugInfo::new();
    let (id, gaps) = set
        .open(
            "dwz-program",
            bytes("dwz-program"),
            store,
            &debuginfo::NoFiles,
        )
        .unwrap();
    assert_eq!(gaps[0].what, "what dwz-program shares with others");
    assert_eq!(gaps[0].supply, "dwz-shared.debug");
    assert_eq!(
        set.line_at(id, inside).unwrap().unwrap().text(),
        "bond.c:62"
    );
}

#[test]
fn frames_are_told_by_registers() {
    for (file, arch) in common::MODULES {
        let (set, id) = common::set(file);
        let handler = common::function(&set, "rlb_arp_recv");
        let arch = arch::find(arch).unwrap().0;
        let stack = Reg(arch.sp().unwrap().name);
        let word = arch.pointer_bytes() as i64;

        // When the function is entered nothing is saved, but x86 has pushed the return address.
        let entry = set.frame_rules_at(id, handler).unwrap().unwrap();
        let pushes = arch.name == "x86_64" || arch.name == "i386";
        assert_eq!(
            entry.cfa,
            Some((stack, if pushes { word } else { 0 })),
            "{file}"
        );
        assert_eq!(entry.return_address, pushes.then_some(-word), "{file}");
        assert_eq!(entry.saved.len(), usize::from(pushes), "{file}");

        // In its middle it has saved registers of its caller, and its array lies above the stack pointer.
        let inside = behind_call(&set, id, handler, "slave_touch");
        let rules = set.frame_rules_at(id, inside).unwrap().unwrap();
        let (base, size) = rules.cfa.unwrap();
        assert_eq!(base, stack, "{file}");
        assert!(size > entry.cfa.unwrap().1, "{file}");
        assert!(rules.return_address.is_some(), "{file}");
        let is_saved = |name: &str| arch.register(name).unwrap().has(arch::Role::CalleeSaved);
        assert!(
            rules
                .saved
                .iter()
                .filter(|(register, _)| is_saved(register.0))
                .count()
                >= 3,
            "{file}"
        );
        let variables = set.variables_at(id, inside).unwrap();
        let sum = variables.iter().find(|v| v.name == "sum").unwrap();
        let Where::Memory(register, offset) = rules.place(&sum.place) else {
            panic!("{sum:?}")
        };
        assert_eq!(register, stack, "{file}");
        assert!(offset >= 0 && offset < size, "{file}: {offset}");
    }
    let (set, id) = common::set("x86_64.ko");
    let behind = common::function(&set, "bond_open") + 0x21;
    assert_eq!(set.frame_rules_at(id, behind).unwrap(), None);
}
