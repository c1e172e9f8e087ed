//! The hardware itself reported an error: machine checks, memory, PCIe.

use crate::naming::{Details, Entry, Naming, Reading, into_crash, opens, says};

/// arch/x86/kernel/cpu/mce/core.c, drivers/firmware/efi/cper.c (`[Hardware Error]`), drivers/edac.
pub static ENTRY: Entry = Entry {
    name: "hardware_error",
    meaning: "the processor, memory or a bus reported that it failed",
    crash: true,
    anchors: &["[Hardware Error]", "Machine check events logged", "EDAC MC"],
    starts: |text| {
        text.contains("[Hardware Error]") || says(text, "Machine check events logged") || edac(text)
    },
    folds: into_crash,
    describe: |reading: &Reading<'_>| {
        let head = reading.head();
        if edac(head) {
            let kind = if head.contains(" UE ") {
                "uncorrected"
            } else {
                "corrected"
            };
            return Naming::plain(format!("hardware error: {kind} memory error"));
        }
        Naming::plain("hardware error: machine check")
    },
    details,
};

/// `EDAC MC0: 1 CE memory read error on …` (drivers/edac/edac_mc.c).
fn edac(text: &str) -> bool {
    opens(text, "EDAC MC") && (text.contains(" UE ") || text.contains(" CE "))
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    for line in reading.lines.iter().take(40) {
        let text = line.text.trim();
        if text.contains("[Hardware Error]") || edac(text) {
            let value = text.replace("[Hardware Error]: ", "").replace("mce: ", "");
            details.push(base::Detail {
                name: "hardware".to_owned(),
                value,
                line: line.number,
            });
        }
    }
}
