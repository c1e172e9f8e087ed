//! The published schema is the one of the types, and reports follow it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use report::{Format, Options, Report};

const SCHEMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/schema/report-1.schema.json"
);

fn json(report: &Report) -> String {
    (Format::find("json").unwrap().render)(report, &Options::default())
}

#[test]
fn the_published_schema_is_current() {
    let current = format!(
        "{}\n",
        serde_json::to_string_pretty(&report::schema()).unwrap()
    );
    if std::env::var_os("WHY_BLESS").is_some() {
        std::fs::write(SCHEMA, &current).unwrap();
    }
    let stored = std::fs::read_to_string(SCHEMA).unwrap_or_default();
    assert!(
        stored == current,
        "docs/schema/report-1.schema.json is stale; WHY_BLESS=1 cargo test -p report writes it anew"
    );
}

const STACKS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/schema/stacks-1.schema.json"
);

#[test]
fn stacks_follow_their_published_schema() {
    let schema = report::stacks_schema();
    let current = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    if std::env::var_os("WHY_BLESS").is_some() {
        std::fs::write(STACKS, &current).unwrap();
    }
    let stored = std::fs::read_to_string(STACKS).unwrap_or_default();
    assert!(
        stored == current,
        "docs/schema/stacks-1.schema.json is stale; WHY_BLESS=1 cargo test -p report writes it anew"
    );
    let schema = serde_json::to_value(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let json = common::stacks().json();
    assert!(!json.contains('\x1b'));
    let instance: serde_json::Value = serde_json::from_str(&json).unwrap();
    let errors: Vec<_> = validator.iter_errors(&instance).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let again = report::Stacks::from_json(json.as_bytes()).unwrap();
    assert_eq!(again, common::stacks());
    let newer = json.replacen("\"1\"", "\"2\"", 1);
    assert!(report::Stacks::from_json(newer.as_bytes()).is_err());
    let mut wrong = instance;
    wrong["groups"][0]["threads"][0]["pid"] = "seven".into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn reports_follow_the_schema() {
    let schema = serde_json::to_value(report::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let empty = Report::of_log(Vec::new(), Vec::new(), None);
    for report in [
        common::bonding(),
        common::hostile(),
        common::dumped(),
        empty,
    ] {
        let instance: serde_json::Value = serde_json::from_str(&json(&report)).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&instance)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let schema = serde_json::to_value(report::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut instance: serde_json::Value = serde_json::from_str(&json(&common::bonding())).unwrap();
    instance["events"][0]["crash"] = "yes".into();
    assert!(!validator.is_valid(&instance));
}

#[test]
fn a_saved_report_renders_the_same_again() {
    for report in [common::bonding(), common::hostile(), common::dumped()] {
        let saved = json(&report);
        assert!(report::is_report(saved.as_bytes()));
        let loaded = Report::from_json(saved.as_bytes()).unwrap();
        assert_eq!(loaded, report);
        for format in report::FORMATS {
            let options = Options::default();
            assert_eq!(
                (format.render)(&loaded, &options),
                (format.render)(&report, &options)
            );
        }
    }
}
