//! Records vectors: asks a program built from `machine.c` what instructions do, and compares.
//!
//! ```text
//! mips64-linux-gnuabi64-gcc -O1 -ffreestanding -nostdlib -static -fno-pic -no-pie -e _start ... \
//!     -Wl,--section-start=.memory=0x20000000,--section-start=.place=0x30000000 machine.c
//! WHY_MACHINE="qemu-mips64 a.out" WHY_CODE=list cargo test -p arch record_mips64 -- --ignored --nocapture
//! ```
//!
//! where `list` has one instruction a line, as hexadecimal bytes in the order of memory, and
//! behind it how many vectors to record.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{Machine, PLACE, State, hex, row};
use crate::{Effect, Expr, Flow, Insn};

const MEMORY: u64 = 0x2000_0000;

/// As in `machine.c`.
fn filler(seed: u64, n: u64) -> u8 {
    (n * 167 + (n >> 3) * 29 + seed * 101 + 13) as u8
}

struct Process {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Process {
    fn start() -> Self {
        let command = std::env::var("WHY_MACHINE").unwrap();
        let mut words = command.split_whitespace();
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Process {
            child,
            to,
            from: BufReader::new(from),
        }
    }

    fn ask(&mut self, request: &str) -> Option<String> {
        self.to.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        self.from.read_line(&mut answer).ok()?;
        answer.ends_with('\n').then_some(answer)
    }
}

/// Numbers without order, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A value of the kinds that registers hold.
    fn value(&mut self) -> u64 {
        let n = self.next();
        match self.next() % 8 {
            0 => n % 8,
            1 => n % 256,
            2 => (n % 256).wrapping_neg(),
            3 => n as i32 as u64,
            4 => 0xffff_ffff_8000_0000 | n >> 33,
            5 => n >> 32,
            6 => [
                0,
                u64::MAX,
                1 << 63,
                1 << 31,
                0x7fff_ffff,
                0xffff_ffff_8000_0000,
            ][(n % 6) as usize],
            _ => n,
        }
    }
}

/// Everything that is not the code itself.
///
/// It records only where `WHY_CODE` names a list of instructions and a machine is at hand that
/// runs them; the tests compare with what was recorded.
pub fn record(machine: &Machine) {
    let Ok(list) = std::env::var("WHY_CODE") else {
        return;
    };
    let list = std::fs::read_to_string(list).unwrap();
    let mut process = Process::start();
    let mut random = Random(1);
    let (mut recorded, mut wrong, mut faulted) = (0, 0, 0);
    for line in list.lines() {
        let mut words = line.split_whitespace();
        let Some(bytes) = words.next().map(hex) else {
            continue;
        };
        let count: u64 = words.next().map_or(2, |n| n.parse().unwrap());
        let Ok(insn) = (machine.decode)(&bytes, PLACE) else {
            continue;
        };
        for seed in 0..count {
            let Some(before) = prepare(machine, &insn, &mut random, seed) else {
                eprintln!("not executed: {}", row(&bytes, &insn));
                break;
            };
            let Some((after, jumped)) = ask(machine, &mut process, &bytes, &before, seed) else {
                process.child.kill().ok();
                process.child.wait().unwrap();
                process = Process::start();
                faulted += 1;
                eprintln!("faulted: {}", row(&bytes, &insn));
                continue;
            };
            recorded += 1;
            match machine.check(&insn, &before, &after, jumped) {
                Ok(_) => {}
                Err(error) => {
                    wrong += 1;
                    eprintln!("wrong: {}: {error}", row(&bytes, &insn));
                }
            }
            println!("{}", line_of(&bytes, &insn, &before, &after, jumped));
        }
    }
    eprintln!("{recorded} recorded, {wrong} wrong, {faulted} faulted");
}

/// Registers such that what the instruction accesses is there.
fn prepare(machine: &Machine, insn: &Insn, random: &mut Random, seed: u64) -> Option<State> {
    let mut state = State::default();
    for n in 0..0x1000 {
        state.memory.insert(MEMORY + n, filler(seed, n));
    }
    let is_narrow = (machine.narrow.iter()).any(|name| insn.text.starts_with(&format!("{name} ")));
    for name in machine.registers {
        let mut value = machine.whole(random.value());
        if is_narrow {
            value = machine.whole(value as i32 as u64);
        }
        value &= (machine.mask)(name);
        state.registers.insert((*name).to_owned(), value);
    }
    // A scratch half of an unaligned access may lie anywhere, the others must not.
    let is_part = ["lwl", "lwr", "swl", "swr", "ldl", "ldr", "sdl", "sdr"]
        .iter()
        .any(|name| insn.text.starts_with(&format!("{name} ")));
    for (address, _, _) in insn.accesses() {
        let odd = if is_part { random.next() % 8 } else { 0 };
        let wanted = MEMORY + 0x400 + 8 * (random.next() % 64) + odd;
        let mut regs = Vec::new();
        address.registers(&mut regs);
        if machine
            .number(address, &state)
            .is_some_and(|at| (MEMORY + 0x200..MEMORY + 0xe00).contains(&machine.whole(at)))
        {
            continue;
        }
        let mut fits = false;
        for reg in &regs {
            let mut tried = state.clone();
            for other in &regs {
                tried
                    .registers
                    .insert(other.0.to_owned(), 8 * (random.next() % 8));
            }
            tried.registers.insert(reg.0.to_owned(), 0);
            let without = machine.number(address, &tried)?;
            let base = machine.whole(wanted.wrapping_sub(without));
            tried.registers.insert(reg.0.to_owned(), base);
            if machine.number(address, &tried).map(|at| machine.whole(at)) == Some(wanted) {
                state = tried;
                fits = true;
                break;
            }
        }
        if !fits {
            return None;
        }
    }
    Some(state)
}

fn ask(
    machine: &Machine,
    process: &mut Process,
    bytes: &[u8],
    before: &State,
    seed: u64,
) -> Option<(State, bool)> {
    let mut request: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    request.push_str(&format!(" {seed:x}"));
    for name in machine.registers {
        request.push_str(&format!(" {:x}", before.registers[*name]));
    }
    request.push('\n');
    let answer = process.ask(&request)?;
    let mut after = State::default();
    let mut words = answer.split_whitespace();
    for name in machine.registers {
        let value = u64::from_str_radix(words.next()?, 16).ok()?;
        if *name != "-" {
            after.registers.insert((*name).to_owned(), value);
        }
    }
    let jumped = words.next()? == "1";
    for word in words {
        let (offset, value) = word.split_once('=').unwrap();
        let offset = u64::from_str_radix(offset, 16).unwrap();
        after
            .memory
            .insert(MEMORY + offset, u8::from_str_radix(value, 16).unwrap());
    }
    Some((after, jumped))
}

/// The line that is kept: of the state before what the instruction says it depends on, of that
/// after what changed or is said to change.
fn line_of(bytes: &[u8], insn: &Insn, before: &State, after: &State, jumped: bool) -> String {
    let mut regs = Vec::new();
    let mut set = BTreeSet::new();
    for effect in &insn.effects {
        match effect {
            Effect::Set(reg, value) => {
                value.registers(&mut regs);
                set.insert(reg.0);
            }
            Effect::Store { address, value, .. } => {
                address.registers(&mut regs);
                value.registers(&mut regs);
            }
            Effect::Touch(load) => load.address.registers(&mut regs),
            Effect::Clobber(regs) => set.extend(regs.iter().map(|reg| reg.0)),
        }
    }
    if let Flow::Branch(_, test) = &insn.flow {
        test.left.registers(&mut regs);
        test.right.registers(&mut regs);
    }
    let mut line: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    line.push_str(" |");
    for reg in regs {
        line.push_str(&format!(" {reg}={:x}", before.registers[reg.0]));
    }
    let known = |address: &Expr| {
        let value = address.evaluate(&|reg| before.registers.get(reg.0).copied())?;
        // A 32-bit address may have carried.
        Some(if before.memory.contains_key(&value) {
            value
        } else {
            value & 0xffff_ffff
        })
    };
    for (address, size, _) in insn.accesses() {
        let Some(address) = known(address) else {
            continue;
        };
        line.push_str(&format!(" [{address:x}]="));
        for n in 0..u64::from(size) {
            line.push_str(&format!("{:02x}", before.memory[&(address + n)]));
        }
    }
    line.push_str(" |");
    for (name, value) in &after.registers {
        if before.registers.get(name) != Some(value) || set.contains(name.as_str()) {
            line.push_str(&format!(" {name}={value:x}"));
        }
    }
    for (address, value) in &after.memory {
        line.push_str(&format!(" [{address:x}]={value:02x}"));
    }
    if jumped {
        line.push_str(" jumped");
    }
    line
}
