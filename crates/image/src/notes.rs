//! The notes of a dump: registers, VMCOREINFO, and whose core it is.
//!
//! A note is three words (sizes of name and content, a type), the name and the content, each filled up to four
//! bytes ("System V Application Binary Interface", chapter 5, "Note Section"). The kernel writes one `CORE` note
//! of type `NT_PRSTATUS` for each processor (`crash_save_cpu`, kernel/crash_core.c) and `VMCOREINFO`; QEMU
//! writes `CORE` and `QEMU` notes (`target/i386/arch_dump.c`) and hands on the VMCOREINFO of its guest.

use base::{Budget, CpuRegisters, Endian};

use crate::fields::{Fields, text};
use crate::layouts::{self, Layout};

/// `NT_PRSTATUS`.
const PRSTATUS: u32 = 1;
/// Notes that only the core of a process has: `NT_PRPSINFO`, `NT_AUXV`, `NT_SIGINFO`, `NT_FILE`.
const OF_A_PROCESS: [u32; 4] = [3, 6, 0x5349_4749, 0x4649_4c45];
/// Where `struct elf_prstatus` of 64 bits has `pr_pid` and `pr_reg` (include/linux/elfcore.h).
const PID: usize = 32;
const REGISTERS: usize = 112;

/// Notes that are looked at: two for each of a great many processors.
const MOST_NOTES: u64 = 1 << 16;
/// Bytes of VMCOREINFO that are taken: the kernel has one page for it.
const MOST_VMCOREINFO: usize = 1 << 20;

/// What notes say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    pub(crate) cpus: Vec<CpuRegisters>,
    pub(crate) vmcoreinfo: Option<String>,
    /// There is a note that only the core of a process has.
    pub(crate) of_a_process: bool,
    /// Why not all notes were read.
    pub(crate) damage: Option<String>,
}

impl Notes {
    /// Reads notes; what is cut or cannot be ends them.
    pub(crate) fn parse(bytes: &[u8], endian: Endian, machine: u16) -> Notes {
        let mut reader = Reader {
            layout: layouts::find(machine),
            endian,
            notes: Notes::default(),
            by_qemu: Vec::new(),
        };
        let mut budget = Budget::new("notes", MOST_NOTES);
        let mut at = 0;
        while at < bytes.len() {
            if let Err(spent) = budget.spend(1) {
                reader.notes.damage = Some(spent.to_string());
                break;
            }
            match reader.note(bytes, at) {
                Some(next) => at = next,
                None => {
                    reader.notes.damage = Some(format!("the note at byte {at} of them is cut"));
                    break;
                }
            }
        }
        reader.finish()
    }

    /// The text of VMCOREINFO from its bytes.
    pub(crate) fn vmcoreinfo_of(bytes: &[u8]) -> Option<String> {
        let bytes = bytes.get(..bytes.len().min(MOST_VMCOREINFO))?;
        Some(text(bytes)).filter(|text| !text.is_empty())
    }
}

struct Reader {
    layout: Option<&'static Layout>,
    endian: Endian,
    notes: Notes,
    /// What the `QEMU` notes say, in their order.
    by_qemu: Vec<Vec<(&'static str, u64)>>,
}

impl Reader {
    /// Reads the note at `at`; the answer is where the next one begins.
    fn note(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let fields = Fields::new(bytes, self.endian);
        let name_size = usize::try_from(fields.u32(at)?).ok()?;
        let size = usize::try_from(fields.u32(at.checked_add(4)?)?).ok()?;
        let kind = fields.u32(at.checked_add(8)?)?;
        let name_at = at.checked_add(12)?;
        let name_end = name_at.checked_add(name_size)?;
        let name = text(bytes.get(name_at..name_end)?);
        let content_at = name_end.checked_next_multiple_of(4)?;
        let content_end = content_at.checked_add(size)?;
        let content = bytes.get(content_at..content_end)?;
        self.take(&name, kind, content);
        content_end.checked_next_multiple_of(4)
    }

    fn take(&mut self, name: &str, kind: u32, content: &[u8]) {
        let fields = Fields::new(content, self.endian);
        match (name, kind) {
            ("CORE", PRSTATUS) => self.processor(&fields),
            ("CORE", _) => self.notes.of_a_process |= OF_A_PROCESS.contains(&kind),
            ("VMCOREINFO", _) if self.notes.vmcoreinfo.is_none() => {
                self.notes.vmcoreinfo = Notes::vmcoreinfo_of(content);
            }
            ("QEMU", 0) => {
                let read = self.layout.and_then(|layout| layout.qemu);
                let state = read.and_then(|read| read(&fields));
                self.by_qemu.push(state.unwrap_or_default());
            }
            _ => {}
        }
    }

    fn processor(&mut self, fields: &Fields<'_>) {
        let names = self.layout.map_or(&[][..], |layout| layout.prstatus);
        let registers = names.iter().enumerate().filter_map(|(index, name)| {
            let value = fields.u64(REGISTERS + 8 * index)?;
            (!name.is_empty()).then_some((*name, value))
        });
        self.notes.cpus.push(CpuRegisters {
            cpu: u32::try_from(self.notes.cpus.len()).unwrap_or(u32::MAX),
            pid: fields.u32(PID),
            registers: registers.collect(),
        });
    }

    /// Brings together what the two kinds of notes say of one processor.
    fn finish(mut self) -> Notes {
        // QEMU counts processors from one where the kernel has the id of a task.
        let mut counted = self.notes.cpus.iter().zip(1..);
        let counts = counted.all(|(cpu, number)| cpu.pid == Some(number));
        let may_be_qemu = self.layout.is_none_or(|layout| layout.qemu.is_none());
        let is_qemu = !self.by_qemu.is_empty() || (counts && may_be_qemu);
        for (index, cpu) in self.notes.cpus.iter_mut().enumerate() {
            if is_qemu {
                cpu.pid = None;
            } else if let Some(layout) = self.layout {
                for (register, _) in &mut cpu.registers {
                    let other = layout.by_kernel.iter().find(|(name, _)| name == register);
                    *register = other.map_or(*register, |(_, meant)| *meant);
                }
            }
            let more = self.by_qemu.get_mut(index).map(std::mem::take);
            for (register, value) in more.unwrap_or_default() {
                if !cpu.registers.iter().any(|(name, _)| *name == register) {
                    cpu.registers.push((register, value));
                }
            }
        }
        self.notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &str, kind: u32, content: &[u8]) -> Vec<u8> {
        let sizes = [name.len() as u32 + 1, content.len() as u32, kind];
        let mut note = sizes.map(u32::to_le_bytes).concat();
        for part in [[name.as_bytes(), b"\0"].concat(), content.to_vec()] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    fn prstatus(pid: u32) -> Vec<u8> {
        let mut content = vec![0; 336];
        content[32..36].copy_from_slice(&pid.to_le_bytes());
        for n in 0..27u64 {
            let at = 112 + 8 * n as usize;
            content[at..at + 8].copy_from_slice(&(100 + n).to_le_bytes());
        }
        content
    }

    fn get(cpu: &CpuRegisters, name: &str) -> Option<u64> {
        let found = cpu.registers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    #[test]
    fn the_kernels_note_has_a_task_and_the_inactive_gs_base() {
        let bytes = [
            note("CORE", 1, &prstatus(1)),
            note("VMCOREINFO", 0, b"A=1\n\0\0"),
        ]
        .concat();
        let notes = Notes::parse(&bytes, Endian::Little, 62);
        assert_eq!(notes.vmcoreinfo.as_deref(), Some("A=1\n"));
        let [cpu] = notes.cpus.as_slice() else {
            panic!()
        };
        assert_eq!((cpu.cpu, cpu.pid), (0, Some(1)));
        assert_eq!(get(cpu, "r15"), Some(100));
        assert_eq!(get(cpu, "rip"), Some(116));
        assert_eq!(get(cpu, "rsp"), Some(119));
        assert_eq!(get(cpu, "kernel_gs_base"), Some(122));
        assert_eq!(get(cpu, "gs_base"), None);
        assert_eq!((notes.of_a_process, notes.damage), (false, None));
    }

    #[test]
    fn the_notes_of_qemu_know_more_and_no_task() {
        let mut state = vec![0; 440];
        state[..4].copy_from_slice(&1u32.to_le_bytes());
        state[4..8].copy_from_slice(&440u32.to_le_bytes());
        state[416..424].copy_from_slice(&0x1234_5000u64.to_le_bytes());
        state[432..440].copy_from_slice(&77u64.to_le_bytes());
        let bytes = [note("CORE", 1, &prstatus(1)), note("QEMU", 0, &state)].concat();
        let notes = Notes::parse(&bytes, Endian::Little, 62);
        let [cpu] = notes.cpus.as_slice() else {
            panic!()
        };
        assert_eq!(cpu.pid, None);
        assert_eq!(get(cpu, "gs_base"), Some(122));
        assert_eq!(get(cpu, "cr3"), Some(0x1234_5000));
        assert_eq!(get(cpu, "kernel_gs_base"), Some(77));
    }

    #[test]
    fn a_process_is_told_and_what_is_cut_is_said() {
        let whole = [note("CORE", 1, &prstatus(9)), note("CORE", 3, &[0; 136])].concat();
        assert!(Notes::parse(&whole, Endian::Little, 62).of_a_process);
        for cut in 1..whole.len() {
            let notes = Notes::parse(&whole[..cut], Endian::Little, 62);
            // The fill behind the last note may be missing.
            let ends = [356, whole.len()]
                .iter()
                .any(|end| (end - 3..=*end).contains(&cut));
            assert!(notes.damage.is_some() || ends, "{cut}");
        }
    }

    #[test]
    fn notes_are_counted() {
        let many = vec![0; 12 << 17];
        let damage = Notes::parse(&many, Endian::Little, 62).damage;
        assert_eq!(damage.as_deref(), Some("stopped after 65536 notes"));
    }
}
