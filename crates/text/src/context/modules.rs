//! `Modules linked in: a(O) b(PE) c [last unloaded: d]`, in one line or several.

use base::{LogEvent, Module};

use super::Context;

/// Modules that are kept.
const MODULES: usize = 512;
/// Bytes of a module's name: the kernel's `MODULE_NAME_LEN` is 64 on every architecture.
const NAME: usize = 64;
/// A line of at least so many bytes may have been cut by printk, which breaks its records at
/// about 1,000 bytes.
const LONG: usize = 800;

/// The list while it is read.
#[derive(Default)]
pub struct Modules {
    /// Whether the next line may continue the list, and whether the last was long.
    open: bool,
    long: bool,
}

impl Modules {
    /// Reads what follows the label.
    pub fn begin(&mut self, rest: &str, context: &mut Context<'_>) {
        // A second list of the same event repeats the first.
        if !context.event.modules.is_empty() {
            return;
        }
        self.open = true;
        self.long = rest.len() >= LONG;
        let names = match rest.split_once("[last unloaded: ") {
            Some((names, last)) => {
                self.open = false;
                context.detail("last unloaded", last.trim_end().trim_end_matches(']'));
                names
            }
            None => rest,
        };
        for word in names.split_whitespace() {
            match module(word) {
                Some(module) => add(context.event, module),
                None => {
                    self.open = false;
                    break;
                }
            }
        }
    }

    /// Reads a line that continues the list; returns false where it does not.
    pub fn continues(&mut self, text: &str, event: &mut LogEvent) -> bool {
        if !self.open {
            return false;
        }
        let names = match text.split_once("[last unloaded: ") {
            Some((names, _)) => {
                self.open = false;
                names
            }
            None => text,
        };
        // Words of another line are no modules; one that begins without a blank must follow a
        // line that was cut.
        let fits = (self.long || text.starts_with([' ', '\t']))
            && names.split_whitespace().next().is_some()
            && names.split_whitespace().all(|word| module(word).is_some());
        if !fits {
            self.open = false;
            return false;
        }
        self.long = text.len() >= LONG;
        for module in names.split_whitespace().filter_map(module) {
            add(event, module);
        }
        true
    }
}

fn add(event: &mut LogEvent, module: Module) {
    if event.modules.len() < MODULES {
        event.modules.push(module);
    }
}

/// `name`, `name(PO)`, `name(E+)`, `name(-)`.
fn module(word: &str) -> Option<Module> {
    let (name, flags) = match word.split_once('(') {
        Some((name, flags)) => (name, flags.strip_suffix(')')?),
        None => (word, ""),
    };
    let is_name = !name.is_empty()
        && name.len() <= NAME
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let is_flags = flags
        .bytes()
        .all(|b| b.is_ascii_uppercase() || matches!(b, b'+' | b'-'));
    (is_name && is_flags).then(|| Module {
        name: name.to_owned(),
        flags: flags.to_owned(),
    })
}
