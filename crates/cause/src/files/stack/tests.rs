//! Values of two functions made by hand, one of which has called the other, by registers and memory made by hand.

use std::sync::Arc;

use base::{LogEvent, ReadError, VirtAddr};
use code::Body;

use super::*;

/// The end of the stack where the inner function failed, and what lies there.
const SP: u64 = 0xffff_c900_0000_0f00;
const SAVED: u64 = 0xffff_8880_0012_3000;
const HELD: u64 = 0xffff_8880_0045_6000;
const R12: u64 = 0x1212;

/// Words at addresses; nothing else is there.
struct Words(Vec<(u64, u64)>);

impl Memory for Words {
    fn read(&self, address: VirtAddr, into: &mut [u8]) -> Result<(), ReadError> {
        let word = self.0.iter().find(|(at, _)| *at == address.0);
        let (_, word) = word.ok_or(ReadError::Unmapped(address))?;
        let size = into.len();
        into.copy_from_slice(&word.to_le_bytes()[..size]);
        Ok(())
    }
}

fn event() -> LogEvent {
    let log = "\
BUG: kernel NULL pointer dereference, address: 0000000000000008
Oops: 0000 [#1] PREEMPT SMP NOPTI
CPU: 1 PID: 92 Comm: provoke Not tainted 6.1.0 #1
RIP: 0010:inner+0x4/0x10
RSP: 0018:ffffc90000000f00 EFLAGS: 00000206
RAX: 0000000000000000 RBX: 0000000000000000 RCX: 00000000000000cc
RDX: 0000000000000000 RSI: 0000000000000000 RDI: 0000000000000000
RBP: 0000000000000000 R08: 0000000000000000 R09: 0000000000000000
R10: 0000000000000000 R11: 0000000000000000 R12: 0000000000001212
R13: 0000000000000000 R14: 0000000000000000 R15: 0000000000000000
Call Trace:
 <TASK>
 outer+0xd/0x20
 </TASK>
";
    let mut events = Vec::new();
    let mut reader = text::LogReader::new(0);
    reader.feed(log.as_bytes(), &mut |event| events.push(event));
    reader.finish(&mut |event| events.push(event));
    events.remove(0)
}

fn body(name: &str, address: u64, bytes: &[u8]) -> Arc<Body<'static>> {
    let (arch, _) = arch::find("x86_64").unwrap();
    let endian = base::Endian::Little;
    let body = Body::of_bytes(name, arch, endian, address, bytes.to_vec(), Some(address));
    Arc::new(body.unwrap())
}

/// `push %rbx; mov %rdi,%rbx; mov 0x8(%rbx),%rax; pop %rbx; ret`: the third one failed.
const INNER: &[u8] = &[0x53, 0x48, 0x89, 0xfb, 0x48, 0x8b, 0x43, 0x08, 0x5b, 0xc3];

/// The same with `mov %rcx,(%rsp)` before it, over what was put aside.
const OVERWRITES: &[u8] = &[
    0x53, 0x48, 0x89, 0x0c, 0x24, 0x48, 0x8b, 0x43, 0x08, 0x5b, 0xc3,
];

/// `push %rbx; mov %rsi,%rbx; mov 0x10(%rbx),%rdi; call inner; pop %rbx; ret`
const OUTER: &[u8] = &[
    0x53, 0x48, 0x89, 0xf3, 0x48, 0x8b, 0x7b, 0x10, 0xe8, 0xf3, 0x0f, 0, 0, 0x5b, 0xc3,
];

/// The number of the call in it.
const CALL: usize = 3;

/// Asks for values in `outer` when it called `inner`.
fn with(inner: &[u8], test: impl Fn(&mut dyn FnMut(&Expr) -> Option<u64>)) {
    let event = event();
    let (arch, _) = arch::find("x86_64").unwrap();
    let registers = Registers::of(&event, arch);
    assert_eq!(registers.value(Reg("rsp")), Some(SP));
    let frame = event.traces[0].frames.last().unwrap();
    let memory = Words(vec![(SP, SAVED), (SAVED + 0x10, HELD)]);
    let debug = DebugInfo::new();
    let level = |name, address, bytes, callers, fault| Level {
        body: body(name, address, bytes),
        callers,
        fault,
    };
    let failed = level("inner", 0x2000, inner, vec![frame], Some(2));
    let caller = level("outer", 0x1000, OUTER, Vec::new(), None);
    assert!(caller.body.nodes[CALL].call.is_some());
    let failed = Active::of(failed, 2, Some(SP));
    // The word put aside, and the return address.
    assert_eq!(failed.entry_sp, Some(SP + 8));
    let at_call = failed.entry_sp.unwrap() + 8;
    let caller = Active::of(caller, CALL, Some(at_call));
    assert_eq!(caller.entry_sp, Some(at_call + 8));
    let mut stack = Stack {
        debug: &debug,
        registers: &registers,
        memory: &memory,
        active: vec![failed, caller],
        here: 0,
        left: 0,
    };
    test(&mut |value| stack.value(&[], value, CALL));
}

#[test]
fn what_the_called_function_put_aside_is_read_from_its_stack() {
    with(INNER, |value| {
        let rbx = Expr::Reg(Reg("rbx"));
        assert_eq!(value(&rbx), Some(SAVED));
        // What it did not change is still there.
        assert_eq!(value(&Expr::Reg(Reg("r12"))), Some(R12));
        // Memory as it is, at an address that is known so.
        let held = Expr::load(Expr::at(Reg("rbx"), 0x10), 8, false);
        assert_eq!(value(&held), Some(HELD));
        assert_eq!(value(&Expr::Reg(Reg("rdi"))), Some(HELD));
    });
}

#[test]
fn what_calls_may_change_is_not_known() {
    with(INNER, |value| {
        assert_eq!(value(&Expr::Reg(Reg("rcx"))), None);
        assert_eq!(value(&Expr::Reg(Reg("rax"))), None);
        // Nothing lies there.
        let beyond = Expr::load(Expr::at(Reg("rbx"), 0x18), 8, false);
        assert_eq!(value(&beyond), None);
    });
}

#[test]
fn what_was_put_aside_and_overwritten_is_not_known() {
    with(OVERWRITES, |value| {
        assert_eq!(value(&Expr::Reg(Reg("rbx"))), None);
        assert_eq!(value(&Expr::Reg(Reg("r12"))), Some(R12));
    });
}
