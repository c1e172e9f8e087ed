//! The objects of `tests/objects`, which its `Makefile` makes.

#![allow(clippy::panic, reason = "a panic is the verdict of a test")]

use debuginfo::{Object, Store};

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
