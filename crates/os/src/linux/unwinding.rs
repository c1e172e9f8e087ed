//! What the unwinder asks of a kernel: words of its memory, its unwind tables, what is code.

use std::sync::OnceLock;

use base::{Gap, ReadError, VirtAddr};
use unwind::{OrcEntry, OrcLayout, OrcTable, Source};
use value::Layout;

use super::Kernel;
use super::walkers::modules::Module;

/// Bytes of an entry of the unwind table, in every layout there has been.
const ENTRY: u64 = 6;

/// Entries of a table; a large kernel has some million.
const MOST_ENTRIES: u64 = 1 << 24;

impl Source for Kernel<'_> {
    fn word(&self, address: VirtAddr) -> Result<u64, ReadError> {
        self.space.u64(address)
    }

    fn orc(&self, pc: VirtAddr) -> Option<OrcEntry> {
        if self.image.contains(&pc.0) {
            return self.orc_table().as_ref().ok()?.find(pc.0);
        }
        let (place, module) = self.module_at(pc)?;
        let none = || {
            self.modules()
                .value
                .iter()
                .map(|_| OnceLock::new())
                .collect()
        };
        let slots: &Vec<_> = self.module_orc.get_or_init(none);
        let table = slots.get(place)?.get_or_init(|| self.module_table(module));
        table.as_ref()?.find(pc.0)
    }

    fn is_code(&self, pc: VirtAddr) -> bool {
        Kernel::is_code(self, pc)
    }

    fn needs_table(&self, pc: VirtAddr) -> bool {
        // The type and the section are there in kernels with these tables only (CONFIG_UNWINDER_ORC).
        let has_tables = || {
            self.known("__start_orc_unwind").is_some()
                || self.types().layout("struct orc_entry").is_ok()
        };
        (self.image.contains(&pc.0) || self.module_at(pc).is_some()) && has_tables()
    }
}

impl<'a> Kernel<'a> {
    /// The kernel's own unwind table, or why there is none.
    pub(crate) fn orc_table(&self) -> &Result<OrcTable<'a>, Gap> {
        self.orc.get_or_init(|| {
            let what = "the kernel's unwind table (ORC)";
            let range = |name: &str| {
                let start = self.symbol(&format!("__start_{name}"))?;
                let stop = self.symbol(&format!("__stop_{name}"))?;
                let size = stop.0.saturating_sub(start.0).min(ENTRY * MOST_ENTRIES);
                let bytes = self.space.bytes(start, size);
                bytes
                    .map(|bytes| (start.0, bytes))
                    .map_err(|error| Gap::new(what, error.to_string()))
            };
            let (at, addresses) = range("orc_unwind_ip")?;
            let (_, entries) = range("orc_unwind")?;
            let told = self.types().layout("struct orc_entry").ok().and_then(told);
            let table = |layout| OrcTable::new(at, addresses.clone(), entries.clone(), layout);
            Ok(table(told.unwrap_or_else(|| self.tried(&table))))
        })
    }

    /// The layout by which most tasks that sleep unwind to their end, where no type tells it. Each is tried on
    /// the same few tasks.
    fn tried(&self, table: &dyn Fn(OrcLayout) -> OrcTable<'a>) -> OrcLayout {
        let tasks = self.tasks().value;
        let good = |layout: OrcLayout| {
            let table = table(layout);
            let tasks = tasks.iter().filter(|task| task.cpu.is_none()).take(16);
            let stacks = tasks.filter_map(|task| self.sleeping(task).ok());
            let trial = Trial {
                kernel: self,
                table: &table,
            };
            let ends = stacks
                .map(|registers| unwind::walk(&trial, registers, unwind::Rule::Switched, false));
            ends.filter(|stack| {
                let is_whole = !matches!(stack.end, unwind::End::Lost(_));
                is_whole
                    && stack.frames.len() > 2
                    && !stack.frames.iter().any(|frame| frame.is_guess)
            })
            .count()
        };
        // The first of the best: the newest.
        let mut best = (0, OrcLayout::ALL[0]);
        for layout in OrcLayout::ALL {
            let count = good(layout);
            if count > best.0 {
                best = (count, layout);
            }
        }
        best.1
    }

    fn module_table(&self, module: &Module) -> Option<OrcTable<'a>> {
        let layout = self.types().layout("struct module").ok()?;
        let read = |path: &str| layout.find(path)?.read(&self.space, module.address).ok();
        let count = read("arch.num_orcs")?.min(MOST_ENTRIES);
        let (at, entries) = (read("arch.orc_unwind_ip")?, read("arch.orc_unwind")?);
        let bytes = |at, size| self.space.bytes(VirtAddr(at), size).ok();
        let kernel = self.orc_table().as_ref().ok()?;
        let (addresses, entries) = (bytes(at, 4 * count)?, bytes(entries, ENTRY * count)?);
        let table = OrcTable::new(at, addresses, entries, kernel.layout());
        Some(table.numbered_as(kernel))
    }
}

/// The layout that the kernel's own type tells.
fn told(entry: Layout<'_, '_>) -> Option<OrcLayout> {
    let bits = |name: &str| entry.find(name)?.bits;
    let (_, size) = bits("type")?;
    let place = |name| bits(name).and_then(|(at, _)| u8::try_from(at).ok());
    Some(OrcLayout {
        type_bits: u8::try_from(size).ok()?,
        end: place("end"),
        signal: place("signal"),
    })
}

/// A kernel whose unwind table is read by a layout that may be wrong.
struct Trial<'t, 'a> {
    kernel: &'t Kernel<'a>,
    table: &'t OrcTable<'a>,
}

impl Source for Trial<'_, '_> {
    fn word(&self, address: VirtAddr) -> Result<u64, ReadError> {
        self.kernel.space.u64(address)
    }

    fn orc(&self, pc: VirtAddr) -> Option<OrcEntry> {
        let is_kernel = self.kernel.image.contains(&pc.0);
        is_kernel.then(|| self.table.find(pc.0)).flatten()
    }

    fn is_code(&self, pc: VirtAddr) -> bool {
        self.kernel.is_code(pc)
    }

    fn needs_table(&self, pc: VirtAddr) -> bool {
        self.kernel.needs_table(pc)
    }
}
