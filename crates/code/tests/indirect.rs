//! Members that are set without their name, compiled for several architectures: what is told is what each function of
//! the source says of itself.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

use code::{How, Indirects, Key, Stores};
use debuginfo::{DebugInfo, Object, Store};

/// `struct whole.peer`.
fn peer() -> Key {
    Key::Member {
        owner: "whole".to_owned(),
        member: "peer".to_owned(),
        offset: 24,
        outer: ("struct whole".to_owned(), "peer".to_owned()),
    }
}

#[test]
fn what_sets_a_member_without_its_name_is_found_and_nothing_else() {
    for arch in ["x86_64", "arm64", "riscv64", "mips64"] {
        let name = format!("indirect-{arch}.o");
        let path = format!("{}/tests/objects/{name}", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let store = Store::new();
        let mut debug = DebugInfo::new();
        debug.add(Object::open(&name, &bytes, &store).unwrap());
        let found = Indirects::find(&debug, &peer(), None).unwrap();
        assert_eq!(found.left_out, 0);
        let mut told: Vec<(&str, How, bool)> = Vec::new();
        for one in &found.found {
            let row = (one.body.base_name(), one.how.clone(), one.is_sure);
            if !told.contains(&row) {
                told.push(row);
            }
        }
        let given = |to: &str, is_stored| How::Given {
            to: Some(to.to_owned()),
            argument: 0,
            is_stored,
        };
        let is_loop = ["riscv64", "mips64"].contains(&arch);
        let mut wanted = vec![
            // A loop has as many rounds as it has.
            ("copy_whole", How::Copied, !is_loop),
            ("copy_called", How::Copied, true),
            ("clear_whole", How::Filled(Some(0)), true),
            ("copy_some", How::Copied, false),
            ("give", given("put_peer", true), true),
            ("give_away", given("elsewhere", false), false),
        ];
        // Without a block or a call each word is copied by itself: that is a store by name.
        let by_name = Stores::find(&debug, &peer()).unwrap().found;
        let by_name: Vec<&str> = by_name.iter().map(|store| store.body.base_name()).collect();
        wanted.retain(|(function, ..)| !by_name.contains(function));
        assert_eq!(told, wanted, "{arch}");
        assert!(by_name.contains(&"by_name"), "{arch}: {by_name:?}");
        assert!(by_name.len() <= 2, "{arch}: {by_name:?}");
    }
}

#[test]
fn another_module_sets_it_too() {
    let read = |name: &str| {
        let path = format!("{}/tests/objects/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    };
    let (first, second) = (read("indirect-x86_64.o"), read("second-x86_64.o"));
    let store = Store::new();
    let mut debug = DebugInfo::new();
    debug.add(Object::open("indirect.o", &first, &store).unwrap());
    let id = debug.add(Object::open("second.o", &second, &store).unwrap());
    let by_name = Stores::find(&debug, &peer()).unwrap().found;
    let of_second = |object| object == Some(id);
    let names: Vec<&str> = by_name
        .iter()
        .filter(|store| of_second(store.body.object))
        .map(|store| store.body.base_name())
        .collect();
    assert_eq!(names, ["outside"]);
    let others = Indirects::find(&debug, &peer(), None).unwrap().found;
    let copies: Vec<&str> = others
        .iter()
        .filter(|one| of_second(one.body.object))
        .map(|one| one.body.base_name())
        .collect();
    assert_eq!(copies, ["outside_copy"]);
}
