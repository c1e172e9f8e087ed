//! The objects of `tests/objects`, which its `Makefile` makes.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

use debuginfo::{DebugInfo, Object, ObjectId, Store};

/// The bytes of an object.
pub fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/objects/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Opens an object for the rest of the test run.
pub fn open(name: &str) -> Object<'static> {
    let bytes = Box::leak(bytes(name).into_boxed_slice());
    let store = Box::leak(Box::new(Store::new()));
    Object::open(name, bytes, store).unwrap()
}

/// A set with one object.
#[allow(dead_code, reason = "not every test file asks a set")]
pub fn set(name: &str) -> (DebugInfo<'static>, ObjectId) {
    let mut set = DebugInfo::new();
    let id = set.add(open(name));
    (set, id)
}

/// Where a function, or a compiler's copy of it, starts.
#[allow(dead_code, reason = "not every test file asks for functions")]
pub fn function(set: &DebugInfo<'_>, name: &str) -> u64 {
    set.functions_named(name, None).unwrap()[0].1.address
}

/// One module for each architecture.
#[allow(dead_code, reason = "not every test file goes through all of them")]
pub const MODULES: &[(&str, &str)] = &[
    ("x86_64.ko", "x86_64"),
    ("i386.ko", "i386"),
    ("arm64.ko", "arm64"),
    ("arm.ko", "arm"),
    ("mips64.ko", "mips64"),
    ("mips64el.ko", "mips64"),
    ("mips.ko", "mips"),
    ("riscv64.ko", "riscv64"),
    ("ppc64.ko", "ppc64"),
    ("ppc64le.ko", "ppc64"),
];
