//! Machine state as kernels print it: registers, code bytes, fault addresses.
//!
//! Each architecture has its own form of a dump, which its file here reads.
//! The first line that only one form prints tells the form; that form then
//! reads all lines of the event. What a form does not know it leaves alone,
//! so that damage costs no more than the value it hit.

mod parts;

use base::{LogEvent, RegisterSet};

use crate::Line;
use parts::{Continues, Dump, scan};

pub use parts::scan::processes;

base::registry! {
    /// Every form of a register dump. The order is the order of probing: a form whose
    /// signs could be taken for those of another stands behind it.
    static FORMS: [Form] = [x86, arm64, s390, powerpc, loongarch, riscv, mips, arm];
}

/// How one family of architectures prints its machine state.
struct Form {
    /// Canonical names of the architectures.
    archs: &'static [&'static str],
    /// Whether the line, without leading blanks, is printed by this form only.
    sign: fn(&str) -> bool,
    /// Reads a line without leading blanks.
    line: fn(&mut Dump<'_>, &str),
    /// Whether a register set is that of a user process.
    user: fn(&RegisterSet) -> bool,
}

/// Lines of an event among which the one may stand that tells of a user process's fault.
const PROCESS_LINES: usize = 3;

/// What is read where no form is known: the lines that several forms share.
static SHARED: Form = Form {
    archs: &[],
    sign: |_| false,
    line: |dump, text| match text.as_bytes().first() {
        Some(b'U') => {
            parts::unable(dump, text, "fault address register");
        }
        Some(b'S') => {
            if let Some(rest) = scan::labelled(text, "Stack") {
                parts::stack(dump, rest, 0);
            }
        }
        _ => {}
    },
    user: |_| false,
};

/// Reads the machine state in the lines of one event into `event`.
pub fn read(lines: &[Line], event: &mut LogEvent) {
    let mut dump = Dump::new(event);
    for line in lines.iter().take(PROCESS_LINES) {
        dump.line = line.number;
        parts::process(&mut dump, line.text.trim_start());
    }
    let form = form(lines, dump.event.machine.arch.as_deref());
    for (index, line) in lines.iter().enumerate() {
        let text = line.text.trim_start();
        dump.line = line.number;
        dump.above = lines.get(..index).unwrap_or_default();
        cpu(&mut dump, text);
        parts::common(&mut dump, text);
        if let Continues::Stack(width) = dump.continues
            && parts::stack_row(&mut dump, text, width)
        {
            continue;
        }
        (form.line)(&mut dump, text);
    }
    dump.finish(form.user);
}

/// The form of which the lines show a sign, else that of the architecture, where it is known.
fn form(lines: &[Line], arch: Option<&str>) -> &'static Form {
    let signed = lines.iter().find_map(|line| {
        let text = line.text.trim_start();
        FORMS.iter().find(|form| (form.sign)(text))
    });
    signed
        .or_else(|| {
            FORMS
                .iter()
                .find(|form| arch.is_some_and(|a| form.archs.contains(&a)))
        })
        .copied()
        .unwrap_or(&SHARED)
}

/// Takes note of the CPU whose state follows.
fn cpu(dump: &mut Dump<'_>, text: &str) {
    let number = match text.as_bytes().first() {
        Some(b'C') => text
            .strip_prefix("CPU: ")
            .or_else(|| text.strip_prefix("Cpu ")),
        Some(b'N') => text.strip_prefix("NMI backtrace for cpu "),
        _ => None,
    };
    if let Some((cpu, _)) = number.and_then(scan::decimal) {
        dump.on_cpu(cpu);
    }
}

#[cfg(test)]
mod tests;
