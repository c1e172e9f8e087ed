//! One record of the kernel's log as `/dev/kmsg` and netconsole's extended
//! form carry it: `prio,seq,usec,flags[,key=value …];message`.

/// A record, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// Facility and level, as in `<6>`.
    pub prio: u32,
    /// Counts the records since boot.
    pub seq: u64,
    /// Microseconds since boot.
    pub usec: u64,
    /// Whether it continues the record before it (kernels before 4.10).
    pub continues: bool,
    /// Who printed it, where the kernel tells (`T12`, `C0`).
    pub caller: Option<&'a str>,
    /// Which part of a longer record this is: offset and length of the whole.
    pub fragment: Option<(usize, usize)>,
    /// The bytes before the message.
    pub header: &'a [u8],
    /// The message, escaped as the kernel escapes it.
    pub message: &'a [u8],
}

/// The longest header that is looked for.
const HEADER: usize = 256;

impl<'a> Record<'a> {
    /// Takes a record apart; `None` for any other line.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Record<'a>> {
        // Headers begin with a digit: most other lines end here.
        if !line.first()?.is_ascii_digit() {
            return None;
        }
        let end = line.iter().take(HEADER).position(|&byte| byte == b';')?;
        let header = std::str::from_utf8(line.get(..end)?).ok()?;
        let mut fields = header.split(',').peekable();
        // netconsole may be told to put the kernel's release in front.
        if fields.peek()?.contains('.') {
            fields.next();
        }
        let prio = fields.next()?.parse().ok()?;
        let seq = fields.next()?.parse().ok()?;
        let usec = fields.next()?.parse().ok()?;
        let flags = fields.next()?;
        if !matches!(flags, "-" | "c" | "+") {
            return None;
        }
        let mut record = Record {
            prio,
            seq,
            usec,
            continues: flags == "+",
            caller: None,
            fragment: None,
            header: line.get(..=end)?,
            message: line.get(end + 1..)?,
        };
        for field in fields {
            match field.split_once('=')? {
                ("caller", who) => record.caller = Some(who),
                ("ncfrag", place) => {
                    let (offset, whole) = place.split_once('/')?;
                    record.fragment = Some((offset.parse().ok()?, whole.parse().ok()?));
                }
                _ => {}
            }
        }
        Some(record)
    }

    /// Writes the prefix that the kernel would print.
    pub(crate) fn write_prefix(&self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        let (seconds, micros) = (self.usec / 1_000_000, self.usec % 1_000_000);
        // Writing to a vector cannot fail.
        let _ = write!(out, "<{}>[{seconds:5}.{micros:06}]", self.prio);
        if let Some(caller) = self.caller {
            let _ = write!(out, "[{caller:>6}]");
        }
        out.push(b' ');
    }
}

/// Writes the lines of a message, undoing the kernel's `\xNN`; `prefix` is
/// repeated before each line after the first, as the kernel does on a console.
pub(crate) fn write_message(message: &[u8], prefix: &[u8], out: &mut Vec<u8>) {
    let mut rest = message;
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after) {
            (b'\\', [b'x', high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (byte, rest.get(1..).unwrap_or_default()),
            },
            _ => (byte, after),
        };
        out.push(byte);
        if byte == b'\n' && !after.is_empty() {
            out.extend_from_slice(prefix);
        }
        rest = after;
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<String> {
        let record = Record::parse(line.as_bytes())?;
        let (mut prefix, mut out) = (Vec::new(), Vec::new());
        record.write_prefix(&mut prefix);
        out.extend_from_slice(&prefix);
        write_message(record.message, &prefix, &mut out);
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_record_is_written_as_the_kernel_prints_it() {
        assert_eq!(
            shown("4,1234,5678901,-;BUG: unable").as_deref(),
            Some("<4>[    5.678901] BUG: unable")
        );
        assert_eq!(
            shown("6,1,123456000042,c,caller=T17;x").as_deref(),
            Some("<6>[123456.000042][   T17] x")
        );
        assert_eq!(
            shown("6.4.0-rc1,13,5,7,-;with a release").as_deref(),
            Some("<13>[    0.000007] with a release")
        );
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(
            shown(r"6,1,0,-;a\x09b\x0ac \x5c \xzz \x4").as_deref(),
            Some("<6>[    0.000000] a\tb\n<6>[    0.000000] c \\ \\xzz \\x4")
        );
    }

    #[test]
    fn other_lines_are_no_records() {
        for line in [
            "",
            ";",
            "6;",
            "6,1,2;x",
            "6,1,2,-",
            "a,1,2,-;x",
            "6,1,2,x;y",
            "6,1,2,-,odd;y",
        ] {
            assert_eq!(Record::parse(line.as_bytes()), None, "{line:?}");
        }
        assert_eq!(Record::parse(b"99999999999999999999,1,2,-;x"), None);
    }

    #[test]
    fn fragments_are_told() {
        let record = Record::parse(b"6,416,1758426,-,ncfrag=16/31;the 2nd chunk.").unwrap();
        assert_eq!(record.fragment, Some((16, 31)));
        assert_eq!(record.message, b"the 2nd chunk.");
    }
}
