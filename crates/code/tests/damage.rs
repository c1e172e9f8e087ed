//! Damaged files and functions without end: every question is answered, and soon.

#![allow(clippy::unwrap_used, reason = "a panic is the verdict of a test")]

use code::{Body, Key, Reached, Registered, Stores, View};
use debuginfo::{DebugInfo, NoFiles, Store};

fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap()
}

/// Asks everything of some functions of a file.
fn ask(file: &[u8]) {
    let store = Store::new();
    let mut debug = DebugInfo::new();
    let Ok((id, _)) = debug.open("file", file, &store, &NoFiles) else {
        return;
    };
    let Some(object) = debug.object(id) else {
        return;
    };
    let mut searches = 0;
    for function in object.functions().unwrap_or_default().iter().take(30) {
        let Ok(Some(body)) = Body::of_function(&debug, id, function.address) else {
            continue;
        };
        let view = View::new(&debug, &body);
        for (at, node) in body.nodes.iter().enumerate().step_by(3) {
            assert!(view.conditions(at).len() <= 24);
            for (address, size, _) in node.insn.accesses() {
                let _ = view.text(address, at);
                let place = view.place(address, size, None, at);
                if let Some(key) = place.and_then(|place| Key::of(&view, &place))
                    && searches < 2
                {
                    searches += 1;
                    let _ = Stores::find(&debug, &key);
                }
            }
        }
        let _ = Reached::find(&debug, id, function.address);
        let _ = Registered::find(&debug, id, function.address);
    }
}

#[test]
fn nothing_in_a_file_stops_us() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");
    // More of them by hand: `WHY_ROUNDS=10000 cargo test -p code --test damage`.
    let rounds = std::env::var("WHY_ROUNDS").ok();
    let rounds: u64 = rounds.map_or(12, |rounds| rounds.parse().unwrap());
    for arch in ["x86_64", "arm64", "riscv64", "mips64"] {
        let whole = std::fs::read(format!("{folder}/shapes-{arch}.o")).unwrap();
        for round in 0..rounds {
            let mut state = 0x9e37_79b9_7f4a_7c15 ^ (round << 17 | 1);
            let mut file = whole.clone();
            for _ in 0..1 + next(&mut state) % 60 {
                let at = next(&mut state) % file.len();
                let byte = u8::try_from(next(&mut state) & 0xff).unwrap();
                if let Some(slot) = file.get_mut(at) {
                    *slot = byte;
                }
            }
            ask(&file);
        }
    }
}

#[test]
fn a_function_without_end_is_answered_in_short() {
    let (x86, endians) = arch::find("x86_64").unwrap();
    let endian = endians.unwrap_or(base::Endian::Little);
    // Thousands of branches, each over the next instructions; a chain of copies; additions that depend on one
    // another; jumps through a register.
    let mut branches = Vec::new();
    let mut chain = Vec::new();
    let mut jumps = Vec::new();
    for _ in 0..15_000 {
        // test %rdi,%rdi; je +5; lea 1(%rax),%rax (4 bytes); nop
        branches.extend([0x48, 0x85, 0xff, 0x74, 0x05, 0x48, 0x8d, 0x40, 0x01, 0x90]);
        // lea (%rax,%rbx,2),%rax; lea (%rbx,%rax,2),%rbx
        chain.extend([0x48, 0x8d, 0x04, 0x58, 0x48, 0x8d, 0x1c, 0x43]);
        // je -2; jmp *%rax
        jumps.extend([0x74, 0xfe, 0xff, 0xe0]);
    }
    for code in [branches, chain, jumps] {
        let body = Body::of_bytes("f", x86, endian, 0x1000, code, Some(0x1000)).unwrap();
        let debug = DebugInfo::new();
        let view = View::new(&debug, &body);
        let last = body.nodes.len() - 1;
        for at in [last, last / 2, last / 3] {
            let _ = view.conditions(at);
            let _ = body.sum(&arch::Expr::Reg(arch::Reg("rax")), at);
            // Without a bound a chain of additions doubles with each step, and this would never end.
            let text = view.text(&arch::Expr::Reg(arch::Reg("rax")), at);
            assert!(text.is_none_or(|text| text.len() < 1 << 16));
            let _ = view.pointer(&arch::Expr::Reg(arch::Reg("rbx")), at);
        }
    }
}
