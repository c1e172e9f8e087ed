//! Lists, trees and maps in memory made by hand: sound ones, and every way in which one can be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use base::{Budget, Gap, VirtAddr};
use common::btf::kernel_types;
use common::{BASE, Pages, SIZE};
use debuginfo::{DebugInfo, Store};
use os::linux::{
    Held, Idr, MapleEntry, MapleTree, RbTree, XArray, XaEntry, walk_hlist, walk_hlist_nulls,
    walk_list, walk_llist,
};
use value::Types;

const MANY: u64 = 1 << 20;

fn budget(limit: u64) -> Budget {
    Budget::new("nodes", limit)
}

fn addresses(found: &[VirtAddr]) -> Vec<u64> {
    found.iter().map(|at| at.0).collect()
}

fn told(gaps: &[Gap]) -> String {
    let gaps = gaps
        .iter()
        .map(|gap| format!("{}: {}\n", gap.what, gap.why));
    gaps.collect()
}

/// Links nodes to a list with a head.
fn list(pages: &Pages, head: u64, nodes: &[u64]) {
    let ring: Vec<u64> = std::iter::once(head).chain(nodes.iter().copied()).collect();
    for (place, at) in ring.iter().enumerate() {
        pages.put(*at, ring[(place + 1) % ring.len()]);
        pages.put(*at + 8, ring[(place + ring.len() - 1) % ring.len()]);
    }
}

#[test]
fn a_list_is_walked_from_both_ends_around_what_is_wrong() {
    let (pages, head) = (Pages::default(), BASE + 0x1000);
    let nodes: Vec<u64> = (2..12).map(|page| BASE + page * 0x1000 + 0x40).collect();
    list(&pages, head, &nodes);
    let walk = |limit| walk_list(&pages.space(), VirtAddr(head), "it", &mut budget(limit));
    let whole = walk(MANY);
    assert_eq!(
        (addresses(&whole.value), whole.gaps),
        (nodes.clone(), vec![])
    );
    // A page in the middle is not in the dump: all others are found.
    pages.filter(nodes[4]);
    let found = walk(MANY);
    assert_eq!(found.value.len(), 9, "{:?}", found.value);
    assert!(
        told(&found.gaps).contains("was filtered out of the dump"),
        "{}",
        told(&found.gaps)
    );
    // A loop, and no more steps than a node has each way.
    pages.put(nodes[3], nodes[1]);
    let mut steps = budget(MANY);
    let found = walk_list(&pages.space(), VirtAddr(head), "it", &mut steps);
    assert_eq!(found.value.len(), 9, "{:?}", found.value);
    assert!(
        told(&found.gaps).contains("is in it twice"),
        "{}",
        told(&found.gaps)
    );
    assert!(steps.used() <= 12, "{}", steps.used());
    assert_eq!(walk(3).value.len(), 3);
    assert!(told(&walk(3).gaps).contains("stopped after 3 nodes"));
}

#[test]
fn an_hlist_ends_and_its_way_back_is_checked() {
    let (pages, head) = (Pages::default(), BASE + 0x1000);
    let nodes: Vec<u64> = (2..6).map(|page| BASE + page * 0x1000).collect();
    let mut before = head;
    for node in &nodes {
        pages.put(before, *node);
        pages.put(*node + 8, before);
        before = *node;
    }
    let walk = |limit| walk_hlist(&pages.space(), VirtAddr(head), "it", &mut budget(limit));
    assert_eq!(
        (addresses(&walk(MANY).value), walk(MANY).gaps),
        (nodes.clone(), vec![])
    );
    assert_eq!(addresses(&walk(2).value), nodes[..2]);
    assert!(told(&walk(2).gaps).contains("stopped after 2"));
    pages.put(nodes[2] + 8, head);
    assert_eq!(addresses(&walk(MANY).value), nodes);
    assert!(told(&walk(MANY).gaps).contains("the way back in it"));
    pages.put(nodes[3], nodes[0]);
    assert_eq!(addresses(&walk(MANY).value), nodes);
    assert!(told(&walk(MANY).gaps).contains("is in it twice"));
    pages.put(nodes[3], BASE + SIZE + 8);
    assert_eq!(addresses(&walk(MANY).value), nodes);
    assert!(told(&walk(MANY).gaps).contains("is not mapped"));
}

#[test]
fn the_end_of_an_hlist_nulls_tells_whose_it_is() {
    let (pages, head, node) = (Pages::default(), BASE + 0x1000, BASE + 0x2000);
    let walk = || walk_hlist_nulls(&pages.space(), VirtAddr(head), "it", &mut budget(MANY));
    pages.put(head, 7 << 1 | 1);
    assert_eq!((walk().value, walk().gaps), ((vec![], Some(7)), vec![]));
    pages.put(head, node);
    pages.put(node, 9 << 1 | 1);
    pages.put(node + 8, head);
    assert_eq!(
        (walk().value, walk().gaps),
        ((vec![VirtAddr(node)], Some(9)), vec![])
    );
    pages.put(node, 0);
    assert_eq!(walk().value, (vec![VirtAddr(node)], None));
    assert!(told(&walk().gaps).contains("is NULL"));
}

#[test]
fn an_llist_is_walked() {
    let (pages, head) = (Pages::default(), BASE + 0x1000);
    pages.put(head, BASE + 0x2000);
    pages.put(BASE + 0x2000, BASE + 0x3000);
    let found = walk_llist(&pages.space(), VirtAddr(head), "it", &mut budget(MANY));
    assert_eq!(addresses(&found.value), [BASE + 0x2000, BASE + 0x3000]);
    assert!(found.gaps.is_empty());
}

/// Puts the nodes of a range of numbers as a tree; node `n` is at `BASE + 0x1000 + 64 * n`.
fn tree(pages: &Pages, range: std::ops::Range<u64>, parent: u64) -> u64 {
    if range.is_empty() {
        return 0;
    }
    let middle = range.start + (range.end - range.start) / 2;
    let at = BASE + 0x1000 + 64 * middle;
    pages.put(at, parent | (middle % 2));
    pages.put(at + 16, tree(pages, range.start..middle, at));
    pages.put(at + 8, tree(pages, middle + 1..range.end, at));
    at
}

#[test]
fn a_tree_is_walked_in_order_and_loses_only_what_is_wrong() {
    let store = Store::new();
    let info = kernel_types(&store);
    let rbtree = RbTree::new(&Types::new(&info)).unwrap();
    let pages = Pages::default();
    let root = BASE;
    pages.put(root, tree(&pages, 0..1000, 0));
    let at = |number: u64| BASE + 0x1000 + 64 * number;
    let walk = |budget: &mut Budget| rbtree.walk(&pages.space(), VirtAddr(root), "it", budget);
    let all: Vec<u64> = (0..1000).map(at).collect();
    let mut steps = budget(MANY);
    let found = walk(&mut steps);
    assert_eq!(
        (addresses(&found.value), found.gaps, steps.used()),
        (all.clone(), vec![], 1000)
    );
    // Node 62 is on the first page, and the 125 first hang on it.
    pages.filter(at(10));
    let found = walk(&mut budget(MANY));
    assert_eq!(addresses(&found.value), all[125..]);
    assert_eq!(found.gaps.len(), 1);
    assert!(
        told(&found.gaps).contains("filtered"),
        "{}",
        told(&found.gaps)
    );
    // A child is the root: a loop costs one step.
    let pages = Pages::default();
    pages.put(root, tree(&pages, 0..1000, 0));
    pages.put(at(999) + 8, at(500));
    let mut steps = budget(MANY);
    let found = rbtree.walk(&pages.space(), VirtAddr(root), "it", &mut steps);
    assert_eq!((addresses(&found.value), steps.used()), (all.clone(), 1001));
    assert!(told(&found.gaps).contains("it is in it twice"));
    // A node that names another parent is walked, and told.
    pages.put(at(999) + 8, 0);
    pages.put(at(0), at(7));
    let found = rbtree.walk(&pages.space(), VirtAddr(root), "it", &mut budget(MANY));
    assert_eq!(addresses(&found.value), all);
    assert_eq!(found.gaps.len(), 1);
    assert!(told(&found.gaps).contains("says that its parent is"));
    // A budget that is spent ends the walk with what stands before.
    let found = rbtree.walk(&pages.space(), VirtAddr(root), "it", &mut budget(20));
    assert!(found.value.len() <= 20, "{}", found.value.len());
    assert!(told(&found.gaps).contains("stopped after 20 nodes"));
    // A tree of nothing but wrong nodes has gaps that are counted, not listed.
    for number in 0..1000 {
        pages.put(at(number), 8);
    }
    let found = rbtree.walk(&pages.space(), VirtAddr(root), "it", &mut budget(MANY));
    assert_eq!((found.value.len(), found.gaps.len()), (1000, 17));
}

/// A node of an XArray: level, slot in its parent, the parent.
fn xa_node(pages: &Pages, at: u64, shift: u64, offset: u64, parent: u64) {
    pages.put(at, shift | offset << 8);
    pages.put(at + 8, parent);
}

fn slot(at: u64, number: u64) -> u64 {
    at + 40 + 8 * number
}

struct Maps<'i> {
    pages: Pages,
    info: &'i DebugInfo<'i>,
}

impl Maps<'_> {
    fn xarray(&self, limit: u64) -> (Vec<XaEntry>, String, u64) {
        let xarray = XArray::new(&Types::new(self.info)).unwrap();
        let mut steps = budget(limit);
        let found = xarray.walk(&self.pages.space(), VirtAddr(BASE), "it", &mut steps);
        (found.value, told(&found.gaps), steps.used())
    }
}

const TOP: u64 = BASE + 0x1000;
const LOW: u64 = BASE + 0x2000;

fn entry(first: u64, last: u64, held: Held, marks: u8) -> XaEntry {
    XaEntry {
        first,
        last,
        held,
        marks,
    }
}

#[test]
fn an_xarray_has_entries_of_every_kind() {
    let store = Store::new();
    let info = kernel_types(&store);
    let maps = Maps {
        pages: Pages::default(),
        info: &info,
    };
    let pages = &maps.pages;
    assert_eq!(maps.xarray(MANY), (vec![], String::new(), 0));
    pages.put(BASE + 8, 0xffff_8880_1234_5678);
    let only = entry(0, 0, Held::Pointer(0xffff_8880_1234_5678), 0);
    assert_eq!(maps.xarray(MANY), (vec![only], String::new(), 0));
    pages.put(BASE + 8, TOP | 2);
    xa_node(pages, TOP, 6, 0, 0);
    xa_node(pages, LOW, 0, 3, TOP);
    // Slots 0 and 1 of the first node are one entry of 128 numbers.
    pages.put(slot(TOP, 0), 0xffff_8880_0000_1000);
    pages.put(slot(TOP, 1), 2);
    pages.put(TOP + 552, 1);
    pages.put(slot(TOP, 3), LOW | 2);
    pages.put(slot(LOW, 5), 77 << 1 | 1);
    pages.put(slot(LOW, 6), 257 << 2 | 2);
    pages.put(slot(LOW, 7), 256 << 2 | 2);
    pages.put(slot(LOW, 63), 0xffff_8880_0000_2000);
    pages.put(LOW + 568, 1 << 63);
    let wanted = vec![
        entry(0, 127, Held::Pointer(0xffff_8880_0000_1000), 1),
        entry(192 + 5, 192 + 5, Held::Value(77), 0),
        entry(192 + 6, 192 + 6, Held::Reserved, 0),
        entry(255, 255, Held::Pointer(0xffff_8880_0000_2000), 4),
    ];
    assert_eq!(maps.xarray(MANY), (wanted.clone(), String::new(), 2));
    // Numbers of an IDR count on from its base, which lies behind the map.
    pages.put(BASE + 16, 1);
    let idr = Idr::new(&Types::new(&info)).unwrap();
    let found = idr.walk(&pages.space(), VirtAddr(BASE), "it", &mut budget(MANY));
    let numbers: Vec<u64> = found.value.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 198, 199, 256]);
}

#[test]
fn an_xarray_that_is_wrong_loses_only_that() {
    let store = Store::new();
    let info = kernel_types(&store);
    let maps = Maps {
        pages: Pages::default(),
        info: &info,
    };
    let pages = &maps.pages;
    pages.put(BASE + 8, TOP | 2);
    xa_node(pages, TOP, 6, 0, 0);
    for number in 0..4 {
        let node = LOW + 0x1000 * number;
        pages.put(slot(TOP, number), node | 2);
        xa_node(pages, node, 0, number, TOP);
        pages.put(slot(node, 1), number << 1 | 1);
    }
    let firsts = |(found, _, _): &(Vec<XaEntry>, String, u64)| -> Vec<u64> {
        found.iter().map(|entry| entry.first).collect()
    };
    assert_eq!(firsts(&maps.xarray(MANY)), [1, 65, 129, 193]);
    // The same node twice, and the first node below itself.
    pages.put(slot(TOP, 1), LOW | 2);
    pages.put(slot(TOP, 2), TOP | 2);
    let found = maps.xarray(MANY);
    assert_eq!((firsts(&found), found.2), (vec![1, 193], 3), "{}", found.1);
    assert_eq!(found.1.matches("is in it twice").count(), 2, "{}", found.1);
    // A level that does not fit its place; a node where entries are; a sibling of nothing; no entry at all.
    xa_node(pages, LOW + 0x3000, 6, 3, TOP);
    pages.put(slot(LOW, 2), (LOW + 0x4000) | 2);
    pages.put(slot(LOW, 4), 3 << 2 | 2);
    pages.put(slot(LOW, 5), 300 << 2 | 2);
    let found = maps.xarray(MANY);
    assert_eq!(firsts(&found), [1]);
    for why in [
        "of level 6",
        "a node hangs where entries do",
        "not before it",
        "is no entry",
    ] {
        assert!(found.1.contains(why), "{why}: {}", found.1);
    }
    // A wrong parent is told and walked; a page that is not there is a gap.
    xa_node(pages, LOW + 0x3000, 0, 4, TOP);
    let found = maps.xarray(MANY);
    assert_eq!(firsts(&found), [1, 193]);
    assert!(found.1.contains("is slot 4 of"), "{}", found.1);
    pages.filter(LOW);
    assert_eq!(firsts(&maps.xarray(MANY)), [193]);
    assert!(
        maps.xarray(2).1.contains("stopped after 2 nodes"),
        "{}",
        maps.xarray(2).1
    );
    // A level that no address has.
    xa_node(pages, TOP, 66, 0, 0);
    assert_eq!(firsts(&maps.xarray(MANY)), [0; 0]);
}

const RANGE: u64 = BASE + 0x1000;
const LEAF: u64 = BASE + 0x1100;
const SECOND: u64 = BASE + 0x1200;

fn maple_slot(at: u64, number: u64) -> u64 {
    at + 128 + 8 * number
}

/// A tree of two leaves, the first for what is below 0x5000.
fn maple(pages: &Pages) {
    pages.put(BASE + 8, RANGE | 2 << 3 | 2);
    pages.put(RANGE, BASE | 1);
    pages.put(RANGE + 8, 0x4fff);
    pages.put(RANGE + 16, u64::MAX);
    pages.put(maple_slot(RANGE, 0), LEAF | 1 << 3 | 4);
    pages.put(maple_slot(RANGE, 1), SECOND | 1 << 3 | 4);
    pages.put(LEAF, RANGE | 2);
    for (number, pivot) in [0, 0xfff, 0x1fff, 0x4fff].into_iter().enumerate() {
        pages.put(LEAF + 8 + 8 * number as u64, pivot);
    }
    pages.put(maple_slot(LEAF, 0), 0xffff_8880_0000_0100);
    pages.put(maple_slot(LEAF, 2), 0xffff_8880_0000_0200);
    pages.put(maple_slot(LEAF, 3), 257 << 2 | 2);
    pages.put(SECOND, RANGE | 10);
    // The end of the second leaf is the end of all: its second pivot is 0.
    pages.put(SECOND + 8, 0x5000);
    pages.put(maple_slot(SECOND, 0), 21 << 1 | 1);
    pages.put(maple_slot(SECOND, 1), 0xffff_8880_0000_0300);
    pages.put(maple_slot(SECOND, 2), 0xbad);
}

fn maple_entry(first: u64, last: u64, held: u64) -> MapleEntry {
    MapleEntry { first, last, held }
}

#[test]
fn a_maple_tree_has_ranges_of_every_kind() {
    let store = Store::new();
    let info = kernel_types(&store);
    let tree = MapleTree::new(&Types::new(&info)).unwrap();
    let pages = Pages::default();
    let walk = |budget: &mut Budget| tree.walk(&pages.space(), VirtAddr(BASE), "it", budget);
    assert!(walk(&mut budget(MANY)).value.is_empty());
    pages.put(BASE + 8, 0xffff_8880_0000_0100);
    let only = vec![maple_entry(0, 0, 0xffff_8880_0000_0100)];
    assert_eq!(walk(&mut budget(MANY)).value, only);
    maple(&pages);
    let mut steps = budget(MANY);
    let found = walk(&mut steps);
    let wanted = vec![
        maple_entry(0, 0, 0xffff_8880_0000_0100),
        maple_entry(0x1000, 0x1fff, 0xffff_8880_0000_0200),
        maple_entry(0x2000, 0x4fff, 0),
        maple_entry(0x5000, 0x5000, 21 << 1 | 1),
        maple_entry(0x5001, u64::MAX, 0xffff_8880_0000_0300),
    ];
    assert_eq!((found.value, found.gaps, steps.used()), (wanted, vec![], 3));
}

/// Words that are put into a sound tree, how many entries are left, and what is said of the others.
type Case<'c> = (&'c [(u64, u64)], usize, &'c str);

#[test]
fn a_maple_tree_that_is_wrong_loses_only_that() {
    let store = Store::new();
    let info = kernel_types(&store);
    let tree = MapleTree::new(&Types::new(&info)).unwrap();
    let cases: [Case<'_>; 8] = [
        // Taken out; below itself; the same leaf twice; of no type; a pivot beyond its range, and one that goes back.
        (&[(LEAF, LEAF)], 2, "is out of the tree already"),
        (
            &[(maple_slot(RANGE, 0), RANGE | 2 << 3 | 4)],
            2,
            "is in it twice",
        ),
        (
            &[(maple_slot(RANGE, 1), LEAF | 1 << 3 | 4)],
            3,
            "is in it twice",
        ),
        (
            &[(maple_slot(RANGE, 0), LEAF | 9 << 3 | 4)],
            2,
            "unknown type 9",
        ),
        (&[(LEAF + 16, 0x5000)], 3, "at 0x5000"),
        (&[(SECOND + 8, 0x4000)], 3, "at 0x4000"),
        (&[(maple_slot(RANGE, 0), 0)], 2, "0x0 is no node"),
        (&[(LEAF, BASE + 0x4000)], 5, "says that its parent is"),
    ];
    for (words, count, why) in cases {
        let pages = Pages::default();
        maple(&pages);
        for (at, word) in words {
            pages.put(*at, *word);
        }
        let mut steps = budget(MANY);
        let found = tree.walk(&pages.space(), VirtAddr(BASE), "it", &mut steps);
        let gaps = told(&found.gaps);
        assert_eq!(found.value.len(), count, "{why}: {:?} {gaps}", found.value);
        assert!(gaps.contains(why), "{why}: {gaps}");
        assert!(steps.used() <= 3, "{why}: {}", steps.used());
    }
    // A node that is not in the dump, and a budget for the first alone.
    let pages = Pages::default();
    maple(&pages);
    pages.put(maple_slot(RANGE, 0), (BASE + 0x9000) | (1 << 3) | 4);
    pages.filter(BASE + 0x9000);
    let found = tree.walk(&pages.space(), VirtAddr(BASE), "it", &mut budget(MANY));
    assert_eq!(found.value.len(), 2);
    assert!(
        told(&found.gaps).contains("0x0 to 0x4fff of it"),
        "{}",
        told(&found.gaps)
    );
    let found = tree.walk(&pages.space(), VirtAddr(BASE), "it", &mut budget(1));
    assert!(found.value.is_empty() && told(&found.gaps).contains("stopped after 1 nodes"));
    assert!(pages.reads() < 100, "{}", pages.reads());
}

#[test]
fn bit_fields_of_a_structure_without_a_name_are_read_where_they_are() {
    let store = Store::new();
    let info = kernel_types(&store);
    let types = Types::new(&info);
    let slab = types.layout("struct slab").unwrap();
    let pages = Pages::default();
    pages.put(BASE + 40, 1 << 31 | 25 << 16 | 7);
    let read = |name| {
        slab.find(name)
            .unwrap()
            .read(&pages.space(), VirtAddr(BASE))
    };
    assert_eq!(
        (read("inuse"), read("objects"), read("frozen")),
        (Ok(7), Ok(25), Ok(1))
    );
    let flags = types.enumerators("enum pageflags").unwrap();
    assert_eq!(flags, [("PG_locked", 0), ("PG_slab", 9), ("PG_none", -1)]);
    assert!(types.enumerators("enum pagetype").is_err());
}
