//! The kernel and its modules as they lie in memory, each as a file: code as it ran, symbols, types.
//!
//! Whoever reads files of kernels reads these, without a file of the kernel's at hand. They have no lines and no
//! local variables.

use base::{Gap, VirtAddr};

use super::Kernel;
use super::elf::{self, Contents, Section, Symbol};
use super::walkers::modules::Module;

/// Bytes of code or data of one file.
const MOST_BYTES: u64 = 64 << 20;

impl Kernel<'_> {
    /// The kernel as a linked file: its code, its constants and data as far as the dump has them, its symbols and
    /// its types.
    pub fn file(&self) -> Result<Vec<u8>, Gap> {
        let code = self.piece("_stext", "_etext")?;
        let read_only = self.piece("__start_rodata", "__end_rodata").ok();
        let data = self.piece("_sdata", "_edata").ok();
        let types = self.piece("__start_BTF", "__stop_BTF").ok();
        let per_cpu = self
            .symbol("__per_cpu_end")
            .ok()
            .filter(|end| end.0 < 1 << 24);
        let mut sections = Vec::new();
        let mut add = |name, is_code, (start, bytes): (u64, &[u8])| {
            sections.push((name, is_code, start, bytes.to_vec()));
        };
        add(".text", true, (code.0, &code.1));
        if let Some((start, bytes)) = &read_only {
            add(".rodata", false, (*start, bytes));
        }
        if let Some((start, bytes)) = &data {
            add(".data", false, (*start, bytes));
        }
        let ranges: Vec<(u64, u64)> = sections
            .iter()
            .map(|(_, _, start, bytes)| (*start, start.saturating_add(bytes.len() as u64)))
            .collect();
        let mut list: Vec<Section<'_>> = sections
            .iter()
            .map(|(name, is_code, start, bytes)| Section {
                name,
                is_code: *is_code,
                address: Some(*start),
                contents: Contents::Bytes(bytes),
            })
            .collect();
        let mut places = ranges.clone();
        if let Some(end) = per_cpu {
            places.push((0, end.0));
            list.push(Section {
                name: ".data..percpu",
                is_code: false,
                address: Some(0),
                contents: Contents::Absent(end.0),
            });
        }
        if let Some((_, bytes)) = &types {
            list.push(Section {
                name: ".BTF",
                is_code: false,
                address: None,
                contents: Contents::Bytes(bytes),
            });
        }
        let mut symbols = Vec::new();
        for index in 0..self.kallsyms().count() {
            let Some(symbol) = self.kallsyms().symbol(index) else {
                break;
            };
            let holds = |(start, end): &(u64, u64)| (*start..*end).contains(&symbol.address);
            let Some(place) = places.iter().position(holds) else {
                continue;
            };
            symbols.push(Symbol {
                is_function: place == 0,
                is_global: symbol.kind.is_ascii_uppercase(),
                section: u16::try_from(place + 1).unwrap_or(0),
                size: symbol.size.unwrap_or(0),
                address: symbol.address,
                name: symbol.name,
            });
        }
        Ok(elf::write(self.arch.elf_machine, &list, &symbols))
    }

    /// A module as a linked file; `types` are its own, which count on from the kernel's.
    pub fn module_file(&self, module: &Module, types: Option<&[u8]>) -> Result<Vec<u8>, Gap> {
        let wrong = |error: base::ReadError| {
            Gap::new(
                format!("the memory of the module {}", module.name),
                error.to_string(),
            )
        };
        let mut pieces = Vec::new();
        for region in &module.regions {
            let size = region.size.min(MOST_BYTES);
            let bytes = self.space().bytes(region.base, size).map_err(wrong)?;
            pieces.push((region, bytes));
        }
        let mut list: Vec<Section<'_>> = pieces
            .iter()
            .map(|(region, bytes)| Section {
                name: if region.is_code { ".text" } else { ".data" },
                is_code: region.is_code,
                address: Some(region.base.0),
                contents: Contents::Bytes(bytes),
            })
            .collect();
        if let Some(types) = types {
            list.push(Section {
                name: ".BTF",
                is_code: false,
                address: None,
                contents: Contents::Bytes(types),
            });
        }
        let place = self
            .modules()
            .value
            .iter()
            .position(|known| known == module);
        let known = place.and_then(|place| self.symbols_of(place));
        let mut symbols: Vec<Symbol> = Vec::new();
        for (address, name) in known.iter().flat_map(|known| known.all(self.space())) {
            let region = module
                .regions
                .iter()
                .position(|region| region.contains(address));
            let Some(at) = region else {
                continue;
            };
            let end = module
                .regions
                .get(at)
                .map_or(address, |region| region.base.0.saturating_add(region.size));
            symbols.push(Symbol {
                is_function: module.regions.get(at).is_some_and(|region| region.is_code),
                // What others may know of it the table of the loaded module does not tell.
                is_global: true,
                section: u16::try_from(at + 1).unwrap_or(0),
                size: end - address,
                address,
                name,
            });
        }
        // A symbol ends where the next one begins.
        let starts: Vec<u64> = symbols.iter().map(|symbol| symbol.address).collect();
        for symbol in &mut symbols {
            let next = starts.partition_point(|start| *start <= symbol.address);
            if let Some(next) = starts.get(next) {
                symbol.size = symbol.size.min(next - symbol.address);
            }
        }
        Ok(elf::write(self.arch.elf_machine, &list, &symbols))
    }

    /// The memory between two symbols, and where it begins.
    fn piece(&self, start: &str, end: &str) -> Result<(u64, Vec<u8>), Gap> {
        let (start, end) = (self.symbol(start)?.0, self.symbol(end)?.0);
        let size = end.saturating_sub(start).min(MOST_BYTES);
        let bytes = self.space().bytes(VirtAddr(start), size);
        let bytes = bytes.map_err(|error| {
            Gap::new(
                format!("the kernel's memory from {start:#x} on"),
                error.to_string(),
            )
        })?;
        Ok((start, bytes.into_owned()))
    }
}
