//! Taking out of a report what says whose machine it was.
//!
//! Every string of the report is looked at, whatever member it stands in, so
//! that a member added later is covered. What is found is replaced by a
//! token (`host-1`, `ip-2`) that is the same for the same thing within one
//! report. Kernel symbols, numbers that begin with `0x`, names of modules,
//! files of the kernel's source and the kernel's release stay.

mod find;
mod tokens;

use serde_json::Value;

use crate::Report;
use tokens::Tokens;

/// Members whose strings are names of the kernel's own: never of a machine or a person.
const KERNEL_NAMES: &[&str] = &[
    "kind",
    "class",
    "function",
    "module",
    "build_id",
    "release",
    "arch",
    "endian",
    "trust",
    "detector",
    "relation",
    "confidence",
    "whose",
    "address_source",
    "code_kind",
    "access",
    "uptime_us",
    "whydunit_report",
    "tool",
];

/// The report with host names, addresses of machines, user names, e-mail addresses, command
/// lines and paths of users replaced by stable tokens.
pub fn redact(report: &Report) -> Report {
    let Ok(mut value) = serde_json::to_value(report) else {
        return Report::default();
    };
    let mut tokens = Tokens::new(report);
    walk(&mut value, &mut |text| find::learn(text, &mut tokens));
    walk(&mut value, &mut |text| {
        let clean = find::replace(text, &mut tokens);
        if clean != *text {
            *text = clean;
        }
    });
    // The form has not changed: only strings have.
    serde_json::from_value(value).unwrap_or_default()
}

/// Visits every string but those of the kernel's own names.
fn walk(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => {
            for item in items {
                walk(item, visit);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if !KERNEL_NAMES.contains(&name.as_str()) {
                    walk(member, visit);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
