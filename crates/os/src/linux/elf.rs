//! A linked ELF file of 64 bits, written into memory: what lies in a target's memory, in the form in which files
//! are read ("System V Application Binary Interface", chapter 4 "Object Files").

use object::elf;

/// A section that is to be written.
pub(super) struct Section<'b> {
    pub(super) name: &'static str,
    /// Whether it holds code.
    pub(super) is_code: bool,
    /// Its address; none for a section that is not in memory by itself.
    pub(super) address: Option<u64>,
    /// Its contents, or the size of one without.
    pub(super) contents: Contents<'b>,
}

/// What a section holds.
pub(super) enum Contents<'b> {
    Bytes(&'b [u8]),
    /// So many bytes that are not at hand.
    Absent(u64),
}

/// A symbol that is to be written.
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) address: u64,
    pub(super) size: u64,
    pub(super) is_function: bool,
    pub(super) is_global: bool,
    /// The number of its section, counted from 1.
    pub(super) section: u16,
}

const HEADER: usize = 64;
const SECTION: usize = 64;
const SYMBOL: usize = 24;

/// The file.
pub(super) fn write(machine: u16, sections: &[Section<'_>], symbols: &[Symbol]) -> Vec<u8> {
    let mut file = vec![0; HEADER];
    let mut names = vec![0_u8];
    let mut table = vec![[0_u8; SECTION]];
    for section in sections {
        let name = add(&mut names, section.name);
        let (kind, offset, size) = match section.contents {
            Contents::Bytes(bytes) => {
                let offset = file.len();
                file.extend_from_slice(bytes);
                (elf::SHT_PROGBITS.0, offset as u64, bytes.len() as u64)
            }
            Contents::Absent(size) => (elf::SHT_NOBITS.0, file.len() as u64, size),
        };
        let mut flags = 0;
        if section.address.is_some() {
            flags |= elf::SHF_ALLOC.0;
        }
        if section.is_code {
            flags |= elf::SHF_EXECINSTR.0;
        }
        let row = [
            name.into(),
            flags,
            section.address.unwrap_or(0),
            offset,
            size,
        ];
        table.push(header(kind, row, [0, 0, 0]));
    }
    let mut texts = vec![0_u8];
    let mut rows = vec![0_u8; SYMBOL];
    // Local symbols stand before all others.
    let in_order = symbols.iter().filter(|symbol| !symbol.is_global);
    let locals = in_order.clone().count() + 1;
    for symbol in in_order.chain(symbols.iter().filter(|symbol| symbol.is_global)) {
        let name = add(&mut texts, &symbol.name);
        let kind: u8 = if symbol.is_function { 2 } else { 1 };
        rows.extend(name.to_le_bytes());
        rows.push(u8::from(symbol.is_global) << 4 | kind);
        rows.push(0);
        rows.extend(symbol.section.to_le_bytes());
        rows.extend(symbol.address.to_le_bytes());
        rows.extend(symbol.size.to_le_bytes());
    }
    let texts_at = (sections.len() + 2) as u64;
    let extra: [(&str, u32, &[u8], [u64; 3]); 2] = [
        (
            ".symtab",
            elf::SHT_SYMTAB.0,
            &rows,
            [texts_at, locals as u64, SYMBOL as u64],
        ),
        (".strtab", elf::SHT_STRTAB.0, &texts, [0, 0, 0]),
    ];
    for (name, kind, bytes, links) in extra {
        let name = add(&mut names, name);
        let row = [name.into(), 0, 0, file.len() as u64, bytes.len() as u64];
        table.push(header(kind, row, links));
        file.extend_from_slice(bytes);
    }
    let name = add(&mut names, ".shstrtab");
    let row = [name.into(), 0, 0, file.len() as u64, names.len() as u64];
    table.push(header(elf::SHT_STRTAB.0, row, [0, 0, 0]));
    file.extend_from_slice(&names);
    file.resize(file.len().next_multiple_of(8), 0);
    let at = file.len() as u64;
    for row in &table {
        file.extend_from_slice(row);
    }
    let head = head(machine, at, table.len() as u16);
    for (to, from) in file.iter_mut().zip(head) {
        *to = from;
    }
    file
}

fn add(names: &mut Vec<u8>, name: &str) -> u32 {
    let at = names.len() as u32;
    names.extend_from_slice(name.as_bytes());
    names.push(0);
    at
}

/// `Elf64_Shdr`; the row has the name, flags, address, offset and size, `links` link, info and entry size.
fn header(kind: u32, row: [u64; 5], links: [u64; 3]) -> [u8; SECTION] {
    let [name, flags, address, offset, size] = row;
    let [link, info, entry] = links;
    let mut bytes = Vec::with_capacity(SECTION);
    bytes.extend((name as u32).to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    for word in [flags, address, offset, size] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend((link as u32).to_le_bytes());
    bytes.extend((info as u32).to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(entry.to_le_bytes());
    bytes.try_into().unwrap_or([0; SECTION])
}

/// `Elf64_Ehdr`.
fn head(machine: u16, sections: u64, count: u16) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend(elf::ET_EXEC.0.to_le_bytes());
    bytes.extend(machine.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([0; 16]);
    bytes.extend(sections.to_le_bytes());
    bytes.extend([0; 4]);
    for half in [
        HEADER as u16,
        0,
        0,
        SECTION as u16,
        count,
        count.saturating_sub(1),
    ] {
        bytes.extend(half.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use debuginfo::{Binding, Object, Store};

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let code = [0xc3, 0x90, 0x90, 0xc3];
        let sections = [
            Section {
                name: ".text",
                is_code: true,
                address: Some(0xffff_ffff_8100_0000),
                contents: Contents::Bytes(&code),
            },
            Section {
                name: ".data",
                is_code: false,
                address: Some(0xffff_ffff_8200_0000),
                contents: Contents::Absent(0x1000),
            },
        ];
        let symbol = |name: &str, address, size, section, is_global| Symbol {
            name: name.to_owned(),
            address,
            size,
            is_function: section == 1,
            is_global,
            section,
        };
        let symbols = [
            symbol("f", 0xffff_ffff_8100_0000, 3, 1, true),
            symbol("g", 0xffff_ffff_8100_0003, 1, 1, false),
            symbol("table", 0xffff_ffff_8200_0010, 16, 2, true),
        ];
        let file = write(62, &sections, &symbols);
        let store = Store::new();
        let object = Object::open("memory", &file, &store).unwrap();
        assert!(!object.is_relocatable() && object.arch().unwrap().name == "x86_64");
        let f = object.functions_named("f").unwrap()[0];
        assert_eq!(
            (f.address, f.size, f.binding),
            (0xffff_ffff_8100_0000, 3, Binding::Global)
        );
        let g = object.functions_named("g").unwrap()[0];
        assert_eq!(
            (g.address, g.binding),
            (0xffff_ffff_8100_0003, Binding::Local)
        );
        assert_eq!(object.bytes_at(g.address, 1), Some(&code[3..]));
        let table = object.symbol_at(0xffff_ffff_8200_0018).unwrap().unwrap();
        assert_eq!(table.name, "table");
        assert!(object.functions_named("table").unwrap().is_empty());
        assert_eq!(object.bytes_at(0xffff_ffff_8200_0010, 8), None);
    }
}
