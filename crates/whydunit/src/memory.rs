//! The memory of dumps, for whoever follows pointers.

use attach::Dump;
use base::{LogEvent, ReadError, VirtAddr};
use cause::Memory;
use debuginfo::Store;
use os::linux::Kernel;

/// The memory of a kernel.
pub struct KernelMemory<'a>(Kernel<'a>);

impl Memory for KernelMemory<'_> {
    fn read(&self, address: VirtAddr, into: &mut [u8]) -> Result<(), ReadError> {
        self.0.space().read(address, into)
    }
}

/// The memories of those dumps, by their input's number, in which a pointer was followed to a fault.
pub fn of<'a>(
    dumps: &'a [(u32, Box<Dump>)],
    events: &[LogEvent],
    store: &'a Store,
) -> Vec<(u32, KernelMemory<'a>)> {
    let has_pointer = |input: u32| {
        events.iter().any(|event| {
            event.span.input == input
                && matches!(event.kind.as_str(), "oops" | "general_protection")
        })
    };
    let mut memories = Vec::new();
    for (input, dump) in dumps.iter().filter(|(input, _)| has_pointer(*input)) {
        // That it has no kernel was said when its log was read.
        if let Ok(kernel) = Kernel::open(&dump.image, store) {
            memories.push((*input, KernelMemory(kernel.value)));
        }
    }
    memories
}
