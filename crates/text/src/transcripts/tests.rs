//! Transcripts as they were sent.

use base::Mode;

use super::find;

const AGGR: &str = include_str!("../../../../lab/cases/aggr-deadlock.mdb.txt");

#[test]
fn who_reads_a_lock_is_found_on_its_stack() {
    let kind = find(AGGR.as_bytes()).unwrap();
    assert_eq!(kind.name, "mdb");
    let facts = (kind.read)(AGGR).value;
    let thread = |address: u64| {
        let mut threads = (0u32..).zip(&facts.threads);
        threads
            .find(|(_, party)| party.address.is_some_and(|at| at.0 == address))
            .unwrap()
    };
    let (dladm, party) = thread(0xffff_ffff_a69b_e740);
    assert_eq!(
        (party.thread.comm.as_str(), party.thread.tgid),
        ("dladm", 12476)
    );
    let (receives, _) = thread(0xffff_fe80_0035_9c80);
    let (stander_by, _) = thread(0xffff_fe80_0016_dc80);
    let lock = |address: u64| {
        let mut locks = (0u32..).zip(&facts.resources);
        locks
            .find(|(_, lock)| lock.address.is_some_and(|at| at.0 == address))
            .unwrap()
    };
    let (mi_rx_lock, state) = lock(0xffff_ffff_9378_5580);
    assert_eq!(state.count, Some(1));
    assert_eq!(
        state.state.as_deref(),
        Some("word 0xb: 1 reader, a writer wants it, has waiters")
    );
    let (lg_lock, _) = lock(0xffff_ffff_8579_8720);
    let holds: Vec<_> = facts
        .holds
        .iter()
        .map(|hold| (hold.thread, hold.resource, hold.mode, hold.is_certain))
        .collect();
    assert_eq!(holds.len(), 2);
    assert!(holds.contains(&(dladm, lg_lock, Mode::Exclusive, true)));
    assert!(holds.contains(&(receives, mi_rx_lock, Mode::Shared, true)));
    let reader = facts
        .holds
        .iter()
        .find(|hold| hold.thread == receives)
        .unwrap();
    assert_eq!(reader.site.as_ref().unwrap().function, "mac_rx");
    let waits: Vec<_> = facts
        .waits
        .iter()
        .map(|wait| (wait.thread, wait.resource, wait.mode))
        .collect();
    assert_eq!(waits.len(), 3);
    assert!(waits.contains(&(dladm, mi_rx_lock, Mode::Exclusive)));
    assert!(waits.contains(&(receives, lg_lock, Mode::Shared)));
    assert!(waits.contains(&(stander_by, lg_lock, Mode::Shared)));
    assert!(facts.gaps.is_empty(), "{:?}", facts.gaps);
}

#[test]
fn a_reader_that_nobody_looked_for_is_a_gap() {
    let (before, rest) = AGGR.split_once("> ffffffff93785580::kgrep").unwrap();
    let (_, after) = rest.split_once("\n> fffffe8000359c80").unwrap();
    let text = format!("{before}> fffffe8000359c80{after}");
    let facts = (find(text.as_bytes()).unwrap().read)(&text).value;
    assert_eq!(facts.holds.len(), 1);
    assert_eq!(
        facts.gaps[0].supply,
        "what ffffffff93785580::kgrep | ::whatis prints"
    );
}

#[test]
fn a_transcript_may_be_cut_anywhere() {
    for end in AGGR.char_indices().map(|(at, _)| at) {
        let text = AGGR.get(..end).unwrap_or_default();
        if let Some(kind) = find(text.as_bytes()) {
            let facts = (kind.read)(text).value;
            // Nothing comes up that the whole does not have.
            assert!(
                facts.waits.len() <= 3 && facts.holds.len() <= 2,
                "cut at {end}"
            );
        }
    }
}

#[test]
fn logs_are_no_transcripts() {
    for log in [
        "[    1.0] BUG: kernel NULL pointer dereference\n",
        "> quoted mail about a::b in C++\n",
        "",
    ] {
        assert!(find(log.as_bytes()).is_none(), "{log}");
    }
}
