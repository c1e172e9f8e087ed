//! Real console logs: what any reader may rely on, whatever the log.

use std::path::PathBuf;

use base::LogEvent;

use super::lines;

/// The logs of the corpus; none, with a message, where there is no corpus.
fn logs() -> Vec<(String, String)> {
    let folder = std::env::var_os("WHY_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let Ok(entries) = std::fs::read_dir(folder.join("kernel-logs")) else {
        println!("skipped: no kernel-logs in {}", folder.display());
        return Vec::new();
    };
    let mut logs: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_string_lossy().into_owned();
            let bytes = std::fs::read(path).ok()?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let log = text.split_once("\n\n").map(|(_, log)| log.to_owned())?;
            Some((name, log))
        })
        .collect();
    logs.sort();
    logs
}

/// The message without `<level>`, `[ time]` and `[ T12]`.
fn bare(line: &str) -> &str {
    let mut rest = line.trim_start();
    while let Some((inner, tail)) = [('<', '>'), ('[', ']')]
        .into_iter()
        .find_map(|(open, close)| rest.strip_prefix(open)?.split_once(close))
    {
        if !inner
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b' ' | b'T' | b'C'))
        {
            break;
        }
        rest = tail.trim_start();
    }
    rest
}

#[test]
fn every_dump_of_the_corpus_is_read() {
    let mut dumps = 0;
    for (name, log) in logs() {
        let text: Vec<&str> = log.lines().map(bare).collect();
        let mut event = LogEvent::default();
        super::super::read(&lines(&text.join("\n")), &mut event);
        let printed = text.iter().filter(|l| l.starts_with("RAX: ")).count();
        if printed > 0 {
            assert_eq!(event.machine.arch.as_deref(), Some("x86_64"), "{name}");
            assert!(!event.registers.is_empty(), "{name}");
            dumps += 1;
        }
        if std::env::var_os("WHY_SHOW").is_some() {
            println!(
                "{name}: {:?} fault {:?} code {:?} gaps {:?}",
                event
                    .registers
                    .iter()
                    .map(|s| (
                        &s.whose,
                        s.registers.len(),
                        s.pc.as_ref().and_then(|f| f.function.as_deref())
                    ))
                    .collect::<Vec<_>>(),
                event.fault,
                event
                    .code
                    .as_ref()
                    .map(|c| (c.units.len(), c.marked, c.line)),
                event.gaps,
            );
        }
    }
    println!("{dumps} logs with dumps");
}

/// Real oopses of machines of every architecture that could be run.
#[test]
fn dumps_of_real_machines_lack_nothing() {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for (file, arch, registers, address, source) in [
        ("null-deref", "x86_64", 30, 0x18, "CR2"),
        ("oops-i386", "i386", 18, 0x18, "CR2"),
        ("oops-arm64", "arm64", 32, 0x18, "FAR"),
        ("oops-armhf", "arm", 17, 0x18, "FAR"),
        ("oops-mips64el", "mips64", 37, 0x18, "BadVA"),
        ("oops-mipsel", "mips", 37, 0x18, "BadVA"),
        ("oops-ppc64el", "ppc64", 42, 0x18, "DAR"),
        ("oops-s390x", "s390x", 19, 0x7974_6964_696d_7000, "TEID"),
    ] {
        let Ok(bytes) = std::fs::read(examples.join(format!("{file}.log"))) else {
            println!("skipped: no example {file}");
            continue;
        };
        let mut events = Vec::new();
        let mut reader = crate::LogReader::new(0);
        reader.feed(&bytes, &mut |event| events.push(event));
        reader.finish(&mut |event| events.push(event));
        let event = events
            .iter()
            .rfind(|e| e.fault.as_ref().is_some_and(|f| f.address.is_some()))
            .unwrap_or_else(|| panic!("{file} has no fault"));
        let fault = event.fault.as_ref().unwrap();
        assert_eq!(fault.address.map(|a| a.0), Some(address), "{file}");
        assert_eq!(fault.address_source.as_deref(), Some(source), "{file}");
        assert!(fault.code.is_some() && fault.code_kind.is_some(), "{file}");
        assert_eq!(event.machine.arch.as_deref(), Some(arch), "{file}");
        let set = &event.registers[0];
        assert_eq!(set.whose, "kernel", "{file}");
        assert_eq!(set.registers.len(), registers, "{file}: {set:?}");
        assert!(set.pc.as_ref().is_some_and(|pc| pc.function.is_some()));
        assert!(
            event
                .code
                .as_ref()
                .is_some_and(|code| code.marked.is_some())
        );
        assert_eq!(event.gaps, [], "{file}");
        assert!(event.task.pid.is_some() && event.task.comm.is_some());
        assert!(event.machine.release.is_some() && event.machine.taint.is_some());
        assert_eq!(event.modules[0].name, "whyfail", "{file}");
    }
}
