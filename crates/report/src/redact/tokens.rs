//! Which token stands for which thing.

use std::collections::BTreeMap;

use crate::Report;

/// What a thing is; the name of the kind begins its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The name of a machine.
    Host,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A hardware address of a network or storage port.
    Mac,
    /// The name of a user.
    User,
    /// An e-mail address.
    Mail,
    /// A command line.
    Arguments,
    /// A path outside of the kernel.
    Path,
    /// The name of an input.
    File,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Host => "host",
            Kind::Ip => "ip",
            Kind::Mac => "mac",
            Kind::User => "user",
            Kind::Mail => "mail",
            Kind::Arguments => "arguments",
            Kind::Path => "path",
            Kind::File => "file",
        }
    }
}

/// The tokens given so far, and the words that stand for hosts, users and inputs.
#[derive(Debug, Default)]
pub struct Tokens {
    given: BTreeMap<(Kind, String), String>,
    counts: BTreeMap<Kind, usize>,
    /// Words that are replaced wherever they stand alone.
    words: BTreeMap<String, Kind>,
    /// Texts that stay although they look like something else (`2.6.32.27`).
    kept: Vec<String>,
}

impl Tokens {
    /// What the report's own members tell: the hosts that wrote lines, the names of inputs.
    pub fn new(report: &Report) -> Self {
        let mut tokens = Tokens::default();
        for event in &report.events {
            if let Some(host) = &event.stamp.host {
                tokens.word(Kind::Host, host);
            }
            if let Some(release) = &event.machine.release
                && !tokens.kept.contains(release)
            {
                tokens.kept.push(release.clone());
            }
        }
        for input in &report.inputs {
            tokens.word(Kind::File, &input.name);
            // Texts may name the file without its folders.
            if let Some((_, base)) = input.name.rsplit_once('/') {
                tokens.word(Kind::File, base);
            }
        }
        tokens
    }

    /// Has `word` replaced wherever it stands alone.
    pub fn word(&mut self, kind: Kind, word: &str) {
        // One letter, a number or `-` names nobody and would hit everywhere.
        let telling =
            word.chars().count() > 1 && word.bytes().any(|b| b.is_ascii_alphabetic() || b >= 0x80);
        let common = matches!(word, "root" | "localhost" | "kernel" | "nobody" | "unknown");
        if telling && !common && !self.kept.iter().any(|kept| kept == word) {
            self.words.entry(word.to_owned()).or_insert(kind);
        }
    }

    /// The words, the longest first, so that one inside another does not break it.
    pub fn words(&self) -> Vec<(String, Kind)> {
        let mut words: Vec<(String, Kind)> = self
            .words
            .iter()
            .map(|(word, kind)| (word.clone(), *kind))
            .collect();
        words.sort_by(|one, other| {
            other
                .0
                .len()
                .cmp(&one.0.len())
                .then_with(|| one.0.cmp(&other.0))
        });
        words
    }

    /// Whether a text stays as it is.
    pub fn keeps(&self, text: &str) -> bool {
        self.kept.iter().any(|kept| kept.contains(text))
    }

    /// The token of a thing.
    pub fn token(&mut self, kind: Kind, thing: &str) -> String {
        if let Some(token) = self.given.get(&(kind, thing.to_owned())) {
            return token.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let token = format!("{}-{count}", kind.word());
        self.given.insert((kind, thing.to_owned()), token.clone());
        token
    }
}
