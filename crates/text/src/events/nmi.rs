//! Non-maskable interrupts that tell of a dead machine: watchdogs of boards, unknown sources.

use crate::naming::{Entry, Naming, Reading, never, no_details, opens, says};

/// x86: arch/x86/kernel/nmi.c `unknown_nmi_error`; MIPS Octeon:
/// arch/mips/cavium-octeon/octeon-platform or drivers/watchdog/octeon-wdt-main.c `octeon_wdt_nmi_stage3`.
pub static ENTRY: Entry = Entry {
    name: "nmi",
    meaning: "the hardware interrupted a CPU in a way that cannot be masked: a watchdog, an operator or a fault",
    crash: true,
    anchors: &[
        "NMI Watchdog interrupt",
        "NMI received for unknown reason",
        "NMI: IOCK error",
        "NMI: PCI system error",
    ],
    starts: |text| {
        opens(text, "NMI Watchdog interrupt")
            || says(text, "NMI received for unknown reason")
            || says(text, "NMI: IOCK error")
            || says(text, "NMI: PCI system error")
            || says(text, "Uhhuh. NMI received")
    },
    folds: never,
    describe,
    details: no_details,
};

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head();
    let title = if head.contains("NMI Watchdog interrupt") {
        "NMI watchdog interrupt"
    } else if head.contains("unknown reason") {
        "NMI received for unknown reason"
    } else {
        "NMI: hardware error"
    };
    Naming::plain(title).class("DoS")
}
