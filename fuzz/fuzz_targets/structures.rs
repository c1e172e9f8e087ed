//! Lists, trees and maps in memory of any content: every walk ends, after a counted number of reads, and tells of no
//! node twice.
#![no_main]

use std::collections::HashSet;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Budget, Endian, Memory, PhysAddr, ReadError, VirtAddr};
use debuginfo::{DebugInfo, Store};
use libfuzzer_sys::fuzz_target;
use os::linux::{
    Idr, MapleTree, RbTree, XArray, walk_hlist, walk_hlist_nulls, walk_list, walk_llist,
};
use value::{AddressSpace, Types, Window};

#[path = "../../crates/os/tests/common/btf.rs"]
mod btf;

const BASE: u64 = 0xffff_8880_0000_0000;

/// Nodes that a walk may take.
const MOST: u64 = 300;

/// Reads for one node at most: those of its members, and its slots.
const READS: u64 = 16;

/// Memory that repeats itself, so that what leads on through it never meets its end; one page is not there.
struct Repeated<'d> {
    bytes: &'d [u8],
    absent: u64,
    reads: AtomicU64,
}

impl Memory for Repeated<'_> {
    fn read_physical(&self, address: PhysAddr, into: &mut [u8]) -> Result<(), ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        for (at, byte) in (address.0..).zip(into) {
            if at >> 12 == self.absent {
                return Err(ReadError::Filtered(PhysAddr(at)));
            }
            *byte = self.bytes[at as usize % self.bytes.len()];
        }
        Ok(())
    }

    fn physical_bytes(&self, _: PhysAddr, _: usize) -> Option<&[u8]> {
        None
    }

    fn physical_ranges(&self) -> Vec<Range<u64>> {
        Vec::new()
    }
}

/// The types, made once.
fn info() -> &'static DebugInfo<'static> {
    static INFO: OnceLock<DebugInfo<'static>> = OnceLock::new();
    INFO.get_or_init(|| {
        let store: &'static Store = Box::leak(Box::new(Store::new()));
        btf::kernel_types(store)
    })
}

/// Nodes are told once each, and no more of them than the budget has.
fn check(nodes: &[VirtAddr]) {
    let seen: HashSet<_> = nodes.iter().collect();
    assert_eq!(seen.len(), nodes.len());
    assert!(nodes.len() as u64 <= MOST + 1);
}

fuzz_target!(|data: &[u8]| {
    let Some((head, bytes)) = data.split_first_chunk::<2>() else {
        return;
    };
    if bytes.is_empty() {
        return;
    }
    // Addresses are too long to be guessed: words that begin as none are made such.
    let mut bytes = bytes.to_vec();
    for word in bytes.chunks_exact_mut(8) {
        if word[7] & 0xc0 == 0xc0 {
            word[3..].copy_from_slice(&BASE.to_le_bytes()[3..]);
        }
    }
    let memory = Repeated {
        bytes: &bytes,
        absent: u64::from(head[0]),
        reads: AtomicU64::new(0),
    };
    let Some(paging) = arch::find("x86_64").and_then(|(arch, _)| arch.paging) else {
        return;
    };
    let space = AddressSpace::new(&memory, Endian::Little, paging).window(Window {
        start: VirtAddr(BASE),
        size: 1 << 24,
        physical: PhysAddr(0),
    });
    let types = Types::new(info());
    let at = VirtAddr(BASE + u64::from(head[1]) * 8);
    let budget = &mut Budget::new("nodes", MOST);
    let what = "it";
    check(&walk_list(&space, at, what, budget).value);
    budget.reset();
    check(&walk_hlist(&space, at, what, budget).value);
    budget.reset();
    check(&walk_hlist_nulls(&space, at, what, budget).value.0);
    budget.reset();
    check(&walk_llist(&space, at, what, budget).value);
    budget.reset();
    if let Ok(shape) = RbTree::new(&types) {
        let found = shape.walk(&space, at, what, budget);
        check(&found.value);
        assert!(found.gaps.len() <= 17);
    }
    budget.reset();
    if let Ok(shape) = XArray::new(&types) {
        let found = shape.walk(&space, at, what, budget).value;
        assert!(found.len() as u64 <= 64 * MOST + 1);
        assert!(found.iter().all(|entry| entry.first <= entry.last));
        assert!(found.windows(2).all(|pair| pair[0].last < pair[1].first));
    }
    budget.reset();
    if let Ok(shape) = Idr::new(&types) {
        let _ = shape.walk(&space, at, what, budget);
    }
    budget.reset();
    if let Ok(shape) = MapleTree::new(&types) {
        let found = shape.walk(&space, at, what, budget).value;
        assert!(found.len() as u64 <= 16 * MOST + 1);
        assert!(found.iter().all(|entry| entry.first <= entry.last));
        assert!(found.windows(2).all(|pair| pair[0].last < pair[1].first));
    }
    assert!(memory.reads.load(Ordering::Relaxed) <= 8 * (MOST + 2) * READS);
});
