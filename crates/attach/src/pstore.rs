//! The records of `pstore` (ramoops, EFI variables, ERST, NVRAM …), put together.
//!
//! At a crash the kernel writes the end of its log into firmware, in records
//! of a few kilobytes that begin with a line such as `Oops#1 Part3`. Part 1 is
//! the *end* of the log: a dump reads from its highest part down. Two dumps of
//! one boot (an oops, then the panic it led to) hold the same lines where they
//! overlap; those are given once.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base::Gap;

use crate::escape;

/// Which records belong to one store, and in which order they were written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordName {
    /// The back end that wrote it (`ramoops`, `efi`, `erst`).
    pub backend: String,
    /// Its number: an index, or a number that contains the time.
    pub id: u64,
    /// Whether the kernel could not undo its own compression.
    pub encoded: bool,
}

impl RecordName {
    /// Reads a file name such as `dmesg-efi-165467062701001.enc.z`.
    pub(crate) fn parse(name: &str) -> Option<RecordName> {
        let rest = name.strip_prefix("dmesg-")?;
        let (rest, encoded) = match rest.strip_suffix(".enc.z") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (backend, id) = rest.rsplit_once('-')?;
        let known = [
            "ramoops",
            "efi",
            "efi_pstore",
            "erst",
            "nvram",
            "pstore_blk",
            "pstore_zone",
        ];
        // Other names of this form (`dmesg-host-20240101`) are logs like any other.
        known.contains(&backend).then_some(())?;
        Some(RecordName {
            backend: backend.to_owned(),
            id: id.parse().ok()?,
            encoded,
        })
    }

    /// When it was written, as far as the number tells.
    fn time(&self) -> u64 {
        match self.backend.as_str() {
            // drivers/firmware/efi/efi-pstore.c: (time * 100 + part) * 1000 + count.
            "efi" | "efi_pstore" => self.id / 100_000,
            _ => self.id,
        }
    }
}

/// The first line of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Header {
    /// `Oops`, `Panic`, `Emergency`.
    why: String,
    /// Counts the dumps since boot.
    count: u32,
    part: u32,
}

impl Header {
    /// Splits a record into its header and its text.
    fn split(record: &[u8]) -> Option<(Header, &[u8])> {
        let end = record.iter().take(80).position(|&byte| byte == b'\n')?;
        let line = std::str::from_utf8(record.get(..end)?).ok()?;
        let (why, rest) = line.split_once('#')?;
        let (count, part) = rest.split_once(" Part")?;
        let header = Header {
            why: why.to_owned(),
            count: count.parse().ok()?,
            part: part.trim_end().parse().ok()?,
        };
        Some((header, record.get(end + 1..)?))
    }
}

/// Bytes that one record may expand to. Firmware holds less than a hundredth.
const RECORD: usize = 4 << 20;
/// Bytes that a whole store may expand to.
const STORE: usize = 32 << 20;

/// One dump: the parts that the kernel wrote at one moment.
struct Dump {
    first: usize,
    header: Header,
    parts: BTreeMap<u32, Vec<u8>>,
}

/// Puts records together; `read` gives a record's bytes or says why it cannot.
pub(crate) fn assemble(
    records: &[(RecordName, PathBuf)],
    mut read: impl FnMut(&Path) -> Result<Vec<u8>, String>,
) -> (Vec<u8>, Vec<Gap>) {
    let mut gaps = Vec::new();
    let mut dumps: Vec<Dump> = Vec::new();
    let mut loose = Vec::new();
    let mut total = 0;
    let mut order: Vec<&(RecordName, PathBuf)> = records.iter().collect();
    order.sort_by_key(|(name, _)| (name.time(), name.id));
    for (index, (name, path)) in order.into_iter().enumerate() {
        let shown = escape(path.as_os_str()).into_owned();
        let bytes = match read(path).and_then(|bytes| decode(name, bytes)) {
            Ok(bytes) => bytes,
            Err(why) => {
                gaps.push(Gap::new(format!("the record '{shown}'"), why));
                continue;
            }
        };
        total += bytes.len();
        if total > STORE {
            gaps.push(Gap::new(
                format!("the records from '{shown}' on"),
                format!("together they are larger than {} MiB", STORE >> 20),
            ));
            break;
        }
        match Header::split(&bytes) {
            Some((header, text)) => {
                let text = with_line_end(text);
                let dump = dumps.iter_mut().rev().find(|dump| {
                    dump.header.why == header.why && dump.header.count == header.count
                });
                match dump {
                    Some(dump) if !dump.parts.contains_key(&header.part) => {
                        dump.parts.insert(header.part, text);
                    }
                    // The same part again: another boot began to count anew.
                    _ => dumps.push(Dump {
                        first: index,
                        parts: BTreeMap::from([(header.part, text)]),
                        header,
                    }),
                }
            }
            None => loose.push(with_line_end(&bytes)),
        }
    }
    (join(dumps, loose, records, &mut gaps), gaps)
}

fn join(
    mut dumps: Vec<Dump>,
    loose: Vec<Vec<u8>>,
    records: &[(RecordName, PathBuf)],
    gaps: &mut Vec<Gap>,
) -> Vec<u8> {
    // A ring of slots says nothing about time; the count of dumps does.
    let timed = records
        .iter()
        .all(|(name, _)| matches!(name.backend.as_str(), "efi" | "efi_pstore" | "erst"));
    if !timed {
        dumps.sort_by_key(|dump| (dump.header.count, dump.first));
    }
    let mut log = Vec::new();
    let mut before: Option<Vec<u8>> = None;
    for dump in dumps {
        let highest = dump.parts.keys().last().copied().unwrap_or(0);
        let missing: Vec<String> = (1..highest)
            .take(1000)
            .filter(|part| !dump.parts.contains_key(part))
            .map(|part| part.to_string())
            .collect();
        if !missing.is_empty() {
            let Header { why, count, .. } = &dump.header;
            gaps.push(
                Gap::new(
                    format!("part {} of the dump {why}#{count}", missing.join(", ")),
                    "no record holds it",
                )
                .supply("all files of the pstore folder"),
            );
        }
        let text: Vec<u8> = dump.parts.into_values().rev().flatten().collect();
        if let Some(earlier) = before.take() {
            log.extend_from_slice(without_overlap(&earlier, &text));
        }
        before = Some(text);
    }
    log.extend(before.into_iter().flatten());
    log.extend(loose.into_iter().flatten());
    log
}

/// The beginning of `earlier` that `later` does not repeat.
fn without_overlap<'a>(earlier: &'a [u8], later: &[u8]) -> &'a [u8] {
    // The first line of a dump may be cut: then the second identifies the place.
    let mut rest = later;
    for line in later.split_inclusive(|&byte| byte == b'\n').take(2) {
        let mut at = 0;
        for candidate in earlier.split_inclusive(|&byte| byte == b'\n') {
            let tail = earlier.get(at..).unwrap_or_default();
            // Short lines are alike by chance.
            if candidate == line && line.len() >= 8 && rest.starts_with(tail) {
                return earlier.get(..at).unwrap_or(earlier);
            }
            at += candidate.len();
        }
        rest = rest.get(line.len()..).unwrap_or_default();
    }
    earlier
}

fn with_line_end(text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    if text.last().is_some_and(|&byte| byte != b'\n') {
        text.push(b'\n');
    }
    text
}

/// Undoes the kernel's compression of a record that it could not undo itself.
fn decode(name: &RecordName, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !name.encoded {
        return Ok(bytes);
    }
    // fs/pstore/platform.c: raw deflate; older kernels put zlib's header before it.
    // Bytes follow the stream where the back end rounds sizes up.
    let zlib = inflate(flate2::bufread::ZlibDecoder::new(bytes.as_slice()));
    let plain = zlib.filter(|text| is_text(text)).or_else(|| {
        inflate(flate2::bufread::DeflateDecoder::new(bytes.as_slice())).filter(|text| is_text(text))
    });
    plain.ok_or_else(|| {
        "it is compressed by the kernel in a way that is not undone here (not deflate), or damaged"
            .to_owned()
    })
}

fn inflate(decoder: impl std::io::Read) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let end = decoder.take(RECORD as u64).read_to_end(&mut text);
    (end.is_ok() || !text.is_empty()).then_some(text)
}

fn is_text(bytes: &[u8]) -> bool {
    let odd = bytes.iter().filter(|&&byte| byte < 9).count();
    !bytes.is_empty() && odd * 10 < bytes.len()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn assemble_named(files: &[(&str, &[u8])]) -> (String, Vec<Gap>) {
        let records: Vec<_> = files
            .iter()
            .map(|(name, _)| (RecordName::parse(name).unwrap(), PathBuf::from(name)))
            .collect();
        let (log, gaps) = assemble(&records, |path| {
            let (_, bytes) = files
                .iter()
                .find(|(name, _)| path == Path::new(name))
                .unwrap();
            Ok(bytes.to_vec())
        });
        (String::from_utf8(log).unwrap(), gaps)
    }

    #[test]
    fn names_are_told_from_other_logs() {
        let name = RecordName::parse("dmesg-efi-165467062701001.enc.z").unwrap();
        assert_eq!((name.backend.as_str(), name.encoded), ("efi", true));
        assert_eq!(name.time(), 1_654_670_627);
        assert!(RecordName::parse("dmesg-ramoops-0").is_some());
        assert!(RecordName::parse("console-ramoops-0").is_none());
        assert!(RecordName::parse("dmesg-server3-20240101").is_none());
        assert!(RecordName::parse("dmesg-efi-x").is_none());
    }

    #[test]
    fn part_one_is_the_end() {
        let (log, gaps) = assemble_named(&[
            ("dmesg-efi-165467062701001", b"Oops#1 Part1\nc\n"),
            ("dmesg-efi-165467062702001", b"Oops#1 Part2\nb\n"),
            ("dmesg-efi-165467062703001", b"Oops#1 Part3\na\n"),
        ]);
        assert_eq!((log.as_str(), gaps), ("a\nb\nc\n", vec![]));
    }

    #[test]
    fn two_dumps_and_two_boots_keep_their_order() {
        let (log, gaps) = assemble_named(&[
            ("dmesg-efi-100000000002001", b"Oops#1 Part2\na\n"),
            ("dmesg-efi-100000000001001", b"Oops#1 Part1\nb\n"),
            ("dmesg-efi-100000000002002", b"Panic#2 Part2\nc\n"),
            ("dmesg-efi-100000000001002", b"Panic#2 Part1\nd\n"),
            ("dmesg-efi-200000000001001", b"Oops#1 Part1\nf\n"),
            ("dmesg-efi-200000000002001", b"Oops#1 Part2\ne\n"),
        ]);
        assert_eq!((log.as_str(), gaps), ("a\nb\nc\nd\ne\nf\n", vec![]));
    }

    #[test]
    fn a_ring_is_ordered_by_the_count_and_its_overlap_given_once() {
        let (log, _) = assemble_named(&[
            (
                "dmesg-ramoops-0",
                b"Panic#2 Part1\nt line 2\n[    3.0] line 3\n[    4.0] oops\n[    5.0] panic\n",
            ),
            (
                "dmesg-ramoops-1",
                b"Oops#1 Part1\n[    1.0] line 1\n[    2.0] line 2\n[    3.0] line 3\n[    4.0] oops\n",
            ),
        ]);
        assert_eq!(
            log,
            "[    1.0] line 1\n[    2.0] line 2\nt line 2\n[    3.0] line 3\n[    4.0] oops\n[    5.0] panic\n"
        );
    }

    #[test]
    fn missing_parts_are_named() {
        let (log, gaps) =
            assemble_named(&[("dmesg-erst-7000000000000000003", b"Panic#1 Part3\na\n")]);
        assert_eq!(log, "a\n");
        assert_eq!(gaps[0].what, "part 1, 2 of the dump Panic#1");
    }

    #[test]
    fn what_the_kernel_left_compressed_is_undone() {
        let text = b"Oops#1 Part1\n[    1.0] hello\n";
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(text).unwrap();
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        raw.write_all(text).unwrap();
        for mut encoded in [zlib.finish().unwrap(), raw.finish().unwrap()] {
            encoded.extend_from_slice(&[0; 7]);
            let (log, gaps) = assemble_named(&[("dmesg-ramoops-0.enc.z", &encoded)]);
            assert_eq!((log.as_str(), gaps), ("[    1.0] hello\n", vec![]));
        }
        let (log, gaps) = assemble_named(&[("dmesg-ramoops-0.enc.z", &[0x55; 40])]);
        assert_eq!((log.as_str(), gaps.len()), ("", 1));
    }
}
