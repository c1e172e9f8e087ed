//! How far a search for stores goes: nearest first, in parts, and no further than whoever asks wants.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

use std::cell::RefCell;

use code::{Key, PART, Stores};
use debuginfo::{DebugInfo, Object, ObjectId, Store};

/// `struct whole.peer`.
fn peer() -> Key {
    Key::Member {
        owner: "whole".to_owned(),
        member: "peer".to_owned(),
        offset: 24,
        outer: ("struct whole".to_owned(), "peer".to_owned()),
    }
}

/// The same module so often that its functions are more than three parts, and how many it has.
fn with_many(test: impl Fn(&DebugInfo<'_>, &[ObjectId], usize)) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/objects/indirect-x86_64.o"
    );
    let bytes = std::fs::read(path).unwrap();
    let store = Store::new();
    let mut debug = DebugInfo::new();
    let (mut ids, mut functions) = (Vec::new(), 0);
    while functions <= 3 * PART {
        let object = Object::open("indirect.o", &bytes, &store).unwrap();
        functions += object.functions().unwrap().len();
        ids.push(debug.add(object));
    }
    test(&debug, &ids, functions);
}

#[test]
fn a_search_ends_behind_the_first_part_with_enough() {
    with_many(|debug, ids, functions| {
        let all = Stores::find(debug, &peer()).unwrap();
        assert_eq!((all.looked, all.left_out), (functions, 0));

        let asked = RefCell::new(Vec::new());
        let enough_with = |stores: usize| {
            asked.borrow_mut().clear();
            let is_enough = |found: &[code::Store<'_>]| {
                asked.borrow_mut().push(found.len());
                found.len() >= stores
            };
            Stores::find_near(debug, &peer(), Some((ids[0], 0)), &is_enough).unwrap()
        };
        // One of each module: what is asked for lies in the first part.
        let first = enough_with(1);
        assert_eq!((first.looked, first.left_out), (PART, functions - PART));
        assert!(!first.found.is_empty());
        assert_eq!(asked.borrow().len(), 1);
        let in_first = asked.borrow()[0];
        // One more than the first part has.
        let second = enough_with(in_first + 1);
        let looked = 2 * PART;
        assert_eq!(
            (second.looked, second.left_out),
            (looked, functions - looked)
        );
        assert_eq!(asked.borrow().len(), 2);
        assert!(asked.borrow()[1] > in_first);
        // More than there are.
        let whole = enough_with(usize::MAX);
        assert_eq!((whole.looked, whole.left_out), (functions, 0));
        let places = |stores: &Stores<'_>| -> Vec<_> {
            let found = stores.found.iter();
            found.map(|store| (store.body.object, store.at)).collect()
        };
        assert_eq!(places(&whole), places(&all));
        // What was found before the end is told in order, too.
        let told = places(&second);
        assert!(told.is_sorted() && told.len() > places(&first).len());
    });
}

#[test]
fn the_nearest_functions_are_looked_at_first() {
    with_many(|debug, ids, _| {
        let last = *ids.last().unwrap();
        let functions = debug.object(last).unwrap().functions().unwrap();
        let near = functions[functions.len() / 2].address;
        let found = Stores::find_near(debug, &peer(), Some((last, near)), &|_| true).unwrap();
        let has_last = |found: &Stores<'_>| {
            let mut objects = found.found.iter().map(|store| store.body.object);
            objects.any(|object| object == Some(last))
        };
        assert!(has_last(&found));
        // Without a place to be near to the first ones come first.
        let found = Stores::find_near(debug, &peer(), None, &|_| true).unwrap();
        assert_eq!(found.looked, PART);
        assert!(!has_last(&found));
    });
}
