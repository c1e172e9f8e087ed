//! Damage of any kind costs values, never the reader.

use base::LogEvent;
use proptest::prelude::*;

use super::{arm, arm64, loongarch, mips, powerpc, read, riscv, s390, x86};

const SNIPPETS: [&str; 8] = [
    x86::PAGE_FAULT,
    mips::O32,
    arm64::DATA_ABORT,
    arm::OOPS,
    riscv::OOPS,
    powerpc::PPC64,
    s390::OOPS,
    loongarch::OOPS,
];

fn assert_bounded(event: &LogEvent) {
    assert!(event.registers.len() <= 8);
    for set in &event.registers {
        assert!(set.registers.len() <= 128);
    }
    assert!(event.code.as_ref().is_none_or(|c| c.units.len() <= 256));
    if let Some(code) = &event.code {
        assert!(code.marked.is_none_or(|m| (m as usize) < code.units.len()));
    }
    assert!(event.stack_words.len() <= 1024);
    assert!(event.details.len() <= 64);
    assert!(event.gaps.len() <= 16);
}

#[test]
fn a_dump_cut_anywhere_holds_only_values_of_the_whole() {
    for snippet in SNIPPETS {
        let whole = read(snippet);
        for (end, _) in snippet.char_indices() {
            let cut = read(snippet.get(..end).unwrap());
            assert_bounded(&cut);
            if let Some(fault) = &cut.fault {
                let known = whole.fault.as_ref().unwrap().address;
                // powerpc prints as many digits as the address has.
                assert!(
                    fault.address.is_none()
                        || fault.address == known
                        || whole.machine.arch.as_deref() == Some("ppc64"),
                    "{fault:?} of the first {end} bytes of {}",
                    snippet.lines().next().unwrap(),
                );
            }
            let Some(set) = cut.registers.first() else {
                continue;
            };
            for register in &set.registers {
                assert_eq!(
                    whole.registers[0].get(&register.name),
                    Some(register.value.0),
                    "{} of the first {end} bytes of {}",
                    register.name,
                    snippet.lines().next().unwrap(),
                );
            }
        }
    }
}

#[test]
fn endless_dumps_are_bounded() {
    let many = |text: &str| {
        let event = read(&text.repeat(600));
        assert_bounded(&event);
        event
    };
    many("RIP: 0010:f+0x1/0x2\nRAX: 0000000000000001\nRIP: 0010:g+0x1/0x2\n");
    let event = many(
        "Stack : 0000000000000001 0000000000000002\n0000000000000003 0000000000000004\nepc   : 8000000000000000 f+0x1/0x2\n",
    );
    assert_eq!(event.stack_words.len(), 4);
    let stack = format!(
        "epc   : 8000000000000000 f+0x1/0x2\nStack :{}",
        " 0000000000000001".repeat(3000)
    );
    assert_eq!(read(&stack).stack_words.len(), 1024);
    let code = format!("RIP: 0010:f+0x1/0x2\nCode:{}", " 90".repeat(1000));
    assert_eq!(read(&code).code.unwrap().units.len(), 256);
    let dump = format!(
        "NIP: c000000000000000\nInstruction dump:\n{}",
        "60000000 60000000\n".repeat(999)
    );
    assert_eq!(read(&dump).code.unwrap().units.len(), 256);
}

proptest! {
    #[test]
    fn mangled_dumps_are_read_without_panic(
        which in 0..SNIPPETS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..6u8, any::<char>()), 1..40),
    ) {
        let mut chars: Vec<char> = SNIPPETS[which].chars().collect();
        for (index, how, other) in edits {
            let at = index.index(chars.len());
            match how {
                0 => { chars.remove(at); }
                1 => chars.insert(at, other),
                2 => chars[at] = '\u{fffd}',
                3 => chars[at] = '\n',
                4 => chars[at] = ' ',
                _ => { let end = (at + 30).min(chars.len()); chars.drain(at..end); }
            }
            if chars.is_empty() { break; }
        }
        let text: String = chars.into_iter().collect();
        assert_bounded(&read(&text));
    }

    #[test]
    fn lines_in_any_order_are_read_without_panic(
        picks in prop::collection::vec((0..SNIPPETS.len(), any::<prop::sample::Index>()), 0..200),
    ) {
        let lines: Vec<&str> = picks
            .iter()
            .map(|(which, index)| {
                let lines: Vec<&str> = SNIPPETS[*which].lines().collect();
                lines[index.index(lines.len())]
            })
            .collect();
        assert_bounded(&read(&lines.join("\n")));
    }
}
