//! What a log says happened: plain data, as printed, with nothing concluded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Endian, Gap, Trust, VirtAddr};

/// One crash, warning, hang, stall or note found in a log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogEvent {
    /// Name of the entry that recognised it (`oops`, `kasan`, `hung_task` …).
    pub kind: String,
    /// The stable one-line name by which the same crash is known again.
    pub title: String,
    /// Other titles under which the same crash may be known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alt: Vec<String>,
    /// The class of the event (`KASAN-READ`, `HANG` …); empty when it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// The function held responsible, where one could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<String>,
    /// Why the report cannot be trusted: cut, interleaved, without its stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupted: Option<String>,
    /// Whether it is a defect by itself; a user process's fault, an OOM kill
    /// or a requested dump is a note.
    pub crash: bool,
    /// Where it stands.
    pub span: LineSpan,
    /// The line that made it known, as printed, without its prefix.
    pub headline: String,
    /// What the event is, in words for a person who does not know the term.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub meaning: String,
    /// When it was printed.
    #[serde(default)]
    pub stamp: Stamp,
    /// Who was running.
    #[serde(default)]
    pub task: Task,
    /// On what.
    #[serde(default)]
    pub machine: Machine,
    /// The access that failed, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Register dumps in the order of printing; the first belongs to the event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registers: Vec<RegisterSet>,
    /// The instructions around the one that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Words of the stack, as printed, lowest address first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack_words: Vec<VirtAddr>,
    /// Stack traces in the order of printing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<Trace>,
    /// Loaded modules, as far as printed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<Module>,
    /// What else the event's own lines say, under the name of the thing said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// The panic message, where this event ended in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic: Option<String>,
    /// What is missing from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

impl LogEvent {
    /// The first value told under `name`.
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.details
            .iter()
            .find(|detail| detail.name == name)
            .map(|detail| detail.value.as_str())
    }

    /// Where it happened: the kernel's program counter if printed, else the innermost frame
    /// that the kernel holds for sure.
    pub fn place(&self) -> Option<&Frame> {
        let kernel = self.registers.iter().find(|set| set.whose == "kernel");
        kernel
            .and_then(|set| set.pc.as_ref())
            .filter(|frame| frame.function.is_some())
            .or_else(|| {
                let frames = &self.traces.first()?.frames;
                frames
                    .iter()
                    .find(|frame| frame.trust == Trust::PrintedByKernel)
            })
    }
}

impl LogEvent {
    /// The frames that the kernel printed for sure, from where it was on: the program counter of its registers, and
    /// its first trace.
    pub fn printed_path(&self) -> Vec<&Frame> {
        let mut sets = self.registers.iter();
        let first = sets
            .find(|set| set.whose == "kernel")
            .and_then(|set| set.pc.as_ref());
        let trace = self.traces.first().map_or(&[][..], |trace| &trace.frames);
        let sure = trace
            .iter()
            .filter(|frame| frame.trust == Trust::PrintedByKernel && !frame.inline);
        // Some forms of a trace begin with the program counter.
        let repeats = |frame: &&Frame| {
            first.is_some_and(|first| {
                (&frame.function, frame.offset) == (&first.function, first.offset)
            })
        };
        let skip = usize::from(sure.clone().next().as_ref().is_some_and(repeats));
        first.into_iter().chain(sure.skip(skip)).collect()
    }
}

/// Lines of one input, counted from 1, both ends included.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct LineSpan {
    /// Which of the report's inputs, counted from 0.
    pub input: u32,
    /// The first line.
    pub start: u64,
    /// The last line.
    pub end: u64,
}

/// What the prefix of a line says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stamp {
    /// Microseconds since boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_us: Option<u64>,
    /// Date and time as printed, in the printer's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The name of the host, where a log daemon wrote the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Who printed it under `CONFIG_PRINTK_CALLER`: `T123` (task) or `C1` (CPU).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
}

/// The task that was running, as printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// Number of the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Process id (of the thread) in the initial namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Its `comm`: at most 15 bytes, chosen by the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comm: Option<String>,
    /// Work item, interrupt or other context that it ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// The kernel and the hardware, as printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Canonical name of the architecture (`x86_64`), where the form of the report tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Byte order, where the report tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endian: Option<Endian>,
    /// Kernel release (`6.1.0-32-cloud-amd64`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Build number and distributor's version, as printed behind the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The taint letters without blanks; empty when printed as not tainted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taint: Option<String>,
    /// Hardware name, board, firmware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware: Option<String>,
}

/// An access or instruction that the CPU refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// The address that was accessed, as the CPU reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<VirtAddr>,
    /// Name of the register that reported it (`CR2`, `BadVA`, `FAR`, `stval`, `DAR`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_source: Option<String>,
    /// The error code, as printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<VirtAddr>,
    /// What kind of number `code` is (`x86 page fault`, `ESR`, `Cause`, `scause`, `DSISR`, `FSR`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_kind: Option<String>,
    /// The code in words, a phrase each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Bytes of the access, where the report tells them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// `read`, `write` or `execute`, where the report tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
}

/// A dump of registers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegisterSet {
    /// Whose registers (`kernel`, `user`, `CPU 1`).
    pub whose: String,
    /// The program counter with its symbol, where printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pc: Option<Frame>,
    /// The return address register with its symbol, where the architecture has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Frame>,
    /// Registers in the order of printing.
    pub registers: Vec<Register>,
    /// The line of the first.
    pub line: u64,
}

impl RegisterSet {
    /// The value of the register called `name`, in any case.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.registers
            .iter()
            .find(|r| r.name.eq_ignore_ascii_case(name))
            .map(|r| r.value.0)
    }
}

/// A register and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Register {
    /// Name by the architecture's calling convention, lower case (`rax`, `s1`, `x0`).
    pub name: String,
    /// Value as printed.
    pub value: VirtAddr,
}

/// The code bytes around the instruction that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Code {
    /// In the order of printing, which is the order of memory.
    pub units: Vec<CodeUnit>,
    /// Index in `units` of the one that the program counter points at, where marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<u32>,
    /// The line.
    pub line: u64,
}

/// One printed group of code digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeUnit {
    /// The number as printed: a byte, a halfword or a word in the target's order.
    pub value: u32,
    /// Bytes it stands for: 1, 2 or 4.
    pub size: u8,
}

/// A stack trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// What the kernel calls it (`Call Trace`, `Allocated by task 12`).
    pub label: String,
    /// The innermost first.
    pub frames: Vec<Frame>,
    /// The line of its heading.
    pub line: u64,
}

/// A place in the code, of a stack or of a register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frame {
    /// Its address, where printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pc: Option<VirtAddr>,
    /// The function, as printed, with the compiler's suffixes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Bytes from the start of the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Size of the function in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The module, none for the kernel itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Build-id printed behind the module's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// `file:line`, where the log was symbolised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether it is inlined into the frame below it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inline: bool,
    /// The stack it lies on, where printed (`IRQ`, `NMI`, `#DF`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// How it is known.
    pub trust: Trust,
    /// The line.
    pub line: u64,
}

/// A loaded module, as printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Taint and state letters printed behind it (`O`, `E`, `+`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub flags: String,
}

/// A named saying of the event's own lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Detail {
    /// What is said (`blocked for`, `object`, `held lock`).
    pub name: String,
    /// As printed.
    pub value: String,
    /// The line.
    pub line: u64,
}
