//! What the unwinder asks of a kernel: words of its memory, its unwind tables, what is code.

use std::borrow::Cow;
use std::sync::OnceLock;

use base::{Gap, ReadError, VirtAddr};
use debuginfo::DebugInfo;
use unwind::{CfiForm, CfiRow, CfiTable, OrcEntry, OrcLayout, OrcTable, Source};
use value::Layout;

use super::Kernel;
use super::walkers::modules::Module;
use super::walkers::tasks::Task;

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

    fn cfi(&self, pc: VirtAddr) -> Option<Result<CfiRow<'_>, String>> {
        let (table, bias) = self.frames.get()?;
        let found = self
            .image
            .contains(&pc.0)
            .then(|| table.find(pc.0.wrapping_sub(*bias)));
        found?.map_err(|error| error.to_string()).transpose()
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
    /// Whether the kernel has an unwind table of its own that can be read.
    pub fn has_unwind_table(&self) -> bool {
        self.orc_table().is_ok()
    }

    /// Takes the call frame information (`.debug_frame`) of the kernel's own file among `info`, for code that the
    /// kernel's table does not tell of; whether there is any. The first that is given stays.
    pub fn add_frames(&self, info: &DebugInfo<'_>) -> bool {
        let found = || {
            let object = info.object(info.kernel()?)?;
            let bytes = object.frames_for_debuggers().ok()?;
            let mut sections = object.sections().iter();
            let text = sections.find(|section| section.name == ".text")?.address?;
            let runs = self.known("_text").or(self.known("_stext"))?;
            if bytes.is_empty() {
                return None;
            }
            // The file may be gone before the kernel is: what is needed of it is kept.
            let table = CfiTable::new(CfiForm::Debug, 0, Cow::Owned(bytes.to_vec()));
            Some((table, runs.wrapping_sub(text)))
        };
        found().is_some_and(|frames| self.frames.set(frames).is_ok())
    }

    /// The stack of a task by call frame information alone, as if the kernel had no table of its own: what the two
    /// tell can be held against each other.
    pub fn stack_by_frames(&self, task: &Task) -> Result<unwind::Stack, Gap> {
        let registers = self.sleeping(task)?;
        let by_frames = ByFrames(self);
        Ok(unwind::walk(
            &by_frames,
            registers,
            unwind::Rule::Switched,
            false,
        ))
    }

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

/// A kernel without the unwind table that it has.
struct ByFrames<'t, 'a>(&'t Kernel<'a>);

impl Source for ByFrames<'_, '_> {
    fn word(&self, address: VirtAddr) -> Result<u64, ReadError> {
        self.0.space.u64(address)
    }

    fn orc(&self, _: VirtAddr) -> Option<OrcEntry> {
        None
    }

    fn cfi(&self, pc: VirtAddr) -> Option<Result<CfiRow<'_>, String>> {
        self.0.cfi(pc)
    }

    fn is_code(&self, pc: VirtAddr) -> bool {
        self.0.is_code(pc)
    }

    fn needs_table(&self, _: VirtAddr) -> bool {
        true
    }
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
