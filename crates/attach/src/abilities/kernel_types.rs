//! The running kernel's own description of its types.

use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "kernel types (BTF)",
    purpose: "reading the running kernel's structures without debug information",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    match machine.opens("/sys/kernel/btf/vmlinux") {
        Ok(()) => Answer::yes("/sys/kernel/btf/vmlinux opens"),
        Err(error) => Answer::no(
            format!("/sys/kernel/btf/vmlinux does not open ({error})"),
            "a kernel with CONFIG_DEBUG_INFO_BTF, as distributions build them since 2020",
        ),
    }
}
