//! Memory ran out.

use base::{Confidence, LogEvent, Trust};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// OOM kills, the panic that replaces them, and allocations that failed.
pub const ENTRY: Detector = Detector {
    name: "out_of_memory",
    sees: "that memory of the machine or of a control group ran out, and who was killed",
    needs: "the OOM killer's lines, or the failed allocation's",
    false_friends: "the process that was killed is the largest, not the one that leaks; memory that the \
                    kernel itself leaks belongs to no process; a large order can fail with much memory free",
    nature: |event| (event.kind == "page_allocation_failure").then_some(Nature::Complaint),
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    match event.kind.as_str() {
        "oom_kill" => Some(kill(event)),
        "page_allocation_failure" => Some(failed(event)),
        "panic" if clues::says(&event.headline, "out of memory") || clues::says(&event.headline, "system is deadlocked on memory") => {
            Some(
                Draft::new(event)
                    .verdict("The kernel gave up because memory ran out and nothing was left to kill.")
                    .cause_named(Confidence::High)
                    .next("Look at the memory tables in the log before the panic: which processes, and how much slab."),
            )
        }
        _ => None,
    }
}

fn kill(event: &LogEvent) -> Draft {
    let group = clues::details(event, "killed")
        .any(|detail| detail.value.starts_with("Memory cgroup"))
        || event
            .detail("constraint")
            .is_some_and(|text| text.contains("CONSTRAINT_MEMCG"));
    let whose = if group {
        "The memory of a control group ran out"
    } else {
        "The memory of the machine ran out"
    };
    let victim = clues::details(event, "killed").find_map(|detail| victim(&detail.value));
    let mut draft = Draft::new(event);
    draft = match &victim {
        Some((name, pid, rss)) => draft.verdict(format!(
            "{whose}, and the kernel killed {name} (pid {pid}){}.",
            rss.as_ref()
                .map_or_else(String::new, |rss| format!(", which used {rss}"))
        )),
        None => draft.verdict(format!(
            "{whose}, and the kernel looked for a process to kill."
        )),
    };
    if let Some(limit) = event
        .detail("constraint")
        .and_then(|text| clues::between(text, "oom_memcg=", ","))
    {
        draft = draft.says(
            format!("The limit that was reached is that of the group {limit}"),
            Trust::PrintedByKernel,
            event
                .details
                .iter()
                .find(|detail| detail.name == "constraint")
                .map(|detail| detail.line),
        );
    }
    draft
        .quote(event, "asked by", 1)
        .quote(event, "constraint", 1)
        .quote(event, "group", 1)
        .quote(event, "killed", 2)
        .cause_named(if victim.is_some() { Confidence::High } else { Confidence::Medium })
        .next(if group {
            "Raise the group's limit, or find what in the group grew: the table of tasks in the log shows their sizes."
        } else {
            "Find what grew: the table of tasks in the log shows the processes, \"slab_unreclaimable\" the kernel itself."
        })
}

/// `Out of memory: Killed process 93 (hog) total-vm:1kB, anon-rss:2kB, …`: name, pid, anonymous memory.
fn victim(text: &str) -> Option<(String, String, Option<String>)> {
    let (_, rest) = text.split_once("rocess ")?;
    let (pid, rest) = rest.split_once(' ')?;
    let name = clues::between(rest, "(", ") ").or_else(|| clues::between(rest, "(", ")"))?;
    let rss = clues::between(rest, "anon-rss:", "kB")
        .and_then(|kib| kib.parse::<u64>().ok())
        .map(|kib| format!("{} MiB of memory of its own", kib / 1024));
    Some((name.to_owned(), pid.trim_end_matches(',').to_owned(), rss))
}

fn failed(event: &LogEvent) -> Draft {
    let order =
        clues::between(&event.headline, "order:", ",").and_then(|order| order.parse::<u32>().ok());
    let place = clues::in_place(event);
    let draft = Draft::new(event);
    let draft = match order {
        Some(order @ 1..=20) => draft
            .verdict(format!("The kernel could not get {} pages in one piece{place}.", 1u64 << order))
            .verdict("Memory may be free and yet too scattered for that.")
            .next("Ask for less in one piece (kvmalloc, a smaller buffer), or allocate earlier."),
        Some(0) => draft
            .verdict(format!("The kernel could not get a single page{place}."))
            .next("If the caller cannot wait (GFP_ATOMIC), raise vm.min_free_kbytes; else memory ran out."),
        _ => draft.verdict(format!("The kernel could not get memory{place}.")),
    };
    draft.cause_named(Confidence::Medium).call_path(event)
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, diagnose, event};

    #[test]
    fn an_oom_kill_alone_is_a_verdict() {
        let mut kill = event("oom_kill", 1);
        kill.crash = false;
        kill.title = "out of memory".into();
        kill.details = vec![detail(
            "killed",
            "Out of memory: Killed process 93 (hog) total-vm:204800kB, anon-rss:198656kB, file-rss:4kB",
        )];
        let told = diagnose(&[kill.clone()]).finding.unwrap();
        assert_eq!(
            told.verdict,
            "The memory of the machine ran out, and the kernel killed hog (pid 93), which used 194 MiB of memory of its own."
        );
        assert!(told.cause_named);
        let after = diagnose(&[kill, event("oops", 40)]);
        assert_eq!(
            after.finding.unwrap().title,
            "oops in f",
            "a defect goes before a note"
        );
    }

    #[test]
    fn a_large_order_may_fail_with_memory_free() {
        let mut failure = event("page_allocation_failure", 1);
        failure.headline =
            "desk: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL)".into();
        assert!(
            diagnose(&[failure])
                .finding
                .unwrap()
                .verdict
                .starts_with("The kernel could not get 16 pages in one piece")
        );
    }
}
