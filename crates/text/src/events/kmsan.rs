//! KMSAN: a decision or a copy to the outside used memory that nobody initialised.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::plumbing::Names;
use crate::stack::{Recipe, Step};

/// `BUG: KMSAN: uninit-value in f+0x1/0x2` (mm/kmsan/report.c, `kmsan_report`).
pub static ENTRY: Entry = Entry {
    name: "kmsan",
    meaning: "the kernel memory sanitizer caught a use of memory that was never initialised",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| says(text, "BUG: KMSAN:"),
    folds: never,
    describe,
    details: no_details,
};

/// The trace of the use follows the head without a heading.
const USE: Recipe = Recipe {
    steps: &[Step::Trace],
    ..Recipe::TRACE
};

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head_from("BUG: KMSAN:");
    let Some((what, function)) = head
        .strip_prefix("BUG: KMSAN: ")
        .and_then(|rest| rest.split_once(" in "))
    else {
        return Naming::bare(head);
    };
    if crate::frames::symbol(function).is_none() {
        return Naming::bare(head);
    }
    if what == "kernel-usb-infoleak" {
        let recipe = USE.skipping(Names::containing(&[
            "alloc_skb",
            "usb_submit_urb",
            "usb_start_wait_urb",
            "usb_bulk_msg",
            "usb_interrupt_msg",
            "usb_control_msg",
        ]));
        return Naming::located("KMSAN: kernel-usb-infoleak", reading.responsible(&recipe))
            .class("KMSAN-INFO-LEAK")
            .stackless();
    }
    // Ciphers read whatever they are given: the caller chose the memory.
    let recipe = USE.skipping(Names {
        contains: &["alloc_skb", "netlink_ack", "netlink_rcv_skb"],
        starts: &["crypto_", "cipher_", "drbg_", "rng_"],
        ends: &["_encrypt"],
        is: &[],
    });
    let class = match what {
        "uninit-value" => "KMSAN-UNINIT-VALUE",
        "kernel-infoleak" => "KMSAN-INFO-LEAK",
        "use-after-free" | "kernel-infoleak-after-free" | "kernel-usb-infoleak-after-free" => {
            "KMSAN-USE-AFTER-FREE-READ"
        }
        _ => "KMSAN-UNKNOWN",
    };
    Naming::located(&format!("KMSAN: {what}"), reading.responsible(&recipe))
        .also("bad-access")
        .class(class)
        .stackless()
}
