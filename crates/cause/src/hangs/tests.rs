//! Graphs made by hand.

use base::{
    Confidence, Evidence, HangShape, Hold, LinkReason, Mode, Oddity, Party, Resource, Site, Thread,
    Trust, VirtAddr, Wait, WaitFacts,
};

/// The hangs of a target of which something else tells that it hangs.
fn find(facts: &WaitFacts) -> Vec<base::Finding> {
    super::find(facts, true)
}

fn known(says: &str) -> Vec<Evidence> {
    vec![Evidence {
        says: says.to_owned(),
        trust: Trust::ReadFromMemory,
        span: None,
    }]
}

fn facts(threads: &[&str], resources: &[(&str, &str)]) -> WaitFacts {
    let party = |(pid, comm): (u32, &&str)| Party {
        address: Some(VirtAddr(u64::from(pid) * 0x1000)),
        thread: Thread {
            pid,
            tgid: pid,
            comm: (*comm).to_owned(),
            state: "D".to_owned(),
            cpu: None,
            is_kernel: true,
        },
        is_gone: false,
        does: String::new(),
        stack: None,
    };
    let resource = |(kind, name): &(&str, &str)| Resource {
        kind: (*kind).to_owned(),
        address: Some(VirtAddr(0xffff_8880_0000_1000)),
        name: Some((*name).to_owned()),
        about: None,
        state: None,
        count: None,
        any_suffices: matches!(*kind, "semaphore" | "completion"),
        gaps: Vec::new(),
    };
    WaitFacts {
        threads: (1..).zip(threads).map(party).collect(),
        resources: resources.iter().map(resource).collect(),
        ..WaitFacts::default()
    }
}

fn site(function: &str, frame: u32) -> Option<Site> {
    Some(Site {
        function: function.to_owned(),
        module: None,
        pc: None,
        source: None,
        frame: Some(frame),
    })
}

impl Facts for WaitFacts {}

/// Waits and holds in a line each.
trait Facts {
    fn waits(self, thread: u32, resource: u32, mode: Mode, place: u32) -> WaitFacts
    where
        Self: Into<WaitFacts>,
    {
        let mut facts = self.into();
        facts.waits.push(Wait {
            thread,
            resource,
            mode,
            for_us: Some(30_000_000 - u64::from(thread) * 1_000_000),
            place: Some(place),
            site: site(&format!("wait_{thread}"), 3),
            known: known("its waiter hangs in the queue"),
        });
        facts
    }

    fn holds(self, thread: u32, resource: u32, mode: Mode) -> WaitFacts
    where
        Self: Into<WaitFacts>,
    {
        let mut facts = self.into();
        facts.holds.push(Hold {
            thread,
            resource,
            mode,
            is_certain: true,
            site: site(&format!("take_{thread}"), 5),
            known: known("the owner word"),
        });
        facts
    }
}

use Mode::{Event, Exclusive, Shared};

#[test]
fn two_that_wait_for_each_other_are_a_deadlock() {
    let facts = facts(
        &["dladm", "net0-rx", "aggr-stat"],
        &[("rw_semaphore", "lg_lock"), ("rw_semaphore", "rx_lock")],
    )
    .holds(0, 0, Exclusive)
    .holds(1, 1, Shared)
    .waits(0, 1, Exclusive, 0)
    .waits(1, 0, Shared, 0)
    .waits(2, 0, Shared, 1);
    let found = find(&facts);
    assert_eq!(found.len(), 1);
    let finding = &found[0];
    assert_eq!(finding.title, "deadlock in wait_0 and wait_1");
    assert_eq!(
        finding.verdict,
        "Deadlock: two threads wait for each other for ever. dladm (pid 1) waits for the rw_semaphore rx_lock for \
         writing, and net0-rx (pid 2) holds it for reading; net0-rx (pid 2) waits for the rw_semaphore lg_lock for \
         reading, and dladm (pid 1) holds it for writing. aggr-stat (pid 3) waits behind them, the longest wait is \
         30 seconds."
    );
    let hang = finding.hang.as_ref().unwrap();
    assert_eq!(
        (hang.shape, hang.behind, hang.links.len()),
        (HangShape::Cycle, 1, 2)
    );
    assert_eq!(finding.confidence, Confidence::High);
    assert_eq!(
        finding.next[0].what,
        "Let all take the locks in one order: dladm takes lg_lock in take_0, then rx_lock in wait_0; net0-rx takes \
         rx_lock in take_1, then lg_lock in wait_1."
    );
}

#[test]
fn readers_do_not_wait_for_readers_but_for_a_writer_before_them() {
    let locks = [("rw_semaphore", "a"), ("mutex", "m")];
    // The second holds the mutex that the first wants, and waits behind a writer for what the first holds too.
    let trap = facts(&["one", "two", "writer"], &locks)
        .holds(0, 0, Shared)
        .holds(1, 1, Exclusive)
        .waits(0, 1, Exclusive, 0)
        .waits(2, 0, Exclusive, 0)
        .waits(1, 0, Shared, 1);
    let found = find(&trap);
    let hang = found[0].hang.as_ref().unwrap();
    let reasons: Vec<LinkReason> = hang.links.iter().map(|link| link.reason).collect();
    assert_eq!(
        reasons,
        [LinkReason::Has, LinkReason::QueuedBefore, LinkReason::Has]
    );
    assert!(
        found[0]
            .verdict
            .contains("two would get a at once if writer did not want it for writing")
    );
    // Without the writer nobody is in the way.
    let healthy = facts(&["one", "two", "three"], &locks)
        .holds(0, 0, Shared)
        .holds(1, 1, Exclusive)
        .waits(1, 0, Shared, 0);
    assert!(
        find(&healthy)
            .iter()
            .all(|finding| finding.detector != "deadlock")
    );
}

#[test]
fn who_waits_for_what_it_has_is_told() {
    let facts = facts(&["again"], &[("mutex", "m")])
        .holds(0, 0, Exclusive)
        .waits(0, 0, Exclusive, 0);
    let found = find(&facts);
    assert_eq!(found[0].hang.as_ref().unwrap().shape, HangShape::Itself);
    assert_eq!(
        found[0].verdict,
        "Deadlock of one thread: again (pid 1) waits in wait_0 for the mutex m, which it holds itself, taken in take_0."
    );
}

#[test]
fn one_of_several_suffices_for_a_semaphore() {
    let locks = [("semaphore", "s"), ("mutex", "m")];
    // Two have the semaphore; one of them waits for what the waiter holds, the other runs and will give it back.
    let healthy = facts(&["waiter", "stuck", "runs"], &locks)
        .holds(1, 0, Exclusive)
        .holds(2, 0, Exclusive)
        .holds(0, 1, Exclusive)
        .waits(0, 0, Exclusive, 0)
        .waits(1, 1, Exclusive, 0);
    assert!(
        find(&healthy)
            .iter()
            .all(|finding| finding.detector != "deadlock")
    );
    let dead = healthy.holds(0, 1, Exclusive).waits(2, 1, Exclusive, 1);
    assert_eq!(find(&dead)[0].detector, "deadlock");
}

#[test]
fn who_was_woken_is_not_stuck() {
    let mut facts = facts(&["one", "two"], &[("mutex", "a"), ("mutex", "b")])
        .holds(0, 0, Exclusive)
        .holds(1, 1, Exclusive)
        .waits(0, 1, Exclusive, 0)
        .waits(1, 0, Exclusive, 0);
    assert_eq!(find(&facts).len(), 1);
    facts.threads[0].thread.state = "R".to_owned();
    assert!(
        find(&facts)
            .iter()
            .all(|finding| finding.detector != "deadlock")
    );
    // On a CPU it spins.
    facts.threads[0].thread.cpu = Some(1);
    assert_eq!(find(&facts)[0].detector, "deadlock");
}

#[test]
fn an_owner_that_has_ended_gives_nothing_back() {
    let mut facts = facts(&["waits", "ended", "also"], &[("mutex", "m")])
        .holds(1, 0, Exclusive)
        .waits(0, 0, Exclusive, 0)
        .waits(2, 0, Exclusive, 1);
    facts.threads[1].is_gone = true;
    let found = find(&facts);
    assert_eq!(found.len(), 1);
    let hang = found[0].hang.as_ref().unwrap();
    assert_eq!((hang.shape, hang.behind), (HangShape::OwnerGone, 1));
    assert!(found[0].verdict.starts_with(
        "waits (pid 1) waits in wait_0 for the mutex m, which a thread had that has ended"
    ));
}

#[test]
fn a_free_lock_with_a_sleeper_is_a_lost_wake_up() {
    let mut facts = facts(&["sleeps"], &[("mutex", "m")]).waits(0, 0, Exclusive, 0);
    facts.oddities.push(Oddity {
        kind: "no_owner".to_owned(),
        resource: 0,
        known: known("it has waiters and no owner").remove(0),
    });
    assert_eq!(find(&facts)[0].detector, "lost_wake_up");
    facts.threads[0].thread.state = "R".to_owned();
    assert!(find(&facts).is_empty(), "it is about to take it");
}

#[test]
fn the_root_of_a_chain_is_told_where_the_wait_is_long() {
    let mut facts = facts(
        &["first", "second", "root"],
        &[("mutex", "a"), ("work", "w")],
    )
    .holds(1, 0, Exclusive)
    .holds(2, 1, Event)
    .waits(0, 0, Exclusive, 0)
    .waits(1, 1, Event, 0);
    facts.threads[2].does = "it runs on CPU 1 in spin_here+0x10/0x20".to_owned();
    let found = find(&facts);
    assert_eq!(found.len(), 1);
    let hang = found[0].hang.as_ref().unwrap();
    assert_eq!(
        (hang.shape, hang.links.len(), hang.behind),
        (HangShape::Blocker, 2, 0)
    );
    assert!(
        found[0]
            .verdict
            .starts_with("All wait for root (pid 3): it must bring about w and does not let go")
    );
    let healthy = super::find(&facts, false);
    assert!(
        healthy.is_empty(),
        "without a sign of a hang such waits are those of a healthy system"
    );
    for wait in &mut facts.waits {
        wait.for_us = Some(2_000_000);
    }
    assert!(find(&facts).is_empty(), "short waits end by themselves");
}

#[test]
fn thousands_behind_a_deadlock_are_counted() {
    let names: Vec<String> = (0..3000).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut facts = facts(&names, &[("mutex", "a"), ("mutex", "b")])
        .holds(0, 0, Exclusive)
        .holds(1, 1, Exclusive)
        .waits(0, 1, Exclusive, 0)
        .waits(1, 0, Exclusive, 0);
    for thread in 2..3000 {
        facts.waits.push(Wait {
            thread,
            for_us: None,
            ..facts.waits[1].clone()
        });
    }
    let found = find(&facts);
    assert_eq!(found.len(), 1);
    let hang = found[0].hang.as_ref().unwrap();
    assert_eq!((hang.behind, hang.some_behind.len()), (2998, 8));
}

#[test]
fn what_only_may_be_held_is_no_certain_deadlock() {
    let mut facts = facts(&["one", "two"], &[("mutex", "a"), ("rw_semaphore", "b")])
        .holds(0, 0, Exclusive)
        .holds(1, 1, Shared)
        .waits(0, 1, Exclusive, 0)
        .waits(1, 0, Exclusive, 0);
    facts.holds[1].is_certain = false;
    let found = find(&facts);
    assert_eq!(
        (found[0].confidence, found[0].cause_named),
        (Confidence::Low, false)
    );
    assert!(found[0].verdict.starts_with("Perhaps a deadlock"));
    assert!(
        found[0]
            .verdict
            .contains("two (pid 2) may hold it for reading")
    );
}

/// The diagnosis of some waits beside events.
fn beside(events: &[base::LogEvent], facts: &WaitFacts) -> crate::Diagnosis {
    crate::explain_log(crate::LogFacts {
        inputs: &[crate::InputFacts::default()],
        events,
        dumps: &[],
        waits: std::slice::from_ref(facts),
        tracer: None,
    })
}

#[test]
fn a_hang_is_the_verdict_unless_something_died() {
    let facts = facts(&["again"], &[("mutex", "m")])
        .holds(0, 0, Exclusive)
        .waits(0, 0, Exclusive, 0);
    let told = beside(&[], &facts);
    assert_eq!(told.finding.unwrap().detector, "deadlock");
    // A task that hangs is a sign of it; who asked for the dump saw it too.
    let mut asked = crate::testing::event("panic", 50);
    asked.panic = Some("sysrq triggered crash".to_owned());
    for event in [crate::testing::event("hung_task", 10), asked] {
        let told = beside(std::slice::from_ref(&event), &facts);
        assert_eq!(told.finding.unwrap().detector, "deadlock");
        assert_eq!(told.story[0].title, event.title);
        assert!(told.others.iter().any(|other| other.title == event.title));
    }
    // Who died may have held what the others wait for.
    let told = beside(&[crate::testing::event("oops", 10)], &facts);
    assert_eq!(told.finding.unwrap().title, "oops in f");
    assert_eq!(told.others[0].detector, "deadlock");
}
