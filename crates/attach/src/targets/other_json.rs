//! JSON of other programs: told for what it is, since the strings in it may
//! look like lines of a kernel.

use super::{Entry, How};
use crate::Error;
use crate::forms::sniff;

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: |head| is_json(head) && sniff(head).is_none(),
        open: |name, _| {
            Err(Error::new(
                "read",
                name,
                "it is JSON, and neither a report of ours nor entries of the journal",
            )
            .intact()
            .next("name a kernel log in plain text"))
        },
    },
};

/// An object, or a list of objects or strings, as far as the beginning shows.
fn is_json(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let inside = head.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    is_object(head) || inside.is_some_and(|inside| is_object(inside) || inside.starts_with(b"\""))
}

/// An object with a member.
fn is_object(head: &[u8]) -> bool {
    let inside = head.trim_ascii_start().strip_prefix(b"{");
    let member = inside.and_then(|inside| inside.trim_ascii_start().strip_prefix(b"\""));
    member.is_some_and(|member| {
        let name = member
            .split(|&byte| byte == b'"')
            .next()
            .unwrap_or_default();
        let after = member.get(name.len() + 1..).unwrap_or_default();
        after.trim_ascii_start().starts_with(b":")
    })
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn an_object_is_told_from_a_log() {
        assert!(is_json(b"{\n  \"title\" : \"BUG: x\""));
        assert!(is_json(b"[\n  { \"title\": \"BUG: x\" }]"));
        assert!(is_json(b"[\"BUG: x\"]"));
        assert!(!is_json(b"[    1.000000] { \"x\": 1 }"));
        assert!(!is_json(b"{ \"broken\", 1"));
        assert!(!is_json(b"{}"));
    }
}
