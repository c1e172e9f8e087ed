//! What stands before the message of a line: stamps, hosts, levels, callers.
//!
//! Every form is recognised from the left, and forms nest: a syslog line may
//! carry the kernel's own stamp behind `kernel:`. What is not recognised is
//! the message.

use base::Stamp;

/// Who printed a line, as far as the prefix tells; lines of different
/// callers are interleaved and must be kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The line has no prefix at all.
    Bare,
    /// The line has a prefix that does not name the caller.
    Console,
    /// A task, by its thread id (`[T123]`, `CONFIG_PRINTK_CALLER`).
    Task(u32),
    /// A CPU in interrupt context (`[C1]`).
    Cpu(u32),
}

/// A parsed prefix; borrows from the line.
#[derive(Clone, Copy, Debug)]
pub struct Prefix<'a> {
    /// Who printed the line.
    pub caller: Caller,
    /// Microseconds since boot, where stamped.
    pub uptime_us: Option<u64>,
    /// Date, as printed.
    pub date: Option<&'a [u8]>,
    /// Host, as printed.
    pub host: Option<&'a [u8]>,
    /// Whether a log daemon says that another program than the kernel wrote it.
    pub foreign: bool,
    /// The message.
    pub message: &'a [u8],
}

impl Prefix<'_> {
    /// The prefix as a fact.
    pub fn stamp(&self) -> Stamp {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Stamp {
            uptime_us: self.uptime_us,
            date: self.date.map(text),
            host: self.host.map(text),
            caller: match self.caller {
                Caller::Task(id) => Some(format!("T{id}")),
                Caller::Cpu(id) => Some(format!("C{id}")),
                Caller::Bare | Caller::Console => None,
            },
        }
    }
}

/// How many bytes at the start of a line may be a prefix.
const REACH: usize = 256;

/// Splits a line into prefix and message.
pub fn parse(line: &[u8]) -> Prefix<'_> {
    let mut prefix = Prefix {
        caller: Caller::Bare,
        uptime_us: None,
        date: None,
        host: None,
        foreign: false,
        message: line,
    };
    prefix.message = skip_terminal(prefix.message);
    if let Some(rest) = kmsg_record(prefix.message, &mut prefix.uptime_us) {
        prefix.caller = Caller::Console;
        prefix.message = rest;
        return prefix;
    }
    let unlevelled = skip_level(prefix.message);
    if unlevelled.len() != prefix.message.len() {
        // RFC 5424 has its version, 1, behind the level.
        let rest = unlevelled.strip_prefix(b"1 ");
        prefix.message = rest
            .filter(|rest| daemon_date(rest).is_some())
            .unwrap_or(unlevelled);
    }
    if let Some(rest) = daemon(&mut prefix) {
        prefix.caller = Caller::Console;
        prefix.message = skip_level(rest);
    }
    prefix.message = skip_noise(prefix.message);
    if let Some((uptime_us, rest)) = kernel_stamp(prefix.message) {
        prefix.caller = Caller::Console;
        prefix.uptime_us = Some(uptime_us);
        prefix.message = rest;
        if let Some((caller, rest)) = caller(prefix.message) {
            prefix.caller = caller;
            prefix.message = rest;
        }
        prefix.message = one_blank(prefix.message);
        prefix.message = vendor_caller(prefix.message);
        // `journalctl -o short-monotonic` names host and unit behind the stamp.
        if prefix.host.is_none() {
            unit(&mut prefix);
        }
    } else if let Some((date, rest)) = bracketed_date(prefix.message) {
        prefix.caller = Caller::Console;
        prefix.date = Some(date);
        prefix.message = rest;
        if let Some((caller, rest)) = caller(rest) {
            prefix.caller = caller;
            prefix.message = rest;
        }
        prefix.message = one_blank(prefix.message);
    }
    prefix
}

/// Skips carriage returns and escape sequences that consoles put before a line.
fn skip_terminal(mut line: &[u8]) -> &[u8] {
    while let Some((&byte, rest)) = line.split_first() {
        match byte {
            b'\r' | 0 => line = rest,
            0x1b => {
                let Some((b'[', parameters)) = rest.split_first() else {
                    return line;
                };
                let Some(end) = parameters.iter().position(|b| !(0x20..=0x3f).contains(b)) else {
                    return line;
                };
                line = parameters.get(end + 1..).unwrap_or_default();
            }
            _ => break,
        }
    }
    line
}

/// `<4>`: the level of `/proc/kmsg`, or RFC 5424's `<4>1 `.
fn skip_level(line: &[u8]) -> &[u8] {
    let Some(rest) = line.strip_prefix(b"<") else {
        return line;
    };
    let digits = count_digits(rest);
    if digits == 0 || digits > 3 {
        return line;
    }
    rest.get(digits..)
        .and_then(|rest| rest.strip_prefix(b">"))
        .unwrap_or(line)
}

/// `6,1234,5678901,-;message`: `/dev/kmsg` and extended netconsole
/// (Documentation/ABI/testing/dev-kmsg).
fn kmsg_record<'a>(line: &'a [u8], uptime_us: &mut Option<u64>) -> Option<&'a [u8]> {
    line.first().filter(|byte| byte.is_ascii_digit())?;
    let (_, rest) = number(line)?;
    let (_, rest) = number(rest.strip_prefix(b",")?)?;
    let (micros, rest) = number(rest.strip_prefix(b",")?)?;
    let rest = rest.strip_prefix(b",")?;
    let end = rest.iter().take(64).position(|&byte| byte == b';')?;
    *uptime_us = Some(micros);
    rest.get(end + 1..)
}

/// Noise that consoles print before a stamp on the same line.
fn skip_noise(line: &[u8]) -> &[u8] {
    // `** 34 printk messages dropped ** [   12.3] …`
    if let Some(rest) = line.strip_prefix(b"** ") {
        let head = rest.get(..REACH).unwrap_or(rest);
        if let Some(at) = memchr::memmem::find(head, b" messages dropped ** ") {
            return rest.get(at + 21..).unwrap_or_default();
        }
    }
    if line.first() == Some(&b'[') {
        return line;
    }
    // `host login: [   12.3] …`: the getty's prompt stood on the line.
    let head = line.get(..REACH).unwrap_or(line);
    if let Some(at) = memchr::memmem::rfind(head, b" login: ") {
        let rest = line.get(at + 8..).unwrap_or_default();
        let rest = skip_level(rest);
        if kernel_stamp(rest).is_some() {
            return rest;
        }
    }
    line
}

/// `[   12.345678]`, without the blank that follows; also with a clock of
/// nanoseconds or milliseconds, and `[   12.345678,0]` of some vendors.
fn kernel_stamp(line: &[u8]) -> Option<(u64, &[u8])> {
    let rest = line.strip_prefix(b"[")?;
    let blanks = rest.iter().take_while(|&&byte| byte == b' ').count();
    let rest = rest.get(blanks..)?;
    let (seconds, rest) = number(rest)?;
    let rest = rest.strip_prefix(b".")?;
    let digits = count_digits(rest);
    if digits == 0 || digits > 9 {
        return None;
    }
    let (mut fraction, rest) = number(rest)?;
    for _ in digits..6 {
        fraction *= 10;
    }
    for _ in 6..digits {
        fraction /= 10;
    }
    let rest = match rest.split_first()? {
        (b']', rest) => rest,
        (b',', rest) => {
            let rest = rest.get(count_digits(rest)..)?;
            rest.strip_prefix(b"]")?
        }
        _ => return None,
    };
    Some((
        seconds.saturating_mul(1_000_000).saturating_add(fraction),
        rest,
    ))
}

/// `[ T123]` or `[ C1]`, also both halves of `[T123@C1]` and `[ C1-T123]`.
fn caller(line: &[u8]) -> Option<(Caller, &[u8])> {
    let rest = line.strip_prefix(b"[")?;
    let blanks = rest.iter().take_while(|&&byte| byte == b' ').count();
    let rest = rest.get(blanks..)?;
    let (&kind, rest) = rest.split_first()?;
    let (id, rest) = number(rest)?;
    let id = u32::try_from(id).ok()?;
    let caller = match kind {
        b'T' => Caller::Task(id),
        b'C' => Caller::Cpu(id),
        _ => return None,
    };
    let end = rest.iter().take(16).position(|&byte| byte == b']')?;
    Some((caller, rest.get(end + 1..)?))
}

/// `[1:  swapper/0:   1] `: who printed it, on phones.
fn vendor_caller(line: &[u8]) -> &[u8] {
    let Some(rest) = line.strip_prefix(b"[") else {
        return line;
    };
    let Some(end) = rest.iter().take(40).position(|&byte| byte == b']') else {
        return line;
    };
    let inside = rest.get(..end).unwrap_or_default();
    let mut parts = inside.split(|&byte| byte == b':');
    let numeric = |part: Option<&[u8]>| {
        part.is_some_and(|part| {
            let part = part.trim_ascii();
            !part.is_empty() && part.iter().all(u8::is_ascii_digit)
        })
    };
    let first = numeric(parts.next());
    let comm = parts.next().is_some();
    if first && comm && numeric(parts.next()) && parts.next().is_none() {
        one_blank(rest.get(end + 1..).unwrap_or_default())
    } else {
        line
    }
}

/// `[Fri Nov 20 10:00:01 2026] `: `dmesg -T`; also `[2026-11-20T10:00:01Z] `
/// of console servers, behind which the kernel's stamp may follow.
fn bracketed_date(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(b"[")?;
    let end = rest.iter().take(48).position(|&byte| byte == b']')?;
    let date = rest.get(..end)?;
    let rest = rest.get(end + 1..)?;
    let dated = matches!(
        date,
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..]
    ) || memchr::memchr_iter(b':', date).count() == 2
        && memchr::memchr_iter(b' ', date).count() >= 3;
    dated.then_some((date, rest))
}

/// The head that a log daemon or console server writes: date, host, program.
fn daemon<'a>(prefix: &mut Prefix<'a>) -> Option<&'a [u8]> {
    let line = prefix.message;
    let date_len = daemon_date(line)?;
    let date = line.get(..date_len)?;
    let rest = line.get(date_len..)?;
    let rest = rest
        .strip_prefix(b" ")
        .or_else(|| rest.strip_prefix(b": "))?;
    // A console server stamps the line and nothing else.
    if kernel_stamp(skip_level(rest)).is_some() {
        prefix.date = Some(date);
        return Some(rest);
    }
    let mut words = rest.splitn(2, |&byte| byte == b' ');
    let host = words.next()?;
    let rest = words.next()?;
    if host.is_empty() || host.len() > 255 {
        return None;
    }
    let (program, rest) = program(rest)?;
    prefix.date = Some(date);
    prefix.host = Some(host);
    prefix.foreign = program != b"kernel";
    Some(rest)
}

/// `kernel: ` or `sshd[123]: `; RFC 5424 has `kernel - - - ` instead, and
/// busybox's syslogd puts `kern.err ` before it.
fn program(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_prefix(b"kern.").map_or(line, |rest| {
        let level = rest
            .iter()
            .take(8)
            .take_while(|byte| byte.is_ascii_lowercase())
            .count();
        rest.get(level..)
            .and_then(|rest| rest.strip_prefix(b" "))
            .unwrap_or(line)
    });
    let head = line.get(..80).unwrap_or(line);
    let end = head
        .iter()
        .position(|&byte| matches!(byte, b':' | b'[' | b' '))?;
    let name = line.get(..end)?;
    let name = name.strip_suffix(b"(kernel)").unwrap_or(name);
    let rest = line.get(end..)?;
    let rest = match rest.split_first()? {
        (b':', rest) => rest,
        (b'[', rest) => {
            let close = rest.iter().take(16).position(|&byte| byte == b']')?;
            rest.get(close + 1..)?.strip_prefix(b":")?
        }
        _ => rest
            .strip_prefix(b" - - - ")
            .or_else(|| rest.strip_prefix(b" - - "))?,
    };
    (!name.is_empty()).then_some((name, one_blank(rest)))
}

/// `host kernel: ` behind the stamp of `journalctl -o short-monotonic`.
fn unit(prefix: &mut Prefix<'_>) {
    let line = prefix.message;
    let Some(at) = memchr::memchr(b' ', line.get(..REACH).unwrap_or(line)) else {
        return;
    };
    if line
        .get(at..)
        .is_none_or(|rest| !rest.starts_with(b" kernel: "))
    {
        return;
    }
    let Some(host) = line.get(..at) else { return };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !host.is_empty() && host.iter().all(plain) {
        prefix.host = Some(host);
        prefix.message = line.get(at + 9..).unwrap_or_default();
    }
}

/// Length of a date at the start of the line: `Nov 20 10:00:01`, ISO 8601
/// with `T` or a blank, or seconds since the epoch with a fraction.
fn daemon_date(line: &[u8]) -> Option<usize> {
    match line.first()? {
        b'A'..=b'Z' => {
            // Mmm dd hh:mm:ss, optionally with a fraction (journald's short-precise).
            let head = line.get(..15)?;
            let month = head.get(..3)?;
            const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
            MONTHS.chunks(3).any(|name| name == month).then_some(())?;
            let clock = head.get(7..)?;
            (clock.get(2) == Some(&b':') && clock.get(5) == Some(&b':')).then_some(())?;
            Some(15 + fraction_len(line.get(15..)?))
        }
        b'0'..=b'9' => {
            let year = count_digits(line);
            if year == 4 && line.get(4) == Some(&b'-') {
                let clock = line.get(11..19)?;
                (clock.get(2) == Some(&b':') && clock.get(5) == Some(&b':')).then_some(())?;
                let mut len = 19 + fraction_len(line.get(19..)?);
                let zone = line.get(len..).unwrap_or_default();
                if zone.first() == Some(&b'Z') {
                    len += 1;
                } else if matches!(zone.first(), Some(b'+' | b'-')) {
                    len += zone
                        .iter()
                        .take(6)
                        .take_while(|&&byte| byte != b' ')
                        .count();
                }
                Some(len)
            } else if (9..=11).contains(&year) && line.get(year) == Some(&b'.') {
                Some(year + fraction_len(line.get(year..)?))
            } else {
                None
            }
        }
        _ => None,
    }
}

fn fraction_len(line: &[u8]) -> usize {
    match line.split_first() {
        Some((b'.' | b',', digits)) => 1 + count_digits(digits),
        _ => 0,
    }
}

fn count_digits(line: &[u8]) -> usize {
    line.iter()
        .take(20)
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

/// A decimal number of at most 19 digits, and what follows it.
fn number(line: &[u8]) -> Option<(u64, &[u8])> {
    let digits = count_digits(line);
    if digits == 0 || digits > 19 {
        return None;
    }
    let value = line.get(..digits)?.iter().fold(0u64, |value, byte| {
        value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'))
    });
    Some((value, line.get(digits..)?))
}

fn one_blank(line: &[u8]) -> &[u8] {
    line.strip_prefix(b" ").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line, caller, microseconds, host, message.
    type Row = (
        &'static str,
        Caller,
        Option<u64>,
        Option<&'static str>,
        &'static str,
    );

    const ROWS: &[Row] = &[
        (
            "[   12.345678] BUG: x",
            Caller::Console,
            Some(12_345_678),
            None,
            "BUG: x",
        ),
        (
            "[ 12.3][ T123] a",
            Caller::Task(123),
            Some(12_300_000),
            None,
            "a",
        ),
        (
            "[   12.345678][    C1]  a",
            Caller::Cpu(1),
            Some(12_345_678),
            None,
            " a",
        ),
        (
            "<4>[   12.345678] a",
            Caller::Console,
            Some(12_345_678),
            None,
            "a",
        ),
        (
            "\r\x1b[0m[    1.000000] a",
            Caller::Console,
            Some(1_000_000),
            None,
            "a",
        ),
        (
            "[Fri Nov 20 10:00:01 2026] a",
            Caller::Console,
            None,
            None,
            "a",
        ),
        (
            "Nov 20 10:00:01 box kernel: [    2.000001] a",
            Caller::Console,
            Some(2_000_001),
            Some("box"),
            "a",
        ),
        (
            "Nov 20 10:00:01.123456 box kernel: a",
            Caller::Console,
            None,
            Some("box"),
            "a",
        ),
        (
            "2026-11-20T10:00:01+0100 box kernel[0]: a",
            Caller::Console,
            None,
            Some("box"),
            "a",
        ),
        (
            "2026-11-20T10:00:01.123456+01:00 box kernel: a",
            Caller::Console,
            None,
            Some("box"),
            "a",
        ),
        (
            "[   12.345678] box kernel: a",
            Caller::Console,
            Some(12_345_678),
            Some("box"),
            "a",
        ),
        (
            "<4>1 2026-11-20T10:00:01Z box kernel - - - a",
            Caller::Console,
            None,
            Some("box"),
            "a",
        ),
        (
            "6,1234,5678901,-;a",
            Caller::Console,
            Some(5_678_901),
            None,
            "a",
        ),
        ("4,1,2,-,ncfrag=0/33;a", Caller::Console, Some(2), None, "a"),
        (
            "box login: [    3.000000] a",
            Caller::Console,
            Some(3_000_000),
            None,
            "a",
        ),
        (
            "** 34 printk messages dropped ** [    3.000000] a",
            Caller::Console,
            Some(3_000_000),
            None,
            "a",
        ),
        (
            "2026-11-20 10:00:01 [    3.000000] a",
            Caller::Console,
            Some(3_000_000),
            None,
            "a",
        ),
        (
            "[    1.055608] [1:  swapper/0:   1] a",
            Caller::Console,
            Some(1_055_608),
            None,
            "a",
        ),
        ("BUG: plain", Caller::Bare, None, None, "BUG: plain"),
        (
            "[<ffffffff81000000>] f+0x1/0x2",
            Caller::Bare,
            None,
            None,
            "[<ffffffff81000000>] f+0x1/0x2",
        ),
        ("", Caller::Bare, None, None, ""),
    ];

    #[test]
    fn every_form_of_prefix_is_taken_off() {
        for &(line, caller, uptime_us, host, message) in ROWS {
            let prefix = parse(line.as_bytes());
            assert_eq!(prefix.caller, caller, "{line}");
            assert_eq!(prefix.uptime_us, uptime_us, "{line}");
            assert_eq!(prefix.host, host.map(str::as_bytes), "{line}");
            assert_eq!(String::from_utf8_lossy(prefix.message), message, "{line}");
        }
    }

    #[test]
    fn a_daemon_names_other_programs() {
        assert!(parse(b"Nov 20 10:00:01 box sshd[12]: panic: x").foreign);
        assert!(!parse(b"Nov 20 10:00:01 box kernel: panic: x").foreign);
    }

    #[test]
    fn any_cut_of_a_prefix_is_harmless() {
        for (line, ..) in ROWS {
            for end in 0..line.len() {
                parse(&line.as_bytes()[..end]);
            }
        }
    }
}
