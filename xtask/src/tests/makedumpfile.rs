//! Dumps as makedumpfile writes them, in every form that Debian's can, read and compared with the memory that
//! they are of.

use super::needs::{self, Need};
use super::{Counts, Outcome, Suite, cargo, root};
use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

pub(super) static ENTRY: Suite = Suite {
    name: "makedumpfile",
    help: "what makedumpfile writes is read as the memory that it is of",
    needs: &[needs::LAB, &[Need::new("makedumpfile", "makedumpfile")]],
    run,
};

const SPECIMEN: &str = "dump-panic";

/// Options, and how many pages must be there at least: all, all but zeroes, or what the kernel needs.
const FORMS: &[(&str, u64)] = &[
    ("-c -d 31", 10_000),
    ("-l -d 31", 10_000),
    ("-l -d 0", 130_000),
    ("-c -d 1", 20_000),
    ("-E -d 31", 10_000),
    ("-F -c -d 17", 10_000),
    ("-F -E -d 31", 10_000),
];

fn run() -> Result<Outcome> {
    crate::lab::run(&[SPECIMEN.to_owned()])?;
    let folder = root()?.join("target/lab").join(SPECIMEN);
    let vmcore = folder.join("proc-vmcore");
    as_proc_vmcore(&folder, &vmcore)?;
    let mut counts = Counts::default();
    for (options, least) in FORMS {
        let file = folder.join("vmcore.made");
        std::fs::remove_file(&file).ok();
        let mut command = Command::new("makedumpfile");
        command.args(options.split(' ')).arg(&vmcore);
        // A flattened dump goes to a pipe.
        if options.contains("-F") {
            command.stdout(File::create(&file)?);
        } else {
            command.arg(&file);
        }
        let made = command.output().context("running makedumpfile")?;
        if !made.status.success() {
            bail!(
                "makedumpfile {options}: {}",
                String::from_utf8_lossy(&made.stderr)
            );
        }
        let told = compare(&folder.join("vmcore.elf"), &file)?;
        let wrong = ["OTHERWISE", "Truncated", "alike: false", "missing:"];
        let wrong = wrong.iter().find(|word| told.contains(**word));
        match (wrong, alike(&told)) {
            (None, Some(pages)) if pages >= *least => {
                println!("makedumpfile {options}: {pages} pages alike");
                counts.passed += 1;
            }
            _ => {
                println!("makedumpfile {options}: FAILED\n{told}");
                counts.failed += 1;
            }
        }
    }
    Ok(Outcome::Ran(counts))
}

/// What the example of the reader says of two dumps.
fn compare(one: &Path, other: &Path) -> Result<String> {
    let arguments = [
        "run",
        "--quiet",
        "--release",
        "-p",
        "image",
        "--example",
        "compare",
        "--",
    ];
    let result = cargo::command(&arguments)?.arg(one).arg(other).output()?;
    if !result.status.success() {
        bail!("comparing: {}", String::from_utf8_lossy(&result.stderr));
    }
    Ok(String::from_utf8(result.stdout)?)
}

/// The count behind `"alike": `.
fn alike(told: &str) -> Option<u64> {
    let (_, rest) = told.split_once("\"alike\": ")?;
    rest.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Makes of a dump of QEMU's one that makedumpfile takes: with program headers right behind the ELF header, where it
/// looks for them whatever the header says, and with the kernel's virtual addresses, as `/proc/vmcore` has them.
fn as_proc_vmcore(folder: &Path, into: &Path) -> Result<()> {
    std::fs::remove_file(into).ok();
    std::fs::copy(folder.join("vmcore.elf"), into)?;
    std::fs::set_permissions(into, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let file = OpenOptions::new().read(true).write(true).open(into)?;
    let number = |at: u64| -> Result<u64> {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, at)?;
        Ok(u64::from_le_bytes(bytes))
    };
    let headers = number(32)?;
    let mut table = vec![0; 56];
    file.read_exact_at(&mut table, headers)?;
    // Of the segment behind the notes, which begins at address zero.
    let memory = number(headers + 56 + 8)?;
    let mut segment = |physical: u64, address: u64, size: u64| {
        table.extend([1u32, 7].map(u32::to_le_bytes).concat());
        table.extend(
            [memory + physical, address, physical, size, size, 0]
                .map(u64::to_le_bytes)
                .concat(),
        );
    };
    let console = String::from_utf8_lossy(&std::fs::read(folder.join("console.log"))?).into_owned();
    let on_console = |end: &str| {
        let line = console.lines().find(|line| line.trim_end().ends_with(end));
        let word = line.and_then(|line| line.trim().split([' ', '-']).next());
        word.and_then(|word| u64::from_str_radix(word, 16).ok())
            .with_context(|| format!("the console does not tell '{end}'"))
    };
    segment(
        on_console(": Kernel code")?,
        on_console("T _stext")?,
        32 << 20,
    );
    // Memory is mapped from a multiple of 1 GiB on, and has less than that: any pointer into it tells where.
    let registers = std::fs::read_to_string(folder.join("registers.txt"))?;
    let per_cpu = registers
        .lines()
        .find_map(|line| line.strip_prefix("GS =0000 "));
    let per_cpu = per_cpu
        .and_then(|rest| rest.split(' ').next())
        .context("there is no GS")?;
    let mapped = u64::from_str_radix(per_cpu, 16)? & !((1 << 30) - 1);
    for (start, end) in [(0x1000, 0x9_fc00), (0x10_0000, 0x1ffe_0000)] {
        segment(start, mapped + start, end - start);
    }
    file.write_all_at(&table, 64)?;
    file.write_all_at(&64u64.to_le_bytes(), 32)?;
    // No section headers any more; four program headers.
    file.write_all_at(&0u64.to_le_bytes(), 40)?;
    file.write_all_at(&4u16.to_le_bytes(), 56)?;
    file.write_all_at(&0u16.to_le_bytes(), 60)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn the_count_is_found() {
        assert_eq!(
            alike("  pages: {\"Filtered\": 3, \"alike\": 16826}"),
            Some(16_826)
        );
        assert_eq!(alike("  pages: {}"), None);
    }
}
