//! The memory of one process, as the unwinder asks it.

use std::sync::{Arc, OnceLock};

use base::{Budget, ReadError, VirtAddr};
use unwind::{CfiRow, OrcEntry, Source};
use value::{AddressSpace, Root};

use super::content::{Content, absence};
use super::elf::Elf;
use super::files::UserFile;
use super::shape::{Mappings, UserShape};
use crate::linux::Kernel;

/// Mappings of a process, and nodes of their tree; `vm.max_map_count` is 65530 and may be set higher.
const MOST_MAPPINGS: u64 = 1 << 20;

/// `VM_EXEC` of include/linux/mm.h.
const VM_EXEC: u64 = 4;

/// Bits of an address within the pages that a file is mapped by.
const PAGE_BITS: u32 = 12;

/// Bytes of a mapping without a file that may be the kernel's own code for user space.
const MOST_VDSO: u64 = 1 << 16;

/// A mapping: what it is of is read when somebody asks.
struct Mapping {
    start: u64,
    end: u64,
    area: VirtAddr,
    told: OnceLock<Told>,
}

/// What a mapping is of.
#[derive(Default)]
struct Told {
    is_code: bool,
    /// The byte of the file that it begins with.
    offset: u64,
    file: Option<Result<Arc<UserFile>, String>>,
}

/// A process.
pub(super) struct Process<'k, 'a> {
    kernel: &'k Kernel<'a>,
    shape: &'k UserShape,
    space: AddressSpace<'a>,
    mappings: Vec<Mapping>,
    vdso: Option<u64>,
}

/// A place in a file: its address there.
pub(super) type Place = (Arc<UserFile>, u64);

impl<'k, 'a> Process<'k, 'a> {
    /// The process whose `struct mm_struct` is at `mm`.
    pub(super) fn open(
        kernel: &'k Kernel<'a>,
        shape: &'k UserShape,
        mm: VirtAddr,
    ) -> Result<Self, String> {
        let space = kernel.space();
        let paging = kernel.arch.paging.ok_or("its page tables are not known")?;
        let failed = |what: &str, error: &ReadError| format!("{what}: {}", absence(error));
        // With page tables for each of the two (PTI) these are the ones that the kernel itself uses.
        let tables = shape
            .tables
            .pointer(space, mm)
            .and_then(|tables| space.translate(tables));
        let (table, _) = tables.map_err(|error| failed("its page tables", &error))?;
        let root = Root {
            table,
            levels: kernel.found.root.levels,
        };
        let mut process = Process {
            kernel,
            shape,
            space: AddressSpace::new(space.memory(), space.endian(), paging).root(root),
            mappings: Vec::new(),
            vdso: shape.vdso.and_then(|vdso| vdso.read(space, mm).ok()),
        };
        process.mappings = process
            .read_mappings(mm)
            .map_err(|error| failed("its mappings", &error))?;
        Ok(process)
    }

    fn read_mappings(&self, mm: VirtAddr) -> Result<Vec<Mapping>, ReadError> {
        let space = self.kernel.space();
        let mut budget = Budget::new("mappings of a process", MOST_MAPPINGS);
        let mapping = |start, end, area| Mapping {
            start,
            end,
            area,
            told: OnceLock::new(),
        };
        let (head, link) = match &self.shape.mappings {
            // A gap in the tree is a place where nothing is mapped, as far as can be told: a frame there says so.
            Mappings::Tree(field, tree) => {
                let found = tree.walk(
                    space,
                    field.at(mm),
                    "the mappings of a process",
                    &mut budget,
                );
                let entries = found.value.into_iter();
                let entries = entries.map(|entry| {
                    mapping(
                        entry.first,
                        entry.last.saturating_add(1),
                        VirtAddr(entry.held),
                    )
                });
                return Ok(entries.collect());
            }
            Mappings::List(head, link) => (head, link),
        };
        let mut found = Vec::new();
        let mut area = head.pointer(space, mm)?;
        while area.0 != 0 && budget.spend(1).is_ok() {
            let start = self.shape.start.read(space, area)?;
            found.push(mapping(start, self.shape.end.read(space, area)?, area));
            area = link.pointer(space, area)?;
        }
        found.sort_by_key(|mapping| mapping.start);
        Ok(found)
    }

    fn mapping(&self, address: u64) -> Option<(&Mapping, &Told)> {
        let end = self
            .mappings
            .partition_point(|mapping| mapping.start <= address);
        let mapping = self.mappings.get(end.checked_sub(1)?)?;
        (address < mapping.end).then_some(())?;
        Some((mapping, mapping.told.get_or_init(|| self.tell(mapping))))
    }

    fn tell(&self, mapping: &Mapping) -> Told {
        let (space, shape) = (self.kernel.space(), self.shape);
        let read = |field: &value::Field| field.read(space, mapping.area);
        let Ok(flags) = read(&shape.flags) else {
            return Told::default();
        };
        let is_code = flags & VM_EXEC != 0;
        let file = match read(&shape.file) {
            _ if !is_code => None,
            Err(error) => Some(Err(absence(&error).to_owned())),
            Ok(0) if self.vdso == Some(mapping.start) => Some(Ok(self.vdso(mapping))),
            Ok(0) => None,
            Ok(file) => Some(self.kernel.user_file(shape, VirtAddr(file))),
        };
        let offset = match self.vdso == Some(mapping.start) {
            true => 0,
            false => read(&shape.page).unwrap_or(0).wrapping_shl(PAGE_BITS),
        };
        Told {
            is_code,
            offset,
            file,
        }
    }

    /// The kernel's code for user space is a whole library in memory.
    fn vdso(&self, mapping: &Mapping) -> Arc<UserFile> {
        let end = mapping.end.min(mapping.start.saturating_add(MOST_VDSO));
        Arc::new(UserFile {
            name: "vdso".to_owned(),
            elf: Elf::read(&Content::Mapped {
                space: &self.space,
                range: mapping.start..end,
            }),
        })
    }

    /// Where an address is in its file.
    pub(super) fn place(&self, address: u64) -> Option<Place> {
        let (mapping, told) = self.mapping(address)?;
        let file = told.file.as_ref()?.as_ref().ok()?;
        let offset = (address - mapping.start).wrapping_add(told.offset);
        let linked = file.elf.as_ref().ok().and_then(|elf| elf.address(offset));
        Some((Arc::clone(file), linked.unwrap_or(offset)))
    }
}

impl Source for Process<'_, '_> {
    fn word(&self, address: VirtAddr) -> Result<u64, ReadError> {
        self.space.u64(address)
    }

    fn orc(&self, _: VirtAddr) -> Option<OrcEntry> {
        None
    }

    fn cfi(&self, pc: VirtAddr) -> Option<Result<CfiRow<'_>, String>> {
        let (mapping, told) = self.mapping(pc.0)?;
        let file = match &told.file {
            Some(Ok(file)) => file,
            Some(Err(why)) => return Some(Err(format!("the file that is mapped: {why}"))),
            None => {
                return Some(Err(
                    "it is code of no file, without an unwind table".to_owned()
                ));
            }
        };
        let wrong = |why: &str| Some(Err(format!("{}: {why}", file.name)));
        let elf = match &file.elf {
            Ok(elf) => elf,
            Err(why) => return wrong(why),
        };
        let Some(address) = elf.address((pc.0 - mapping.start).wrapping_add(told.offset)) else {
            return wrong("it is mapped where its headers load nothing");
        };
        let table = match elf.table() {
            Ok(Some(table)) => table,
            Ok(None) => return wrong("it has no unwind table"),
            Err(why) => return wrong(why),
        };
        match table.find(address) {
            Ok(Some(row)) => Some(Ok(row)),
            Ok(None) => wrong("its unwind table does not tell of this place"),
            Err(error) => wrong(&error.to_string()),
        }
    }

    fn is_code(&self, pc: VirtAddr) -> bool {
        self.mapping(pc.0).is_some_and(|(_, told)| told.is_code)
    }

    /// Programs have frame pointers where whoever compiled them wanted some, and nothing tells: what such a
    /// register leads to is a guess.
    fn needs_table(&self, _: VirtAddr) -> bool {
        true
    }

    fn is_user(&self) -> bool {
        true
    }
}
