//! Finding in a text what names a machine or a person.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::tokens::{Kind, Tokens};

/// Behind these stands a command line, to the end of the text.
const COMMAND_LINES: &[&str] = &[
    "Command line: ",
    "command line: ",
    "Kernel command line: ",
    "cmdline: ",
    "cmdline=",
    "COMMAND=",
    "proctitle=",
    "args: ",
];

/// Behind these stands the name of a user.
const USERS: &[&str] = &[
    "user=",
    "USER=",
    "ruser=",
    "acct=\"",
    "user \"",
    "for user ",
    "invalid user ",
    "User ",
    "by user ",
    "login: ",
    "/home/",
    "/Users/",
    "/export/home/",
];

/// Behind these stands the name of a host.
const HOSTS: &[&str] = &[
    "hostname=",
    "HOSTNAME=",
    "nodename=",
    "rhost=",
    "Hostname: ",
];

/// Paths that are the kernel's or every system's own.
const COMMON_PATHS: &[&str] = &[
    "/proc",
    "/sys",
    "/dev",
    "/lib/modules",
    "/lib/firmware",
    "/boot/vmlinu",
    "/boot/System.map",
    "/bin",
    "/sbin",
];

/// Ends of files of a kernel's source.
const SOURCES: &[&str] = &[".c", ".h", ".S", ".rs", ".s", ".cc", ".cpp"];

/// Notes the words that a text tells to be a user's or a host's name.
pub fn learn(text: &str, tokens: &mut Tokens) {
    for (marks, kind) in [(USERS, Kind::User), (HOSTS, Kind::Host)] {
        for mark in marks {
            for (at, _) in text.match_indices(mark) {
                let rest = text.get(at + mark.len()..).unwrap_or_default();
                let name: String = rest.chars().take_while(|c| is_name(*c)).collect();
                tokens.word(kind, name.trim_end_matches(['.', '-']));
            }
        }
    }
}

/// Characters of the names of users and hosts.
fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The text with everything replaced that names a machine or a person.
pub fn replace(text: &str, tokens: &mut Tokens) -> String {
    let text = command_line(text, tokens);
    let text = pieces(&text, tokens);
    words(text, tokens)
}

/// What stands behind `Command line:`.
fn command_line(text: &str, tokens: &mut Tokens) -> String {
    for mark in COMMAND_LINES {
        if let Some((head, arguments)) = text.split_once(mark)
            && !arguments.is_empty()
        {
            // The same line may stand in quotes elsewhere.
            let bare = arguments.trim_end_matches('"');
            let quotes = arguments.get(bare.len()..).unwrap_or_default();
            let token = tokens.token(Kind::Arguments, bare);
            return format!("{head}{mark}{token}{quotes}");
        }
    }
    text.to_owned()
}

/// Addresses and paths: maximal runs of the characters that they are made of.
fn pieces(text: &str, tokens: &mut Tokens) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_piece(c)).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        if piece.is_empty() {
            let next = tail.find(is_piece).unwrap_or(tail.len());
            let (between, tail) = tail.split_at(next);
            out.push_str(between);
            rest = tail;
        } else {
            // Full stops and colons that end a sentence belong to no address.
            let bare = piece.trim_end_matches(['.', ':', '-']);
            out.push_str(&one(bare, tokens));
            out.push_str(piece.get(bare.len()..).unwrap_or_default());
            rest = tail;
        }
    }
    out
}

/// Characters of addresses, paths and e-mail addresses.
fn is_piece(c: char) -> bool {
    is_name(c) || matches!(c, ':' | '@' | '/' | '%' | '+' | '~')
}

fn one(piece: &str, tokens: &mut Tokens) -> String {
    if piece.is_empty() || tokens.keeps(piece) {
        return piece.to_owned();
    }
    if piece.starts_with("0x")
        && piece
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        return piece.to_owned();
    }
    if piece.starts_with('/') && piece.get(1..).is_some_and(|rest| rest.contains('/')) {
        if let Some(path) = path(piece, tokens) {
            return path;
        }
    } else if let Some(mail) = mail(piece, tokens) {
        return mail;
    } else if let Some((address, port)) = network(piece) {
        return format!("{}{port}", tokens.token(Kind::Ip, address));
    } else if is_hardware(piece) {
        return tokens.token(Kind::Mac, &piece.to_ascii_lowercase());
    }
    inside(piece, tokens)
}

/// A piece of several things: `10.0.0.1:80/24`, `eth0@10.0.0.1`, `src/10.0.0.1`.
fn inside(piece: &str, tokens: &mut Tokens) -> String {
    let Some(at) = piece.find(['/', '@', '%', '+', '~']) else {
        return dashes(piece, tokens);
    };
    let (head, tail) = piece.split_at(at);
    let mut chars = tail.chars();
    let mark: String = chars.next().into_iter().collect();
    let head = if head.is_empty() {
        String::new()
    } else {
        leaf(head, tokens)
    };
    let tail = chars.as_str();
    let tail = if tail.is_empty() {
        String::new()
    } else {
        inside(tail, tokens)
    };
    format!("{head}{mark}{tail}")
}

fn leaf(piece: &str, tokens: &mut Tokens) -> String {
    match network(piece) {
        Some((address, port)) => format!("{}{port}", tokens.token(Kind::Ip, address)),
        None if is_hardware(piece) => tokens.token(Kind::Mac, &piece.to_ascii_lowercase()),
        None => dashes(piece, tokens),
    }
}

/// Two addresses with a dash between (a range), or a name with one at its end (`ip-10.0.0.1`).
fn dashes(piece: &str, tokens: &mut Tokens) -> String {
    if !piece.contains(['-', '_']) && !piece.contains(':') {
        return match network(piece) {
            Some((address, port)) => format!("{}{port}", tokens.token(Kind::Ip, address)),
            None => piece.to_owned(),
        };
    }
    let mut out = String::with_capacity(piece.len());
    for part in piece.split_inclusive(['-', '_']) {
        let bare = part.trim_end_matches(['-', '_']);
        match network(bare) {
            Some((address, port)) => {
                out.push_str(&format!("{}{port}", tokens.token(Kind::Ip, address)))
            }
            None if is_hardware(bare) => {
                out.push_str(&tokens.token(Kind::Mac, &bare.to_ascii_lowercase()))
            }
            None => out.push_str(bare),
        }
        out.push_str(part.get(bare.len()..).unwrap_or_default());
    }
    out
}

/// A path, unless it is common to all systems or a file of the kernel's source.
fn path(piece: &str, tokens: &mut Tokens) -> Option<String> {
    if COMMON_PATHS.iter().any(|common| {
        piece.strip_prefix(common).is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with('/')
                || common.ends_with("vmlinu")
                || common.ends_with(".map")
        })
    }) {
        return None;
    }
    // `/src/linux/fs/inode.c:12`: the folders may name a person, the file does not.
    let file = piece.split(':').next().unwrap_or(piece);
    if SOURCES.iter().any(|end| file.ends_with(end)) {
        let (folder, name) = piece.rsplit_once('/')?;
        return Some(format!("{}/{name}", tokens.token(Kind::Path, folder)));
    }
    Some(tokens.token(Kind::Path, piece))
}

fn mail(piece: &str, tokens: &mut Tokens) -> Option<String> {
    let (local, host) = piece.split_once('@')?;
    let plain = |c: char| is_name(c) || matches!(c, '+' | '%' | '~');
    let whole = !local.is_empty()
        && local.chars().all(plain)
        && host.len() > 1
        && host.chars().all(is_name)
        // `serial@10000000` is a node of a device tree, `f@plt` a symbol.
        && !host.bytes().all(|b| b.is_ascii_hexdigit())
        && host != "plt";
    whole.then(|| tokens.token(Kind::Mail, piece))
}

/// An IP address, and the port behind it as it stands.
fn network(piece: &str) -> Option<(&str, &str)> {
    if piece.parse::<Ipv4Addr>().is_ok() {
        return Some((piece, ""));
    }
    if let Some((address, port)) = piece.split_once(':')
        && address.parse::<Ipv4Addr>().is_ok()
        && port.bytes().all(|b| b.is_ascii_digit() || b == b':')
    {
        return Some((address, piece.get(address.len()..).unwrap_or_default()));
    }
    // `::` alone, and `a::b` of a Rust path, are no addresses of a machine.
    let address = piece.parse::<Ipv6Addr>().ok()?;
    let telling = !address.is_unspecified() && piece.bytes().any(|b| b.is_ascii_digit());
    telling.then_some((piece, ""))
}

/// `00:1a:2b:3c:4d:5e`, also with dashes; eight parts on storage networks, twenty on InfiniBand.
fn is_hardware(piece: &str) -> bool {
    [':', '-'].into_iter().any(|mark| {
        let parts = || piece.split(mark);
        matches!(parts().count(), 6 | 8 | 20)
            && parts().all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))
    })
}

/// Names of hosts, users and inputs, where they stand alone.
fn words(mut text: String, tokens: &mut Tokens) -> String {
    for (word, kind) in tokens.words() {
        if !text.contains(&word) {
            continue;
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        let mut before: Option<char> = None;
        while let Some(at) = rest.find(&word) {
            let (head, tail) = rest.split_at(at);
            let tail = tail.get(word.len()..).unwrap_or_default();
            let left = head.chars().next_back().or(before);
            let alone = !left.is_some_and(is_word) && !tail.chars().next().is_some_and(is_word);
            out.push_str(head);
            if alone {
                out.push_str(&tokens.token(kind, &word));
            } else {
                out.push_str(&word);
            }
            before = word.chars().next_back();
            rest = tail;
        }
        out.push_str(rest);
        text = out;
    }
    text
}

/// Characters that continue a word.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
