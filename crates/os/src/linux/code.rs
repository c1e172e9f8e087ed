//! The code of a kernel and of its modules, as it lies in the memory of the target: patched as it ran.

use std::borrow::Cow;
use std::ops::Range;

use base::{Gap, VirtAddr};
use code::held::{Code, FunctionRange, Had, Holdings, Memory, Standing};
use unwind::Stack;

use super::Kernel;
use super::walkers::tasks::Task;

impl Code for Kernel<'_> {
    fn function_at(&self, address: u64) -> Option<FunctionRange> {
        let at = VirtAddr(address);
        if !Kernel::is_code(self, at) {
            return None;
        }
        let name = self.name(at)?;
        let start = address.checked_sub(name.offset)?;
        Some(FunctionRange {
            start,
            end: start.checked_add(name.size?)?,
            name: name.symbol,
        })
    }

    fn bounds_at(&self, address: u64) -> Option<Range<u64>> {
        let at = VirtAddr(address);
        if !Kernel::is_code(self, at) {
            return None;
        }
        if self.image.contains(&address) {
            return self.kallsyms.range_at(address);
        }
        let (place, module) = self.module_at(at)?;
        let mut regions = module.regions.iter();
        let region = regions.find(|region| region.contains(address))?;
        let range = self.symbols_of(place)?.range_at(address)?;
        let end = region.base.0.saturating_add(region.size);
        (range.start >= region.base.0).then_some(range.start..range.end.unwrap_or(end).min(end))
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        let size = range.end.checked_sub(range.start)?;
        self.space.bytes(VirtAddr(range.start), size).ok()
    }

    fn addresses_of(&self, names: &[&str]) -> Vec<Vec<u64>> {
        let mut found = self.kallsyms.all_addresses_of(names);
        // A part of a function of a module is looked for by its name; the functions that take locks are the kernel's.
        if let [name] = names
            && let Some(slot) = found.first_mut()
        {
            for module in &self.modules().value {
                slot.extend(self.module_symbol(&module.name, name).map(|at| at.0));
            }
        }
        found
    }
}

/// The memory that a task of a kernel sees.
struct Seen<'s, 'a> {
    kernel: &'s Kernel<'a>,
    task: &'s Task,
}

impl Memory for Seen<'_, '_> {
    fn number(&self, address: u64, size: u8) -> Option<u64> {
        let space = self.kernel.space();
        space.number(VirtAddr(address), size.into()).ok()
    }

    fn per_cpu(&self, offset: u64) -> Option<u64> {
        let mut cpus = self.kernel.cpus().value.iter();
        let cpu = cpus.find(|cpu| Some(cpu.number) == self.task.cpu)?;
        Some(cpu.offset.wrapping_add(offset))
    }

    fn current(&self) -> Option<u64> {
        Some(self.task.address.0)
    }
}

impl Kernel<'_> {
    /// What tells which locks its frames hold: made once.
    pub fn holdings(&self) -> Result<Holdings<'_>, Gap> {
        Holdings::new(self, self.arch)
    }

    /// The locks that a task has by its stack, those that were taken first before the others. Frames that were guessed
    /// tell nothing.
    pub fn held_by(&self, holdings: &Holdings<'_>, task: &Task, stack: &Stack) -> Vec<Had> {
        let frames = stack.frames.iter().take_while(|frame| !frame.is_guess);
        let standing = |frame: &unwind::Frame| Standing {
            pc: frame.pc.0,
            is_exact: frame.is_exact,
            sp: frame.sp.0,
            registers: frame
                .registers
                .list()
                .map(|(name, value)| (arch::Reg(name), value))
                .collect(),
        };
        let frames: Vec<Standing> = frames.map(standing).collect();
        let (had, _) = holdings.of_stack(&frames, &Seen { kernel: self, task });
        had
    }
}
