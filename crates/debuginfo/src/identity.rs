//! What a file says it is: its build-id, the kernel it belongs to, the module it is.

use base::Endian;
use object::elf;

use crate::bytes::Bytes;
use crate::elf::Elf;

/// Banners that are looked at: each of them is kept until the best is known.
const MOST_BANNERS: usize = 8;

/// What a file says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `e_machine`.
    pub machine: u16,
    /// The architecture, where it is known.
    pub arch: Option<&'static str>,
    /// Bits of a pointer.
    pub pointer_bits: u8,
    /// The order of bytes.
    pub endian: Option<Endian>,
    /// The build-id, in hexadecimal digits.
    pub build_id: Option<String>,
    /// The name of a kernel module.
    pub module: Option<String>,
    /// A module's `vermagic`: the kernel's release and what else must agree.
    pub vermagic: Option<String>,
    /// The kernel's release (`6.1.0-32-cloud-amd64`): of a module the first word of its `vermagic`.
    pub release: Option<String>,
    /// A kernel's banner (`Linux version 6.1.0 …`).
    pub banner: Option<String>,
    /// The name of a file with its debug info, and that file's checksum (`.gnu_debuglink`).
    pub debug_link: Option<(String, u32)>,
    /// The name of a file with debug info that it shares with others, and that file's build-id
    /// (`.gnu_debugaltlink`).
    pub shared_link: Option<(String, String)>,
}

impl Identity {
    pub(crate) fn read(file: &Elf<'_>) -> Self {
        let bits = if file.is_64 { 64 } else { 32 };
        let mut identity = Identity {
            machine: file.machine,
            arch: arch::find_elf(file.machine, bits).map(|arch| arch.name),
            pointer_bits: bits,
            endian: Some(file.endian()),
            build_id: build_id(file),
            ..Identity::default()
        };
        if let Some(info) = file
            .section_named(".modinfo")
            .and_then(|section| section.bytes)
        {
            for line in info.split(|byte| *byte == 0) {
                let line = String::from_utf8_lossy(line);
                if let Some(name) = line.strip_prefix("name=") {
                    identity.module = Some(name.to_owned());
                } else if let Some(magic) = line.strip_prefix("vermagic=") {
                    identity.vermagic = Some(magic.to_owned());
                    identity.release = magic.split_whitespace().next().map(str::to_owned);
                }
            }
        }
        if identity.module.is_none() {
            identity.module = name_of_module(file);
        }
        if identity.module.is_none()
            && let Some(banner) = banner(file)
        {
            identity.release = banner.split(' ').nth(2).map(str::to_owned);
            identity.banner = Some(banner);
        }
        if let Some((name, rest)) = link(file, ".gnu_debuglink") {
            // The checksum is aligned to four bytes ("GDB manual", "Debugging Information in Separate Files").
            let padding = (4 - (name.len() + 1) % 4) % 4;
            let sum = Bytes::new(rest.get(padding..).unwrap_or_default(), file.endian()).u32(0);
            identity.debug_link = sum.map(|sum| (name, sum));
        }
        if let Some((name, id)) = link(file, ".gnu_debugaltlink") {
            identity.shared_link = Some((name, hex(id)));
        }
        identity
    }
}

/// A file name ended by NUL and what follows it.
fn link<'a>(file: &Elf<'a>, section: &str) -> Option<(String, &'a [u8])> {
    let bytes = file.section_named(section)?.bytes?;
    let end = memchr::memchr(0, bytes)?;
    let name = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
    Some((name, bytes.get(end + 1..)?))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `NT_GNU_BUILD_ID` of any note section: kernels keep theirs in `.notes`, among others.
fn build_id(file: &Elf<'_>) -> Option<String> {
    for section in file
        .sections
        .iter()
        .filter(|section| section.kind == elf::SHT_NOTE.0)
    {
        let notes = Bytes::new(section.bytes.unwrap_or_default(), file.endian());
        let padded = |size: u32| (u64::from(size) + 3) & !3;
        let mut at = 0;
        while let (Some(name_size), Some(size), Some(kind)) =
            (notes.u32(at), notes.u32(at + 4), notes.u32(at + 8))
        {
            let name = notes.slice(at + 12, name_size.into());
            let start = at + 12 + padded(name_size);
            if kind == elf::NT_GNU_BUILD_ID.0 && name == Some(b"GNU\0") {
                return notes.slice(start, size.into()).map(hex);
            }
            at = start + padded(size);
        }
    }
    None
}

/// The name in `struct module`, for kernels before 4.13 that write none into `.modinfo`
/// (commit 3e2e857f9c3a): it follows an `enum` and a `struct list_head`.
fn name_of_module(file: &Elf<'_>) -> Option<String> {
    let module = file.section_named(".gnu.linkonce.this_module")?;
    let bytes = Bytes::new(module.bytes?, file.endian());
    let name = bytes.text(if file.is_64 { 24 } else { 12 })?;
    (!name.is_empty() && name.is_ascii()).then(|| name.to_owned())
}

/// `linux_banner`, wherever in `.rodata` it lies.
///
/// There may be two: a kernel is linked with one that lacks the number of the build, and then with the right one
/// (2df8220cc511 "kbuild: build init/built-in.a just once").
fn banner(file: &Elf<'_>) -> Option<String> {
    const START: &[u8] = b"Linux version ";
    let bytes = file.section_named(".rodata")?.bytes?;
    let found = memchr::memmem::find_iter(bytes, START).filter_map(|at| {
        let line = bytes.get(at..)?;
        // The format of /proc/version has `%s` in place of the release.
        line.get(START.len())
            .filter(|digit| digit.is_ascii_digit())?;
        let line = line.get(..line.len().min(512))?;
        let end = line
            .iter()
            .position(|byte| matches!(byte, 0 | b'\n'))
            .unwrap_or(line.len());
        Some(String::from_utf8_lossy(line.get(..end)?).into_owned())
    });
    let mut lines: Vec<_> = found.take(MOST_BANNERS).collect();
    let has_number = |line: &String| {
        let (_, build) = line.split_once(" #").unwrap_or_default();
        build.starts_with(|first: char| first.is_ascii_digit())
    };
    let best = lines.iter().position(has_number).unwrap_or(0);
    (best < lines.len()).then(|| lines.swap_remove(best))
}
