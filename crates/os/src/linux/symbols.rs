//! Symbols of the kernel and of its modules, as the target's own memory tells them.

use std::borrow::Cow;

use base::{Budget, Gap, VirtAddr};
use value::AddressSpace;

use super::Kernel;
use super::walkers::modules::Module;

/// Symbols of one module.
const MOST_SYMBOLS: u64 = 1 << 20;

/// Bytes of a symbol of an ELF file of 64 bits.
const SYMBOL: u64 = 24;

/// Longest name of a symbol (`KSYM_NAME_LEN`).
const LONGEST_NAME: usize = 512;

/// What an address is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The symbol that it lies in.
    pub symbol: String,
    /// Bytes from there.
    pub offset: u64,
    /// Bytes of the symbol, up to the next one; none of the last.
    pub size: Option<u64>,
    /// The module that it is in; none for the kernel itself.
    pub module: Option<String>,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}+{:#x}", self.symbol, self.offset)?;
        match &self.module {
            Some(module) => write!(f, " [{module}]"),
            None => Ok(()),
        }
    }
}

/// The symbols of one module, in the order of addresses.
#[derive(Debug)]
pub(crate) struct ModuleSymbols {
    /// Address, and the place of the name.
    symbols: Vec<(u64, u64)>,
}

impl ModuleSymbols {
    /// Reads `struct mod_kallsyms` of a module: its ELF symbols, relocated by the loader.
    pub(crate) fn read(kernel: &Kernel<'_>, module: &Module) -> Result<Self, Gap> {
        let what = || format!("the symbols of {}", module.name);
        let space = kernel.space();
        let types = kernel.types();
        let layout = types.layout("struct module")?;
        // The structure of its own is newer than the members of the module itself.
        let (table, count) = match layout.find("kallsyms") {
            Some(field) => {
                let own = types.layout("struct mod_kallsyms")?;
                let at = field.pointer(space, module.address);
                let at = at.map_err(|error| Gap::new(what(), error.to_string()))?;
                let member = |name| own.any(&[name]).map(|field| (at, field));
                let table = (member("symtab")?, member("num_symtab")?, member("strtab")?);
                read_table(space, table, &what)?
            }
            None => {
                let member = |name| layout.any(&[name]).map(|field| (module.address, field));
                let table = (member("symtab")?, member("num_symtab")?, member("strtab")?);
                read_table(space, table, &what)?
            }
        };
        let mut budget = Budget::new("symbols of one module", MOST_SYMBOLS);
        let mut symbols = Vec::new();
        for symbol in table.chunks_exact(SYMBOL as usize) {
            if budget.spend(1).is_err() {
                break;
            }
            let number = |at: usize, size: usize| {
                let mut word = [0; 8];
                let bytes = symbol.get(at..at + size).unwrap_or_default();
                word.iter_mut()
                    .zip(bytes)
                    .for_each(|(to, from)| *to = *from);
                u64::from_le_bytes(word)
            };
            let (name, section, value) = (number(0, 4), number(6, 2), number(8, 8));
            // What the module does not define itself has no section.
            if section != 0 && name != 0 {
                symbols.push((value, count.wrapping_add(name)));
            }
        }
        symbols.sort_unstable();
        Ok(ModuleSymbols { symbols })
    }

    /// The symbol at or before `address`: its name, its address, and where the next one begins.
    fn find(&self, space: &AddressSpace<'_>, address: u64) -> Option<(String, u64, Option<u64>)> {
        let end = self.symbols.partition_point(|(at, _)| *at <= address);
        let next = self.symbols.get(end).map(|(at, _)| *at);
        let before = self.symbols.get(..end)?;
        let start = before.last()?.0;
        let same = before.iter().rev().take_while(|(at, _)| *at == start);
        let mut best = None;
        for (_, place) in same {
            let Ok(name) = space.text(VirtAddr(*place), LONGEST_NAME) else {
                continue;
            };
            // Marks of compilers and of ARM's mapping are no names.
            if !name.is_empty() && !name.starts_with(".L") && !name.starts_with('$') {
                best = Some((name, start, next));
            }
        }
        best
    }

    /// Where the symbol at or before `address` begins, and where the next one does.
    pub(crate) fn range_at(&self, address: u64) -> Option<NextRange> {
        let end = self.symbols.partition_point(|(at, _)| *at <= address);
        let start = self.symbols.get(end.checked_sub(1)?)?.0;
        Some(NextRange {
            start,
            end: self.symbols.get(end).map(|(at, _)| *at),
        })
    }

    /// All of them with their names, in the order of addresses; of several at one place the last.
    pub(crate) fn all(&self, space: &AddressSpace<'_>) -> Vec<(u64, String)> {
        let mut all: Vec<(u64, String)> = Vec::new();
        for (address, place) in &self.symbols {
            let Ok(name) = space.text(VirtAddr(*place), LONGEST_NAME) else {
                continue;
            };
            if name.is_empty() || name.starts_with(".L") || name.starts_with('$') {
                continue;
            }
            all.push((*address, name));
        }
        all
    }

    /// The address of the symbol called `name`.
    pub(crate) fn address_of(&self, space: &AddressSpace<'_>, name: &str) -> Option<u64> {
        let is_it = |place: u64| {
            let text = space.text(VirtAddr(place), LONGEST_NAME);
            text.is_ok_and(|text| text == name)
        };
        let mut symbols = self.symbols.iter();
        symbols.find(|(_, place)| is_it(*place)).map(|(at, _)| *at)
    }
}

/// From a symbol to the next one; none behind the last.
pub(crate) struct NextRange {
    pub(crate) start: u64,
    pub(crate) end: Option<u64>,
}

type Place = (VirtAddr, value::Field);

/// The bytes of a table of symbols, and where its names are.
fn read_table<'a>(
    space: &AddressSpace<'a>,
    (table, count, names): (Place, Place, Place),
    what: &dyn Fn() -> String,
) -> Result<(Cow<'a, [u8]>, u64), Gap> {
    let read = |(at, field): Place| field.read(space, at);
    let all = || {
        let (at, count, names) = (read(table)?, read(count)?, read(names)?);
        let size = count.min(MOST_SYMBOLS) * SYMBOL;
        Ok((space.bytes(VirtAddr(at), size)?, names))
    };
    all().map_err(|error: base::ReadError| Gap::new(what(), error.to_string()))
}

impl Kernel<'_> {
    /// The address of a symbol of the kernel itself.
    pub fn symbol(&self, name: &str) -> Result<VirtAddr, Gap> {
        if let Some(known) = self.known.get(name) {
            return known.map(VirtAddr).ok_or_else(|| missing(name));
        }
        let found = self.kallsyms.address_of(name);
        found.map(VirtAddr).ok_or_else(|| missing(name))
    }

    /// The address of a symbol of a module.
    pub fn module_symbol(&self, module: &str, name: &str) -> Option<VirtAddr> {
        let modules = &self.modules().value;
        let place = modules.iter().position(|found| found.name == module)?;
        let symbols = self.symbols_of(place)?;
        symbols.address_of(self.space(), name).map(VirtAddr)
    }

    /// What `address` is called; none where nothing of the kernel or a module lies there.
    pub fn name(&self, address: VirtAddr) -> Option<Name> {
        let at = address.0;
        if self.image.contains(&at) {
            let symbol = self.kallsyms.at(at)?;
            return Some(Name {
                offset: at - symbol.address,
                symbol: symbol.name,
                size: symbol.size,
                module: None,
            });
        }
        let (place, module) = self.module_at(address)?;
        let (symbol, start, next) = self.symbols_of(place)?.find(self.space(), at)?;
        // The next symbol may be in another piece of the module.
        let region = module.regions.iter().find(|region| region.contains(at))?;
        if start < region.base.0 {
            return None;
        }
        let end = region.base.0.saturating_add(region.size);
        Some(Name {
            symbol,
            offset: at - start,
            size: next.map(|next| next.min(end) - start),
            module: Some(module.name.clone()),
        })
    }

    /// The module that `address` lies in, and its place among the modules.
    pub(crate) fn module_at(&self, address: VirtAddr) -> Option<(usize, &Module)> {
        let modules = self.modules().value.iter().enumerate();
        let holds = |module: &Module| module.regions.iter().any(|r| r.contains(address.0));
        modules.into_iter().find(|(_, module)| holds(module))
    }

    /// The symbols of the module called `name`, with their addresses.
    pub(crate) fn symbols_of_module(&self, name: &str) -> Option<Vec<(u64, String)>> {
        let modules = &self.modules().value;
        let place = modules.iter().position(|found| found.name == name)?;
        Some(self.symbols_of(place)?.all(self.space()))
    }

    pub(crate) fn symbols_of(&self, place: usize) -> Option<&ModuleSymbols> {
        let slot = self.module_symbols().get(place)?;
        let module = self.modules().value.get(place)?;
        slot.get_or_init(|| ModuleSymbols::read(self, module).ok())
            .as_ref()
    }
}

fn missing(name: &str) -> Gap {
    Gap::new(
        format!("the symbol {name}"),
        "the kernel's table of symbols does not have it",
    )
}
