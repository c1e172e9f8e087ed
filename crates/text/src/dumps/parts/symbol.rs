//! A printed place in the code: `%pS` and what older kernels printed.

use base::{Frame, Trust, VirtAddr};

use super::scan;

/// Longest name of a function that is kept; the kernel's own limit is 512.
const NAME: usize = 512;

/// The place in the code at the head of `text`: `f+0x1/0x2 [module build-id] file.c:3`,
/// `f.cold+0x1/0x2`, `.f+0x1/0x2`, `0x55…` or `(null)`.
pub fn symbol(text: &str, address: Option<u64>, line: u64) -> Option<Frame> {
    let text = text.trim_start();
    let mut frame = empty(address, line);
    let end = text
        .find(|c: char| c.is_whitespace() || c == '+' || c == ')')
        .unwrap_or(text.len());
    let (name, mut rest) = text.split_at_checked(end)?;
    if text.starts_with("(null)") {
        frame.pc = Some(VirtAddr(0));
        return Some(frame);
    }
    if name.is_empty() || name.len() > NAME {
        return None;
    }
    if let Some(number) = scan::hex(name)
        && number.rest.is_empty()
        && !rest.starts_with('+')
        && (name.starts_with("0x") || number.digits >= 8)
    {
        frame.pc = Some(VirtAddr(number.value));
        return Some(frame);
    }
    if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$' | b'-'))
    {
        return None;
    }
    // A name without its offset is cut.
    rest = rest.strip_prefix("+0x")?;
    // ppc64's first ABI has a descriptor `f` and the code `.f`: the function is `f`.
    frame.function = Some(name.strip_prefix('.').unwrap_or(name).to_owned());
    if let Some(offset) = scan::hex(rest)
        && let Some(tail) = offset.rest.strip_prefix('/')
    {
        frame.offset = Some(offset.value);
        rest = tail;
        if let Some(size) = scan::hex(tail) {
            // A smaller size has lost its last digits.
            frame.size = Some(size.value).filter(|size| *size >= offset.value);
            rest = size.rest;
        }
    }
    if let Some((inner, tail)) = scan::enclosed(rest, "[", "]") {
        let mut words = inner.split_whitespace();
        frame.module = words.next().filter(|m| *m != "inline").map(str::to_owned);
        frame.build_id = words.next().map(str::to_owned);
        rest = tail;
    }
    frame.source = rest
        .split_whitespace()
        .next()
        .filter(|word| is_source(word))
        .map(str::to_owned);
    Some(frame)
}

/// A place that is an address only.
pub fn place(address: u64, line: u64) -> Frame {
    empty(Some(address), line)
}

fn is_source(word: &str) -> bool {
    word.rsplit_once(':').is_some_and(|(file, number)| {
        file.contains('.') && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    })
}

fn empty(address: Option<u64>, line: u64) -> Frame {
    Frame {
        pc: address.map(VirtAddr),
        function: None,
        offset: None,
        size: None,
        module: None,
        build_id: None,
        source: None,
        inline: false,
        stack: None,
        trust: Trust::PrintedByKernel,
        line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_place_is_read() {
        let frame = symbol("f.isra.0+0x12/0x34 [bonding 1234abcd] net/f.c:7", None, 3).unwrap();
        assert_eq!(frame.function.as_deref(), Some("f.isra.0"));
        assert_eq!((frame.offset, frame.size), (Some(0x12), Some(0x34)));
        assert_eq!(frame.module.as_deref(), Some("bonding"));
        assert_eq!(frame.build_id.as_deref(), Some("1234abcd"));
        assert_eq!(frame.source.as_deref(), Some("net/f.c:7"));
        assert_eq!(
            symbol("0x7f01", None, 1).unwrap().pc,
            Some(VirtAddr(0x7f01))
        );
        assert_eq!(symbol(" (null)", None, 1).unwrap().pc, Some(VirtAddr(0)));
        let dotted = symbol(".f+0x4/0x8", Some(9), 1).unwrap();
        assert_eq!(dotted.function.as_deref(), Some("f"));
        assert!(symbol("\u{fffd}+0x1/0x2", None, 1).is_none());
        assert!(symbol("", None, 1).is_none());
        assert!(symbol("rlb_arp_re", None, 1).is_none());
        let cut = symbol("f+0x1", None, 1).unwrap();
        assert_eq!((cut.offset, cut.size), (None, None));
    }
}
