//! Targets that are a dump whose memory was changed.

/// All but the memory is that of the dump in the field `image`.
macro_rules! all_but_memory {
    ($target:ident) => {
        impl base::Target for $target<'_> {
            fn elf_machine(&self) -> u16 {
                self.image.elf_machine()
            }

            fn endian(&self) -> base::Endian {
                self.image.endian()
            }

            fn vmcoreinfo(&self) -> Option<&str> {
                self.image.vmcoreinfo()
            }

            fn cpus(&self) -> &[base::CpuRegisters] {
                self.image.cpus()
            }

            fn gaps(&self) -> Vec<base::Gap> {
                Vec::new()
            }
        }
    };
}
