//! Shapes of code that are easily misread, compiled for several architectures: what is said of them is what their
//! source says, or nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test"
)]

use code::{Body, Key, Known, Leaf, Origin, Stores, View, without_indices};
use debuginfo::{DebugInfo, Object, ObjectId, Store};

const ARCHES: [&str; 4] = ["x86_64", "arm64", "riscv64", "mips64"];

fn open(arch: &str) -> (DebugInfo<'static>, ObjectId) {
    let name = format!("shapes-{arch}.o");
    let path = format!("{}/tests/objects/{name}", env!("CARGO_MANIFEST_DIR"));
    let bytes = Box::leak(std::fs::read(path).unwrap().into_boxed_slice());
    let store = Box::leak(Box::new(Store::new()));
    let mut debug = DebugInfo::new();
    let id = debug.add(Object::open(&name, bytes, store).unwrap());
    (debug, id)
}

fn body<'a>(debug: &DebugInfo<'a>, id: ObjectId, name: &str) -> Body<'a> {
    let found = debug.functions_named(name, None).unwrap();
    Body::of_function(debug, id, found[0].1.address)
        .unwrap()
        .unwrap()
}

/// The reads of `size` bytes, and of what each reads the place in words of the source.
fn reads(view: &View<'_, '_>, size: u8) -> Vec<(usize, String)> {
    let mut reads = Vec::new();
    for (at, node) in view.body.nodes.iter().enumerate() {
        for (address, bytes, write) in node.insn.accesses() {
            if bytes == size
                && !write
                && let Some(place) = view.place(address, bytes, None, at)
                && let Some(text) = place.text()
            {
                reads.push((at, text));
            }
        }
    }
    reads
}

/// What the pointer of the read of `…->val` at `at` was read from.
fn whence(view: &View<'_, '_>, at: usize) -> Vec<String> {
    let (address, ..) = view.body.nodes[at].insn.accesses()[0];
    let sum = view.body.sum(address, at);
    let load = |load: &arch::Load, at| {
        let place = view.place(&load.address, load.size, load.space, at);
        place.and_then(|place| place.text()).unwrap_or_default()
    };
    let mut found: Vec<String> = match sum.pointer() {
        Some(Leaf::Load { load: from, at }) => vec![load(from, *at)],
        Some(Leaf::Register { reg, at }) => {
            let origins = view.body.origins(*reg, *at);
            let text = |origin: &Origin| match origin {
                Origin::Set(at, value) => match view.body.sum(value, *at).pointer() {
                    Some(Leaf::Load { load: from, at }) => load(from, *at),
                    _ => format!("{value:?}"),
                },
                other => format!("{other:?}"),
            };
            origins.iter().map(text).collect()
        }
        other => vec![format!("{other:?}")],
    };
    found.sort();
    found
}

/// The conditions of the stores to a member of a structure.
fn conditions(debug: &DebugInfo<'_>, owner: &str, member: &str) -> Vec<(String, Vec<String>)> {
    let key = Key::Member {
        owner: owner.to_owned(),
        member: member.to_owned(),
        offset: 0,
        outer: (format!("struct {owner}"), member.to_owned()),
    };
    let stores = Stores::find(debug, &key).unwrap();
    let told = stores.found.iter().map(|store| {
        let conditions = View::new(debug, &store.body).conditions(store.at);
        let texts = conditions.into_iter().map(|condition| condition.text);
        (store.body.base_name().to_owned(), texts.collect())
    });
    told.collect()
}

#[test]
fn a_case_that_is_fallen_into_is_also_jumped_to() {
    for arch in ARCHES {
        let (debug, id) = open(arch);
        let body = body(&debug, id, "falls");
        assert!(!body.has_hidden_ways, "{arch}");
        let view = View::new(&debug, &body);
        let reads = reads(&view, 4);
        let (at, _) = reads.iter().find(|(_, text)| text == "d->val").unwrap();
        assert_eq!(whence(&view, *at), ["s->alt", "s->dflt"], "{arch}");
    }
}

#[test]
fn what_stands_behind_a_switch_runs_for_every_case() {
    for arch in ARCHES {
        let (debug, _) = open(arch);
        let told = conditions(&debug, "src", "out");
        assert!(!told.is_empty(), "{arch}");
        for (function, conditions) in told {
            assert_eq!(
                (function.as_str(), conditions.len()),
                ("behind", 0),
                "{arch}"
            );
        }
    }
}

#[test]
fn bits_are_asked_for_by_the_names_of_members() {
    for arch in ARCHES {
        let (debug, _) = open(arch);
        for (function, conditions) in conditions(&debug, "port", "peer") {
            assert_eq!(function, "bind_flag", "{arch}");
            let text = conditions.join(" && ");
            assert_eq!(text, "p->flag && p->mode == 9", "{arch}");
        }
        let told = conditions(&debug, "port", "other");
        let [(function, conditions)] = told.as_slice() else {
            panic!("{arch}: {told:?}");
        };
        assert_eq!(function, "bind_numbers", "{arch}");
        // Some compilers make one condition of several, which have no text.
        for wanted in ["p->err == -22", "(p->mask & 0x30) == 0x10"] {
            assert!(
                conditions.iter().any(|text| text == wanted),
                "{arch}: {conditions:?}"
            );
        }
        let kind = ["p->kind > 0x8000", "p->kind >= 0x8001"];
        assert!(
            conditions.iter().any(|text| kind.contains(&text.as_str())),
            "{arch}: {conditions:?}"
        );
    }
}

#[test]
fn what_fills_the_room_before_a_loop_leads_nowhere() {
    for arch in ARCHES {
        let (debug, id) = open(arch);
        let body = body(&debug, id, "middle");
        for (at, node) in body.nodes.iter().enumerate() {
            for reg in ["rdx", "x0", "x1", "a0", "a5", "v0", "v1"] {
                if body.arch.register(reg).is_none() || node.before.is_empty() {
                    continue;
                }
                let origins = body.origins(arch::Reg(body.arch.register(reg).unwrap().name), at);
                let is_known = |origin: &Origin| !matches!(origin, Origin::Elsewhere(_));
                assert!(
                    origins.iter().all(is_known),
                    "{arch} {at} {reg}: {origins:?}"
                );
            }
        }
    }
}

#[test]
fn arguments_are_counted_as_the_source_does() {
    for arch in ARCHES {
        let (debug, id) = open(arch);
        for (function, number) in [("hidden", 1), ("wide", 2), ("copy_of", 3)] {
            let body = body(&debug, id, function);
            let view = View::new(&debug, &body);
            let of = |name: &str| {
                (0..8)
                    .filter_map(|number| body.argument_register(number))
                    .find(|reg| view.parameter(*reg).is_some_and(|(found, _)| found == name))
            };
            // Some compilers do not tell where a copy's arguments come in.
            if let Some(reg) = of("d") {
                let told = view.parameter_number(reg);
                assert_eq!(told, Some(number - 1), "{arch} {function} {reg}");
            }
        }
    }
}

#[test]
fn places_are_what_the_source_names_or_nothing() {
    for arch in ARCHES {
        let (debug, id) = open(arch);
        let texts = |function: &str, size: u8| {
            let body = body(&debug, id, function);
            let view = View::new(&debug, &body);
            let texts = reads(&view, size).into_iter().map(|(_, text)| text);
            texts.collect::<Vec<_>>()
        };
        assert!(
            texts("in_flex", 8).contains(&"f->e[…]".to_owned()),
            "{arch}"
        );
        let cells: Vec<String> = texts("in_table", 8);
        assert_eq!(cells, ["t->rows[…].cells[…]"], "{arch}");
        let around = texts("around", 8);
        assert!(
            !around.iter().any(|text| text.contains('[')),
            "{arch}: {around:?}"
        );
        let union = texts("in_union", 8);
        assert!(union.contains(&"h->b->y".to_owned()), "{arch}: {union:?}");
        assert_eq!(without_indices("rows[…].cells[…]"), "rows.cells");
    }
}

#[test]
fn what_others_may_have_changed_is_not_known() {
    for arch in ARCHES {
        let (debug, id) = open(arch);
        let body = body(&debug, id, "compound");
        let view = View::new(&debug, &body);
        assert_eq!(reads(&view, 4), [], "{arch}");
    }
}

#[test]
fn a_function_that_returns_nothing_has_no_result() {
    for arch in ARCHES {
        let (debug, id) = open(arch);
        let body = body(&debug, id, "counts");
        let view = View::new(&debug, &body);
        for node in &body.nodes {
            if let Some(call) = &node.call {
                assert!(view.is_void(call), "{arch}");
            }
        }
        let told: Vec<String> = reads(&view, 4).into_iter().map(|(_, text)| text).collect();
        assert!(
            !told.iter().any(|text| text.contains("tick")),
            "{arch}: {told:?}"
        );
    }
}

#[test]
fn a_branch_that_is_patched_in_goes_around_a_condition() {
    let (debug, _) = open("x86_64");
    let told = conditions(&debug, "port", "third");
    assert!(!told.is_empty());
    for (function, conditions) in told {
        assert_eq!(function, "patched");
        // Each store has a copy of its own, or both ways lead to one.
        let is_own = conditions.is_empty() || conditions == ["n > 40"];
        assert!(is_own, "{conditions:?}");
    }
    let (debug, id) = open("x86_64");
    let object = debug.object(id).unwrap();
    assert_eq!(object.detours().len(), 1);
}

/// A structure in memory, the first argument of a function; the others are not known.
struct Held {
    at: u64,
    bytes: Vec<u8>,
    is_big: bool,
    asked: u32,
}

impl Known for Held {
    fn may_ask(&mut self) -> bool {
        self.asked += 1;
        self.asked <= 64
    }

    fn leaf(&mut self, _: &Leaf) -> Option<u64> {
        None
    }

    fn entry(&mut self, reg: arch::Reg) -> Option<u64> {
        ["rdi", "x0", "a0"].contains(&reg.0).then_some(self.at)
    }

    fn memory(&mut self, address: u64, load: &arch::Load, _: usize) -> Option<u64> {
        let from = usize::try_from(address.checked_sub(self.at)?).ok()?;
        let mut bytes = self
            .bytes
            .get(from..from + usize::from(load.size))?
            .to_vec();
        if !self.is_big {
            bytes.reverse();
        }
        Some(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }
}

/// A `struct port` with some of its members.
fn port(is_big: bool, err: i32, kind: u16, mask: u64) -> Held {
    let mut bytes = vec![0; 64];
    let mut put = |at: usize, little: &[u8]| {
        let mut own = little.to_vec();
        if is_big {
            own.reverse();
        }
        bytes[at..at + own.len()].copy_from_slice(&own);
    };
    put(4, &err.to_le_bytes());
    put(8, &kind.to_le_bytes());
    put(16, &mask.to_le_bytes());
    Held {
        at: 0xffff_8880_0123_4000,
        bytes,
        is_big,
        asked: 0,
    }
}

#[test]
fn conditions_are_judged_by_what_memory_holds() {
    for arch in ARCHES {
        let (debug, id) = open(arch);
        let body = body(&debug, id, "bind_numbers");
        let view = View::new(&debug, &body);
        let at = (0..body.nodes.len()).find(|at| {
            let mut stores = body.nodes[*at].stores();
            stores.any(|(address, size, _, space)| {
                let place = view.place(address, size, space, *at);
                place.is_some_and(|place| place.text().as_deref() == Some("p->other"))
            })
        });
        let conditions = view.conditions(at.unwrap());
        let judged = |text: &str, err, kind, mask| {
            let found = conditions
                .iter()
                .find(|condition| condition.text.starts_with(text));
            let condition = found?;
            let mut held = port(arch == "mips64", err, kind, mask);
            let holds = body.holds(&condition.test, condition.at, &mut held);
            assert!(held.asked <= 16, "{arch} {text}: {}", held.asked);
            Some(holds.map(|holds| holds == condition.holds))
        };
        for (text, err, kind, mask, wanted) in [
            ("p->err", -22, 0, 0, Some(true)),
            ("p->err", 22, 0, 0, Some(false)),
            ("p->err", 0, 0, 0, Some(false)),
            ("p->kind", 0, 0x8001, 0, Some(true)),
            ("p->kind", 0, 0x8000, 0, Some(false)),
            ("(p->mask", 0, 0, 0x1f, Some(true)),
            ("(p->mask", 0, 0, 0x3f, Some(false)),
            // The third argument is not known.
            ("n ", 0, 0, 0, None),
        ] {
            match judged(text, err, kind, mask) {
                Some(told) => assert_eq!(told, wanted, "{arch} {text} {err} {kind} {mask}"),
                // Of several conditions in one there is no text.
                None => assert!(
                    ["n ", "p->on"].contains(&text),
                    "{arch} {text}: {conditions:?}"
                ),
            }
        }
        // What is asked without end is not answered.
        let condition = &conditions[0];
        let mut tired = port(arch == "mips64", -22, 0, 0);
        tired.asked = 64;
        assert_eq!(body.holds(&condition.test, condition.at, &mut tired), None);
    }
}
