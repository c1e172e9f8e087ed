//! The lines that name the running task and the kernel.

use super::Context;
use crate::dumps::processes;
use crate::taint;

/// `CPU: 0 PID: 7 Comm: a Tainted: G W 6.1.0 #1 Debian 6.1.4-1` and older lines of CPUs.
pub fn cpu(context: &mut Context<'_>, text: &str) {
    let Some(rest) = text
        .strip_prefix("CPU: ")
        .or_else(|| text.strip_prefix("Cpu "))
        .or_else(|| text.strip_prefix("CPU "))
    else {
        return;
    };
    let Some((cpu, rest)) = number(rest) else {
        return;
    };
    let rest = rest.trim();
    if rest.is_empty() || rest.starts_with("Unable to handle ") {
        context.task(Some(cpu), None, None);
        return;
    }
    let (rest, uid) = match rest.strip_prefix("UID: ").and_then(number) {
        Some((uid, rest)) => (rest.trim_start(), Some(uid)),
        None => (rest, None),
    };
    if let Some(rest) = rest.strip_prefix("PID: ") {
        let pid = number(rest).map(|(pid, _)| pid);
        let Some((_, rest)) = rest.split_once("Comm: ") else {
            context.task(Some(cpu), pid, None);
            return;
        };
        named(context, Some(cpu), pid, rest);
        if let Some(uid) = uid
            && context.event.task.pid == pid
        {
            context.detail("uid", &uid.to_string());
        }
    } else if rest.starts_with("Tainted: ") || rest.starts_with("Not tainted") {
        // arm and s390 until 3.10: `CPU: 0    Not tainted  (2.6.39 #1)`.
        context.task(Some(cpu), None, None);
        kernel(context, rest);
    }
}

/// `Pid: 7, comm: a Not tainted 2.6.32-5-amd64 #1 Hardware`, and
/// `Process a (pid: 7, threadinfo=…, task=…)`.
pub fn process(context: &mut Context<'_>, text: &str) {
    if let Some(rest) = text.strip_prefix("Pid: ") {
        let pid = number(rest).map(|(pid, _)| pid);
        if let Some((_, rest)) = rest.split_once("comm: ") {
            named(context, None, pid, rest);
        }
    } else if let Some(rest) = text.strip_prefix("Process ")
        && let Some((comm, rest)) = rest.rsplit_once(" (pid: ")
        && let Some((pid, rest)) = number(rest)
    {
        context.task(None, Some(pid), Some(comm));
        if let Some((_, rest)) = rest.split_once("task=") {
            let end = rest.find([',', ')', ' ']).unwrap_or(rest.len());
            context.detail("task", rest.get(..end).unwrap_or_default());
        }
    }
}

/// `a name Kdump: loaded Tainted: G W 6.1.0 #1`: the name may hold anything, so that what the
/// kernel prints behind it is searched from the end.
fn named(context: &mut Context<'_>, cpu: Option<u32>, pid: Option<u32>, text: &str) {
    let end = [" Tainted: ", " Not tainted"]
        .iter()
        .filter_map(|mark| text.rfind(mark))
        .max();
    let Some((comm, rest)) = end.and_then(|end| text.split_at_checked(end)) else {
        // The name may be cut, and no other line may tell better.
        context.task(cpu, pid, None);
        return;
    };
    let comm = match comm.strip_suffix(" Kdump: loaded") {
        Some(comm) => {
            context.detail("kdump", "loaded");
            comm
        }
        None => comm,
    };
    context.task(cpu, pid, Some(comm));
    kernel(context, rest.trim_start());
}

/// `Tainted: G W 6.1.0 #1 …`, `Not tainted (2.6.39 #1)`, or the taint alone.
fn kernel(context: &mut Context<'_>, text: &str) {
    let (letters, rest) = match text.strip_prefix("Tainted:") {
        Some(rest) => taint_letters(rest),
        None => match text.strip_prefix("Not tainted") {
            Some(rest) => (String::new(), rest),
            None => return,
        },
    };
    let machine = &mut context.event.machine;
    if machine.taint.is_none() {
        machine.taint = Some(letters);
    }
    let rest = rest.trim();
    // i386 puts both into parentheses, with the hardware behind them.
    let (rest, behind) = match rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
        Some((inner, behind)) => (inner.trim(), Some(behind.trim())),
        None => (rest, None),
    };
    let (release, version) = rest.split_once(' ').unwrap_or((rest, ""));
    let version = version.trim();
    if machine.release.is_some() || release.is_empty() {
        return;
    }
    machine.release = Some(release.to_owned());
    if !version.is_empty() {
        machine.version = Some(version.to_owned());
    }
    if let Some(hardware) = behind.filter(|hardware| !hardware.is_empty()) {
        machine.hardware.get_or_insert_with(|| hardware.to_owned());
    }
}

/// The letters at the head of `text`, which stand in columns with blanks between, and what follows.
fn taint_letters(text: &str) -> (String, &str) {
    let mut letters = String::new();
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let Some((word, tail)) = rest.split_at_checked(end) else {
            break;
        };
        if word.is_empty() || letters.len() > 32 || !word.chars().all(taint::is_letter) {
            break;
        }
        letters.push_str(word);
        rest = tail.trim_start();
    }
    (letters, rest)
}

/// A line of the taint alone: `Tainted: P`, `Not tainted 6.1.0 #1` below a hung task, or
/// `Tainted: [W]=WARN, [O]=OOT_MODULE` since 6.11, which repeats the letters in words.
pub fn tainted(context: &mut Context<'_>, text: &str) {
    let Some(rest) = text.strip_prefix("Tainted: ") else {
        kernel(context, text);
        return;
    };
    if !rest.trim_start().starts_with('[') {
        kernel(context, text);
        return;
    }
    context.detail("taint", rest);
    if context.event.machine.taint.is_none() {
        let letters = rest
            .split(", ")
            .filter_map(|item| item.trim_start().strip_prefix('[')?.chars().next())
            .filter(|letter| taint::is_letter(*letter))
            .take(32)
            .collect();
        context.event.machine.taint = Some(letters);
    }
}

/// powerpc until 4.x: `TASK = c00000003e5c0000[1234] 'a name' THREAD: c00000003e5d0000 CPU: 1`.
pub fn task_line(context: &mut Context<'_>, text: &str) {
    if let Some(rest) = text.strip_prefix("TASK = ")
        && let Some((task, rest)) = rest.split_once('[')
        && let Some((pid, rest)) = number(rest)
        && let Some((comm, rest)) = rest
            .strip_prefix("] '")
            .and_then(|rest| rest.rsplit_once("' THREAD"))
    {
        let cpu = rest.rsplit_once("CPU: ").and_then(|(_, cpu)| number(cpu));
        context.task(cpu.map(|(cpu, _)| cpu), Some(pid), Some(comm));
        context.detail("task", task);
    }
}

/// powerpc: `REGS: c0b4bea0 TRAP: 0300   Not tainted  (5.12.0)`.
pub fn traps(context: &mut Context<'_>, text: &str) {
    if text.starts_with("REGS: ")
        && let Some(at) = text
            .rfind("Tainted: ")
            .or_else(|| text.rfind("Not tainted"))
    {
        kernel(context, text.get(at..).unwrap_or_default());
    }
}

/// `INFO: task a name:7 blocked for more than 120 seconds.`
pub fn hung(context: &mut Context<'_>, text: &str) {
    if let Some((task, _)) = text
        .strip_prefix("INFO: task ")
        .and_then(|rest| rest.rsplit_once(" blocked "))
        && let Some((comm, pid)) = task.rsplit_once(':')
        && let Some((pid, "")) = number(pid)
    {
        context.task(None, Some(pid), Some(comm));
    }
}

/// `task:a name         state:D stack:0     pid:115   tgid:115 …` (kernel/sched/core.c,
/// `sched_show_task`): of a report the task that it is about; a requested dump lists them all.
pub fn shown(context: &mut Context<'_>, text: &str) {
    if context.event.crash
        && let Some((comm, rest)) = text
            .strip_prefix("task:")
            .and_then(|rest| rest.split_once(" state:"))
        && let Some((pid, _)) = rest.split_once(" pid:").and_then(|(_, pid)| number(pid))
    {
        context.task(None, Some(pid), Some(comm.trim_end()));
    }
}

/// `watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a name:7]`.
pub fn lockup(context: &mut Context<'_>, text: &str) {
    let text = text.strip_prefix("NMI ").unwrap_or(text);
    let text = text.strip_prefix("watchdog: ").unwrap_or(text);
    if let Some((cpu, _)) = text
        .strip_prefix("Watchdog detected hard LOCKUP on cpu ")
        .and_then(number)
    {
        context.task(Some(cpu), None, None);
        return;
    }
    let Some((cpu, rest)) = text
        .strip_prefix("BUG: soft lockup - CPU#")
        .and_then(number)
    else {
        return;
    };
    let task = rest
        .split_once('[')
        .and_then(|(_, rest)| rest.rsplit_once(']'))
        .and_then(|(task, _)| task.rsplit_once(':'));
    match task {
        Some((comm, pid)) => context.task(Some(cpu), number(pid).map(|(pid, _)| pid), Some(comm)),
        None => context.task(Some(cpu), None, None),
    }
}

/// Octeon's watchdog: `*** NMI Watchdog interrupt on Core 0x01 ***`.
pub fn core(context: &mut Context<'_>, text: &str) {
    let core = text
        .strip_prefix("*** NMI Watchdog interrupt on Core 0x")
        .and_then(|rest| rest.split(' ').next())
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    if core.is_some() {
        context.task(core, None, None);
    }
}

/// `WARNING: CPU: 0 PID: 7 at …` until 6.17, `WARNING: f.c:1 at f+0x1/0x2, CPU#0: a name/7` since.
pub fn warning(context: &mut Context<'_>, text: &str) {
    let Some(rest) = text.strip_prefix("WARNING: ") else {
        return;
    };
    if let Some((cpu, rest)) = rest.strip_prefix("CPU: ").and_then(number) {
        let pid = rest.strip_prefix(" PID: ").and_then(number);
        context.task(Some(cpu), pid.map(|(pid, _)| pid), None);
    } else if let Some((cpu, rest)) = rest
        .rsplit_once(", CPU#")
        .and_then(|(_, rest)| number(rest))
    {
        let task = rest
            .strip_prefix(": ")
            .and_then(|task| task.rsplit_once('/'));
        if let Some((comm, pid)) = task {
            context.task(Some(cpu), number(pid).map(|(pid, _)| pid), Some(comm));
        }
    }
}

/// A user process's fault: `a name[7]: segfault at …`, `traps: a name[7] trap divide error …`.
pub fn faulting(context: &mut Context<'_>, text: &str) {
    const MARKS: [&str; 6] = [
        ": segfault at ",
        ": segfault (",
        ": unhandled exception: ",
        ": unhandled signal ",
        " trap ",
        " general protection ",
    ];
    let process =
        processes(text).find(|(_, _, rest)| MARKS.iter().any(|mark| rest.starts_with(mark)));
    if let Some((comm, pid, rest)) = process {
        let comm = comm.strip_prefix("traps: ").unwrap_or(comm);
        let cpu = rest
            .rsplit_once(" likely on CPU ")
            .and_then(|(_, cpu)| number(cpu));
        context.task(cpu.map(|(cpu, _)| cpu), Some(pid), Some(comm));
    }
}

/// KASAN: `Read of size 8 at addr ffff… by task a name/7`.
pub fn accessor(context: &mut Context<'_>, text: &str) {
    if let Some((comm, pid)) = text
        .split_once(" by task ")
        .filter(|(head, _)| head.starts_with("Read ") || head.starts_with("Write "))
        .and_then(|(_, task)| task.rsplit_once('/'))
        && let Some((pid, rest)) = number(pid)
        && rest.trim().is_empty()
    {
        context.task(None, Some(pid), Some(comm));
    }
}

/// kmemleak: `comm "a name", pid 7, jiffies …`.
pub fn leaker(context: &mut Context<'_>, text: &str) {
    if let Some((comm, rest)) = text
        .strip_prefix("comm \"")
        .and_then(|rest| rest.rsplit_once("\", pid "))
        && let Some((pid, _)) = number(rest)
    {
        context.task(None, Some(pid), Some(comm));
    }
}

/// The decimal number at the head of `text`, and what follows.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (head, rest) = text.split_at_checked(digits)?;
    Some((head.parse().ok()?, rest))
}
