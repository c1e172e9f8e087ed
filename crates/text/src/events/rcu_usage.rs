//! RCU-protected data was read without the protection.

use crate::naming::{Details, Entry, Naming, Reading, never, says, source_line};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// kernel/locking/lockdep.c, `lockdep_rcu_suspicious`.
pub static ENTRY: Entry = Entry {
    name: "rcu_usage",
    meaning: "data protected by RCU was used without holding the read side lock",
    crash: true,
    anchors: &["WARNING:", "INFO:"],
    starts: |text| {
        says(text, "WARNING: suspicious RCU usage") || says(text, "INFO: suspicious RCU usage")
    },
    folds: never,
    describe,
    details,
};

const RECIPE: Recipe = Recipe::TRACE.skipping(Names::containing(&["rcu", "kmem", "slab"]));

fn describe(reading: &Reading<'_>) -> Naming {
    let word = if reading.head().contains("INFO: ") {
        "INFO"
    } else {
        "WARNING"
    };
    let place = reading
        .lines
        .iter()
        .skip(1)
        .find_map(|line| source_line(&line.text));
    if place.is_none() {
        return Naming::bare(reading.head_from(word));
    }
    let named = Naming::located(
        &format!("{word}: suspicious RCU usage"),
        reading.responsible(&RECIPE),
    );
    if word == "WARNING" {
        named.class("LOCKDEP")
    } else {
        named
    }
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    if let Some(line) = reading
        .lines
        .iter()
        .skip(1)
        .find(|line| source_line(&line.text).is_some())
    {
        details.push(base::Detail {
            name: "assertion".to_owned(),
            value: line.text.trim().to_owned(),
            line: line.number,
        });
    }
}
