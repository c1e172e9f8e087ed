//! What this machine allows: one file per ability, each a question to the
//! system that changes nothing.

mod machine;

pub use machine::Machine;

use serde::Serialize;

base::registry! {
    /// Every ability, the ones for reading what died before the ones for watching what lives.
    pub static ABILITIES: [Entry] = [
        kernel_log, crash_store, crash_dump, core_files, debug_info, kernel_addresses,
        kernel_types, bpf, perf_events, watchpoints, ptrace, lab,
    ];
}

/// One ability.
pub struct Entry {
    /// A short name (`BPF programs`).
    pub name: &'static str,
    /// What it is good for.
    pub purpose: &'static str,
    probe: fn(&Machine) -> Answer,
}

impl Entry {
    /// Asks the machine.
    pub fn ask(&self, machine: &Machine) -> Answer {
        (self.probe)(machine)
    }
}

/// Whether the machine allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    /// As it is now, for this user.
    Yes,
    /// Some of it.
    Partly,
    /// Not as it is now.
    No,
}

/// What the machine answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Whether it is allowed.
    pub allowed: Allowed,
    /// What was found, which the answer rests on.
    pub found: String,
    /// What to do to get it, or more of it; empty when nothing is missing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub get: String,
}

impl Answer {
    fn new(allowed: Allowed, found: impl Into<String>, get: impl Into<String>) -> Self {
        Answer {
            allowed,
            found: found.into(),
            get: get.into(),
        }
    }

    fn yes(found: impl Into<String>) -> Self {
        Answer::new(Allowed::Yes, found, "")
    }

    fn partly(found: impl Into<String>, get: impl Into<String>) -> Self {
        Answer::new(Allowed::Partly, found, get)
    }

    fn no(found: impl Into<String>, get: impl Into<String>) -> Self {
        Answer::new(Allowed::No, found, get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ability_answers_on_this_machine() {
        let machine = Machine::this();
        for ability in ABILITIES {
            let answer = ability.ask(&machine);
            assert!(!answer.found.is_empty(), "{}", ability.name);
            let missing = answer.allowed != Allowed::Yes;
            assert!(
                !missing || !answer.get.is_empty(),
                "{}: {answer:?}",
                ability.name
            );
        }
    }

    #[test]
    fn every_ability_answers_where_there_is_nothing() {
        let machine = Machine::made_up("nothing", &[], &[]);
        for ability in ABILITIES {
            let answer = ability.ask(&machine);
            assert!(!answer.found.is_empty(), "{}", ability.name);
            assert_ne!(answer.allowed, Allowed::Yes, "{}: {answer:?}", ability.name);
        }
    }
}
