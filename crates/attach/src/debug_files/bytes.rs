//! The bytes of one file: mapped, read, or taken out of compression.
//!
//! A kernel with its debug information has more than half a gigabyte, of which a question touches little: plain
//! files are mapped. Small ones are read, which also spares them what can happen to a mapping.

use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base::Budget;

use crate::codecs::decompress;
use crate::elf_header::ElfHeader;
use crate::mapped::Mapped;
use crate::resolve::open_regular;
use crate::stream::{FileSource, Peeked, Pull as _, read_all};
use crate::{Context, Error};

/// What was being done, in the words of every error here.
pub(super) const DOING: &str = "take debug information from";

/// Smaller files are read and not mapped.
const SMALL: u64 = 1 << 20;

/// Bytes that one compressed file may hold.
const LARGEST: u64 = 2 << 30;

/// Bytes that all compressed files of a run may hold.
const TOGETHER: u64 = 4 << 30;

/// No kernel shrinks more than this; what claims to is a trap.
const LARGEST_RATIO: u64 = 100;

/// Bytes that even a tiny compressed file may hold.
const SMALLEST_LIMIT: u64 = 16 << 20;

/// The bytes of a file.
pub(super) enum Bytes {
    Read(Vec<u8>),
    Mapped(Mapped),
}

impl Default for Bytes {
    fn default() -> Self {
        Bytes::Read(Vec::new())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Read(bytes) => bytes,
            Bytes::Mapped(map) => map,
        }
    }
}

/// Whether these are the first bytes of BTF: its magic, in both byte orders.
pub(super) fn is_btf(head: &[u8]) -> bool {
    head.starts_with(&[0x9f, 0xeb]) || head.starts_with(&[0xeb, 0x9f])
}

/// Whether BTF counts on from no other: its strings begin with the empty one, as the kernel demands of it
/// (`btf_parse_str_sec` of `kernel/bpf/btf.c`); those of a module go on where the kernel's end.
pub(super) fn stands_alone(btf: &[u8]) -> bool {
    let word = |at: usize| {
        let bytes: [u8; 4] = btf.get(at..)?.get(..4)?.try_into().ok()?;
        Some(match btf.first() {
            Some(0x9f) => u32::from_le_bytes(bytes),
            _ => u32::from_be_bytes(bytes),
        })
    };
    // `struct btf_header`: hdr_len at 4, str_off at 16, counted from behind the header.
    let strings = word(4).zip(word(16)).and_then(|(header, strings)| {
        usize::try_from(header)
            .ok()?
            .checked_add(usize::try_from(strings).ok()?)
    });
    strings.and_then(|at| btf.get(at)) == Some(&0)
}

/// Opens files, and counts what they take.
pub(super) struct Opener {
    context: Arc<Context>,
    unpacked: Mutex<Budget>,
}

impl Opener {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Opener {
            context,
            unpacked: Mutex::new(Budget::new("bytes of compressed files", TOGETHER)),
        }
    }

    /// Opens a file that must be ELF or BTF, and whole as far as its header tells.
    pub(super) fn open(&self, path: &Path) -> Result<Bytes, Error> {
        let file = open_regular(path).map_err(|error| told(path, error.reason()))?;
        let size = file
            .metadata()
            .map_err(|error| Error::io(DOING, path, &error))?
            .len();
        let handle = file
            .try_clone()
            .map_err(|error| Error::io(DOING, path, &error))?;
        let source = FileSource::new(handle, path, Arc::clone(&self.context));
        let head = Peeked::new(Box::new(source)).map_err(|error| told(path, error.reason()))?;
        let (mut stream, undone) = decompress(head, path)
            .map_err(|error| told(path, error.reason()).next("decompress it first"))?;
        check_head(path, stream.head())?;
        let bytes = if undone.is_empty() && size >= SMALL && !is_btf(stream.head()) {
            Bytes::Mapped(Mapped::new(&file).map_err(|error| Error::io(DOING, path, &error))?)
        } else {
            let limit = self.limit(size, !undone.is_empty());
            let (bytes, ended) =
                read_all(&mut stream, usize::try_from(limit).unwrap_or(usize::MAX))?;
            let mut gaps = Vec::new();
            stream.gaps(&mut gaps);
            if let Some(gap) = gaps.first() {
                return Err(told(path, &gap.why).next("copy it again, whole"));
            }
            if !ended {
                let why = format!("it holds more than {limit} bytes, which are too many for it");
                return Err(told(path, &why).next("decompress it first"));
            }
            if !undone.is_empty() {
                self.spend(path, bytes.len() as u64)?;
            }
            Bytes::Read(bytes)
        };
        check_length(path, &bytes)?;
        Ok(bytes)
    }

    /// Bytes that a file of `size` bytes may hold.
    fn limit(&self, size: u64, is_compressed: bool) -> u64 {
        if is_compressed {
            size.saturating_mul(LARGEST_RATIO)
                .clamp(SMALLEST_LIMIT, LARGEST)
        } else {
            LARGEST
        }
    }

    fn spend(&self, path: &Path, bytes: u64) -> Result<(), Error> {
        let mut budget = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        budget
            .spend(bytes)
            .map_err(|error| told(path, &error.to_string()).next("decompress it first"))
    }
}

/// An error about the file at `path`.
pub(super) fn told(path: &Path, why: &str) -> Error {
    Error::new(DOING, path, why)
}

/// Refuses what its first bytes tell to be something else.
fn check_head(path: &Path, head: &[u8]) -> Result<(), Error> {
    if is_btf(head) {
        return Ok(());
    }
    let what = |why: &str, next: &str| Err(told(path, why).next(next));
    if !ElfHeader::is(head) {
        let starts = |magic: &[u8]| head.starts_with(magic);
        return if head.is_empty() {
            what("it is empty", "copy it again, or build it again")
        } else if head.get(0x202..0x206) == Some(b"HdrS") {
            what(
                "it is a kernel packed for booting, which holds no debug information",
                "name the vmlinux of that kernel: its debug package has it",
            )
        } else if starts(b"!<arch>\ndebian-binary") {
            what(
                "it is a package",
                "unpack it first: dpkg-deb -x FILE FOLDER, then name the folder",
            )
        } else if starts(&[0xed, 0xab, 0xee, 0xdb]) {
            what(
                "it is a package",
                "unpack it first: rpm2cpio FILE | cpio -id, then name the folder",
            )
        } else {
            what(
                "it is neither an ELF file nor BTF",
                "name a vmlinux, a module (.ko, .ko.debug), a BTF file, or a folder with some",
            )
        };
    }
    match ElfHeader::read(head) {
        Some(header) if header.is_core() => what(
            "it is a core or a dump, which holds no debug information",
            "name the files of the kernel that ran: its vmlinux and its modules",
        ),
        Some(header) if header.is_object() => Ok(()),
        Some(_) => what("it is an ELF file of an unknown type", ""),
        None => what("its ELF header is cut or damaged", "copy it again, whole"),
    }
}

/// Refuses a file that ends before its section headers do: they stand last in most.
fn check_length(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let Some(header) = ElfHeader::read(bytes).filter(|_| !is_btf(bytes)) else {
        return Ok(());
    };
    let why = if header.end == 0 {
        "it has no section headers, so nothing tells where its symbols lie".to_owned()
    } else if header.end > bytes.len() as u64 {
        format!(
            "it is cut: its section headers end at byte {}, the file at byte {}",
            header.end,
            bytes.len()
        )
    } else {
        return Ok(());
    };
    Err(told(path, &why).next("copy it again, whole"))
}
