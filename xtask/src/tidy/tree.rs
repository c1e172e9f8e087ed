//! What the rules look at: the files of the repository, its packages, and the corpus if there is one.

use super::source::{self, Source};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file and what is in it.
pub struct File {
    /// Relative to the root of the repository, with `/`.
    pub path: String,
    pub bytes: Vec<u8>,
}

impl File {
    /// The text; empty where the file is no text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// Whether its name ends so.
    pub fn ends(&self, extensions: &[&str]) -> bool {
        let extension = Path::new(&self.path).extension();
        extension.is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
    }
}

/// A package of the workspace.
pub struct Package {
    pub name: String,
    /// The path of its `Cargo.toml`.
    pub manifest: String,
    pub dependencies: Vec<Dependency>,
}

/// What a package says that it uses.
pub struct Dependency {
    pub name: String,
    /// For tests only.
    pub dev: bool,
}

/// Everything that the rules look at.
pub struct Tree {
    /// Where rustfmt finds its configuration.
    pub root: PathBuf,
    pub files: Vec<File>,
    /// The Rust files among them, taken apart.
    pub sources: Vec<Source>,
    pub packages: Vec<Package>,
    /// The logs that must not be in the tree.
    pub corpus: Vec<File>,
}

impl Tree {
    /// The checkout that this program was built from: every file that git has or would take.
    pub fn of_checkout() -> Result<Self> {
        let root = crate::tests::root()?;
        let list = output(Command::new("git").current_dir(root).args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ]))?;
        let mut paths: Vec<&str> = list.split('\0').filter(|path| !path.is_empty()).collect();
        paths.sort_unstable();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            // A file that was deleted and is not committed yet is in the list still.
            if let Ok(bytes) = std::fs::read(root.join(path)) {
                let path = path.to_owned();
                files.push(File { path, bytes });
            }
        }
        let corpus = read_folder(&crate::tests::corpus_folder(root))?;
        Ok(Self::new(root, files, packages(root)?, corpus))
    }

    fn new(root: &Path, files: Vec<File>, packages: Vec<Package>, corpus: Vec<File>) -> Self {
        Self {
            root: root.to_owned(),
            sources: source::take_apart(&files),
            files,
            packages,
            corpus,
        }
    }

    /// The file with this path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files of `crates/`, without their tests, benches, examples and build scripts.
    pub fn crate_sources(&self) -> impl Iterator<Item = &Source> {
        self.sources
            .iter()
            .filter(|source| source.krate().is_some() && !source.aside)
    }
}

fn packages(root: &Path) -> Result<Vec<Package>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let text = output(Command::new(cargo).current_dir(root).args([
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
    ]))?;
    let metadata: Value = serde_json::from_str(&text).context("reading cargo metadata")?;
    let packages = list(&metadata, "packages").iter().map(|package| {
        let manifest = Path::new(string(package, "manifest_path"));
        let manifest = manifest.strip_prefix(root).unwrap_or(manifest);
        Package {
            name: string(package, "name").to_owned(),
            manifest: manifest.display().to_string(),
            dependencies: list(package, "dependencies")
                .iter()
                .map(|dependency| Dependency {
                    name: string(dependency, "name").to_owned(),
                    dev: string(dependency, "kind") == "dev",
                })
                .collect(),
        }
    });
    Ok(packages.collect())
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let list = value.get(key).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Every file below a folder; none where there is no folder.
fn read_folder(folder: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(files);
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(read_folder(&path)?);
        } else {
            let bytes = std::fs::read(&path)?;
            let path = path.display().to_string();
            files.push(File { path, bytes });
        }
    }
    Ok(files)
}

fn output(command: &mut Command) -> Result<String> {
    let result = command
        .output()
        .with_context(|| format!("running {}", command.get_program().display()))?;
    if !result.status.success() {
        let complaint = String::from_utf8_lossy(&result.stderr);
        bail!("{} failed: {complaint}", command.get_program().display());
    }
    Ok(String::from_utf8(result.stdout)?)
}

#[cfg(test)]
impl Tree {
    /// A made-up tree.
    pub fn made_up(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| File {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
        });
        let root = crate::tests::root().unwrap();
        Self::new(root, files.collect(), Vec::new(), Vec::new())
    }

    /// With packages of `crates/`, each with its dependencies; `dev:NAME` is one for tests.
    pub fn with_packages(mut self, packages: &[(&str, &[&str])]) -> Self {
        for (name, dependencies) in packages {
            let dependencies = dependencies.iter().map(|word| Dependency {
                name: word.trim_start_matches("dev:").to_owned(),
                dev: word.starts_with("dev:"),
            });
            self.packages.push(Package {
                name: (*name).to_owned(),
                manifest: format!("crates/{name}/Cargo.toml"),
                dependencies: dependencies.collect(),
            });
        }
        self
    }

    /// With a corpus of one log.
    pub fn with_corpus(mut self, text: &str) -> Self {
        self.corpus.push(File {
            path: "corpus/1".to_owned(),
            bytes: text.as_bytes().to_vec(),
        });
        self
    }
}
