//! What is found, and what is said where it is not.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use super::testing::{ID, Told, event, folder, load, object, put};
use super::*;

const RELEASE: &str = "6.1.0-test";

/// A crash in the module of the objects; its kernel is theirs.
fn crash() -> LogEvent {
    event(RELEASE, &[("bond_test", None)])
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).unwrap()
}

/// The labels of what was loaded.
fn labels(told: &Told) -> Vec<&str> {
    told.objects
        .iter()
        .map(|(label, ..)| label.as_str())
        .collect()
}

/// Asserts that a kernel and a module were loaded from there, and that nothing is missing.
#[track_caller]
fn whole(told: &Told, kernel: &str, module: &str) {
    let bond = Some("bond_test".to_owned());
    let objects = [
        (kernel.to_owned(), None, true),
        (module.to_owned(), bond, true),
    ];
    assert_eq!(told.objects, objects, "{told:#?}");
    assert_eq!(
        (told.gaps.as_slice(), told.errors.as_slice()),
        (&[][..], &[][..])
    );
}

#[test]
fn files_that_are_named_are_opened() {
    let root = folder("named");
    put(&root.join("vmlinux"), &object("kernel-x86_64"));
    // A name says little: what it is, the file itself says.
    put(&root.join("any"), &object("x86_64.ko"));
    whole(
        &load(&root, &["vmlinux", "any"], &crash()),
        "vmlinux",
        "any",
    );
    // Also where the log needs none of them.
    let told = load(&root, &["vmlinux", "any", "any"], &LogEvent::default());
    assert_eq!(labels(&told), ["vmlinux", "any"]);
}

#[test]
fn folders_are_searched_for_what_the_log_needs() {
    let root = folder("folders");
    let modules = format!("lib/modules/{RELEASE}");
    put(
        &root.join("usr/lib/debug/boot/vmlinux-6.1.0-test"),
        &object("kernel-x86_64"),
    );
    put(
        &root.join(&modules).join("net/bond-test.ko"),
        &object("x86_64.ko"),
    );
    put(
        &root.join(&modules).join("net/other.ko"),
        b"nobody looks at it",
    );
    let kernel = "usr/lib/debug/boot/vmlinux-6.1.0-test";
    whole(
        &load(&root, &["."], &crash()),
        &format!("./{kernel}"),
        &format!("./{modules}/net/bond-test.ko"),
    );
    // A crash in the kernel alone looks no further.
    let told = load(&root, &["usr"], &event(RELEASE, &[]));
    assert_eq!(labels(&told), [kernel]);
    let calm = load(&root, &["."], &LogEvent::default());
    assert_eq!(labels(&calm), [""; 0]);
}

#[test]
fn compressed_modules_and_kernels_are_taken_out() {
    for (ending, encode) in [
        ("xz", xz as fn(&[u8]) -> Vec<u8>),
        ("zst", zstd),
        ("gz", gzip),
    ] {
        let root = folder(&format!("compressed-{ending}"));
        let (kernel, module) = (
            format!("vmlinux.{ending}"),
            format!("bond_test.ko.{ending}"),
        );
        put(
            &root.join("a").join(&kernel),
            &encode(&object("kernel-x86_64")),
        );
        put(
            &root.join("b/c").join(&module),
            &encode(&object("x86_64.ko")),
        );
        let told = load(&root, &["a", "b"], &crash());
        whole(&told, &format!("a/{kernel}"), &format!("b/c/{module}"));
    }
}

#[test]
fn a_bomb_is_refused_before_it_takes_memory() {
    let root = folder("bomb");
    let mut bomb = object("x86_64.ko");
    bomb.resize(64 << 20, 0);
    put(&root.join("bond_test.ko.zst"), &zstd(&bomb));
    put(&root.join("text.ko.zst"), &zstd(&vec![b'a'; 64 << 20]));
    let told = load(&root, &["bond_test.ko.zst", "text.ko.zst"], &crash());
    assert!(
        told.errors[0].contains("holds more than 16777216 bytes"),
        "{told:#?}"
    );
    assert!(
        told.errors[1].contains("neither an ELF file nor BTF"),
        "{told:#?}"
    );
}

#[test]
fn of_several_files_the_one_that_fits_is_taken() {
    let root = folder("several");
    put(&root.join("a/vmlinux"), &object("kernel-arm64"));
    put(&root.join("b/vmlinux"), &object("kernel-x86_64"));
    put(&root.join("a/bond_test.ko"), &object("x86_64-stripped.ko"));
    put(&root.join("b/bond_test.ko"), &object("x86_64.ko"));
    put(&root.join("c/bond_test.ko"), &object("arm64.ko"));
    whole(
        &load(&root, &["."], &crash()),
        "./b/vmlinux",
        "./b/bond_test.ko",
    );
    // The build-id that the log prints decides, whatever the release.
    let other = "f".repeat(40);
    let told = load(
        &root,
        &["."],
        &event(RELEASE, &[("bond_test", Some(&other))]),
    );
    assert_eq!(labels(&told), ["./b/vmlinux"]);
    assert!(
        told.gaps
            .iter()
            .any(|gap| gap.contains(ID) && gap.contains(&other)),
        "{told:#?}"
    );
}

#[test]
fn a_file_of_another_kernel_is_not_used() {
    let root = folder("other-kernel");
    put(&root.join("vmlinux"), &object("kernel-x86_64"));
    put(&root.join("bond_test.ko"), &object("x86_64.ko"));
    let event = event("5.4.0-9", &[("bond_test", None)]);
    for paths in [&["vmlinux", "bond_test.ko"][..], &["."]] {
        let told = load(&root, paths, &event);
        assert_eq!(labels(&told), [""; 0]);
        let both =
            |gap: &&String| gap.contains("it is of kernel 6.1.0-test, the log is of 5.4.0-9");
        assert_eq!(told.gaps.iter().filter(both).count(), 2, "{told:#?}");
        assert_eq!(told.gaps.len(), 2, "{told:#?}");
    }
}

#[test]
fn build_ids_lead_to_files() {
    let root = folder("build-id");
    let (group, rest) = ID.split_at_checked(2).unwrap();
    let links = root.join("usr/lib/debug/.build-id").join(group);
    put(&root.join("store/one"), &object("x86_64.ko"));
    fs::create_dir_all(&links).unwrap();
    symlink(root.join("store/one"), links.join(rest)).unwrap();
    let told = load(&root, &["."], &event(RELEASE, &[("bond_test", Some(ID))]));
    assert_eq!(
        labels(&told),
        [format!("./usr/lib/debug/.build-id/{}/{}", group, rest)]
    );
    // The debug information of a file that was named, whose name nobody knows.
    put(&root.join("bond_test.ko"), &object("x86_64-stripped.ko"));
    put(
        &links.join(format!("{}.debug", rest)),
        &object("x86_64.ko.debug"),
    );
    let told = load(&root, &["bond_test.ko", "usr"], &crash());
    assert_eq!(
        told.objects.first().map(|(_, _, dwarf)| *dwarf),
        Some(true),
        "{told:#?}"
    );
}

#[test]
fn companions_are_found_beside_the_file() {
    let link = with_link(&object("x86_64-stripped.ko"), "bond.dbg");
    for place in [
        "m/bond.dbg",
        "m/.debug/bond.dbg",
        "d/bond.dbg",
        "d/.debug/bond.dbg",
    ] {
        let root = folder("companion");
        put(&root.join("m/bond_test.ko"), &link);
        put(&root.join("d/else"), b"x");
        put(&root.join(place), &object("x86_64.ko.debug"));
        let told = load(&root, &["m/bond_test.ko", "d"], &crash());
        assert_eq!(
            told.objects.first().map(|(_, _, dwarf)| *dwarf),
            Some(true),
            "{place}: {told:#?}"
        );
    }
    // By the name of the module, and as a file that is named too.
    let root = folder("companion-named");
    put(&root.join("bond_test.ko"), &object("x86_64-stripped.ko"));
    put(
        &root.join("d/kernel/bond-test.ko.debug"),
        &object("x86_64.ko.debug"),
    );
    for paths in [
        &["bond_test.ko", "d"][..],
        &["bond_test.ko", "d/kernel/bond-test.ko.debug"],
        &["d/kernel/bond-test.ko.debug", "."],
    ] {
        let told = load(&root, paths, &crash());
        assert_eq!(told.objects.len(), 1, "{told:#?}");
        assert!(
            told.objects[0].2 && told.objects[0].0.ends_with("bond_test.ko"),
            "{told:#?}"
        );
    }
}

/// The file with a `.gnu_debuglink`: it gets the place of the section of notes that says nothing here.
fn with_link(bytes: &[u8], name: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let number = |bytes: &[u8], at: usize, size: usize| {
        let field = bytes[at..at + size].iter().rev();
        field.fold(0usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let (table, count, names) = (
        number(&bytes, 40, 8),
        number(&bytes, 60, 2),
        number(&bytes, 62, 2),
    );
    let strings = number(&bytes, table + names * 64 + 24, 8);
    let size = number(&bytes, table + names * 64 + 32, 8);
    let comment = (0..count)
        .map(|index| table + index * 64)
        .find(|header| bytes[strings + number(&bytes, *header, 4)..].starts_with(b".comment\0"))
        .unwrap();
    // A new table of names at the end of the file, with one name more.
    let mut table_of_names = bytes[strings..strings + size].to_vec();
    table_of_names.extend(b".gnu_debuglink\0");
    let put = |bytes: &mut Vec<u8>, at: usize, value: usize| {
        bytes[at..at + 8].copy_from_slice(&(value as u64).to_le_bytes());
    };
    let at = bytes.len();
    bytes.extend(&table_of_names);
    put(&mut bytes, table + names * 64 + 24, at);
    put(&mut bytes, table + names * 64 + 32, table_of_names.len());
    let mut link = name.as_bytes().to_vec();
    link.resize(link.len() / 4 * 4 + 4, 0);
    link.extend([0; 4]);
    let at = bytes.len();
    bytes.extend(&link);
    bytes[comment..comment + 4].copy_from_slice(&(size as u32).to_le_bytes());
    put(&mut bytes, comment + 24, at);
    put(&mut bytes, comment + 32, link.len());
    bytes
}

#[test]
fn a_companion_of_another_build_is_not_taken() {
    let root = folder("companion-other");
    put(&root.join("bond_test.ko"), &object("x86_64-stripped.ko"));
    put(
        &root.join("d/bond_test.ko.debug"),
        &object("x86_64-dwarf4.ko"),
    );
    let told = load(&root, &["bond_test.ko", "d"], &crash());
    assert_eq!(told.objects[0].0, "bond_test.ko");
    assert!(!told.objects[0].2, "{told:#?}");
    assert!(
        told.gaps.iter().any(|gap| gap.contains("another build")),
        "{told:#?}"
    );
}

#[test]
fn a_companion_alone_says_what_it_lacks() {
    let root = folder("companion-alone");
    put(&root.join("bond-test.ko.debug"), &object("x86_64.ko.debug"));
    for path in ["bond-test.ko.debug", "."] {
        let told = load(&root, &[path], &crash());
        assert_eq!(told.objects[0].1.as_deref(), Some("bond_test"));
        assert!(
            told.gaps
                .iter()
                .any(|gap| gap.contains("holds debug information alone")),
            "{told:#?}"
        );
    }
}

#[test]
fn what_files_share_is_found() {
    let root = folder("shared");
    put(&root.join("bin/program"), &object("dwz-program"));
    put(
        &root.join("d/dwz-shared.debug"),
        &object("dwz-shared.debug"),
    );
    let told = load(&root, &["bin/program", "d"], &LogEvent::default());
    assert_eq!(
        labels(&told),
        ["d/dwz-shared.debug", "bin/program"],
        "{told:#?}"
    );
    assert_eq!(told.gaps, [""; 0]);
}

#[test]
fn types_alone_are_debug_information() {
    let root = folder("types");
    let kernel = object("btf-kernel");
    let at = kernel
        .windows(4)
        .position(|bytes| bytes == [0x9f, 0xeb, 1, 0])
        .unwrap();
    put(&root.join("vmlinux"), &kernel[at..]);
    let told = load(&root, &["vmlinux"], &event(RELEASE, &[]));
    assert_eq!((labels(&told), told.errors.len()), (vec!["vmlinux"], 0));
    let told = load(&root, &["."], &event(RELEASE, &[]));
    assert_eq!((labels(&told), told.gaps.len()), (vec!["./vmlinux"], 0));
    let mut unknown = event(RELEASE, &[]);
    unknown.machine.arch = None;
    let told = load(&root, &["vmlinux"], &unknown);
    assert!(told.errors[0].contains("which architecture"), "{told:#?}");
}

#[test]
fn what_cannot_be_used_says_why_and_what_next() {
    let root = folder("unusable");
    let module = object("x86_64.ko");
    let mut core = module.clone();
    core[16] = 4;
    let mut packed = vec![0; 0x400];
    packed[0x202..0x206].copy_from_slice(b"HdrS");
    let mut far = module.clone();
    // The size of the first section that has one reaches beyond the file.
    let table = usize::from(far[40]) | usize::from(far[41]) << 8;
    far[table + 2 * 64 + 38] = 1;
    for (name, bytes, why, next) in [
        ("empty.ko", &[][..], "it is empty", "copy it again"),
        (
            "oops.log",
            b"[    1.0] BUG: unable\n",
            "neither an ELF file nor BTF",
            "name a vmlinux",
        ),
        (
            "cut.ko",
            &module[..module.len() - 100],
            "it is cut: its section headers end at byte 21544, the file at byte 21444",
            "whole",
        ),
        ("short.ko", &module[..40], "header is cut", "copy it again"),
        (
            "far.ko",
            &far,
            "it ends before its section",
            "copy it again",
        ),
        ("core", &core, "a core or a dump", "vmlinux and its modules"),
        ("vmlinuz", &packed, "packed for booting", "debug package"),
        (
            "cut.ko.xz",
            &xz(&module)[..4000],
            "xz stream is cut short",
            "copy it again",
        ),
        (
            "x.deb",
            b"!<arch>\ndebian-binary   1",
            "it is a package",
            "dpkg-deb -x",
        ),
        (
            "x.bz2",
            b"BZh91AY&SY....",
            "compressed with bzip2",
            "decompress it first",
        ),
    ] {
        put(&root.join(name), bytes);
        let told = load(&root, &[name], &crash());
        let error = told
            .errors
            .first()
            .unwrap_or_else(|| unreachable!("{name} is used: {told:#?}"));
        assert!(
            error.starts_with(&format!("cannot take debug information from '{name}': ")),
            "{error}"
        );
        assert!(
            error.contains(why) && error.contains(next),
            "{name}: {error}"
        );
        assert!(
            told.gaps[0].starts_with(&format!("the debug information in '{name}'")),
            "{told:#?}"
        );
    }
    let told = load(&root, &["cut.kp", "nothing-like-it"], &crash());
    assert!(
        told.errors[0].contains("did you mean 'cut.ko'"),
        "{told:#?}"
    );
    assert!(
        told.errors[1].contains("no such file") && told.errors[1].contains("--debuginfo"),
        "{told:#?}"
    );
}

#[test]
fn every_cut_of_a_file_is_borne() {
    let root = folder("cuts");
    let module = object("x86_64.ko");
    for keep in (0..module.len()).step_by(997) {
        put(&root.join("bond_test.ko"), &module[..keep]);
        let told = load(&root, &["bond_test.ko"], &crash());
        assert_eq!(
            (told.objects.len(), told.errors.len()),
            (0, 1),
            "{keep}: {told:#?}"
        );
    }
}

#[test]
fn a_folder_of_no_use_says_what_was_looked_for() {
    let root = folder("useless");
    put(&root.join("readme.txt"), b"x");
    let told = load(&root, &["."], &crash());
    assert!(
        told.errors[0].contains("looked for vmlinux, vmlinux-6.1.0-test, bond_test.ko"),
        "{told:#?}"
    );
    assert!(
        told.gaps
            .iter()
            .any(|gap| gap.contains("the module bond_test")),
        "{told:#?}"
    );
}

#[test]
fn what_is_missing_is_named() {
    let root = folder("missing");
    put(&root.join("vmlinux"), &object("kernel-x86_64"));
    let event = event(RELEASE, &[("bond_test", None), ("bridge", None)]);
    let told = load(&root, &["vmlinux"], &event);
    assert_eq!(
        told.gaps,
        [
            "the code and debug information of the modules bond_test, bridge: no file that was named is of it"
        ]
    );
}

#[test]
fn large_files_are_mapped_and_small_ones_read() {
    let root = folder("mapped");
    put(&root.join("small"), &object("kernel-x86_64"));
    let mut large = object("kernel-x86_64");
    large.resize(2 << 20, 0);
    put(&root.join("large"), &large);
    let opener = Opener::new(Arc::new(Context::new()));
    let small = opener.open(&root.join("small")).ok();
    assert!(matches!(small, Some(bytes::Bytes::Read(_))));
    let mapped = opener.open(&root.join("large")).ok();
    assert!(matches!(&mapped, Some(bytes::Bytes::Mapped(map)) if map[..] == large[..]));
}
