//! The dump under construction.

use base::{Code, Detail, Fault, Frame, Gap, LogEvent, Register, RegisterSet, VirtAddr};

use super::scan::{self, Number};
use crate::Line;

/// Registers of the kernel in the context of the event.
pub const KERNEL: &str = "kernel";
/// Registers of the user process that entered the kernel.
pub const USER: &str = "user";
/// Registers of kernel code that an interrupt or exception suspended, printed
/// in the middle of a stack trace: not where the event happened.
pub const INTERRUPTED: &str = "interrupted kernel";

/// Registers of an oops before this event, which kernels print again behind each oops.
pub const EARLIER: &str = "an earlier oops";

/// Dumps that are kept of one event.
const SETS: usize = 8;
/// Registers that are kept of one dump.
const REGISTERS: usize = 128;
/// Gaps that are told of one event's dumps.
const GAPS: usize = 16;
/// Details that dumps may add to one event.
const DETAILS: usize = 64;

/// What the following line continues, where it has no label of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Continues {
    /// Nothing.
    #[default]
    Nothing,
    /// Words of the stack, each of so many digits.
    Stack(usize),
    /// Registers, from this number on.
    Registers(usize),
    /// The code around the program counter; the next unit is of this address, where known.
    Code(Option<u64>),
}

/// What the readers of forms write into.
#[derive(Debug)]
pub struct Dump<'e> {
    /// The event.
    pub event: &'e mut LogEvent,
    /// The lines of the event until the one that is being read.
    pub above: &'e [Line],
    /// Number of the line that is being read.
    pub line: u64,
    /// What the next line continues.
    pub continues: Continues,
    /// Whether a page fault was reported, so that the fault address register is of this event.
    pub page_fault: bool,
    /// Whether the headline's fault address has eight digits only, as on a 32-bit machine.
    narrow_address: bool,
    /// A program counter printed before the registers.
    pub early_pc: Option<Frame>,
    /// Code, with the number of register sets begun before it.
    code: Option<(Code, usize)>,
    /// Sets begun so far; the last one is open.
    begun: usize,
    open: bool,
    home: Option<u32>,
    cpu: Option<u32>,
    details: usize,
}

impl<'e> Dump<'e> {
    /// A dump that writes into `event`.
    pub fn new(event: &'e mut LogEvent) -> Self {
        Dump {
            event,
            above: &[],
            line: 0,
            continues: Continues::Nothing,
            page_fault: false,
            narrow_address: false,
            early_pc: None,
            code: None,
            begun: 0,
            open: false,
            home: None,
            cpu: None,
            details: 0,
        }
    }

    /// Says of which architecture the dump is.
    pub fn arch(&mut self, name: &str) {
        if self.event.machine.arch.is_none() {
            self.event.machine.arch = Some(name.to_owned());
        }
    }

    /// Says which CPU prints from here on; the first one is the event's own.
    pub fn on_cpu(&mut self, cpu: u32) {
        self.home.get_or_insert(cpu);
        if self.cpu != Some(cpu) {
            self.open = false;
        }
        self.cpu = Some(cpu);
    }

    /// Says that the next set is the state of `cpu`, which something else printed.
    pub fn on_core(&mut self, cpu: u32) {
        self.open = false;
        self.home.get_or_insert(u32::MAX);
        self.cpu = Some(cpu);
    }

    /// Ends the open set: the next register begins another.
    pub fn begin(&mut self) {
        self.open = false;
    }

    /// The open set, begun where there is none; none beyond the limit.
    pub fn set(&mut self) -> Option<&mut RegisterSet> {
        if !self.open {
            self.open = true;
            self.begun += 1;
            if self.event.registers.len() < SETS {
                let whose = match self.cpu {
                    Some(cpu) if self.cpu != self.home => format!("CPU {cpu}"),
                    _ => KERNEL.to_owned(),
                };
                self.event.registers.push(RegisterSet {
                    whose,
                    line: self.line,
                    ..RegisterSet::default()
                });
            } else {
                self.gap("a further register dump", "the limit of dumps is reached");
            }
        }
        if self.begun > self.event.registers.len() {
            return None;
        }
        self.event.registers.last_mut()
    }

    /// Says whose the open set is.
    pub fn whose(&mut self, whose: &str) {
        if let Some(set) = self.set()
            && (set.whose == KERNEL || whose == USER)
        {
            whose.clone_into(&mut set.whose);
        }
    }

    /// Sets the register `name`; a contradiction within the open set begins another.
    pub fn put(&mut self, name: &str, value: u64) {
        if let Some(known) = self.known(name) {
            if known == value {
                return;
            }
            self.begin();
        }
        let Some(set) = self.set() else { return };
        if set.registers.len() < REGISTERS {
            set.registers.push(Register {
                name: name.to_ascii_lowercase(),
                value: VirtAddr(value),
            });
        }
    }

    /// Sets the register `name` unless the open set has it.
    pub fn put_new(&mut self, name: &str, value: u64) {
        if self.known(name).is_none() {
            self.put(name, value);
        }
    }

    /// The value of `name` in the open set.
    pub fn known(&mut self, name: &str) -> Option<u64> {
        if !self.open {
            return None;
        }
        self.set()?.get(name)
    }

    /// Reads a value of exactly `width` digits at the head of `text` into the register `name`;
    /// returns what follows. A value with other digits is damaged and named as a gap.
    pub fn take<'t>(&mut self, name: &str, text: &'t str, width: usize) -> &'t str {
        match scan::hex(text) {
            Some(Number {
                value,
                digits,
                rest,
            }) => {
                if digits == width || digits == 0 {
                    self.put(name, value);
                } else {
                    self.damaged(name);
                }
                rest
            }
            None => {
                self.damaged(name);
                text
            }
        }
    }

    /// Names a register whose value cannot be read.
    pub fn damaged(&mut self, name: &str) {
        let what = format!("register {}", name.to_ascii_lowercase());
        self.gap(&what, "its value is cut or damaged in the log");
    }

    /// Names what is missing.
    pub fn gap(&mut self, what: &str, why: &str) {
        let gaps = &mut self.event.gaps;
        if gaps.len() < GAPS && !gaps.iter().any(|gap| gap.what == what) {
            gaps.push(Gap::new(what, why));
        }
    }

    /// Sets the program counter of the open set; another one begins another set.
    pub fn pc(&mut self, frame: Frame) {
        if self.open
            && self
                .set()
                .and_then(|set| set.pc.as_ref())
                .is_some_and(|known| !same_place(known, &frame))
        {
            self.begin();
        }
        if let Some(set) = self.set() {
            match &mut set.pc {
                Some(known) => fill(known, frame),
                none => *none = Some(frame),
            }
        }
    }

    /// Sets the return address register's place in the open set.
    pub fn link(&mut self, frame: Frame) {
        if let Some(set) = self.set() {
            match &mut set.link {
                Some(known) => fill(known, frame),
                none => *none = Some(frame),
            }
        }
    }

    /// The fault, begun where there is none.
    pub fn fault(&mut self) -> &mut Fault {
        self.event.fault.get_or_insert_default()
    }

    /// Sets the fault's address unless one is known.
    pub fn fault_at(&mut self, address: u64, source: &str) {
        let fault = self.fault();
        if fault.address.is_none() {
            fault.address = Some(VirtAddr(address));
            fault.address_source = Some(source.to_owned());
        }
    }

    /// Sets the fault's address from a headline, which prints it as wide as a register.
    pub fn fault_printed(&mut self, number: Number<'_>, source: &str) {
        let is_new = self
            .event
            .fault
            .as_ref()
            .is_none_or(|f| f.address.is_none());
        match number.digits {
            0 | 8 | 16 => {
                self.fault_at(number.value, source);
                self.narrow_address |= is_new && number.digits == 8;
            }
            _ => self.gap("the fault address", "it is cut or damaged in the log"),
        }
    }

    /// Sets the fault's address from the register that reported it, if that is the event's.
    pub fn fault_register(&mut self, address: u64, source: &str) {
        if self.begun <= 1 {
            self.narrow_address = false;
            self.fault().address = None;
        }
        self.fault_at(address, source);
    }

    /// Sets the fault's code unless one is known.
    pub fn fault_code(&mut self, code: u64, kind: &str) {
        let fault = self.fault();
        if fault.code.is_none() {
            fault.code = Some(VirtAddr(code));
            fault.code_kind = Some(kind.to_owned());
        }
    }

    /// Sets the fault's code to one that tells more than the one before, if it is the event's.
    pub fn fault_detail(&mut self, code: u64, kind: &str) {
        if self.begun <= 1 {
            self.fault().code = None;
        }
        self.fault_code(code, kind);
    }

    /// Adds a phrase in which the kernel itself explains the fault.
    pub fn fault_word(&mut self, word: &str) {
        let word = word.trim();
        let words = &mut self.fault().words;
        if !word.is_empty() && words.len() < GAPS && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }

    /// Sets the kind of access unless one is known.
    pub fn access(&mut self, access: &str) {
        self.fault().access.get_or_insert_with(|| access.to_owned());
    }

    /// Adds a named saying of the event unless it is known.
    pub fn detail(&mut self, name: &str, value: &str) {
        let value = value.trim();
        if self.details < DETAILS && !value.is_empty() && self.event.detail(name).is_none() {
            self.details += 1;
            self.event.details.push(Detail {
                name: name.to_owned(),
                value: value.to_owned(),
                line: self.line,
            });
        }
    }

    /// Offers code, printed for the open set if `tied` to it: the first of the kernel
    /// is kept, that of a user dump gives way to it.
    pub fn code(&mut self, code: Code, tied: bool) {
        let set = if tied && self.open {
            self.event.registers.len()
        } else {
            0
        };
        let old_is_foreign = self
            .code
            .as_ref()
            .is_some_and(|(_, owner)| !self.owns_code(*owner));
        if self.code.is_none() || old_is_foreign && self.owns_code(set) {
            self.code = Some((code, set));
        }
    }

    /// The code read so far.
    pub fn code_so_far(&mut self) -> Option<&mut Code> {
        self.code.as_mut().map(|(code, _)| code)
    }

    /// The set that was the last one when so many were begun.
    fn set_before(&self, count: usize) -> Option<&RegisterSet> {
        self.event.registers.get(count.checked_sub(1)?)
    }

    /// A repetition of the event's own registers is no earlier oops.
    fn settle_repetitions(&mut self) {
        let sets = &mut self.event.registers;
        for index in 0..sets.len() {
            let (before, rest) = sets.split_at_mut(index);
            if let Some(set) = rest.first_mut()
                && set.whose == EARLIER
                && before.iter().any(|known| repeats(known, set))
            {
                KERNEL.clone_into(&mut set.whose);
            }
        }
    }

    /// Whether code printed behind the `owner`-th set is of the event.
    fn owns_code(&self, owner: usize) -> bool {
        let Some(set) = self.set_before(owner) else {
            return true;
        };
        // Only at the end it is known whether the registers repeat those of this event.
        if set.whose == EARLIER {
            return true;
        }
        // A process inside a system call stands behind its `syscall`, which did not fail.
        let in_syscall = set.get("orig_rax").is_some_and(|nr| nr != u64::MAX);
        set.whose == KERNEL || set.whose == USER && !in_syscall
    }

    /// Closes the dump: says whose each set is and merges repeated ones.
    pub fn finish(mut self, user: fn(&RegisterSet) -> bool) {
        for set in &mut self.event.registers {
            if user(set) {
                USER.clone_into(&mut set.whose);
            }
        }
        self.settle_repetitions();
        if let Some((code, owner)) = self.code.take()
            && self.owns_code(owner)
            && self
                .set_before(owner)
                .is_none_or(|set| set.whose != EARLIER)
        {
            self.event.code = Some(code);
        }
        merge(&mut self.event.registers);
        if let Some(pc) = self.early_pc.take() {
            if self.event.registers.is_empty() {
                self.line = pc.line;
                self.open = false;
                self.begun = 0;
                self.pc(pc);
            } else if let Some(set) = self.event.registers.first_mut()
                && set.whose == KERNEL
                && set.pc.is_none()
            {
                set.pc = Some(pc);
            }
        }
        let narrow = matches!(
            self.event.machine.arch.as_deref(),
            Some("i386" | "arm" | "mips" | "ppc" | "riscv32")
        );
        if self.narrow_address && !narrow {
            let fault = self.fault();
            fault.address = None;
            fault.address_source = None;
            self.gap("the fault address", "it is cut or damaged in the log");
        }
        if self.event.fault.as_ref() == Some(&Fault::default()) {
            self.event.fault = None;
        }
    }
}

/// Drops sets that only repeat an earlier one, as kernels do behind the end of a trace.
fn merge(sets: &mut Vec<RegisterSet>) {
    let mut kept: Vec<RegisterSet> = Vec::with_capacity(sets.len());
    for set in sets.drain(..) {
        match kept.iter_mut().find(|known| repeats(known, &set)) {
            Some(known) => {
                if let (Some(a), Some(b)) = (&mut known.pc, set.pc) {
                    fill(a, b);
                }
                if set.whose == KERNEL {
                    known.whose = set.whose;
                }
                for register in set.registers {
                    if known.get(&register.name).is_none() && known.registers.len() < REGISTERS {
                        known.registers.push(register);
                    }
                }
            }
            None => kept.push(set),
        }
    }
    *sets = kept;
}

/// Whether `later` says nothing that `earlier` contradicts, about the same place.
fn repeats(earlier: &RegisterSet, later: &RegisterSet) -> bool {
    let (Some(a), Some(b)) = (&earlier.pc, &later.pc) else {
        return false;
    };
    (earlier.whose == USER) == (later.whose == USER)
        && same_place(a, b)
        && later
            .registers
            .iter()
            .filter(|r| !matches!(r.name.as_str(), "cr2" | "cr3" | "fs" | "gs"))
            .filter_map(|r| Some((earlier.get(&r.name)?, r.value.0)))
            .all(|(a, b)| a == b)
}

fn same_place(a: &Frame, b: &Frame) -> bool {
    match (a.pc, b.pc) {
        (Some(a), Some(b)) => a == b,
        _ => match (&a.function, &b.function) {
            (Some(x), Some(y)) => x == y && a.offset == b.offset,
            _ => true,
        },
    }
}

fn fill(known: &mut Frame, other: Frame) {
    if known.pc.is_none() {
        known.pc = other.pc;
    }
    if known.function.is_none() {
        known.function = other.function;
        known.offset = other.offset;
        known.size = other.size;
        known.module = other.module;
        known.build_id = other.build_id;
        known.source = other.source;
    }
}
