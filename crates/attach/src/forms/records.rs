//! Records of `/dev/kmsg`, saved, or of netconsole's extended form, captured:
//! brought back into order, long ones put together from their fragments.
//!
//! UDP reorders and loses. A record waits for the ones before it, but only
//! while fewer than [`WINDOW`] wait: what has not come by then is counted as
//! missing. A sequence number far below the others is another boot.

use std::collections::BTreeMap;

use base::Gap;

use super::record::{Record, write_message};
use super::{Entry, Form};

pub(super) static ENTRY: Entry = Entry {
    name: "records of /dev/kmsg or netconsole",
    sniff,
    begin: || Box::new(Records::default()),
};

/// Records that may wait for earlier ones.
const WINDOW: usize = 64;

/// Records of a capture, or of a boot, among which the first one is looked for.
const BEGINNING: usize = 8;

/// Bytes that one record may grow to by fragments and continuation lines.
const LARGEST: usize = 64 << 10;

fn sniff(lines: &[&[u8]]) -> bool {
    let records = lines
        .iter()
        .filter(|line| Record::parse(line).is_some())
        .count();
    // Lines that begin with a blank belong to the record above them.
    let belonging = lines.iter().filter(|line| line.starts_with(b" ")).count();
    records > 0 && (records + belonging) * 3 >= lines.len() * 2
}

#[derive(Default)]
struct Records {
    waiting: BTreeMap<u64, Held>,
    /// The sequence number that comes next, once one is known.
    next: Option<u64>,
    /// The record that lines without a header belong to.
    last: Option<u64>,
    /// A line was written whose end is held back, since a record may continue it.
    open: bool,
    missing: u64,
    incomplete: u64,
}

/// A record that waits for its turn or its other fragments.
struct Held {
    prefix: Vec<u8>,
    continues: bool,
    /// Length of the whole and the fragments by offset; a record that came
    /// whole is its only fragment.
    whole: Option<usize>,
    parts: BTreeMap<usize, Vec<u8>>,
    size: usize,
    /// Foreign lines that stand behind it, as they are.
    after: Vec<u8>,
}

impl Held {
    fn add(&mut self, offset: usize, part: &[u8]) {
        if self.size + part.len() <= LARGEST {
            self.size += part.len();
            self.parts.insert(offset, part.to_vec());
        }
    }

    fn complete(&self) -> bool {
        // The length counts the line end, which a capture may have taken off.
        self.whole.is_none_or(|whole| self.size + 1 >= whole)
    }
}

impl Form for Records {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let mut rest = line.strip_suffix(b"\r").unwrap_or(line);
        // Fragments carry no line end of their own: a capture of the packets
        // has several on one line, each with the same header but for its place.
        while let Some(record) = Record::parse(rest) {
            let cut = record.fragment.and_then(|_| find_sibling(&record));
            let (message, after) = match cut {
                Some(at) => record
                    .message
                    .split_at_checked(at)
                    .unwrap_or((record.message, &[])),
                None => (record.message, &[][..]),
            };
            self.record(&record, message, out);
            if after.is_empty() {
                return;
            }
            rest = after;
        }
        self.other(rest, out);
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        self.release_all(out);
        self.close(out);
    }

    fn end(&mut self, out: &mut Vec<u8>, gaps: &mut Vec<Gap>) {
        self.flush(out);
        if self.missing > 0 {
            gaps.push(Gap::new(
                format!("{} records of the kernel's log", self.missing),
                "their sequence numbers do not occur in the capture: they were lost on the way, or \
                 their level was below the console's",
            ));
        }
        if self.incomplete > 0 {
            gaps.push(Gap::new(
                format!("parts of {} long records", self.incomplete),
                "not all of their fragments are in the capture",
            ));
        }
    }
}

impl Records {
    fn record(&mut self, record: &Record<'_>, message: &[u8], out: &mut Vec<u8>) {
        let offset = record.fragment.map_or(0, |(offset, _)| offset);
        self.last = Some(record.seq);
        if let Some(held) = self.waiting.get_mut(&record.seq) {
            held.add(offset, message);
            self.release(out);
            return;
        }
        let mut held = Held {
            prefix: Vec::new(),
            continues: record.continues,
            whole: record.fragment.map(|(_, whole)| whole),
            parts: BTreeMap::new(),
            size: 0,
            after: Vec::new(),
        };
        record.write_prefix(&mut held.prefix);
        held.add(offset, message);
        let first = self.waiting.keys().next().copied();
        match self.next.or(first) {
            Some(next) if record.seq.saturating_add(WINDOW as u64) < next => {
                self.release_all(out);
                self.next = None;
            }
            Some(next) if record.seq < next && self.next.is_some() => {
                // Too late for its place: better here than nowhere.
                self.missing = self.missing.saturating_sub(1);
                self.write(&held, out);
                return;
            }
            _ => {}
        }
        self.waiting.insert(record.seq, held);
        self.release(out);
    }

    /// A line without a header: the kernel's `KEY=value` below a record, which
    /// is dropped, or foreign text, which stays behind the record before it.
    fn other(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let is_property = line.strip_prefix(b" ").is_some_and(|text| {
            let name = text.split(|&byte| byte == b'=').next().unwrap_or_default();
            name.len() < text.len()
                && !name.is_empty()
                && name
                    .iter()
                    .all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
        });
        if is_property {
            return;
        }
        let held = self.last.and_then(|last| self.waiting.get_mut(&last));
        match held {
            Some(held) if held.after.len() + line.len() < LARGEST => {
                held.after.push(b'\n');
                held.after.extend_from_slice(line);
            }
            _ => {
                self.close(out);
                out.extend_from_slice(line);
                out.push(b'\n');
            }
        }
    }

    /// Gives what is next, and what has waited long enough.
    fn release(&mut self, out: &mut Vec<u8>) {
        if self.next.is_none() {
            // The first packet of a capture may have overtaken others, too.
            if self.waiting.len() < BEGINNING {
                return;
            }
            self.next = self.waiting.keys().next().copied();
        }
        while let Some(first) = self.waiting.first_entry() {
            let due = self.next == Some(*first.key()) && first.get().complete();
            if !due && self.waiting.len() <= WINDOW {
                return;
            }
            self.release_first(out);
        }
    }

    fn release_all(&mut self, out: &mut Vec<u8>) {
        while !self.waiting.is_empty() {
            self.release_first(out);
        }
    }

    fn release_first(&mut self, out: &mut Vec<u8>) {
        if let Some((seq, held)) = self.waiting.pop_first() {
            let skipped = self.next.map_or(0, |next| seq.saturating_sub(next));
            self.missing = self.missing.saturating_add(skipped);
            self.next = Some(seq.saturating_add(1));
            self.write(&held, out);
        }
    }

    fn write(&mut self, held: &Held, out: &mut Vec<u8>) {
        if !held.complete() {
            self.incomplete += 1;
        }
        if !held.continues {
            self.close(out);
        }
        if !self.open {
            out.extend_from_slice(&held.prefix);
        }
        self.open = true;
        for part in held.parts.values() {
            write_message(part, &held.prefix, out);
        }
        out.extend_from_slice(&held.after);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open {
            out.push(b'\n');
            self.open = false;
        }
    }
}

/// Where in its message the next fragment of the same record begins.
fn find_sibling(record: &Record<'_>) -> Option<usize> {
    let place = b"ncfrag=";
    let end = record
        .header
        .windows(place.len())
        .position(|word| word == place)?;
    let same = record.header.get(..end + place.len())?;
    record
        .message
        .windows(same.len())
        .position(|window| window == same)
}

#[cfg(test)]
mod tests {
    use super::super::reform;

    fn text(input: &str) -> String {
        let (form, text, _) = reform(input.as_bytes());
        assert!(form.is_some(), "{input:?}");
        text
    }

    #[test]
    fn a_saved_kmsg_is_read() {
        let input = "6,339,5140900,-;NET: Registered protocol family 10\n\
                     30,340,5690716,-;udevd[80]: starting version 181\n\
                     6,341,5690800,-;pci 0000:00:1f.2: hello\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.2\n";
        assert_eq!(
            text(input),
            "<6>[    5.140900] NET: Registered protocol family 10\n\
             <30>[    5.690716] udevd[80]: starting version 181\n\
             <6>[    5.690800] pci 0000:00:1f.2: hello\n"
        );
    }

    #[test]
    fn packets_come_back_into_order() {
        let (_, text, gaps) = reform(b"6,10,10,-;a\n6,12,12,-;c\n6,11,11,-;b\n6,13,13,-;d\n");
        let letters: String = text
            .lines()
            .filter_map(|line| line.chars().last())
            .collect();
        assert_eq!(letters, "abcd");
        assert_eq!(gaps, []);
    }

    #[test]
    fn missing_packets_are_counted_and_hold_nothing_up_for_long() {
        let mut input = "6,1,1,-;first\n".to_owned();
        for seq in 5..500 {
            input += &format!("6,{seq},{seq},-;m{seq}\n");
        }
        let (_, text, gaps) = reform(input.as_bytes());
        assert_eq!(text.lines().count(), 496);
        assert!(gaps[0].what.starts_with("3 records"), "{}", gaps[0].what);
    }

    #[test]
    fn fragments_are_put_together_in_any_order_and_on_one_line() {
        let whole = "<6>[    1.758426] the first chunk,the 2nd chunk.\n";
        let first = "6,416,1758426,-,ncfrag=0/31;the first chunk,";
        let second = "6,416,1758426,-,ncfrag=16/31;the 2nd chunk.";
        assert_eq!(text(&format!("{first}\n{second}\n")), whole);
        assert_eq!(text(&format!("{first}{second}\n")), whole);
        assert_eq!(text(&format!("{second}\n{first}\n")), whole);
        let (_, _, gaps) = reform(format!("{first}\n6,417,1758427,-;next\n").as_bytes());
        assert!(gaps[0].what.contains("1 long record"), "{}", gaps[0].what);
    }

    #[test]
    fn a_second_boot_begins_again() {
        let input = "6,9000,900,-;old\n6,9001,901,-;end\n6,0,0,-;new\n6,1,1,-;boot\n";
        let (_, text, gaps) = reform(input.as_bytes());
        let words: Vec<_> = text
            .lines()
            .filter_map(|line| line.split(' ').next_back())
            .collect();
        assert_eq!(words, ["old", "end", "new", "boot"]);
        assert_eq!(gaps, []);
    }

    #[test]
    fn a_continued_record_is_one_line() {
        assert_eq!(
            text("6,1,1000000,c;Modules linked\n6,2,1000001,+; in: a b\n6,3,1000002,-;next\n"),
            "<6>[    1.000000] Modules linked in: a b\n<6>[    1.000002] next\n"
        );
    }

    #[test]
    fn foreign_lines_keep_their_place() {
        assert_eq!(
            text("6,1,1000000,-;a\nlogger restarted\n6,2,2000000,-;b\n"),
            "<6>[    1.000000] a\nlogger restarted\n<6>[    2.000000] b\n"
        );
    }
}
