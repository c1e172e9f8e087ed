//! What leaves the house names no machine and no person.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use base::Detail;
use proptest::prelude::*;
use report::{Format, Options, Report, redact};

fn with(texts: &[&str]) -> Report {
    let mut event = common::bonding_oops();
    event.stamp.host = Some("web01.example.org".into());
    event.details = texts
        .iter()
        .map(|text| Detail {
            name: "message".into(),
            value: (*text).into(),
            line: 3,
        })
        .collect();
    event.headline = texts.first().copied().unwrap_or_default().into();
    Report::of_log(
        vec![common::input("/home/alice/logs/web01-console.log", 73)],
        vec![event],
        None,
    )
}

fn json(report: &Report) -> String {
    (Format::find("json").unwrap().render)(report, &Options::default())
}

fn told(text: &str) -> String {
    redact(&with(&[text]))
        .events
        .first()
        .unwrap()
        .details
        .first()
        .unwrap()
        .value
        .clone()
}

#[test]
fn what_names_a_machine_or_a_person_is_replaced() {
    for (text, clean) in [
        ("link 10.1.2.3 down", "link ip-1 down"),
        ("from 10.1.2.3:4420 to 10.1.2.3.", "from ip-1:4420 to ip-1."),
        ("peer fe80::1ff:fe23:4567:890a gone", "peer ip-1 gone"),
        ("eth0: 00:1a:2B:3c:4d:5e", "eth0: mac-1"),
        ("web01.example.org rebooted", "host-1 rebooted"),
        (
            "nodename=db7 died; db7 again",
            "nodename=host-1 died; host-1 again",
        ),
        (
            "session opened for user bob",
            "session opened for user user-1",
        ),
        ("built by bob.smith@example.org", "built by mail-1"),
        (
            "Command line: root=/dev/sda1 secret=12",
            "Command line: arguments-1",
        ),
        ("exe /opt/acme/bin/billing died", "exe path-1 died"),
        ("web01-console.log: cut", "file-1: cut"),
        (
            "proc_dir_entry 'ipt_CLUSTERIP/172.20.0.170' already",
            "proc_dir_entry 'ipt_CLUSTERIP/ip-1' already",
        ),
    ] {
        assert_eq!(told(text), clean, "{text}");
    }
}

#[test]
fn what_the_kernel_itself_names_stays() {
    for text in [
        "rlb_arp_recv+0x128/0x228 [bonding]",
        "at 0xffffffffc0445a10 and ffff8c43c297e2d0",
        "kernel BUG at fs/ext4/inode.c:2721!",
        "PCI 0000:00:1f.2 INTx",
        "core::ptr::drop_in_place::<alloc::vec::Vec>",
        "[   12.345678] at 10:20:30",
        "Code: de440268 70431003 0082882d <92230018>",
        "serial@10000000 probe",
        "/proc/sys/kernel/hung_task_timeout_secs",
        "&lo->lo_ctl_mutex#2",
        "task a:12 blocked for more than 120 seconds.",
    ] {
        assert_eq!(told(text), text);
    }
}

#[test]
fn the_same_thing_has_the_same_token_everywhere() {
    let clean = redact(&with(&["10.0.0.1 and 10.0.0.2", "10.0.0.2", "10.0.0.1"]));
    let values: Vec<&str> = clean.events[0]
        .details
        .iter()
        .map(|d| d.value.as_str())
        .collect();
    let [one, other] = ["10.0.0.1", "10.0.0.2"].map(|ip| ip.to_owned());
    assert_eq!(values[0], format!("{} and {}", values[2], values[1]));
    let all = json(&clean);
    assert!(
        !all.contains(&one)
            && !all.contains(&other)
            && !all.contains("alice")
            && !all.contains("web01")
    );
    assert!(all.contains("rlb_arp_recv") && all.contains("0xffffffffc0445a10"));
    assert_eq!(
        all,
        json(&redact(&with(&[
            "10.0.0.1 and 10.0.0.2",
            "10.0.0.2",
            "10.0.0.1"
        ])))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_source_of_a_token_survives(
        ip in (1u8..=254, 0u8..=255, 0u8..=255, 100u8..=254),
        mac in proptest::array::uniform6(0u8..=255),
        six in proptest::array::uniform8(0x1000u16..=0xffff),
        host in "[a-z]{4,8}-q[0-9]{2}",
        user in "zq[a-z]{4,8}",
        left in "[ (,;='\"\\[<]",
        right in "[ ),;'\"\\]>]",
    ) {
        let ip = format!("{}.{}.{}.{}", ip.0, ip.1, ip.2, ip.3);
        let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
        let six = six.map(|part| format!("{part:x}")).join(":");
        let path = format!("/home/{user}/run/job");
        let mail = format!("{user}@{host}.example");
        let text = format!(
            "a{left}{ip}{right}b{left}{mac}{right}c{left}{six}{right}d hostname={host} e{left}{path}{right} {mail} user={user}"
        );
        let mut report = with(&[&text]);
        report.events[0].task.comm = Some(user.clone());
        report.events[0].gaps = vec![base::Gap::new(format!("about {ip}"), format!("{host}{left}{mac}{right}"))];
        let all = json(&redact(&report));
        for source in [&ip, &mac, &six, &host, &user, &path, &mail] {
            prop_assert!(!all.contains(source.as_str()), "{source} survives in {all}");
        }
    }
}
