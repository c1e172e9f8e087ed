//! A kernel in a target's memory: found once, asked lazily.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use arch::Arch;
use base::{Gap, Partial, Target, VirtAddr};
use debuginfo::{DebugInfo, Kallsyms, Store};
use unwind::{CfiTable, OrcTable};
use value::AddressSpace;

use super::find::{self, Found};
use super::globals;
use super::other_stacks::OtherStacks;
use super::stacks::Switched;
use super::symbols::ModuleSymbols;
use super::types;
use super::walkers::Walked;
use super::walkers::cpus::Cpu;
use super::walkers::modules::Module;

/// Symbols that walkers ask for: all are looked up in one pass over the names.
const ASKED: &[&str] = &[
    "_text",
    "_stext",
    "_etext",
    "_sinittext",
    "_einittext",
    "_end",
    "__start_BTF",
    "__stop_BTF",
    "__start_orc_unwind",
    "__stop_orc_unwind",
    "__start_orc_unwind_ip",
    "__stop_orc_unwind_ip",
    "__per_cpu_offset",
    "nr_cpu_ids",
    "__cpu_possible_mask",
    "__cpu_online_mask",
    "runqueues",
    "init_task",
    "modules",
    "btf_modules",
    "linux_banner",
    "panic_cpu",
    "prb",
    "log_buf",
    "log_buf_len",
    "log_first_idx",
    "log_next_idx",
    "ret_from_fork_asm",
    "ret_from_fork",
    "hardirq_stack_ptr",
    "pcpu_hot",
    "cea_exception_stacks",
    "percpu_rwsem_wake_function",
    "__start_notes",
    "__stop_notes",
];

/// A Linux kernel in the memory of a target.
///
/// Everything is read from that memory: no file of the kernel's is needed. Answers are computed when they are
/// asked for, and the tables behind them are kept.
#[derive(Debug)]
pub struct Kernel<'a> {
    pub(crate) arch: &'static Arch,
    pub(crate) store: &'a Store,
    pub(crate) found: Found,
    pub(crate) space: AddressSpace<'a>,
    pub(crate) kallsyms: Kallsyms<'a>,
    pub(crate) known: BTreeMap<&'static str, Option<u64>>,
    pub(crate) image: Range<u64>,
    pub(crate) info: DebugInfo<'a>,
    registers: &'a [base::CpuRegisters],
    modules: OnceLock<Partial<Vec<Module>>>,
    module_symbols: OnceLock<Vec<OnceLock<Option<ModuleSymbols>>>>,
    cpus: OnceLock<Partial<Vec<Cpu>>>,
    pub(crate) other_stacks: OnceLock<OtherStacks>,
    pub(crate) switched: OnceLock<Result<Switched, Gap>>,
    pub(crate) orc: OnceLock<Result<OrcTable<'a>, Gap>>,
    pub(crate) module_orc: OnceLock<Vec<OnceLock<Option<OrcTable<'a>>>>>,
    pub(crate) frames: OnceLock<(CfiTable<'static>, u64)>,
    pub(crate) walked: Walked,
}

impl<'a> Kernel<'a> {
    /// Finds the kernel of a target. What must be copied out of its memory goes to `store`.
    ///
    /// Without types there are symbols only, and a gap.
    pub fn open(target: &'a dyn Target, store: &'a Store) -> Result<Partial<Self>, Gap> {
        let start = find::find(target)?;
        let asked: Vec<_> = ASKED.iter().copied().chain(globals::names()).collect();
        let addresses = start.kallsyms.addresses_of(&asked);
        let known: BTreeMap<_, _> = asked.into_iter().zip(addresses).collect();
        let get = |name| known.get(name).copied().flatten();
        let image =
            get("_text").or(get("_stext")).unwrap_or_default()..get("_end").unwrap_or_default();
        let range = get("__start_BTF").zip(get("__stop_BTF"));
        let mut gaps = target.gaps();
        let info = types::read(&start.space, start.arch, range, image.clone(), store);
        let info = info.unwrap_or_else(|gap| {
            gaps.push(gap);
            DebugInfo::new()
        });
        let value = Kernel {
            arch: start.arch,
            store,
            found: start.found,
            space: start.space,
            kallsyms: start.kallsyms,
            known,
            image,
            info,
            registers: target.cpus(),
            modules: OnceLock::new(),
            module_symbols: OnceLock::new(),
            cpus: OnceLock::new(),
            other_stacks: OnceLock::new(),
            switched: OnceLock::new(),
            orc: OnceLock::new(),
            module_orc: OnceLock::new(),
            frames: OnceLock::new(),
            walked: Walked::default(),
        };
        Ok(Partial { value, gaps })
    }

    /// How it was found, and where it is.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// Its memory by virtual address.
    pub fn space(&self) -> &AddressSpace<'a> {
        &self.space
    }

    /// Its symbols.
    pub fn kallsyms(&self) -> &Kallsyms<'a> {
        &self.kallsyms
    }

    /// Registers of the CPUs, as the target has them.
    pub fn registers(&self) -> &'a [base::CpuRegisters] {
        self.registers
    }

    /// What it calls itself (`Linux version 6.1.0-…`).
    pub fn banner(&self) -> Result<String, Gap> {
        let banner = self.symbol("linux_banner")?;
        let text = self.space.text(banner, 1 << 10);
        let text = text.map_err(|error| Gap::new("the kernel's banner", error.to_string()))?;
        Ok(text.trim_end().to_owned())
    }

    /// VMCOREINFO as it lies in memory: a target that lost it can be told to others.
    pub fn vmcoreinfo(&self) -> Result<String, Gap> {
        let failed = |error: base::ReadError| Gap::new("VMCOREINFO in memory", error.to_string());
        let data = self.symbol("vmcoreinfo_data")?;
        let at = self.space.u64(data).map_err(failed)?;
        self.space.text(VirtAddr(at), 1 << 12).map_err(failed)
    }

    /// A symbol of those that are asked for anyway.
    pub(crate) fn known(&self, name: &str) -> Option<u64> {
        self.known.get(name).copied().flatten()
    }

    /// Its modules, in the order of its list: the one that was loaded last first.
    pub fn modules(&self) -> &Partial<Vec<Module>> {
        self.modules.get_or_init(|| self.walk_modules())
    }

    pub(crate) fn module_symbols(&self) -> &[OnceLock<Option<ModuleSymbols>>] {
        let none = || {
            self.modules()
                .value
                .iter()
                .map(|_| OnceLock::new())
                .collect()
        };
        self.module_symbols.get_or_init(none)
    }

    /// Its CPUs.
    pub fn cpus(&self) -> &Partial<Vec<Cpu>> {
        self.cpus.get_or_init(|| self.walk_cpus())
    }

    /// Whether there is code at `address`: of the kernel or of a module.
    pub fn is_code(&self, address: VirtAddr) -> bool {
        let between = |start, end| {
            let range = self.known(start).zip(self.known(end));
            range.is_some_and(|(start, end)| (start..end).contains(&address.0))
        };
        if self.image.contains(&address.0) {
            return between("_stext", "_etext") || between("_sinittext", "_einittext");
        }
        let module = self.module_at(address);
        module.is_some_and(|(_, module)| {
            let mut regions = module.regions.iter();
            regions.any(|region| region.is_code && region.contains(address.0))
        })
    }
}
