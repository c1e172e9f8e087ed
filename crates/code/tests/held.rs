//! What functions hold where they wait is what their source says (`objects/held.c`), or nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use arch::Reg;
use base::Mode;
use code::held::{Code, FunctionRange, Held, HeldLock, Holdings, Memory, Standing, Value};
use code::{Body, Target};
use debuginfo::{DebugInfo, Object, ObjectId, Store};

struct File {
    debug: DebugInfo<'static>,
    id: ObjectId,
}

impl File {
    fn open() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects/held-x86_64.o");
        let bytes = Box::leak(std::fs::read(path).unwrap().into_boxed_slice());
        let store = Box::leak(Box::new(Store::new()));
        let mut debug = DebugInfo::new();
        let id = debug.add(Object::open("held", bytes, store).unwrap());
        File { debug, id }
    }

    fn object(&self) -> &Object<'static> {
        self.debug.object(self.id).unwrap()
    }

    fn symbol(&self, name: &str) -> u64 {
        self.object().symbols_named(name).unwrap()[0].address
    }

    /// Where the calls of `called` in a function return to.
    fn calls(&self, function: &str, called: &str) -> Vec<u64> {
        let (at, to) = (self.symbol(function), self.symbol(called));
        let body = Body::of_function(&self.debug, self.id, at)
            .unwrap()
            .unwrap();
        let calls = body.nodes.iter().filter_map(|node| node.call.as_ref());
        calls
            .filter(|call| call.target == Target::Address(to))
            .map(|call| call.return_address)
            .collect()
    }
}

impl Code for File {
    fn function_at(&self, address: u64) -> Option<FunctionRange> {
        let symbol = self.object().symbol_at(address).ok()??;
        self.object().is_function(&symbol).then(|| FunctionRange {
            start: symbol.address,
            end: symbol.address + symbol.size,
            name: symbol.name.to_owned(),
        })
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        self.object().linked_code(range).ok().map(Cow::Owned)
    }

    fn addresses_of(&self, names: &[&str]) -> Vec<Vec<u64>> {
        let all = names.iter().map(|name| {
            let found = self.object().functions_named(name).unwrap();
            found.iter().map(|symbol| symbol.address).collect()
        });
        all.collect()
    }
}

fn x86() -> &'static arch::Arch {
    arch::find("x86_64").unwrap().0
}

/// What the function holds at each call of `wait_here`, in the order of addresses.
fn at_waits(file: &File, function: &str) -> Vec<Held> {
    let holdings = Holdings::new(file, x86()).unwrap();
    let waits = file.calls(function, "wait_here");
    assert!(!waits.is_empty(), "{function}");
    let held = waits.iter().map(|pc| Held::clone(&holdings.at(*pc, false)));
    let held: Vec<Held> = held.collect();
    for held in &held {
        assert_eq!(held.gaps, [], "{function}");
        assert_eq!(held.function, Some(file.symbol(function)));
    }
    held
}

fn argument(number: u8, offset: i64) -> Value {
    Value::Argument(number).plus(offset)
}

fn load(address: Value) -> Value {
    Value::Load {
        address: Box::new(address),
        size: 8,
        signed: false,
        space: None,
    }
}

/// Whether a value can be had as `wanted`, in this way or another.
fn is(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Either(all), wanted) => all.iter().any(|value| is(value, wanted)),
        (Value::Load { address, .. }, Value::Load { address: other, .. }) => is(address, other),
        (Value::Binary(op, left, right), Value::Binary(other, a, b)) => {
            op == other && is(left, a) && is(right, b)
        }
        (value, wanted) => value == wanted,
    }
}

fn the_lock<'h>(held: &'h Held, kind: &str, mode: Mode, wanted: &Value) -> &'h HeldLock {
    let [lock] = held.locks.as_slice() else {
        panic!("{:?}", held.locks)
    };
    assert_eq!((lock.kind, lock.mode), (kind, mode));
    assert!(is(&lock.lock, wanted), "{:?} is not {wanted:?}", lock.lock);
    lock
}

// Offsets of the members of `struct thing`.
const LOCK: i64 = 0x10;
const SEM: i64 = 0x30;

#[test]
fn what_is_given_back_is_not_held() {
    let file = File::open();
    for function in [
        "none",
        "by_condition",
        "tries",
        "by_wrapper_done",
        "loop",
        "spins",
        "jumps_out",
    ] {
        for held in at_waits(&file, function) {
            assert_eq!(held.locks, [], "{function}");
            assert_eq!(held.released, [], "{function}");
        }
    }
}

#[test]
fn what_every_way_takes_is_certain() {
    let file = File::open();
    let held = at_waits(&file, "one");
    let lock = the_lock(&held[0], "mutex", Mode::Exclusive, &argument(0, LOCK));
    assert!(lock.certain && lock.through.is_empty());
    let held = at_waits(&file, "global_reader");
    let sem = Value::Const(file.symbol("global_sem"));
    assert!(the_lock(&held[0], "rw_semaphore", Mode::Shared, &sem).certain);
    let held = at_waits(&file, "downgraded");
    assert!(the_lock(&held[0], "rw_semaphore", Mode::Shared, &argument(0, SEM)).certain);
    let held = at_waits(&file, "interruptible");
    let global = Value::Const(file.symbol("global_lock"));
    assert!(the_lock(&held[0], "mutex", Mode::Exclusive, &global).certain);
}

#[test]
fn what_some_ways_take_is_not() {
    let file = File::open();
    let held = at_waits(&file, "may");
    let lock = the_lock(&held[0], "mutex", Mode::Exclusive, &argument(0, LOCK));
    assert!(!lock.certain);
}

#[test]
fn functions_take_locks_for_their_callers() {
    let file = File::open();
    let held = at_waits(&file, "by_wrapper");
    let parent = load(argument(0, 0)).plus(LOCK);
    let lock = the_lock(&held[0], "mutex", Mode::Exclusive, &parent);
    assert!(lock.certain);
    assert_eq!(lock.through, [file.symbol("lock_parent")]);
    let held = at_waits(&file, "by_failing_wrapper");
    let lock = the_lock(&held[0], "mutex", Mode::Exclusive, &argument(0, LOCK));
    assert!(lock.certain);
    let held = at_waits(&file, "by_result");
    let found = Value::Register(Reg("rbx")).plus(SEM);
    let lock = the_lock(&held[0], "rw_semaphore", Mode::Exclusive, &found);
    assert!(lock.certain);
}

#[test]
fn a_callee_may_have_given_it_back() {
    let file = File::open();
    let held = at_waits(&file, "gives_back_for_a_while");
    assert_eq!(held[0].locks, []);
    let [lock] = held[0].released.as_slice() else {
        panic!("{:?}", held[0].released)
    };
    assert!(lock.certain && is(&lock.lock, &argument(0, LOCK)));
    let held = at_waits(&file, "caller_of_that");
    assert!(the_lock(&held[0], "mutex", Mode::Exclusive, &argument(0, LOCK)).certain);
}

#[test]
fn the_lock_of_a_queue_goes_to_the_next_thread() {
    let file = File::open();
    let holdings = Holdings::new(&file, x86()).unwrap();
    let at = file.calls("switches", "__switch_to_asm")[0];
    assert_eq!(holdings.at(at, false).locks, []);
    // Before it, it has it.
    let lock = file.calls("switches", "_raw_spin_lock")[0];
    assert_eq!(holdings.at(lock, true).locks.len(), 1);
    assert_eq!(holdings.at(lock, false).locks, []);
}

#[test]
fn readers_of_a_per_cpu_semaphore_count_in_line() {
    let file = File::open();
    let held = at_waits(&file, "percpu");
    let frozen = load(argument(0, 0x60));
    for held in &held {
        let lock = the_lock(held, "percpu_rw_semaphore", Mode::Shared, &frozen);
        assert!(lock.certain);
    }
    let holdings = Holdings::new(&file, x86()).unwrap();
    let after = file.calls("percpu", "ask");
    for at in after {
        assert_eq!(holdings.at(at, false).locks, []);
    }
}

/// The memory of a thread.
struct Words(HashMap<u64, u64>);

impl Memory for Words {
    fn number(&self, address: u64, size: u8) -> Option<u64> {
        self.0.get(&address).filter(|_| size == 8).copied()
    }

    fn per_cpu(&self, _: u64) -> Option<u64> {
        None
    }

    fn current(&self) -> Option<u64> {
        None
    }
}

#[test]
fn addresses_are_had_from_the_stack() {
    let file = File::open();
    let holdings = Holdings::new(&file, x86()).unwrap();
    let (thing, stack) = (0xffff_8880_1234_0000, 0xffff_c900_0001_0000);
    // `caller_of_that` has called `gives_back_for_a_while`, which has called `wait_here`: that has changed nothing.
    let inner = file.calls("gives_back_for_a_while", "wait_here")[0];
    let outer = file.calls("caller_of_that", "gives_back_for_a_while")[0];
    let size = |pc| u64::try_from(-holdings.at(pc, false).stack.unwrap()).unwrap();
    let standing = |pc, sp, registers| Standing {
        pc,
        is_exact: false,
        sp,
        registers,
    };
    // What it has in the register is the address of the lock.
    let rbx = (Reg("rbx"), thing + 0x10);
    let frames = [
        standing(inner, stack, vec![rbx]),
        standing(outer, stack + size(inner), Vec::new()),
    ];
    let words = |rbx: u64| {
        let saved = stack + size(inner) - 16;
        Words(HashMap::from([(saved, rbx)]))
    };
    // The thing itself is in the register of its caller that it has pushed.
    let (had, gaps) = holdings.of_stack(&frames, &words(thing));
    assert_eq!((had.as_slice(), gaps.len()), ([].as_slice(), 0));
    // It has given back another than the caller has.
    let (had, _) = holdings.of_stack(&frames, &words(thing + 0x1000));
    assert_eq!(had.len(), 1);
    assert_eq!(had[0].address, Ok(thing + 0x1000 + 0x10));
    assert!(had[0].certain && !had[0].is_inferred && had[0].frame == 1);
    // The stack cannot be read: what the caller has may be what was given back.
    let (had, _) = holdings.of_stack(&frames, &Words(HashMap::new()));
    assert!(
        had.len() == 1 && had[0].address.is_err() && !had[0].certain,
        "{had:?}"
    );
}

/// Bytes as the code of one function, with names for the functions that it calls.
struct Bytes(Vec<u8>);

impl Code for Bytes {
    fn function_at(&self, address: u64) -> Option<FunctionRange> {
        let size = u64::try_from(self.0.len()).unwrap();
        (0x1000..0x1000 + size)
            .contains(&address)
            .then(|| FunctionRange {
                start: 0x1000,
                end: 0x1000 + size,
                name: "f".to_owned(),
            })
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        let at = |address: u64| usize::try_from(address.checked_sub(0x1000)?).ok();
        self.0
            .get(at(range.start)?..at(range.end)?)
            .map(Cow::Borrowed)
    }

    fn addresses_of(&self, names: &[&str]) -> Vec<Vec<u64>> {
        let address = |name: &&str| match *name {
            "mutex_lock" => vec![0x80],
            "mutex_trylock" => vec![0x88],
            "mutex_unlock" => vec![0x90],
            _ => Vec::new(),
        };
        names.iter().map(address).collect()
    }
}

#[test]
fn code_without_end_is_given_up_after_a_count() {
    // Thousands of locks that may be had, in a loop: mov %rax,%rdi; call mutex_trylock; test %eax,%eax; je over
    // the next; every call makes a new value.
    let mut code = vec![0x48, 0x89, 0xc7];
    for _ in 0..3000 {
        code.extend([0x48, 0x8d, 0x7f, 0x08]);
        code.push(0xe8);
        let next = 0x1000 + code.len() as u64 + 4;
        let distance = i32::try_from(0x88_i64 - next as i64).unwrap();
        code.extend(distance.to_le_bytes());
        code.extend([0x48, 0x89, 0xc7]);
    }
    let back = -(i32::try_from(code.len()).unwrap() + 5);
    code.push(0xe9);
    code.extend(back.to_le_bytes());
    let file = Bytes(code);
    let holdings = Holdings::new(&file, x86()).unwrap();
    let held = holdings.at(0x1000 + 3 + 12 * 2000, true);
    assert_eq!(held.locks, []);
    let [gap] = held.gaps.as_slice() else {
        panic!("{held:?}")
    };
    assert_eq!(gap.why, "stopped after 131072 steps through one function");
    // And what is longer than a function may be is not read at all.
    let mut long = vec![0x90; 1 << 15];
    long.push(0xc3);
    let file = Bytes(long);
    let holdings = Holdings::new(&file, x86()).unwrap();
    let held = holdings.at(0x1000 + 100, true);
    assert!(held.locks.is_empty() && held.gaps.len() == 1);
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state >> 33
}

#[test]
fn any_bytes_are_answered() {
    let file = File::open();
    let whole = file.object().linked_code(0..0).unwrap();
    assert!(whole.is_empty());
    for round in 1..200_u64 {
        let mut state = 0x9e37_79b9_7f4a_7c15 ^ (round << 17 | 1);
        // Bytes of which many are calls, branches and stores.
        let common = [
            0xe8, 0xeb, 0x74, 0x75, 0xc3, 0x48, 0x89, 0x8b, 0x85, 0xc0, 0x0f, 0x65, 0xff, 0x00,
        ];
        let code: Vec<u8> = (0..400)
            .map(|_| match next(&mut state) % 3 {
                0 => u8::try_from(next(&mut state) & 0xff).unwrap(),
                _ => common[usize::try_from(next(&mut state)).unwrap() % common.len()],
            })
            .collect();
        let file = Bytes(code);
        let holdings = Holdings::new(&file, x86()).unwrap();
        for pc in 0x1000..0x1000 + 400 {
            for exact in [false, true] {
                let held = holdings.at(pc, exact);
                assert!(held.locks.len() <= 32 && held.gaps.len() <= 2);
            }
        }
    }
}
