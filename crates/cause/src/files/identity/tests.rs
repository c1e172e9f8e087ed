//! The files that ran, and others, against the log of a module that died in the laboratory.

use debuginfo::Store;

use super::*;

/// A module of the laboratory without its debug info, and the oops that it died of.
const MODULE: &[u8] = include_bytes!("../../../../debuginfo/tests/objects/lab-whyptr.ko");
const KERNEL: &[u8] = include_bytes!("../../../../debuginfo/tests/objects/kernel-x86_64");
const OOPS: &str = "\
BUG: kernel NULL pointer dereference, address: 0000000000000318
#PF: supervisor read access in kernel mode
#PF: error_code(0x0000) - not-present page
Oops: 0000 [#1] PREEMPT SMP NOPTI
CPU: 1 PID: 92 Comm: provoke Tainted: G           OE      6.1.0-56-cloud-amd64 #1  Debian 6.1.192-2
RIP: 0010:rlb_update_client+0x27/0x60 [whyptr]
Code: 00 00 00 0f 1f 44 00 00 55 48 89 f5 53 48 8b 9f 18 01 00 00 8b 7e 08 e8 b7 fe ff ff 0f b6 c0 48 8d 04 40 48 \
c1 e0 04 48 01 d8 <80> 78 18 00 74 07 8b 4d 0c 39 08 74 07 5b 5d c3 cc cc cc cc 8b 55
RSP: 0018:ffffcc6d000d0ef0 EFLAGS: 00000206
RAX: 0000000000000300 RBX: 0000000000000000 RCX: ffffffff8d806b78
CR2: 0000000000000318 CR3: 00000000027ce000 CR4: 00000000000006a0
Call Trace:
 <IRQ>
 rlb_arp_receive+0x22/0x30 [whyptr]
 receive+0x5c/0x90 [whyptr]
 poll+0x57/0x80 [whyptr]
 </IRQ>
 <TASK>
 whyptr_null_array+0x7a/0xb0 [whyptr]
 whyptr_write+0xa3/0x100 [whyptr]
 proc_reg_write+0x56/0xa0
 </TASK>
";

fn event(log: &str) -> LogEvent {
    let mut events = Vec::new();
    let mut reader = text::LogReader::new(0);
    reader.feed(log.as_bytes(), &mut |event| events.push(event));
    reader.finish(&mut |event| events.push(event));
    events.remove(0)
}

fn with(files: &[(&str, &[u8])], test: impl Fn(&DebugInfo<'_>)) {
    let store = Store::new();
    let mut debug = DebugInfo::new();
    for (label, bytes) in files {
        debug.add(Object::open(label, bytes, &store).unwrap());
    }
    test(&debug);
}

fn sentences(debug: &DebugInfo<'_>, log: &str) -> Vec<String> {
    check(debug, &event(log))
        .iter()
        .map(Fit::sentence)
        .collect()
}

#[test]
fn the_module_that_ran_fits_in_every_way() {
    with(&[("whyptr.ko", MODULE)], |debug| {
        assert_eq!(
            sentences(debug, OOPS),
            [
                "whyptr.ko is of the release 6.1.0-56-cloud-amd64, as the log prints it",
                "the code bytes of the log are those of rlb_update_client() in whyptr.ko: 54 compared, all \
                 equal; 10 that a running kernel rewrites were left out",
                "whyptr.ko has 6 functions of the names and sizes that the log prints",
            ]
        );
    });
}

#[test]
fn other_code_is_told_with_both_sides() {
    // The member that is compared with 0 lies elsewhere: cmpb $0x0,0x18(%rax).
    let at = MODULE
        .windows(4)
        .position(|window| window == [0x80, 0x78, 0x18, 0x00]);
    let mut other = MODULE.to_vec();
    other[at.unwrap() + 2] = 0x20;
    with(&[("whyptr.ko", &other)], |debug| {
        let event = event(OOPS);
        let fits = check(debug, &event);
        let wrong: Vec<_> = fits.iter().filter_map(Fit::contradiction).collect();
        assert_eq!(wrong.len(), 1, "{fits:?}");
        assert_eq!(
            wrong[0].sentence(),
            "whyptr.ko is not the file that ran: the code at rlb_update_client+0x29 (address 0x102259) is 18 \
             00 74 07 8b 4d 0c 39 in the log and 20 00 74 07 8b 4d 0c 39 in the file"
        );
        let counter = counter(&event).unwrap();
        assert!(matches!(
            locate(debug, counter, &event),
            Located::Contradicts(_)
        ));
    });
}

#[test]
fn another_size_release_or_function_is_another_file() {
    with(&[("whyptr.ko", MODULE)], |debug| {
        let wrong = |log: &str| {
            let fits = check(debug, &event(log));
            let wrong: Vec<_> = fits.iter().filter_map(Fit::contradiction).collect();
            assert_eq!(wrong.len(), 1, "{fits:?}");
            (
                wrong[0].what.clone(),
                wrong[0].log.clone(),
                wrong[0].found.clone(),
            )
        };
        let told = |what: &str, log: &str, found: &str| {
            (what.to_owned(), log.to_owned(), found.to_owned())
        };
        assert_eq!(
            wrong(&OOPS.replace("6.1.0-56", "6.1.0-55")),
            told(
                "the kernel's release",
                "6.1.0-55-cloud-amd64",
                "6.1.0-56-cloud-amd64"
            )
        );
        assert_eq!(
            wrong(&OOPS.replace("poll+0x57/0x80", "poll+0x57/0x70")),
            told("the size of poll()", "0x70", "0x80")
        );
        assert_eq!(
            wrong(&OOPS.replace("poll+0x57/0x80", "pull+0x57/0x80")),
            told("the function pull()", "printed", "absent")
        );
    });
}

#[test]
fn another_architecture_is_another_file() {
    with(&[("whyptr.ko", MODULE)], |debug| {
        let mut event = event(OOPS);
        event.machine.arch = Some("arm64".to_owned());
        let fits = check(debug, &event);
        assert_eq!(
            fits[0].sentence(),
            "whyptr.ko is not the file that ran: the architecture is arm64 in the log and x86_64 in the file"
        );
    });
}

#[test]
fn a_printed_build_id_decides_alone() {
    with(&[("whyptr.ko", MODULE)], |debug| {
        let (_, object) = debug.objects().next().unwrap();
        let id = object.identity().build_id.clone().unwrap();
        let log = OOPS.replace("[whyptr]", &format!("[whyptr {id}]"));
        let log = log.replace("6.1.0-56", "6.1.0-55");
        assert_eq!(
            sentences(debug, &log),
            [format!(
                "whyptr.ko is the file that ran: the log prints its build-id {id}"
            )]
        );
        let other = id.replace(['1', '2', '3', '4'], "0");
        let log = OOPS.replace("[whyptr]", &format!("[whyptr {other}]"));
        assert_eq!(
            sentences(debug, &log),
            [format!(
                "whyptr.ko is not the file that ran: the build-id is {other} in the log and {id} in the file"
            )]
        );
    });
}

#[test]
fn frames_are_found_in_the_file() {
    with(&[("whyptr.ko", MODULE)], |debug| {
        let event = event(OOPS);
        let spot = |frame: &Frame| match locate(debug, frame, &event) {
            Located::At(spot) => (
                spot.function.name,
                spot.address - spot.function.address,
                spot.is_return,
            ),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            spot(counter(&event).unwrap()),
            ("rlb_update_client", 0x27, false)
        );
        let trace = &event.traces[0].frames;
        assert_eq!(spot(&trace[0]), ("rlb_arp_receive", 0x22, true));
        assert_eq!(spot(&trace[4]), ("whyptr_write", 0xa3, true));
        let Located::At(last) = locate(debug, &trace[4], &event) else {
            panic!()
        };
        assert_eq!(last.lookup(), last.address - 1);
        assert_eq!(
            locate(debug, &trace[5], &event),
            Located::NoFile("vmlinux".to_owned())
        );
        let unnamed = Frame {
            function: None,
            ..trace[0].clone()
        };
        assert_eq!(locate(debug, &unnamed, &event), Located::Unnamed);
    });
}

#[test]
fn a_kernel_is_known_by_its_banner() {
    let first = |debug: &DebugInfo<'_>, printed: &str| {
        let log = OOPS.replace(" [whyptr]", "");
        let log = log.replace("6.1.0-56-cloud-amd64 #1  Debian 6.1.192-2", printed);
        sentences(debug, &log).swap_remove(0)
    };
    with(&[("vmlinux", KERNEL)], |debug| {
        assert_eq!(
            first(debug, "6.1.0-test #1"),
            "vmlinux is of the kernel 6.1.0-test #1, as the log prints it"
        );
        assert_eq!(
            first(debug, "6.1.0-test #2"),
            "vmlinux is not the file that ran: the kernel's build is #2 in the log and #1 SMP in the file"
        );
        // Newer kernels print how they preempt in the middle.
        for model in ["PREEMPT(lazy)", "PREEMPT_{RT,(full)}"] {
            assert_eq!(
                first(debug, &format!("6.1.0-test #1 {model} ")),
                "vmlinux is of the kernel 6.1.0-test #1, as the log prints it"
            );
        }
        // With `CONFIG_STACKTRACE_BUILD_ID` the kernel's build-id stands behind its version.
        let (_, object) = debug.objects().next().unwrap();
        let id = object.identity().build_id.clone().unwrap();
        assert_eq!(
            first(debug, &format!("6.1.0-test #7 {id}")),
            format!("vmlinux is the file that ran: the log prints its build-id {id}")
        );
    });
}
