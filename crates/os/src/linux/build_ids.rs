//! Which builds the kernel and its modules are, by the notes in their memory: files of other builds tell nothing
//! of them.

use base::VirtAddr;
use value::AddressSpace;

use super::Kernel;
use super::vmcoreinfo::Vmcoreinfo;
use super::walkers::modules::Module;

/// Bytes of notes that are read of the kernel or a module.
const MOST_BYTES: u64 = 1 << 16;

/// Sections with notes of one module.
const MOST_SECTIONS: u64 = 32;

/// The kind of a note that holds a build-id (`NT_GNU_BUILD_ID`).
const BUILD_ID: u32 = 3;

impl Kernel<'_> {
    /// The kernel's build-id in hexadecimal digits, by its notes in memory or by VMCOREINFO.
    pub fn build_id(&self) -> Option<String> {
        let range = self.known("__start_notes").zip(self.known("__stop_notes"));
        let by_notes = range.and_then(|(start, stop)| {
            let size = stop.checked_sub(start)?;
            in_notes(&self.space, VirtAddr(start), size)
        });
        let told = || {
            let text = self.vmcoreinfo().ok()?;
            let id = Vmcoreinfo::new(&text).value("BUILD-ID")?;
            is_id(id).then(|| id.to_ascii_lowercase())
        };
        by_notes.or_else(told)
    }

    /// The build-id of a module.
    pub fn module_build_id(&self, module: &Module) -> Option<String> {
        self.id_in_module(module)
            .or_else(|| self.id_in_notes(module))
    }

    /// Kernels that print build-ids in traces keep them (`CONFIG_STACKTRACE_BUILD_ID`).
    fn id_in_module(&self, module: &Module) -> Option<String> {
        let layout = self.types().layout("struct module").ok()?;
        let field = layout.find("build_id")?;
        let mut id = vec![0; usize::try_from(field.size.min(64)).ok()?];
        self.space.read(field.at(module.address), &mut id).ok()?;
        id.iter().any(|byte| *byte != 0).then(|| hex(&id))
    }

    /// What the kernel shows as `/sys/module/NAME/notes`: the addresses and sizes of sections with notes.
    fn id_in_notes(&self, module: &Module) -> Option<String> {
        let types = self.types();
        let layout = types.layout("struct module").ok()?;
        let own = types.layout("struct module_notes_attrs").ok()?;
        let entry = types.layout("struct bin_attribute").ok()?;
        let (size, address) = (entry.find("size")?, entry.find("private")?);
        let at = layout.find("notes_attrs")?;
        let at = at.pointer(&self.space, module.address).ok()?;
        if at.0 == 0 {
            return None;
        }
        let first = own.find("attrs")?.at(at);
        let nth = |place: u64| VirtAddr(first.0.wrapping_add(place.wrapping_mul(entry.size())));
        let id = |entry: VirtAddr| {
            let notes = address.pointer(&self.space, entry).ok()?;
            in_notes(&self.space, notes, size.read(&self.space, entry).ok()?)
        };
        let Some(count) = own.find("notes") else {
            // Newer ones have no count: a list of pointers to them ends in NULL.
            let list = own.find("grp.bin_attrs")?.pointer(&self.space, at).ok()?;
            let entries = (0..MOST_SECTIONS).map_while(|place| {
                let pointer = VirtAddr(list.0.wrapping_add(8 * place));
                let entry = self.space.u64(pointer).ok()?;
                (entry != 0).then_some(VirtAddr(entry))
            });
            return entries.into_iter().find_map(id);
        };
        let count = count.read(&self.space, at).ok()?;
        (0..count.min(MOST_SECTIONS)).map(nth).find_map(id)
    }
}

/// The build-id among the notes at `start`.
fn in_notes(space: &AddressSpace<'_>, start: VirtAddr, size: u64) -> Option<String> {
    let bytes = space.bytes(start, size.min(MOST_BYTES)).ok()?;
    find(&bytes)
}

/// The same of the bytes of notes: sizes of name and contents and a kind, then both, padded to words.
fn find(notes: &[u8]) -> Option<String> {
    let word = |at: usize| {
        let bytes = notes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let padded = |size: usize| size.checked_add(3).map(|size| size & !3);
    let mut at = 0_usize;
    // Each turn goes at least over a header.
    loop {
        let (name, size) = (word(at)?, word(at.checked_add(4)?)?);
        let kind = word(at.checked_add(8)?)?;
        let text = at.checked_add(12)?;
        let start = text.checked_add(padded(name)?)?;
        let end = start.checked_add(size)?;
        if kind == BUILD_ID as usize && notes.get(text..text.checked_add(name)?)? == b"GNU\0" {
            return notes.get(start..end).filter(|id| !id.is_empty()).map(hex);
        }
        at = start.checked_add(padded(size)?)?;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_id(text: &str) -> bool {
    text.len() >= 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &[u8], kind: u32, contents: &[u8]) -> Vec<u8> {
        let mut note = Vec::new();
        for word in [name.len() as u32, contents.len() as u32, kind] {
            note.extend(word.to_le_bytes());
        }
        for part in [name, contents] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn the_build_id_is_found_among_other_notes() {
        let mut notes = note(b"Xen\0", 6, b"linux");
        notes.extend(note(b"GNU\0", 1, &[0; 16]));
        notes.extend(note(b"GNU\0", 3, &[0xab; 20]));
        assert_eq!(find(&notes), Some("ab".repeat(20)));
        for end in 0..notes.len() {
            assert_eq!(find(&notes[..end]), None, "cut at {end}");
        }
        assert_eq!(find(&[0xff; 64]), None);
    }
}
