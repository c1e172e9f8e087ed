//! What a dump tells about itself beside memory and registers.

/// What the head of a dump says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The format, for people (`kdump-compressed, version 6, zlib, flattened`).
    pub format: String,
    /// The kernel's names for itself, where the head has them.
    pub uts: Option<Uts>,
    /// Seconds since 1970 when it was written, where the head has them.
    pub created: Option<u64>,
    /// Which pages were left out (`makedumpfile -d`), where the head tells it.
    pub dump_level: Option<u32>,
    /// What was erased from it before it was handed on (`makedumpfile --config`), a line each.
    pub erased: Option<String>,
}

/// The members of the kernel's `struct new_utsname` that tell something; text of the dump, so hostile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uts {
    /// The name of the machine.
    pub node: String,
    /// The release, such as `6.1.0-56-cloud-amd64`.
    pub release: String,
    /// The version, such as `#1 SMP …`.
    pub version: String,
    /// The architecture, as `uname -m` has it.
    pub machine: String,
}
