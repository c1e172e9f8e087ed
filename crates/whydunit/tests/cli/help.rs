//! Help, the manual page, completions, and the doctor.

use serde_json::Value;

use crate::support::run;

#[test]
fn help_tells_verbs_examples_and_exit_codes() {
    for option in ["--help", "-h"] {
        let ran = run([option]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        for word in [
            "explain",
            "doctor",
            "--titles",
            "/dev/kmsg",
            "130",
            "--sysroot",
            "DEBUGINFOD_URLS",
        ] {
            assert!(ran.out.contains(word), "{word} is not in {}", ran.out);
        }
        for later in ["core-handler", "outliers", "--html"] {
            assert!(!ran.out.contains(later), "{later} is promised");
        }
    }
    let ran = run(["doctor", "--help"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.contains("why doctor"), "{}", ran.out);
    let ran = run(["--version"]);
    assert_eq!(
        (ran.code, ran.out),
        (Some(0), format!("why {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn the_manual_page_has_its_sections() {
    let ran = run(["man"]);
    assert_eq!(ran.code, Some(0));
    for section in [
        "NAME",
        "SYNOPSIS",
        "VERBS",
        "OPTIONS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "EXAMPLES",
    ] {
        let heading = [format!(".SH {section}\n"), format!(".SH \"{section}\"\n")];
        assert!(
            heading.iter().any(|heading| ran.out.contains(heading)),
            "{section}: {}",
            ran.out
        );
    }
}

#[test]
fn completions_know_verbs_and_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(["completions", shell]);
        assert_eq!(ran.code, Some(0), "{shell}");
        assert!(
            ran.out.contains("doctor") && ran.out.contains("titles"),
            "{shell}"
        );
    }
    assert_eq!(run(["completions", "dos"]).code, Some(2));
    assert_eq!(run(["completions"]).code, Some(2));
}

#[test]
fn the_doctor_answers_everything() {
    let text = run(["doctor"]);
    assert_eq!((text.code, text.err.as_str()), (Some(0), ""));
    let json = run(["doctor", "--json"]);
    let abilities: Vec<Value> = serde_json::from_str(&json.out).unwrap();
    assert!(abilities.len() >= 12);
    for ability in &abilities {
        let allowed = ability["allowed"].as_str().unwrap();
        assert!(["yes", "partly", "no"].contains(&allowed));
        assert!(text.out.contains(ability["name"].as_str().unwrap()));
        assert!(allowed == "yes" || ability["get"].as_str().is_some_and(|get| !get.is_empty()));
    }
}
