//! What is found of files that nobody named, by their build-ids.

use std::path::Path;
use std::sync::Arc;

use base::LogEvent;

use super::debuginfod::Settings;
use super::debuginfod::server::{Server, absent, ok};
use super::testing::{ID, Told, event, folder, load_with, object, put};
use super::*;

const RELEASE: &str = "6.1.0-test";

/// The build-id of the kernel among the objects.
const KERNEL: &str = "6d8fb674065b5b4ab093c3cc7e3e04c5fed0bdb4";

/// A crash in the module of the objects, whose log prints build-ids.
fn crash() -> LogEvent {
    let mut event = event(RELEASE, &[("bond_test", Some(ID))]);
    event.machine.version = Some(format!("#1 SMP {KERNEL}"));
    event
}

fn installed(root: &Path) -> Usual {
    Usual::made_up(Some(root.to_owned()), None)
}

fn servers(root: &Path, server: &Server) -> Usual {
    let settings = Settings::read(&|name| {
        let value = match name {
            "DEBUGINFOD_URLS" => server.url().into(),
            "DEBUGINFOD_CACHE_PATH" => root.join("cache").into_os_string(),
            _ => return None,
        };
        Some(value)
    });
    let mut settings = settings.unwrap();
    settings.without_proxies();
    Usual::made_up(Some(root.join("empty")), Some(settings))
}

fn labels(told: &Told) -> Vec<&str> {
    let objects = told.objects.iter();
    objects.map(|(label, ..)| label.as_str()).collect()
}

#[track_caller]
fn says(told: &[String], words: &[&str]) {
    let all = told.join("\n");
    for word in words {
        assert!(all.contains(word), "'{word}' is not in {all}");
    }
}

#[test]
fn installed_files_are_found() {
    let (group, rest) = ID.split_at(2);
    for (name, kernel, module) in [
        (
            "debug",
            "usr/lib/debug/boot/vmlinux-6.1.0-test",
            format!("usr/lib/debug/.build-id/{group}/{rest}.debug"),
        ),
        (
            "build",
            "lib/modules/6.1.0-test/build/vmlinux",
            "lib/modules/6.1.0-test/extra/bond-test.ko".to_owned(),
        ),
        (
            "modules",
            "usr/lib/debug/lib/modules/6.1.0-test/vmlinux",
            "usr/lib/debug/lib/modules/6.1.0-test/kernel/bond_test.ko".to_owned(),
        ),
    ] {
        let root = folder(&format!("installed-{name}"));
        put(&root.join(kernel), &object("kernel-x86_64"));
        put(&root.join(&module), &object("x86_64.ko"));
        let told = load_with(&root, &[], installed(&root), &crash());
        assert_eq!(labels(&told), [kernel, &module], "{told:#?}");
        assert_eq!((told.gaps.len(), told.errors.len()), (0, 0), "{told:#?}");
        assert_eq!(told.found.len(), 2);
        says(
            &told.found,
            &[
                &format!(
                    "of the kernel 6.1.0-test: '{kernel}', found among the installed files by its build-id"
                ),
                &format!("of the module bond_test: '{module}', found"),
            ],
        );
    }
}

#[test]
fn code_and_debug_information_may_lie_apart() {
    for linked in [true, false] {
        apart(linked);
    }
}

/// The debug file is found by a link with its build-id, or by its name.
fn apart(linked: bool) {
    let root = folder(&format!("installed-apart-{linked}"));
    let module = "lib/modules/6.1.0-test/kernel/bond_test.ko";
    let debug = "usr/lib/debug/lib/modules/6.1.0-test/kernel/bond_test.ko.debug";
    let (group, rest) = ID.split_at(2);
    put(&root.join(module), &object("x86_64-stripped.ko"));
    put(&root.join(debug), &object("x86_64.ko.debug"));
    if linked {
        let link = root.join(format!("usr/lib/debug/.build-id/{group}/{rest}.debug"));
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(root.join(debug), link).unwrap();
    }
    let told = load_with(&root, &[], installed(&root), &crash());
    assert_eq!(
        told.objects,
        [(module.to_owned(), Some("bond_test".to_owned()), true)],
        "{told:#?}"
    );
    says(
        &told.found,
        &[
            "the code of the module bond_test",
            "the debug information of",
        ],
    );
}

#[test]
fn what_does_not_tell_its_build_is_not_used() {
    let root = folder("installed-other");
    put(
        &root.join("usr/lib/debug/boot/vmlinux-6.1.0-test"),
        &object("kernel-x86_64"),
    );
    // The log prints no build-id: the file of the release might be of another build.
    let told = load_with(&root, &[], installed(&root), &event(RELEASE, &[]));
    assert_eq!((labels(&told).len(), told.gaps.len()), (0, 0), "{told:#?}");
    // It prints another.
    let mut other = crash();
    other.machine.version = Some(format!("#1 SMP {}", "ab".repeat(20)));
    let told = load_with(&root, &[], installed(&root), &other);
    assert_eq!(labels(&told).len(), 0, "{told:#?}");
    says(
        &told.gaps,
        &["of the kernel 6.1.0-test", KERNEL, &"ab".repeat(20)],
    );
    assert_eq!(
        told.gaps.len(),
        1,
        "what is not there at all is not missed: {told:#?}"
    );
}

#[test]
fn files_that_are_named_come_first() {
    let root = folder("installed-named");
    let kernel = "usr/lib/debug/boot/vmlinux-6.1.0-test";
    for path in [kernel, "own/vmlinux"] {
        put(&root.join(path), &object("kernel-x86_64"));
    }
    put(&root.join("own/bond_test.ko"), &object("x86_64.ko"));
    let told = load_with(&root, &["own"], installed(&root), &crash());
    assert_eq!(labels(&told), ["own/vmlinux", "own/bond_test.ko"]);
    assert_eq!(told.found, [""; 0]);
    // What is missing among them is found.
    let told = load_with(&root, &["own/bond_test.ko"], installed(&root), &crash());
    assert_eq!(labels(&told), ["own/bond_test.ko", kernel]);
    assert_eq!(told.gaps, [""; 0]);
}

#[test]
fn nothing_is_looked_for_where_nothing_is_to_be_found() {
    let root = folder("installed-calm");
    put(
        &root.join("usr/lib/debug/boot/vmlinux-6.1.0-test"),
        &object("kernel-x86_64"),
    );
    let server = Server::new(|_| absent());
    let told = load_with(&root, &[], servers(&root, &server), &LogEvent::default());
    assert_eq!((labels(&told).len(), told.gaps.len()), (0, 0));
    let told = load_with(&root, &[], Usual::none(), &crash());
    assert_eq!((labels(&told).len(), told.gaps.len()), (0, 0));
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn without_urls_nobody_is_asked() {
    let root = folder("off");
    let server = Server::new(|_| absent());
    // All else is set; who is not named is not asked.
    let usual = Usual::of(root.clone(), &|name| match name {
        "DEBUGINFOD_CACHE_PATH" => Some(root.join("cache").into_os_string()),
        "HOME" | "XDG_CACHE_HOME" => Some(root.clone().into_os_string()),
        "http_proxy" | "https_proxy" | "ALL_PROXY" => Some(server.url().into()),
        _ => None,
    });
    assert!(usual.servers().is_none());
    let told = load_with(&root, &[], usual, &crash());
    assert_eq!((labels(&told).len(), told.gaps.len()), (0, 0), "{told:#?}");
    assert_eq!(server.asked().len(), 0);
    assert!(!root.join("cache").exists() && !root.join(".cache").exists());
}

#[test]
fn servers_are_asked_for_what_the_stacks_name_and_no_more() {
    let root = folder("served");
    let server = Server::new(|path| match path {
        _ if path.contains(KERNEL) => ok(&object("kernel-x86_64")),
        _ if path.contains(ID) => ok(&object("x86_64.ko")),
        _ => absent(),
    });
    let mut event = crash();
    event.modules = Vec::new();
    let told = load_with(&root, &[], servers(&root, &server), &event);
    let kept = [
        format!("cache/{KERNEL}/debuginfo"),
        format!("cache/{ID}/debuginfo"),
    ];
    assert_eq!(labels(&told), kept, "{told:#?}");
    assert_eq!((told.gaps.len(), told.errors.len()), (0, 0), "{told:#?}");
    says(
        &told.found,
        &[
            &format!(
                "found from {}/buildid/{KERNEL}/debuginfo by its build-id",
                server.url()
            ),
            &format!("of the module bond_test: '{}'", kept[1]),
        ],
    );
    let asked = [KERNEL, ID].map(|id| format!("/buildid/{id}/debuginfo"));
    assert_eq!(server.asked(), asked);
    let again = load_with(&root, &[], servers(&root, &server), &event);
    assert_eq!(labels(&again), kept);
    says(&again.found, &["found from the cache of debuginfod"]);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn code_is_asked_for_where_debug_information_comes_alone() {
    let root = folder("served-apart");
    let server = Server::new(|path| match path.rsplit_once('/') {
        Some((id, "debuginfo")) if id.contains(ID) => ok(&object("x86_64.ko.debug")),
        Some((id, "executable")) if id.contains(ID) => ok(&object("x86_64-stripped.ko")),
        _ => absent(),
    });
    let told = load_with(&root, &[], servers(&root, &server), &crash());
    let code = format!("cache/{ID}/executable");
    assert_eq!(
        told.objects,
        [(code, Some("bond_test".to_owned()), true)],
        "{told:#?}"
    );
    // The kernel is not to be had, and that is said once.
    assert_eq!(told.gaps.len(), 1, "{told:#?}");
    says(
        &told.gaps,
        &["of the kernel 6.1.0-test: debuginfod was asked", "has none"],
    );
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn a_named_file_gets_its_companion_from_a_server() {
    let root = folder("served-companion");
    put(&root.join("bond_test.ko"), &object("x86_64-stripped.ko"));
    let server = Server::new(|path| match path.contains(ID) {
        true => ok(&object("x86_64.ko.debug")),
        false => absent(),
    });
    let told = load_with(&root, &["bond_test.ko"], servers(&root, &server), &crash());
    let bond = Some("bond_test".to_owned());
    assert_eq!(
        told.objects,
        [("bond_test.ko".to_owned(), bond, true)],
        "{told:#?}"
    );
    says(&told.found, &["the debug information of"]);
}

#[test]
fn another_build_is_refused_with_both_ids() {
    let root = folder("served-wrong");
    let server = Server::new(|_| ok(&object("x86_64-dwarf4.ko")));
    let told = load_with(&root, &[], servers(&root, &server), &crash());
    assert_eq!(labels(&told).len(), 0, "{told:#?}");
    let other = "e75ed89310df873dda705fe5cda5fc608c4340d2";
    says(
        &told.gaps,
        &[
            &format!("it has build-id {other}, and {ID} was asked for"),
            &format!("it has build-id {other}, and {KERNEL} was asked for"),
            &server.url(),
        ],
    );
    assert!(!root.join(format!("cache/{ID}/debuginfo")).exists());
}

#[test]
fn what_is_no_object_is_refused() {
    for (name, body) in [
        ("page", b"<html>log in first</html>".to_vec()),
        ("cut", object("x86_64.ko")[..3000].to_vec()),
        ("stripped", object("x86_64-stripped.ko")),
    ] {
        let root = folder(&format!("served-{name}"));
        let server = Server::new(move |_| ok(&body));
        let told = load_with(&root, &[], servers(&root, &server), &crash());
        let whole = told.objects.iter().filter(|(.., dwarf)| *dwarf).count();
        assert_eq!(whole, 0, "{told:#?}");
        says(&told.gaps, &["is refused: it "]);
        assert!(!root.join(format!("cache/{ID}/debuginfo")).exists());
    }
}

#[test]
fn many_modules_do_not_wait_for_a_dead_server_each() {
    let root = folder("served-dead");
    let url = Server::new(|_| absent()).url();
    let usual = Usual::of(root.join("empty"), &|name| match name {
        "DEBUGINFOD_URLS" => Some(url.clone().into()),
        "DEBUGINFOD_CACHE_PATH" => Some(root.join("cache").into_os_string()),
        _ => None,
    });
    let ids: Vec<String> = (0..20).map(|n| format!("{n:040x}")).collect();
    let names: Vec<String> = (0..20).map(|n| format!("m{n}")).collect();
    let modules = names.iter().zip(&ids);
    let modules: Vec<_> = modules
        .map(|(name, id)| (name.as_str(), Some(id.as_str())))
        .collect();
    let event = event(RELEASE, &modules);
    let (files, _) = DebugFiles::new(&[], usual, Arc::new(Context::new()));
    let store = Store::new();
    let loaded = files.load(&[event], &[], &store);
    assert_eq!(loaded.gaps.len(), 20);
    assert!(loaded.gaps.iter().all(|gap| gap.why.contains(&url)));
}
