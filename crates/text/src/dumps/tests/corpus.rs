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
