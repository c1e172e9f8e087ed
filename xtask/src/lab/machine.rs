//! One virtual machine: QEMU's arguments, its life, its end.
//!
//! Guests are always emulated (`-accel tcg`): a nested guest under KVM may die of its host, and a lab
//! must know what killed its specimens.

use super::console::{Console, Waited};
use super::kernels::Kernel;
use super::monitor::Monitor;
use super::specimen::{Specimen, Step};
use super::{dump, kept};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a run left.
pub struct Outcome {
    /// The file with every byte of the serial console.
    pub console: PathBuf,
    /// The text which was waited for in vain.
    pub missing: Option<String>,
    /// How long the guest ran.
    pub seconds: u64,
}

/// The guest's process; it dies with us.
struct Guest(Child);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Boots `kernel` with `initramfs`, follows the specimen's steps, and stops the guest.
pub fn boot(
    specimen: &Specimen,
    kernel: &Kernel,
    image: &Path,
    initramfs: &Path,
    folder: &Path,
) -> Result<Outcome> {
    let socket = folder.join("monitor.sock");
    std::fs::remove_file(&socket).ok();
    let console_file = folder.join("console.log");

    let mut command = Command::new(kernel.qemu);
    command.args(arguments(specimen, kernel));
    if !specimen.kept.is_empty() {
        command.args(kept::disk(folder)?);
    }
    command.arg("-kernel").arg(image);
    command.arg("-initrd").arg(initramfs);
    command.arg("-append").arg(command_line(specimen, kernel));
    command.arg("-qmp");
    command.arg(format!("unix:{},server=on,wait=off", socket.display()));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    std::fs::write(folder.join("qemu.txt"), format!("{command:?}\n"))?;

    let started = Instant::now();
    let deadline = started + Duration::from_secs(specimen.deadline);
    let child = command
        .spawn()
        .with_context(|| format!("starting {}", kernel.qemu))?;
    let mut guest = Guest(child);
    let output = guest.0.stdout.take().context("QEMU has no output")?;
    let mut console = Console::capture(output, &console_file)?;

    let missing = follow(specimen, &mut console, &socket, folder, deadline)?;
    if missing.is_none() {
        let grace = Instant::now() + Duration::from_secs(specimen.grace);
        console.pass_time(grace.min(deadline));
    }
    drop(guest);
    console.finish();
    std::fs::remove_file(&socket).ok();
    Ok(Outcome {
        console: console_file,
        missing,
        seconds: started.elapsed().as_secs(),
    })
}

/// Goes through the steps; the answer is the text that never came.
fn follow(
    specimen: &Specimen,
    console: &mut Console,
    socket: &Path,
    folder: &Path,
    deadline: Instant,
) -> Result<Option<String>> {
    let mut stopped = false;
    for step in &specimen.steps {
        let dumps = matches!(step, Step::Dump(_));
        if stopped && !dumps {
            Monitor::connect(socket)?.command("cont")?;
        }
        stopped = dumps;
        match step {
            Step::Until(text) => {
                if console.wait_for(text, deadline) != Waited::Found {
                    return Ok(Some(text.clone()));
                }
            }
            Step::Pause(seconds) => {
                let end = Instant::now() + Duration::from_secs(*seconds);
                console.pass_time(end.min(deadline));
            }
            Step::Monitor(line) => Monitor::connect(socket)?.command(line)?,
            Step::Dump(dump) => dump.write(socket, folder)?,
        }
    }
    Ok(None)
}

fn arguments(specimen: &Specimen, kernel: &Kernel) -> Vec<String> {
    let mut arguments: Vec<String> = ["-accel", "tcg", "-display", "none", "-serial", "stdio"]
        .iter()
        .chain(&[
            "-monitor",
            "none",
            "-no-reboot",
            "-nodefaults",
            "-no-user-config",
        ])
        .chain(kernel.machine)
        .map(ToString::to_string)
        .collect();
    arguments.extend(["-smp".into(), specimen.cpus.to_string()]);
    arguments.extend(["-m".into(), specimen.memory.to_string()]);
    if specimen.vmcoreinfo {
        arguments.extend(dump::DEVICE.map(str::to_owned));
    }
    arguments.extend(specimen.qemu.iter().cloned());
    arguments
}

fn command_line(specimen: &Specimen, kernel: &Kernel) -> String {
    let mut words = vec![format!("console={}", kernel.console)];
    // Level 6 leaves the banner and the notices of a boot; the guest's init raises it to everything.
    if !specimen
        .append
        .iter()
        .any(|word| word.starts_with("loglevel="))
    {
        words.push("loglevel=6".to_owned());
    }
    words.extend(specimen.append.iter().cloned());
    words.join(" ")
}
