//! One file: its sections, symbols, code and relocations.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use arch::Arch;

use crate::crossrefs::{self, CrossReferences, Reference};
use crate::elf::{Elf, Section};
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::machines::{self, Machine};
use crate::matching::Ran;
use crate::relocate::{Context, ForLoader, Table};
use crate::relocation::{Relocation, RelocationKind};
use crate::sections;
use crate::sources::elf_symtab::{Symbol, SymbolKind, Symbols};
use crate::store::Store;

/// A kernel, a kernel module, a relocatable object or a program, perhaps with its debug info in another file.
///
/// Everything is read when it is first asked for. Addresses are those of the file; a relocatable file has none,
/// so each of its loaded sections gets a place of its own in a made-up address space.
#[derive(Debug)]
pub struct Object<'a> {
    pub(crate) file: Elf<'a>,
    pub(crate) debug: Option<Elf<'a>>,
    pub(crate) store: &'a Store,
    /// BTF that is not in a section of the file but is all of it.
    types: Option<&'a [u8]>,
    identity: Identity,
    symbols: OnceLock<Result<Symbols<'a>>>,
    tables: Mutex<BTreeMap<u32, Arc<Result<Table<'a>>>>>,
    for_loader: OnceLock<Result<ForLoader>>,
    references: OnceLock<Result<CrossReferences>>,
    pub(crate) detours: OnceLock<Vec<(u64, u64)>>,
    /// Of a linked file the words of data with addresses of code.
    pub(crate) words_of_code: OnceLock<Vec<(u64, u64)>>,
    /// Of a linked file where its tables about code lie.
    pub(crate) linked_tables: OnceLock<Result<Vec<Range<u64>>>>,
    /// Code that ran in the place of the file's.
    pub(crate) ran: Vec<Ran<'a>>,
    /// How often it was asked who refers to something.
    asked: AtomicU32,
    /// The names that it offers to modules, sorted.
    exported: OnceLock<Result<Vec<&'a str>>>,
}

/// Questions who refers to something that are answered by going through a linked file before an index pays.
const QUESTIONS_BEFORE_INDEX: u32 = 2;

impl<'a> Object<'a> {
    /// Opens the file `label`, whose contents are `bytes`. Sections that must be unpacked or relocated go to
    /// `store`.
    pub fn open(label: &str, bytes: &'a [u8], store: &'a Store) -> Result<Self> {
        let file = Elf::parse(&label.into(), bytes)?;
        let identity = Identity::read(&file);
        Ok(Self::of(file, identity, None, store))
    }

    /// Types without code: the BTF that a running kernel shows of itself or of a module
    /// (`/sys/kernel/btf/vmlinux`), which tells no architecture.
    pub fn of_types(
        label: &str,
        bytes: &'a [u8],
        arch: &Arch,
        module: Option<&str>,
        store: &'a Store,
    ) -> Result<Self> {
        let label: Arc<str> = label.into();
        let endian = match bytes.get(..2) {
            Some([0x9f, 0xeb]) => base::Endian::Little,
            Some([0xeb, 0x9f]) => base::Endian::Big,
            _ => return Err(Error::file(&label, "not BTF")),
        };
        let file = Elf::empty(&label, arch.elf_machine, arch.pointer_bits == 64, endian);
        let identity = Identity {
            module: module.map(str::to_owned),
            ..Identity::read(&file)
        };
        Ok(Self::of(file, identity, Some(bytes), store))
    }

    fn of(file: Elf<'a>, identity: Identity, types: Option<&'a [u8]>, store: &'a Store) -> Self {
        Object {
            file,
            debug: None,
            store,
            types,
            identity,
            symbols: OnceLock::new(),
            tables: Mutex::new(BTreeMap::new()),
            for_loader: OnceLock::new(),
            references: OnceLock::new(),
            detours: OnceLock::new(),
            words_of_code: OnceLock::new(),
            linked_tables: OnceLock::new(),
            ran: Vec::new(),
            asked: AtomicU32::new(0),
            exported: OnceLock::new(),
        }
    }

    /// Adds the file that holds this one's debug info.
    ///
    /// Both must be of one build: equal build-ids where both have one, else the checksum of the debug link.
    pub fn attach_debug(&mut self, label: &str, bytes: &'a [u8]) -> Result<()> {
        let label: Arc<str> = label.into();
        let debug = Elf::parse(&label, bytes)?;
        let other = Identity::read(&debug);
        let is = |what: String| Err(Error::file(&label, what));
        if (debug.machine, debug.is_64, debug.kind)
            != (self.file.machine, self.file.is_64, self.file.kind)
        {
            return is(format!("is of another kind than {}", self.file.label));
        }
        match (&self.identity.build_id, &other.build_id) {
            (Some(ours), Some(theirs)) if ours != theirs => {
                return is(format!(
                    "has build-id {theirs}, but {} has {ours}",
                    self.file.label
                ));
            }
            (Some(_), Some(_)) => {}
            _ => {
                if let Some((_, wanted)) = &self.identity.debug_link {
                    let mut sum = flate2::Crc::new();
                    sum.update(bytes);
                    if sum.sum() != *wanted {
                        let label = &self.file.label;
                        return is(format!(
                            "has checksum {:#010x}, but {label} wants {wanted:#010x}",
                            sum.sum()
                        ));
                    }
                }
            }
        }
        // Sections of relocatable files get their places by order, so the loaded ones must be the same.
        let loaded = |file: &Elf<'a>| -> Vec<(String, u64)> {
            let sections = file.sections.iter().filter(|section| section.is_loaded());
            sections
                .map(|section| (section.name.to_string(), section.size))
                .collect()
        };
        if self.file.is_relocatable() && loaded(&self.file) != loaded(&debug) {
            return is(format!("has other sections than {}", self.file.label));
        }
        self.debug = Some(debug);
        self.symbols = OnceLock::new();
        Ok(())
    }

    /// The name that the caller gave the file.
    pub fn label(&self) -> &str {
        &self.file.label
    }

    /// Says which module it is: a file that holds debug info alone does not tell.
    #[must_use]
    pub fn of_module(mut self, name: &str) -> Self {
        self.identity.module = Some(name.to_owned());
        self
    }

    /// What the file says it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its architecture, where it is known.
    pub fn arch(&self) -> Option<&'static Arch> {
        arch::find_elf(self.file.machine, self.identity.pointer_bits)
    }

    /// The order of its bytes.
    pub fn endian(&self) -> base::Endian {
        self.file.endian()
    }

    /// Whether it is a relocatable file, as modules are: its addresses are made up.
    pub fn is_relocatable(&self) -> bool {
        self.file.is_relocatable()
    }

    /// Whether it is types alone: the code that they belong to is in another file.
    pub fn is_types_only(&self) -> bool {
        self.types.is_some()
    }

    /// Whether it holds instructions: the companions that debug packages have do not.
    pub fn has_code(&self) -> bool {
        let mut sections = self.sections().iter();
        sections.any(|section| section.is_code() && !section.is_zeroes())
    }

    /// Whether it, or its debug file, has DWARF debug info.
    pub fn has_dwarf(&self) -> bool {
        self.dwarf_file().is_some()
    }

    /// The file with the debug info.
    pub(crate) fn dwarf_file(&self) -> Option<&Elf<'a>> {
        let has = |file: &&Elf<'a>| {
            let names = [".debug_info", ".zdebug_info"];
            names
                .iter()
                .any(|name| file.section_named(name).is_some_and(|s| !s.is_zeroes()))
        };
        self.debug.iter().chain([&self.file]).find(has)
    }

    /// The BTF, and what it counts on from where that comes with it (`.BTF.base`).
    #[allow(clippy::type_complexity, reason = "the types and, perhaps, their base")]
    pub(crate) fn btf(&self) -> Result<Option<(&'a [u8], Option<&'a [u8]>)>> {
        if let Some(types) = self.types {
            return Ok(Some((types, None)));
        }
        let section = |name: &str| -> Result<Option<&'a [u8]>> {
            for file in [&self.file].into_iter().chain(&self.debug) {
                if let Some(section) = file.section_named(name).filter(|s| !s.is_zeroes()) {
                    return file.raw(section).map(Some);
                }
            }
            Ok(None)
        };
        match section(".BTF")? {
            Some(types) => Ok(Some((types, section(".BTF.base")?))),
            None => Ok(None),
        }
    }

    /// Bytes of the file with the debug info, else of the file.
    pub(crate) fn size(&self) -> usize {
        self.dwarf_file().unwrap_or(&self.file).bytes.data.len()
    }

    pub(crate) fn machine(&self) -> Option<&'static Machine> {
        machines::find(self.file.machine)
    }

    /// Its sections.
    pub fn sections(&self) -> &[Section<'a>] {
        &self.file.sections
    }

    /// The section of this number.
    pub fn section(&self, index: u32) -> Option<&Section<'a>> {
        self.file.section(index)
    }

    /// The loaded section that holds `address`.
    pub fn section_at(&self, address: u64) -> Option<&Section<'a>> {
        self.file.section_at(address)
    }

    /// The bytes at an address as they lie in the file, not relocated, at most up to the section's end;
    /// none where no section of the file has bytes for it.
    pub fn bytes_at(&self, address: u64, size: u64) -> Option<&'a [u8]> {
        let debug = || self.debug.as_ref()?.at(address, size);
        self.file.at(address, size).or_else(debug)
    }

    pub(crate) fn symbol_table(&self) -> Result<&Symbols<'a>> {
        let read = || {
            let symbols = Symbols::read(&self.file)?;
            match &self.debug {
                // A stripped file has none, or only those that a loader needs.
                Some(debug) if symbols.all().len() <= 1 => Symbols::read(debug),
                _ => Ok(symbols),
            }
        };
        self.symbols
            .get_or_init(read)
            .as_ref()
            .map_err(Clone::clone)
    }

    /// All symbols in the order of the file.
    pub fn symbols(&self) -> Result<&[Symbol<'a>]> {
        Ok(self.symbol_table()?.all())
    }

    /// Every symbol of this name: static ones of several source files may share it.
    pub fn symbols_named(&self, name: &str) -> Result<Vec<Symbol<'a>>> {
        Ok(self
            .symbol_table()?
            .named(name)
            .into_iter()
            .copied()
            .collect())
    }

    /// The functions defined in this object under this name.
    pub fn functions_named(&self, name: &str) -> Result<Vec<Symbol<'a>>> {
        let named = self.symbol_table()?.named(name).into_iter().copied();
        Ok(named.filter(|symbol| self.is_function(symbol)).collect())
    }

    /// All functions, by address; of several names for one place all.
    pub fn functions(&self) -> Result<Vec<Symbol<'a>>> {
        let symbols = self.symbol_table()?.in_order();
        let functions = symbols.filter(|symbol| self.is_function(symbol));
        Ok(functions.copied().collect())
    }

    /// Whether it is the symbol of a function defined here: also one written in assembly without a type.
    pub fn is_function(&self, symbol: &Symbol<'_>) -> bool {
        let Some(section) = symbol
            .section()
            .and_then(|section| self.file.section(section))
        else {
            return false;
        };
        match symbol.kind {
            SymbolKind::Function => true,
            SymbolKind::Label => section.is_code() && !symbol.name.is_empty(),
            _ => false,
        }
    }

    /// The symbol (function or variable) that holds `address`.
    ///
    /// Where the file tells no sizes, it is the last one that starts before the address.
    pub fn symbol_at(&self, address: u64) -> Result<Option<Symbol<'a>>> {
        Ok(self.symbol_table()?.at(address).copied())
    }

    /// Every symbol that starts at `address`, the most telling first.
    pub fn symbols_starting_at(&self, address: u64) -> Result<Vec<Symbol<'a>>> {
        Ok(self
            .symbol_table()?
            .starting_at(address)
            .into_iter()
            .copied()
            .collect())
    }

    /// The most telling symbol that starts at `address`.
    pub fn symbol_starting_at(&self, address: u64) -> Result<Option<Symbol<'a>>> {
        Ok(self.symbol_table()?.best_at(address).copied())
    }

    /// Bytes from the start of a symbol to the next one of its section, or to the section's end, and whether the
    /// latter: that is the size of a function which kernels print, as their tables of symbols hold none.
    pub fn room(&self, symbol: &Symbol<'_>) -> Result<Option<(u64, bool)>> {
        let Some(section) = symbol.section() else {
            return Ok(None);
        };
        let next = self.symbol_table()?.next_start(symbol.address, section);
        let end = match (next, self.file.section(section)) {
            (Some(next), _) => next,
            (None, Some(section)) => section.range().end,
            (None, None) => return Ok(None),
        };
        Ok(end
            .checked_sub(symbol.address)
            .map(|room| (room, next.is_none())))
    }

    /// The names that this object offers to modules (`EXPORT_SYMBOL`), sorted.
    pub fn exported(&self) -> Result<&[&'a str]> {
        let read = || {
            let entries = self.symbols()?.iter().filter(|symbol| symbol.is_defined());
            let mut names: Vec<_> = entries
                .filter_map(|symbol| symbol.name.strip_prefix("__ksymtab_"))
                .collect();
            names.sort_unstable();
            names.dedup();
            Ok(names)
        };
        let kept = self.exported.get_or_init(read);
        kept.as_ref().map(Vec::as_slice).map_err(Clone::clone)
    }

    /// The relocations with a field in `range`, in the order of addresses.
    ///
    /// A linked file has them where the linker kept them, as x86 kernels do.
    pub fn relocations(&self, range: Range<u64>) -> Result<Vec<Relocation<'a>>> {
        let mut listed = Vec::new();
        self.each_relocation(range, |relocation| listed.push(relocation))?;
        Ok(listed)
    }

    /// Calls `each` with the relocations that have a field in `range`, which lies in one section.
    pub(crate) fn each_relocation(
        &self,
        range: Range<u64>,
        mut each: impl FnMut(Relocation<'a>),
    ) -> Result<()> {
        let (Some(section), Some(machine)) = (self.file.section_at(range.start), self.machine())
        else {
            return Ok(());
        };
        let start = section.address.unwrap_or(0);
        let symbols = self.symbol_table()?;
        let context = Context {
            file: &self.file,
            symbols,
            machine,
        };
        let table = self.table(section)?;
        let table = table.as_ref().as_ref().map_err(Clone::clone)?;
        let words = machine.table.filter(|name| section.name != *name);
        let mut wrong = None;
        let range = range.start - start..range.end.saturating_sub(start);
        context.each(section, table, range, |mut relocation| {
            if let Some(name) = words
                && let Err(error) = self.through_table(name, &mut relocation)
            {
                wrong = Some(error);
            }
            let function = relocation
                .target()
                .and_then(|target| symbols.described_at(target));
            if let Some(function) = function {
                relocation.symbol = Some(*function);
                relocation.addend = 0;
            }
            each(relocation);
        });
        wrong.map_or(Ok(()), Err)
    }

    pub(crate) fn references(&self) -> Result<&CrossReferences> {
        let read = || CrossReferences::read(self);
        self.references
            .get_or_init(read)
            .as_ref()
            .map_err(Clone::clone)
    }

    /// All references, where they are read already.
    pub(crate) fn references_if_read(&self) -> Option<&CrossReferences> {
        self.references.get()?.as_ref().ok()
    }

    /// The references to an address of the object.
    pub(crate) fn references_to(&self, address: u64) -> Result<Vec<Reference>> {
        if !self.is_relocatable()
            && self.references.get().is_none()
            && self.asked.fetch_add(1, Ordering::Relaxed) < QUESTIONS_BEFORE_INDEX
            && let Some(found) = crossrefs::look_for(self, address)?
        {
            return Ok(found);
        }
        Ok(self.references()?.to_address(address).to_vec())
    }

    /// Whether a relocation changes the `size` bytes at `address`.
    pub(crate) fn is_relocated(&self, address: u64, size: u64) -> Result<bool> {
        let Some(section) = self.file.section_at(address) else {
            return Ok(false);
        };
        let offset = address - section.address.unwrap_or(0);
        let table = self.table(section)?;
        let table = table.as_ref().as_ref().map_err(Clone::clone)?;
        Ok(table.touches(offset, offset.saturating_add(size)))
    }

    /// Replaces a word of a table of addresses by what the word holds.
    fn through_table(&self, name: &str, relocation: &mut Relocation<'a>) -> Result<()> {
        let Some(word) = relocation.target() else {
            return Ok(());
        };
        if self
            .file
            .section_at(word)
            .is_none_or(|section| section.name != name)
        {
            return Ok(());
        }
        let mut held = None;
        self.each_relocation(word..word.saturating_add(1), |relocation| {
            held.get_or_insert(relocation);
        })?;
        if let Some(held) = held {
            relocation.symbol = held.symbol;
            relocation.addend = held.addend;
            relocation.kind = match relocation.kind {
                RelocationKind::High => RelocationKind::SlotHigh,
                RelocationKind::Low => RelocationKind::Slot,
                kind => kind,
            };
        }
        Ok(())
    }

    /// The relocations of a section.
    pub(crate) fn table(&self, section: &Section<'a>) -> Result<Arc<Result<Table<'a>>>> {
        let mut tables = match self.tables.lock() {
            Ok(tables) => tables,
            // A table is complete before it is put in; what a failed thread left behind is sound.
            Err(poisoned) => poisoned.into_inner(),
        };
        let read = || {
            let for_loader = self.for_loader.get_or_init(|| ForLoader::read(&self.file));
            let for_loader = for_loader.as_ref().map_err(Clone::clone)?;
            Table::read(&self.file, section, for_loader)
        };
        let table = tables
            .entry(section.index)
            .or_insert_with(|| Arc::new(read()));
        Ok(Arc::clone(table))
    }

    /// The call frame information that programs carry for unwinding (`.eh_frame`), and its address.
    pub(crate) fn frames_for_unwinding(&self) -> Result<(&'a [u8], u64)> {
        let has = |file: &&Elf<'a>| {
            let section = file.section_named(".eh_frame");
            section.is_some_and(|section| !section.is_zeroes())
        };
        let Some(file) = self.debug.iter().chain([&self.file]).find(has) else {
            return Ok((&[], 0));
        };
        let address = file
            .section_named(".eh_frame")
            .and_then(|section| section.address);
        Ok((self.section_of(file, ".eh_frame")?, address.unwrap_or(0)))
    }

    /// The call frame information that is for debuggers (`.debug_frame`), of a linked file; empty where it has none.
    pub fn frames_for_debuggers(&self) -> Result<&'a [u8]> {
        match self.is_relocatable() {
            true => Ok(&[]),
            false => self.debug_section(".debug_frame"),
        }
    }

    /// The contents of a section of the debug file, unpacked and, in a relocatable file, relocated.
    pub(crate) fn debug_section(&self, name: &str) -> Result<&'a [u8]> {
        match self.dwarf_file() {
            Some(file) => self.section_of(file, name),
            None => Ok(&[]),
        }
    }

    /// The same of one file.
    fn section_of(&self, file: &Elf<'a>, name: &str) -> Result<&'a [u8]> {
        let old = format!(".z{}", name.strip_prefix('.').unwrap_or(name));
        let Some(section) = file
            .section_named(name)
            .or_else(|| file.section_named(&old))
        else {
            return Ok(&[]);
        };
        let contents = sections::contents(file, section)?;
        if !file.is_relocatable() {
            return Ok(match contents {
                std::borrow::Cow::Borrowed(bytes) => bytes,
                std::borrow::Cow::Owned(bytes) => self.store.keep(bytes),
            });
        }
        let table = Table::read(file, section, &ForLoader::default())?;
        if table.is_empty() {
            return Ok(match contents {
                std::borrow::Cow::Borrowed(bytes) => bytes,
                std::borrow::Cow::Owned(bytes) => self.store.keep(bytes),
            });
        }
        let Some(machine) = machines::find(file.machine) else {
            let what = format!("relocations of machine {} are not known", file.machine);
            return Err(Error::section(&file.label, name, 0, what));
        };
        let own;
        let symbols = match &self.debug {
            // The relocations of the debug file name its own symbols.
            Some(debug) if std::ptr::eq(debug, file) => {
                own = Symbols::read(debug)?;
                &own
            }
            _ => self.symbol_table()?,
        };
        let mut bytes = contents.into_owned();
        Context {
            file,
            symbols,
            machine,
        }
        .apply(section, &table, &mut bytes)?;
        Ok(self.store.keep(bytes))
    }
}
