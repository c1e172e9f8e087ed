//! The CPUs, and which task each of them runs (`runqueues`, a per-CPU `struct rq`).

use base::{Budget, Gap, Partial, VirtAddr};

use crate::linux::Kernel;

/// CPUs that a kernel can have (`CONFIG_NR_CPUS` reaches 8192).
const MOST: u64 = 1 << 14;

/// A CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its number.
    pub number: u32,
    /// What per-CPU variables of it are away from their symbols.
    pub offset: u64,
    /// Whether it was online; a panic takes the others offline.
    pub is_online: bool,
    /// The `struct task_struct` that it runs.
    pub current: VirtAddr,
    /// The `struct task_struct` that it runs where there is nothing to do.
    pub idle: VirtAddr,
}

impl Kernel<'_> {
    pub(crate) fn walk_cpus(&self) -> Partial<Vec<Cpu>> {
        self.try_cpus().unwrap_or_else(|gap| Partial {
            value: Vec::new(),
            gaps: vec![gap],
        })
    }

    fn try_cpus(&self) -> Result<Partial<Vec<Cpu>>, Gap> {
        let space = self.space();
        let rq = self.types().layout("struct rq")?;
        let (curr, idle) = (rq.any(&["curr"])?, rq.any(&["idle"])?);
        let queues = self.symbol("runqueues")?;
        // A kernel for one CPU has neither a number of them nor offsets.
        let number = self.known("nr_cpu_ids").map(|at| space.u32(VirtAddr(at)));
        let number = u64::from(number.and_then(Result::ok).unwrap_or(1));
        let possible = |cpu| self.is_in_mask("__cpu_possible_mask", cpu).unwrap_or(true);
        let mut budget = Budget::new("CPUs", MOST);
        let (mut cpus, mut gaps) = (Vec::new(), Vec::new());
        for cpu in (0..number)
            .take_while(|_| budget.spend(1).is_ok())
            .filter(|cpu| possible(*cpu))
        {
            let read = || {
                let offset = match self.known("__per_cpu_offset") {
                    Some(at) => space.u64(VirtAddr(at.wrapping_add(8 * cpu)))?,
                    None => 0,
                };
                let rq = VirtAddr(queues.0.wrapping_add(offset));
                Ok(Cpu {
                    number: cpu as u32,
                    offset,
                    is_online: self.is_in_mask("__cpu_online_mask", cpu).unwrap_or(true),
                    current: curr.pointer(space, rq)?,
                    idle: idle.pointer(space, rq)?,
                })
            };
            match read() {
                Ok(cpu) => cpus.push(cpu),
                Err(error) => {
                    let error: base::ReadError = error;
                    gaps.push(Gap::new(format!("what CPU {cpu} runs"), error.to_string()));
                }
            }
        }
        Ok(Partial { value: cpus, gaps })
    }

    fn is_in_mask(&self, mask: &str, cpu: u64) -> Option<bool> {
        let at = self.known(mask)?.wrapping_add(8 * (cpu / 64));
        let word = self.space().u64(VirtAddr(at)).ok()?;
        Some(word >> (cpu % 64) & 1 != 0)
    }

    /// The registers of a CPU, where the target has them. Its per-CPU base tells which they are, where they
    /// have it; else the order does.
    pub fn registers_of(&self, cpu: &Cpu) -> Option<&base::CpuRegisters> {
        let base = |registers: &base::CpuRegisters, name: &str| {
            let mut all = registers.registers.iter();
            all.find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        };
        let mut all = self.registers().iter();
        // In user space the kernel's base waits in the other register.
        let is_its = |registers: &&base::CpuRegisters| {
            cpu.offset != 0
                && ["gs_base", "kernel_gs_base"]
                    .iter()
                    .any(|name| base(registers, name) == Some(cpu.offset))
        };
        all.find(is_its).or_else(|| {
            self.registers()
                .iter()
                .find(|found| found.cpu == cpu.number)
        })
    }

    /// The CPU that panicked, where one did.
    pub fn panic_cpu(&self) -> Option<&Cpu> {
        // -1 stands for none (`PANIC_CPU_INVALID`).
        let number = self.space().u32(VirtAddr(self.known("panic_cpu")?)).ok()?;
        self.cpus().value.iter().find(|cpu| cpu.number == number)
    }
}
