//! The bytes of a section as they are meant: taken out of compression.

use std::borrow::Cow;
use std::io::Read;

use object::elf;

use crate::bytes::Bytes;
use crate::elf::{Elf, Section};
use crate::error::{Error, Result};

/// No debug section shrinks more than this; what claims to is no debug section but a trap.
const LARGEST_RATIO: u64 = 200;

/// Bytes that even a tiny compressed section may claim.
const SMALLEST_LIMIT: u64 = 64 << 10;

/// Bytes that no section may exceed.
const LARGEST_SECTION: u64 = 4 << 30;

/// The bytes of a section, decompressed where they are compressed.
///
/// Compressed are `SHF_COMPRESSED` sections ("System V Application Binary Interface", chapter 4, "Section
/// Compression") and GNU's older `.zdebug_*`.
pub(crate) fn contents<'a>(elf: &Elf<'a>, section: &Section<'a>) -> Result<Cow<'a, [u8]>> {
    let raw = elf.raw(section)?;
    let wrong = |what: String| Error::section(&elf.label, section.name.as_ref(), 0, what);
    if section.flags & elf::SHF_COMPRESSED.0 != 0 {
        let bytes = Bytes::new(raw, elf.endian());
        let header = if elf.is_64 { 24 } else { 12 };
        let size = if elf.is_64 {
            bytes.u64(8)
        } else {
            bytes.u32(4).map(u64::from)
        };
        let (Some(kind), Some(size), Some(packed)) = (bytes.u32(0), size, raw.get(header..)) else {
            return Err(wrong("the compression header is cut".to_owned()));
        };
        let unpacked = if kind == elf::ELFCOMPRESS_ZLIB.0 {
            unpack(
                flate2::bufread::ZlibDecoder::new(packed),
                packed.len(),
                size,
            )
        } else if kind == elf::ELFCOMPRESS_ZSTD.0 {
            zstd::stream::read::Decoder::with_buffer(packed)
                .map_err(|error| error.to_string())
                .and_then(|decoder| unpack(decoder, packed.len(), size))
        } else {
            Err(format!("compression of the unknown kind {kind}"))
        };
        return unpacked.map(Cow::Owned).map_err(wrong);
    }
    if section.name.starts_with(".zdebug_") && raw.starts_with(b"ZLIB") {
        // The size is big-endian whatever the file is.
        let size = raw
            .get(4..12)
            .and_then(|size| size.try_into().ok())
            .map(u64::from_be_bytes);
        let (Some(size), Some(packed)) = (size, raw.get(12..)) else {
            return Err(wrong("the compression header is cut".to_owned()));
        };
        let decoder = flate2::bufread::ZlibDecoder::new(packed);
        return unpack(decoder, packed.len(), size)
            .map(Cow::Owned)
            .map_err(wrong);
    }
    Ok(Cow::Borrowed(raw))
}

/// Unpacks `size` bytes: memory grows with what comes out, not with what is claimed.
fn unpack(from: impl Read, packed: usize, size: u64) -> std::result::Result<Vec<u8>, String> {
    let limit = (packed as u64)
        .saturating_mul(LARGEST_RATIO)
        .clamp(SMALLEST_LIMIT, LARGEST_SECTION);
    if size > limit {
        return Err(format!(
            "{packed} compressed bytes claim to hold {size} bytes"
        ));
    }
    let mut bytes = Vec::new();
    from.take(size + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 != size {
        return Err(format!(
            "{size} bytes are announced, {} came out",
            bytes.len()
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use super::*;

    fn file(bytes: &[u8], name: &'static str, flags: u64) -> Result<Vec<u8>> {
        let label: Arc<str> = "test.o".into();
        let mut elf = Elf::empty(&label, 62, true, base::Endian::Little);
        elf.bytes = Bytes::new(bytes, base::Endian::Little);
        let section = Section {
            index: 1,
            name: name.into(),
            kind: elf::SHT_PROGBITS.0,
            flags,
            address: None,
            offset: 0,
            size: bytes.len() as u64,
            link: 0,
            info: 0,
            entry_size: 0,
            bytes: Some(bytes),
        };
        contents(&elf, &section).map(Cow::into_owned)
    }

    fn header(kind: u32, size: u64) -> Vec<u8> {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend([0; 4]);
        bytes.extend(size.to_le_bytes());
        bytes.extend(1u64.to_le_bytes());
        bytes
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn three_ways_of_compression_are_undone() {
        let data = b"member ".repeat(100);
        let mut with_zlib = header(1, 700);
        with_zlib.extend(zlib(&data));
        assert_eq!(file(&with_zlib, ".debug_str", 0x800).unwrap(), data);
        let mut with_zstd = header(2, 700);
        with_zstd.extend(zstd::encode_all(&data[..], 3).unwrap());
        assert_eq!(file(&with_zstd, ".debug_str", 0x800).unwrap(), data);
        let mut old = b"ZLIB".to_vec();
        old.extend(700u64.to_be_bytes());
        old.extend(zlib(&data));
        assert_eq!(file(&old, ".zdebug_str", 0).unwrap(), data);
        assert_eq!(file(&data, ".debug_str", 0).unwrap(), data);
    }

    #[test]
    fn a_claim_that_cannot_be_true_is_refused_before_memory_is_taken() {
        let data = vec![0; 1 << 20];
        for claim in [u64::MAX, 4 << 30, 1 << 40] {
            let mut bytes = header(1, claim);
            bytes.extend(zlib(b"short"));
            let error = file(&bytes, ".debug_str", 0x800).unwrap_err();
            assert!(
                error.to_string().starts_with("test.o: .debug_str+0x0: "),
                "{error}"
            );
        }
        for claim in [(1 << 20) - 1, (1 << 20) + 1] {
            let mut bytes = header(1, claim);
            bytes.extend(zlib(&data));
            assert!(
                file(&bytes, ".debug_str", 0x800)
                    .unwrap_err()
                    .what()
                    .contains("announced")
            );
        }
        assert!(file(&header(9, 1), ".debug_str", 0x800).is_err());
        assert!(file(&header(1, 1)[..20], ".debug_str", 0x800).is_err());
    }
}
