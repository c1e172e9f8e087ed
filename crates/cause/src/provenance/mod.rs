//! Where a bad pointer came from, as far as the code bytes of a report reach.
//!
//! The instruction that failed names registers; their printed values give the
//! address, which must be the one that the CPU reported. From there the value
//! is followed backwards through the instructions that are there, until it
//! was read from memory, came in as an argument, was returned by a call, or
//! the bytes end. Nothing is claimed that the printed values contradict.

mod access;
mod fetch;
mod labels;
mod linear;
mod shadow;
mod shape;
mod slice;
mod slots;
#[cfg(test)]
mod tests;
mod window;
mod words;

pub use access::{Access, Agreement};
pub use linear::{Leaf, Linear, Past, Term};
pub use shadow::Shadow;
pub use shape::{Hop, Place, Shape};
pub use slots::Stored;
pub(crate) use window::code_bytes;
pub use window::{Start, Unread, Window};
pub(crate) use words::show;
pub use words::{Sentence, origin_of_pointer, sentences, verdict};

use base::{Gap, LogEvent};

/// What the code bytes tell of a bad access.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The decoded bytes.
    pub window: Window,
    /// The access that failed.
    pub access: Access,
    /// Its address as a sum of what it was made from; of a check of KASAN the address that was
    /// checked.
    pub address: Linear,
    /// Where the access was a check of KASAN: what it checked.
    pub shadow: Option<Shadow>,
    /// The next function on the stack, as printed: it called this one, unless one that has left no
    /// frame did.
    pub caller: Option<String>,
}

/// Follows the address of the failed access back through the event's code bytes.
pub fn trace(event: &LogEvent) -> Result<Provenance, Unread> {
    if fetch::failed(event) {
        return Err(Unread::Fetch);
    }
    let window = Window::read(event)?;
    let access = access::failed(&window, event)?;
    let address = linear::of(&window, &access.address, window.fault);
    let shadow = shadow::undo(&window, &access, &address, names_kasan(event));
    Ok(Provenance {
        window,
        access,
        address: shadow
            .as_ref()
            .map_or(address, |shadow| shadow.address.clone()),
        shadow,
        caller: fetch::caller(event).and_then(|frame| frame.function.clone()),
    })
}

/// Whether the report says that the kernel has KASAN: `[#1] SMP KASAN`, or a line of its own.
fn names_kasan(event: &LogEvent) -> bool {
    let details = event.details.iter();
    event.headline.contains("KASAN")
        || details
            .map(|detail| &detail.name)
            .any(|name| name.contains("KASAN"))
        || event
            .details
            .iter()
            .any(|detail| detail.value.contains("KASAN"))
}

impl Provenance {
    /// What the address looks like.
    pub fn shape(&self) -> Shape {
        shape::shape(self)
    }

    /// Whether the address is what a register of the failed instruction held, plus an offset:
    /// then no instruction before it matters for what the pointer was.
    pub fn is_plain(&self) -> bool {
        let made = |&&insn: &&usize| insn != self.window.fault && !self.window.is_load(insn);
        self.address.insns.iter().filter(made).count() == 0
    }

    /// The pointers through which the bad one was reached, the last first.
    pub fn hops(&self) -> Vec<Hop> {
        let shape = self.shape();
        let pointer = shape.pointer();
        pointer.map_or_else(Vec::new, |pointer| shape::hops(&self.window, pointer))
    }
}

/// Why the code bytes of a fault do not tell where its pointer came from; none where they do.
pub fn gap(event: &LogEvent) -> Option<Gap> {
    let source = event.fault.as_ref()?.address_source.as_deref();
    let why = match trace(event) {
        Ok(provenance) if provenance.access.agreement == Agreement::Contradicts => {
            // The registers and the bytes are not of one moment: say both sides.
            sentences(&provenance, source).into_iter().next()?.says
        }
        Ok(_) => return None,
        Err(Unread::NoCode) => "the report marks no instruction among code bytes".to_owned(),
        Err(Unread::NoRegisters) => "the report has no registers".to_owned(),
        Err(Unread::NoArchitecture) => "the architecture is not known".to_owned(),
        Err(Unread::NoDecoder(arch)) => format!("no decoder for {arch}"),
        Err(Unread::Undecoded(why)) => format!("the instruction that failed is not decoded: {why}"),
        Err(Unread::Fetch) => fetch::gap(event),
        Err(Unread::NoAccess(text)) => {
            format!("the instruction that failed, `{text}`, accesses no memory by itself")
        }
    };
    let what = if fetch::failed(event) {
        "where the code address came from, by the code bytes"
    } else {
        "where the pointer came from, by the code bytes"
    };
    Some(Gap::new(what, why))
}
