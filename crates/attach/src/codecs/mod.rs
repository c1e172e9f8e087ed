//! Compression, decided by magic and undone while streaming.
//!
//! Memory stays bounded whatever the stream expands to: decoded bytes are
//! handed on block by block. A stream that is cut or damaged gives what could
//! be decoded and a gap.

use std::io::{self, Read};

use base::Gap;

use crate::stream::{Peeked, Pull, read_some};
use crate::{Error, escape};

/// One way of compressing.
pub(crate) struct Entry {
    /// Its name, as people say it.
    name: &'static str,
    /// Whether a stream with these first bytes is compressed so.
    magic: fn(&[u8]) -> bool,
    decode: Decode,
}

enum Decode {
    /// Opens a decoder over the compressed bytes, reading all its members.
    With(fn(Compressed) -> io::Result<Box<dyn Read + Send>>),
    /// Known, and not read: the command that decompresses it.
    Not(&'static str),
}

base::registry! {
    static CODECS: [Entry] = [gzip, xz, zstd, bzip2, lz4, utf16];
}

/// How many times a stream may be compressed over itself.
const LAYERS: usize = 3;

/// Undoes what compression there is around `stream`.
pub(crate) fn decompress(
    mut stream: Peeked,
    name: &std::path::Path,
) -> Result<(Peeked, Vec<&'static str>), Error> {
    let mut undone = Vec::new();
    while let Some(codec) = CODECS.iter().find(|codec| (codec.magic)(stream.head())) {
        if undone.len() == LAYERS {
            return Err(Error::new(
                "read",
                name,
                format!("it is compressed more than {LAYERS} times over"),
            )
            .next("decompress it first"));
        }
        let open = match codec.decode {
            Decode::With(open) => open,
            Decode::Not(command) => {
                return Err(Error::new(
                    "read",
                    name,
                    format!(
                        "it is compressed with {}, which is not undone here",
                        codec.name
                    ),
                )
                .next(format!(
                    "decompress it first: {command} < '{}' | why -",
                    escape(name.as_os_str())
                )));
            }
        };
        undone.push(codec.name);
        let failure = Failure::default();
        let compressed = Compressed {
            stream: Box::new(stream),
            failure: failure.clone(),
        };
        let decoder = open(compressed).map_err(|error| Error::io("decompress", name, &error))?;
        let decoded = Decoded {
            decoder,
            codec: codec.name,
            decoded: 0,
            ended: false,
            failure,
            gaps: Vec::new(),
        };
        stream = Peeked::new(Box::new(decoded))?;
    }
    Ok((stream, undone))
}

/// What the source below a decoder reported: an error would lose its form
/// inside the decoder, and gaps are asked for after the decoder is done.
#[derive(Clone, Default)]
struct Failure(std::sync::Arc<std::sync::Mutex<(Option<Error>, Vec<Gap>)>>);

impl Failure {
    fn with<T>(&self, f: impl FnOnce(&mut (Option<Error>, Vec<Gap>)) -> T) -> T {
        // A panic while the lock was held is a defect; its data is still whole.
        f(&mut self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

/// The compressed bytes, in the form that decoders take.
pub(crate) struct Compressed {
    stream: Box<dyn Pull>,
    failure: Failure,
}

impl Read for Compressed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.stream.pull(buf) {
            Ok(0) => {
                self.failure.with(|(_, gaps)| self.stream.gaps(gaps));
                Ok(0)
            }
            Ok(n) => Ok(n),
            Err(error) => {
                let kept = io::Error::other(error.to_string());
                self.failure.with(|(first, _)| *first = Some(error));
                Err(kept)
            }
        }
    }
}

struct Decoded {
    decoder: Box<dyn Read + Send>,
    codec: &'static str,
    decoded: u64,
    ended: bool,
    failure: Failure,
    gaps: Vec<Gap>,
}

impl Pull for Decoded {
    fn pull(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        if self.ended || buf.is_empty() {
            return Ok(0);
        }
        match read_some(&mut self.decoder, buf) {
            Ok(0) => {
                self.ended = true;
                Ok(0)
            }
            Ok(n) => {
                self.decoded += n as u64;
                Ok(n)
            }
            Err(error) => {
                self.ended = true;
                if let Some(below) = self.failure.with(|(first, _)| first.take()) {
                    return Err(below);
                }
                self.gaps.push(self.gap(&error));
                Ok(0)
            }
        }
    }

    fn gaps(&mut self, into: &mut Vec<Gap>) {
        self.failure.with(|(_, below)| into.append(below));
        into.append(&mut self.gaps);
    }
}

impl Decoded {
    fn gap(&self, error: &io::Error) -> Gap {
        let why = match error.kind() {
            io::ErrorKind::UnexpectedEof => "is cut short".to_owned(),
            _ => format!("is damaged ({error})"),
        };
        Gap::new(
            format!("what follows the first {} bytes", self.decoded),
            format!("its {} stream {why}", self.codec),
        )
        .supply("a complete copy of the file")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use super::*;
    use crate::stream::{MemorySource, read_all};

    type Opened = (Vec<u8>, Vec<&'static str>, Vec<Gap>);

    fn open(bytes: Vec<u8>) -> Result<Opened, Error> {
        let source = Peeked::new(Box::new(MemorySource::new(bytes, Vec::new()))).unwrap();
        let (mut stream, undone) = decompress(source, Path::new("x"))?;
        let (text, _) = read_all(&mut stream, usize::MAX)?;
        let mut gaps = Vec::new();
        stream.gaps(&mut gaps);
        Ok((text, undone, gaps))
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn xz(text: &[u8]) -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        ::zstd::encode_all(text, 1).unwrap()
    }

    fn sample() -> Vec<u8> {
        (0..20_000u32)
            .flat_map(|n| {
                format!("[{n:5}.{:06}] line {}\n", n * 37 % 999_983, n * n % 977).into_bytes()
            })
            .collect()
    }

    #[test]
    fn every_codec_reads_all_its_members() {
        let (a, b) = (sample(), b"second member\n".to_vec());
        let both: Vec<u8> = [a.clone(), b.clone()].concat();
        for (name, encode) in [
            ("gzip", gzip as fn(&[u8]) -> Vec<u8>),
            ("xz", xz),
            ("zstd", zstd),
        ] {
            let (text, undone, gaps) = open([encode(&a), encode(&b)].concat()).unwrap();
            assert_eq!(undone, [name]);
            assert!(text == both, "{name} lost text");
            assert_eq!(gaps, []);
        }
    }

    #[test]
    fn a_cut_stream_gives_what_it_holds_and_a_gap() {
        let text = sample();
        for (name, encoded) in [
            ("gzip", gzip(&text)),
            ("xz", xz(&text)),
            ("zstd", zstd(&text)),
        ] {
            for keep in [8, encoded.len() / 2, encoded.len() - 1] {
                let (read, undone, gaps) = open(encoded[..keep].to_vec()).unwrap();
                assert_eq!(undone, [name]);
                assert!(text.starts_with(&read), "{name} cut at {keep}");
                assert_eq!(gaps.len(), 1, "{name} cut at {keep}");
                assert!(gaps[0].why.contains("cut short"), "{name}: {}", gaps[0].why);
            }
        }
    }

    #[test]
    fn a_damaged_stream_gives_what_it_holds_and_a_gap() {
        let text = sample();
        for encoded in [gzip(&text), xz(&text), zstd(&text)] {
            let mut damaged = encoded.clone();
            let middle = damaged.len() / 2;
            damaged[middle..].iter_mut().for_each(|byte| *byte = !*byte);
            let (_, _, gaps) = open(damaged).unwrap();
            assert!(gaps[0].why.contains("damaged"), "{}", gaps[0].why);
        }
    }

    #[test]
    fn utf16_is_read_in_both_orders() {
        let text = "[    1.0] Grüße 🐧\r\n";
        let units = || text.encode_utf16();
        let little = [0xff, 0xfe]
            .into_iter()
            .chain(units().flat_map(u16::to_le_bytes));
        let big = [0xfe, 0xff]
            .into_iter()
            .chain(units().flat_map(u16::to_be_bytes));
        for encoded in [little.collect::<Vec<u8>>(), big.collect()] {
            let (read, undone, _) = open(encoded).unwrap();
            assert_eq!(undone, ["UTF-16"]);
            assert_eq!(String::from_utf8(read).unwrap(), text);
        }
    }

    #[test]
    fn layers_are_undone_up_to_a_bound() {
        let (text, undone, _) = open(gzip(&zstd(b"hello\n"))).unwrap();
        assert_eq!(
            (text.as_slice(), undone),
            (&b"hello\n"[..], vec!["gzip", "zstd"])
        );
        let error = open(gzip(&gzip(&gzip(&gzip(b"x"))))).unwrap_err();
        assert!(error.to_string().contains("times over"));
    }

    #[test]
    fn what_is_not_undone_says_how_to() {
        let error = open(b"BZh91AY&SY....".to_vec()).unwrap_err();
        assert!(error.advice().contains("bzip2 -dc"), "{error}");
        let error = open([0x04, 0x22, 0x4d, 0x18, 0, 0, 0, 0].to_vec()).unwrap_err();
        assert!(error.advice().contains("lz4 -dc"), "{error}");
    }
}
