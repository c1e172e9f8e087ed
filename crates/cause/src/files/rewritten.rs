//! What a kernel had put in the place of the file's instructions, in words.

use code::Body;
use debuginfo::{Rewrite, Site};

use super::words::code;

/// Places told; the others are counted.
const MOST_PLACES: usize = 4;

/// That a function did not run as its file has it, and where; none where it did.
pub(super) fn text(body: &Body<'_>) -> Option<String> {
    let entry = body.insn(body.entry?)?.address;
    let told: Vec<String> = body
        .replaced
        .iter()
        .filter_map(|site| place(site, entry))
        .collect();
    let more = told.len().saturating_sub(MOST_PLACES);
    let mut told: Vec<String> = told.into_iter().take(MOST_PLACES).collect();
    if more > 0 {
        told.push(format!("{more} more"));
    }
    (!told.is_empty()).then(|| {
        format!(
            "{} did not run as its file has it: the kernel had rewritten {}. What ran is followed",
            code(&body.name),
            told.join(", ")
        )
    })
}

/// `the branch of a static key at +0x8`; none of what does the same as the file's in another way.
fn place(site: &Site, entry: u64) -> Option<String> {
    let what = match site.why {
        Rewrite::StaticKey => "the branch of a static key",
        Rewrite::StaticCall => "a static call",
        Rewrite::Alternative => "instructions for this processor",
        Rewrite::Paravirt => "an instruction for this hypervisor",
        Rewrite::Constant => "a constant",
        Rewrite::Return
        | Rewrite::Retpoline
        | Rewrite::CallDepth
        | Rewrite::Tracing
        | Rewrite::Relocation
        | Rewrite::Lock
        | Rewrite::Landing
        | Rewrite::ControlFlow
        | Rewrite::Probe => return None,
    };
    Some(match site.range.start.checked_sub(entry) {
        Some(offset) => format!("{what} at +{offset:#x}"),
        // A part that was moved away may lie before it.
        None => format!("{what} at -{:#x}", entry - site.range.start),
    })
}
