//! Debian packages, fetched into `target/lab/` by an apt of our own configuration: the host's package
//! lists, architectures and `/boot` stay as they are, and nobody needs to be root for it.

use super::Places;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A suite of Debian's for one architecture.
pub struct Archive {
    /// Such as `bookworm`, with its security updates.
    pub suite: &'static str,
    /// Debian's word for the architecture.
    pub architecture: &'static str,
}

/// The archive whose programs run on this host.
pub const HOST: Archive = Archive {
    suite: "bookworm",
    architecture: "amd64",
};

impl Archive {
    /// The package that the meta package `name` stands for today, and the packages of the kernel that it
    /// depends on.
    pub fn newest(&self, places: &Places, name: &str) -> Result<Vec<String>> {
        let kind: Vec<&str> = name.splitn(3, '-').take(2).collect();
        let kind = kind.join("-");
        let newest = self
            .depends(places, name)?
            .into_iter()
            .find(|package| package.starts_with(&kind))
            .with_context(|| format!("{name} stands for no package"))?;
        let mut packages = self.depends(places, &newest)?;
        packages.push(newest);
        Ok(packages)
    }

    /// The packages of one version of the kernel that `name` depends on.
    fn depends(&self, places: &Places, name: &str) -> Result<Vec<String>> {
        let mut command = self.apt(places, "apt-cache")?;
        command.args(["depends", name]);
        let text = output(&mut command)?;
        let versioned = |name: &&str| {
            let mut words = name.split('-').skip(1);
            words.any(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))
        };
        Ok(text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .filter(|name| name.starts_with("linux-"))
            .filter(versioned)
            .map(str::to_owned)
            .collect())
    }

    /// Downloads packages and unpacks them into the folder `root`.
    pub fn unpack(&self, places: &Places, names: &[String], root: &Path) -> Result<()> {
        let downloads = self.folder(places).join("downloads");
        std::fs::create_dir_all(&downloads)?;
        std::fs::create_dir_all(root)?;
        for name in names {
            let mut command = self.apt(places, "apt-get")?;
            command
                .current_dir(&downloads)
                .args(["-qq", "download", name]);
            output(&mut command)?;
            let package = newest_file(&downloads, &format!("{name}_"))?;
            output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(root))?;
            std::fs::remove_file(package).ok();
        }
        Ok(())
    }

    /// As [`Archive::unpack`], but only if it was not done before; a run that was cut short counts for nothing.
    pub fn unpack_once(&self, places: &Places, names: &[String], root: &Path) -> Result<()> {
        let done = root.with_extension("done");
        if done.exists() {
            return Ok(());
        }
        if root.exists() {
            std::fs::remove_dir_all(root)?;
        }
        self.unpack(places, names, root)?;
        std::fs::write(done, names.join("\n"))?;
        Ok(())
    }

    /// Downloads a package and unpacks its one file `member` as `to`; of a large package that is a small part.
    pub fn unpack_file(&self, places: &Places, name: &str, member: &str, to: &Path) -> Result<()> {
        let downloads = self.folder(places).join("downloads");
        std::fs::create_dir_all(&downloads)?;
        let mut command = self.apt(places, "apt-get")?;
        command
            .current_dir(&downloads)
            .args(["-qq", "download", name]);
        output(&mut command)?;
        let package = newest_file(&downloads, &format!("{name}_"))?;

        let part = to.with_extension("part");
        let mut reader = Command::new("dpkg-deb");
        reader.arg("--fsys-tarfile").arg(&package);
        // It is told to stop when we have the file; what it complains then is of no interest.
        reader.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut reader = reader.spawn().context("running dpkg-deb")?;
        let mut tar = Command::new("tar");
        tar.args(["--extract", "--to-stdout", "--occurrence=1"]);
        tar.arg(format!("./{member}"));
        tar.stdin(reader.stdout.take().context("dpkg-deb has no output")?);
        tar.stdout(File::create(&part)?);
        let status = tar.status().context("running tar")?;
        drop(tar);
        reader.wait()?;
        std::fs::remove_file(&package).ok();
        if !status.success() {
            bail!("there is no {member} in {name}");
        }
        std::fs::rename(&part, to).with_context(|| format!("writing {}", to.display()))
    }

    /// A name for folders.
    pub fn name(&self) -> String {
        format!("{}-{}", self.suite, self.architecture)
    }

    fn folder(&self, places: &Places) -> PathBuf {
        places.work.join("apt").join(self.name())
    }

    /// `apt-get` or `apt-cache` with a state of its own; the lists are fetched at the first use.
    fn apt(&self, places: &Places, program: &str) -> Result<Command> {
        let folder = self.folder(places);
        let sources = folder.join("sources.list");
        let fresh = folder.join("fresh");
        let command = || {
            let mut command = Command::new(program);
            let state = folder.display();
            for option in [
                format!("Dir::State={state}/state"),
                format!("Dir::State::status={state}/status"),
                format!("Dir::Cache={state}/cache"),
                format!("Dir::Etc::SourceList={state}/sources.list"),
                "Dir::Etc::SourceParts=-".to_owned(),
                "Acquire::Languages=none".to_owned(),
                "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
                format!("APT::Architecture={}", self.architecture),
                format!("APT::Architectures={}", self.architecture),
                "APT::Sandbox::User=root".to_owned(),
            ] {
                command.arg("-o").arg(option);
            }
            command
        };
        if !fresh.exists() {
            for part in ["state/lists/partial", "cache/archives/partial"] {
                std::fs::create_dir_all(folder.join(part))?;
            }
            std::fs::write(folder.join("status"), "")?;
            std::fs::write(&sources, self.sources())?;
            let mut update = command();
            update.args(["-qq", "update"]);
            // Written for apt-get, whatever program was asked for.
            let arguments: Vec<_> = update.get_args().map(ToOwned::to_owned).collect();
            // A mirror in the middle of an update fails for one list; the others may be enough.
            if let Err(error) = output(Command::new("apt-get").args(arguments)) {
                let text = error.to_string();
                let reason = text
                    .split("E: ")
                    .nth(1)
                    .and_then(|reason| reason.lines().next());
                println!(
                    "some package lists are missing: {}",
                    reason.unwrap_or(&text)
                );
            }
            std::fs::write(&fresh, "")?;
        }
        Ok(command())
    }

    fn sources(&self) -> String {
        const KEY: &str = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
        let suite = self.suite;
        let mut text = format!("deb {KEY} http://deb.debian.org/debian {suite} main\n");
        if !suite.contains('-') && suite != "sid" {
            text.push_str(&format!(
                "deb {KEY} http://deb.debian.org/debian-security {suite}-security main\n"
            ));
        }
        text
    }
}

/// Sees to it that a program of the host is there: as root installs its package, else says which.
pub fn need_program(program: &str, package: &str) -> Result<()> {
    if has_program(program) {
        return Ok(());
    }
    let wish = format!("apt-get install --no-install-recommends {package}");
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("{program} is missing; as root: {wish}");
    }
    println!("installing {package}");
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install.args(["install", "-y", "-qq", "--no-install-recommends", package]);
    output(&mut install).map(|_| ()).with_context(|| wish)
}

/// Whether a program can be found on this host.
pub fn has_program(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

/// What a program prints; its complaints if it fails.
pub fn output(command: &mut Command) -> Result<String> {
    let result = command
        .output()
        .with_context(|| format!("running {}", command.get_program().display()))?;
    if !result.status.success() {
        bail!(
            "{command:?} failed: {}{}",
            String::from_utf8_lossy(&result.stdout),
            String::from_utf8_lossy(&result.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&result.stdout).into_owned())
}

fn newest_file(folder: &Path, prefix: &str) -> Result<PathBuf> {
    std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok())
        .find(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .with_context(|| format!("apt-get left no {prefix}* in {}", folder.display()))
}
