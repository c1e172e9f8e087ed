//! Lines of stack traces, in the forms of all architectures.

use base::{Frame, Trace, Trust, VirtAddr};

use crate::Line;

/// Frames that are kept of one trace; a kernel stack of 16 KiB cannot hold more.
const MAX_FRAMES: usize = 512;
/// Traces that are kept of one event.
const MAX_TRACES: usize = 64;

/// A symbol as printed: `name+0x12/0x34 [module build-id]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Name with the compiler's suffixes (`foo.isra.0`).
    pub name: &'a str,
    /// Bytes from its start.
    pub offset: Option<u64>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// What follows it on the line.
    pub rest: &'a str,
}

/// Reads `name+0x12/0x34` at the start of `text`; the numbers may be cut off.
pub fn symbol(text: &str) -> Option<Symbol<'_>> {
    let end = text
        .find(|c: char| !is_symbol_char(c))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let Some(rest) = rest.strip_prefix("+0x") else {
        return Some(Symbol {
            name,
            offset: None,
            size: None,
            rest,
        });
    };
    let (offset, rest) = hex(rest);
    let (size, rest) = match rest.strip_prefix("/0x") {
        Some(rest) => hex(rest),
        None => (None, rest),
    };
    Some(Symbol {
        name,
        offset,
        size,
        rest,
    })
}

fn is_symbol_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$')
}

/// A hexadecimal number at the start of `text`, and what follows it.
pub fn hex(text: &str) -> (Option<u64>, &str) {
    let end = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    let (digits, rest) = text.split_at_checked(end).unwrap_or(("", text));
    (u64::from_str_radix(digits, 16).ok(), rest)
}

/// `[<ffffffff81000000>]` or `[c000000000001234]` or `[<0x...>]` at the start.
pub fn bracketed_pc(text: &str) -> Option<(VirtAddr, &str)> {
    let inside = text.strip_prefix('[')?;
    let inside = inside.strip_prefix('<').unwrap_or(inside);
    let inside = inside.strip_prefix("0x").unwrap_or(inside);
    let (value, rest) = hex(inside);
    let rest = rest.strip_prefix('>').unwrap_or(rest);
    Some((VirtAddr(value?), rest.strip_prefix(']')?))
}

/// A line of a trace, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameLine<'a> {
    /// A frame.
    Frame {
        /// The address.
        pc: Option<VirtAddr>,
        /// The symbol.
        symbol: Symbol<'a>,
        /// Behind it on the line.
        tail: Tail<'a>,
        /// The kernel marked it as doubtful.
        unreliable: bool,
        /// The line also ends a stack (`<EOI>` stands on it).
        marker: Option<&'a str>,
    },
    /// The stacks change: `<IRQ>`, `</NMI>`.
    Marker(&'a str),
}

/// Module, build-id, source line and inlining, as printed behind a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail<'a> {
    /// Module.
    pub module: Option<&'a str>,
    /// Build-id of the module.
    pub build_id: Option<&'a str>,
    /// `file:line`.
    pub source: Option<&'a str>,
    /// Inlined into the frame below.
    pub inline: bool,
}

/// Parses what follows a symbol.
pub fn tail(text: &str) -> Tail<'_> {
    let mut tail = Tail::default();
    let mut rest = text.trim_start();
    loop {
        if let Some(inside) = rest.strip_prefix('[') {
            let Some((inside, after)) = inside.split_once(']') else {
                break;
            };
            if inside == "inline" {
                tail.inline = true;
            } else if tail.module.is_none() {
                let mut words = inside.split(' ');
                tail.module = words.next().filter(|word| !word.is_empty());
                tail.build_id = words.next();
            }
            rest = after.trim_start();
        } else {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            let is_source = word.rsplit_once(':').is_some_and(|(file, line)| {
                file.contains('.') && line.bytes().all(|byte| byte.is_ascii_digit())
            });
            if !is_source {
                break;
            }
            tail.source = Some(word);
            rest = after.trim_start();
        }
    }
    tail
}

/// Parses one line as a frame or a stack marker.
pub fn parse(text: &str) -> Option<FrameLine<'_>> {
    let mut rest = text.trim_start();
    let mut marker = None;
    while rest.starts_with('<') {
        let (name, after) = rest.strip_prefix('<')?.split_once('>')?;
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'#' | b'_'))
        {
            return None;
        }
        marker = Some(name);
        rest = after.trim_start();
    }
    if rest.is_empty() {
        return marker.map(FrameLine::Marker);
    }
    let mut pc = None;
    // PowerPC prints the stack pointer first, then the address.
    for _ in 0..2 {
        if let Some((address, after)) = bracketed_pc(rest) {
            pc = Some(address);
            rest = after.trim_start();
        }
    }
    let mut unreliable = false;
    if let Some(after) = rest.strip_prefix("? ") {
        unreliable = true;
        rest = after.trim_start();
    }
    if let Some(inside) = rest.strip_prefix('(') {
        // 32-bit ARM: `(func) from [<pc>] (caller+0x12/0x34)`.
        let symbol = symbol(inside)?;
        return Some(FrameLine::Frame {
            pc,
            symbol,
            tail: Tail::default(),
            unreliable,
            marker,
        });
    }
    let symbol = symbol(rest)?;
    let after = symbol.rest;
    let arm = arm_caller(after).is_some();
    let tail = tail(after);
    if symbol.offset.is_none() && !tail.inline && !arm {
        return None;
    }
    if after.contains("(unreliable)") {
        unreliable = true;
    }
    Some(FrameLine::Frame {
        pc,
        symbol,
        tail,
        unreliable,
        marker,
    })
}

/// What stands behind `from` on a line of 32-bit ARM, which prints callee and
/// caller together: ` f [m] from g+0x12/0x34 [m]`, before 5.19
/// `[<pc>] (f) from [<pc>] (g+0x12/0x34)` (arch/arm/kernel/traps.c, `dump_backtrace_entry`).
///
/// `rest` is what follows the callee's symbol.
pub fn arm_caller(rest: &str) -> Option<(Symbol<'_>, Tail<'_>, Option<VirtAddr>)> {
    let rest = rest.strip_prefix(')').unwrap_or(rest);
    let rest = match rest.strip_prefix(" [") {
        Some(module) => module.split_once(']')?.1,
        None => rest,
    };
    let rest = rest.strip_prefix(" from ")?;
    let (pc, rest) = match bracketed_pc(rest) {
        Some((pc, rest)) => (Some(pc), rest.trim_start()),
        None => (None, rest),
    };
    let caller = symbol(rest.strip_prefix('(').unwrap_or(rest))?;
    caller.offset?;
    let tail = tail(caller.rest.trim_start_matches(')'));
    Some((caller, tail, pc))
}

/// Whether the line is a frame of 32-bit ARM.
pub fn is_arm_frame(text: &str) -> bool {
    match parse(text) {
        Some(FrameLine::Frame { symbol, .. }) => arm_caller(symbol.rest).is_some(),
        _ => false,
    }
}

/// Whether the line is the last one of RISC-V's registers (arch/riscv/kernel/process.c, `show_regs`, which goes on
/// with `dump_backtrace` if it was in the kernel).
fn ends_riscv_registers(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("status: ") && text.contains(" badaddr: ")
}

/// Whether the line is a frame with the address before its symbol.
fn has_pc(text: &str) -> bool {
    matches!(parse(text), Some(FrameLine::Frame { pc: Some(_), .. }))
}

/// What a heading of a stack trace is called, if the line is one.
///
/// `Call Trace:`, `Call trace:` (arm64, s390), `Backtrace:` (arm), `Allocated by task 12:`,
/// `Freed by task 12:`, `backtrace (crc 1234):` (kmemleak), `stack backtrace:` (lockdep).
pub fn heading(text: &str) -> Option<&str> {
    let text = text.trim();
    let label = text.strip_suffix(':').unwrap_or(text);
    let known = matches!(
        label,
        "Call Trace"
            | "Call trace"
            | "Backtrace"
            | "stack backtrace"
            | "Allocated"
            | "Freed"
            | "Uninit was created at"
    ) || label.starts_with("Call Trace:")
        || label.starts_with("Allocated by task ")
        || label.starts_with("Freed by task ")
        || label.starts_with("Last potentially related work creation")
        || label.starts_with("Second to last potentially related work creation")
        || label.starts_with("Uninit was stored to memory at")
        || label.starts_with("Local variable ") && label.ends_with("created at")
        || label.starts_with("backtrace")
        || label.starts_with("page last allocated via")
        || label.starts_with("page last free");
    known.then_some(label)
}

/// Reads every trace in the lines of an event.
pub fn read(lines: &[Line]) -> Vec<Trace> {
    let mut traces: Vec<Trace> = Vec::new();
    let mut open: Option<Trace> = None;
    let mut stack: Option<String> = None;
    let mut foreign_lines = 0;
    let mut previous = "";
    for line in lines {
        let before = std::mem::replace(&mut previous, &line.text);
        if let Some(label) = heading(&line.text) {
            close(&mut traces, open.take());
            open = Some(Trace {
                label: label.to_owned(),
                frames: Vec::new(),
                line: line.number,
            });
            stack = None;
            foreign_lines = 0;
            continue;
        }
        // 32-bit ARM had no heading before 6.2.
        let arm = line.text.contains(" from ") && is_arm_frame(&line.text);
        // RISC-V has none where the trace follows the registers.
        let riscv = ends_riscv_registers(before) && has_pc(&line.text);
        if open.is_none() && (arm || riscv) {
            let label = if arm { "Backtrace" } else { "Call Trace" };
            open = Some(Trace {
                label: label.to_owned(),
                frames: Vec::new(),
                line: line.number,
            });
            stack = None;
            foreign_lines = 0;
        }
        let Some(trace) = open.as_mut() else { continue };
        match parse(&line.text) {
            Some(FrameLine::Marker(name)) => {
                stack = (!name.starts_with('/')).then(|| name.to_owned());
                foreign_lines = 0;
            }
            Some(FrameLine::Frame {
                pc,
                symbol,
                tail,
                unreliable,
                marker,
            }) => {
                if let Some(name) = marker {
                    stack = (!name.starts_with('/')).then(|| name.to_owned());
                }
                foreign_lines = 0;
                if let Some((caller, caller_tail, caller_pc)) = arm_caller(symbol.rest) {
                    // Of the callee only the first line knows more than the line before.
                    if trace.frames.is_empty() {
                        let module = tail_of_callee(symbol.rest);
                        trace.frames.push(frame(
                            pc,
                            symbol,
                            module,
                            unreliable,
                            stack.clone(),
                            line.number,
                        ));
                    }
                    if trace.frames.len() < MAX_FRAMES {
                        trace.frames.push(frame(
                            caller_pc,
                            caller,
                            caller_tail,
                            unreliable,
                            stack.clone(),
                            line.number,
                        ));
                    }
                } else if trace.frames.len() < MAX_FRAMES {
                    trace.frames.push(frame(
                        pc,
                        symbol,
                        tail,
                        unreliable,
                        stack.clone(),
                        line.number,
                    ));
                }
            }
            None => {
                // A line or two of something else may stand between frames, not more.
                foreign_lines += 1;
                if foreign_lines > 3 || line.text.trim().is_empty() {
                    close(&mut traces, open.take());
                }
            }
        }
        if traces.len() >= MAX_TRACES {
            return traces;
        }
    }
    close(&mut traces, open);
    traces
}

/// The module behind the callee of a line of 32-bit ARM.
fn tail_of_callee(rest: &str) -> Tail<'_> {
    let module = rest
        .strip_prefix(" [")
        .and_then(|rest| rest.split_once(']'));
    Tail {
        module: module.map(|(module, _)| module),
        ..Tail::default()
    }
}

fn close(traces: &mut Vec<Trace>, trace: Option<Trace>) {
    // `stack backtrace:` of lockdep is followed by the trace's own heading.
    traces.extend(trace.filter(|trace| !trace.frames.is_empty()));
}

/// A frame as a fact.
pub fn frame(
    pc: Option<VirtAddr>,
    symbol: Symbol<'_>,
    tail: Tail<'_>,
    unreliable: bool,
    stack: Option<String>,
    line: u64,
) -> Frame {
    Frame {
        pc,
        function: Some(function_name(symbol.name)),
        offset: symbol.offset,
        size: symbol.size,
        module: tail.module.map(str::to_owned),
        build_id: tail.build_id.map(str::to_owned),
        source: tail.source.map(str::to_owned),
        inline: tail.inline,
        stack: stack.filter(|name| name != "TASK" && name != "EOI"),
        trust: if unreliable {
            Trust::PrintedAsUnreliable
        } else {
            Trust::PrintedByKernel
        },
        line,
    }
}

/// A symbol's name for people: Rust's mangled names are demangled.
pub fn function_name(symbol: &str) -> String {
    match rustc_demangle::try_demangle(symbol) {
        Ok(name) => format!("{name:#}"),
        Err(_) => symbol.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line> {
        let numbered = text.lines().zip(1..);
        numbered
            .map(|(text, number)| Line::of(number, text.to_owned()))
            .collect()
    }

    fn name(text: &str) -> Option<(String, bool)> {
        match parse(text)? {
            FrameLine::Frame {
                symbol, unreliable, ..
            } => Some((symbol.name.to_owned(), unreliable)),
            FrameLine::Marker(name) => Some((format!("<{name}>"), false)),
        }
    }

    #[test]
    fn frames_of_every_architecture_are_read() {
        let rows: &[(&str, &str, bool)] = &[
            (" [<ffffffff81234567>] do_one+0x12/0x34", "do_one", false),
            (
                " [<ffffffff81234567>] ? do_one+0x12/0x34 [mod]",
                "do_one",
                true,
            ),
            (" do_one.isra.3+0x12/0x34", "do_one.isra.3", false),
            (" ? do_one+0x12/0x34", "do_one", true),
            (
                "[c000000001234560] [c000000000012345] do_one+0x12/0x34 (unreliable)",
                "do_one",
                true,
            ),
            (
                "[<c0012345>] (do_one) from [<c0054321>] (do_two+0x12/0x34)",
                "do_one",
                false,
            ),
            (" do_one from do_two+0x12/0x34", "do_one", false),
            (
                "[<ffffffffc0445a10>] rlb_arp_recv+0x128/0x228 [bonding]",
                "rlb_arp_recv",
                false,
            ),
            (
                " <IRQ>  [<ffffffff81234567>] do_one+0x12/0x34",
                "do_one",
                false,
            ),
            (" </IRQ>", "</IRQ>", false),
            (" do_one kernel/one.c:12 [inline]", "do_one", false),
            ("  __switch_to+0x2b0/0x6e0 (T)", "__switch_to", false),
        ];
        for &(text, expected, unreliable) in rows {
            assert_eq!(
                name(text),
                Some((expected.to_owned(), unreliable)),
                "{text}"
            );
        }
        for text in [
            "CPU: 0 PID: 1 Comm: x",
            "RAX: 0000",
            "",
            "Modules linked in:",
            "foo bar",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn modules_and_sources_are_read() {
        let tail = tail(" drivers/a.c:12 [mod 0123abcd] [inline]");
        assert_eq!(tail.module, Some("mod"));
        assert_eq!(tail.build_id, Some("0123abcd"));
        assert_eq!(tail.source, Some("drivers/a.c:12"));
        assert!(tail.inline);
    }

    #[test]
    fn the_trace_behind_the_registers_of_riscv_has_no_heading() {
        let text = "epc : f+0x28/0x82 [m]\nstatus: 0000000200000120 badaddr: 0000000000000318 cause: 000000000000000d\n\
                    [<ffffffff01e6b0e8>] f+0x28/0x82 [m]\n[<ffffffff01e6b15a>] g+0x3e/0x5e [m]\nCode: 80e7 (4d08)\n";
        let traces = read(&lines(text));
        let functions: Vec<_> = traces[0]
            .frames
            .iter()
            .map(|frame| frame.function.as_deref().unwrap())
            .collect();
        assert_eq!(functions, ["f", "g"]);
        assert_eq!((traces.len(), traces[0].label.as_str()), (1, "Call Trace"));
        // Of user space there are registers only.
        let text = "status: 0000000200000020 badaddr: 0000000000000318 cause: 000000000000000d\nCode: 80e7 (4d08)\n";
        assert!(read(&lines(text)).is_empty());
    }

    #[test]
    fn stacks_are_told_apart() {
        let text = "Call Trace:\n <IRQ>\n a+0x1/0x2\n </IRQ>\n <TASK>\n b+0x1/0x2\n </TASK>\nx\n";
        let traces = read(&lines(text));
        assert_eq!(traces.len(), 1);
        let stacks: Vec<_> = traces[0]
            .frames
            .iter()
            .map(|f| f.stack.as_deref())
            .collect();
        assert_eq!(stacks, [Some("IRQ"), None]);
    }
}
