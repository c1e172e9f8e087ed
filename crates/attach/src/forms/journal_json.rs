//! `journalctl -k -o json`: one object a line.

use base::Gap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Entry, Form};

pub(super) static ENTRY: Entry = Entry {
    name: "journal entries in JSON",
    sniff: |lines| {
        lines.first().is_some_and(|line| {
            serde_json::from_slice::<Fields>(line).is_ok_and(|fields| fields.message.is_some())
        })
    },
    begin: || Box::new(Json::default()),
};

/// The fields that matter; values are strings, or arrays of bytes where the
/// text is not UTF-8.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "MESSAGE", borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(rename = "PRIORITY", default)]
    priority: Option<String>,
    #[serde(rename = "_SOURCE_MONOTONIC_TIMESTAMP", default)]
    source_monotonic: Option<String>,
    #[serde(rename = "__MONOTONIC_TIMESTAMP", default)]
    monotonic: Option<String>,
    #[serde(rename = "_TRANSPORT", default)]
    transport: Option<String>,
}

#[derive(Default)]
struct Json {
    unread: u64,
}

impl Form for Json {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let Ok(fields) = serde_json::from_slice::<Fields>(line) else {
            self.unread += 1;
            return;
        };
        let text = fields.message.map(|raw| raw.get()).and_then(|raw| {
            serde_json::from_str::<String>(raw)
                .map(String::into_bytes)
                .or_else(|_| serde_json::from_str::<Vec<u8>>(raw))
                .ok()
        });
        let Some(text) = text else {
            self.unread += 1;
            return;
        };
        JournalEntry {
            message: &text,
            priority: fields
                .priority
                .as_deref()
                .and_then(|text| text.parse().ok()),
            usec: fields
                .source_monotonic
                .or(fields.monotonic)
                .and_then(|text| text.parse().ok()),
            of_kernel: fields
                .transport
                .is_none_or(|transport| transport == "kernel"),
        }
        .write(out);
    }

    fn end(&mut self, _: &mut Vec<u8>, gaps: &mut Vec<Gap>) {
        if self.unread > 0 {
            gaps.push(Gap::new(
                format!("{} journal entries", self.unread),
                "they are no JSON objects with a MESSAGE",
            ));
        }
    }
}

/// What both forms of the journal tell about an entry.
pub(super) struct JournalEntry<'a> {
    pub message: &'a [u8],
    pub priority: Option<u32>,
    pub usec: Option<u64>,
    pub of_kernel: bool,
}

impl JournalEntry<'_> {
    /// Writes the entry as the kernel printed it; what other programs wrote
    /// into the journal is theirs and no kernel line.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        if !self.of_kernel {
            return;
        }
        for line in self.message.split(|&byte| byte == b'\n') {
            // Writing to a vector cannot fail.
            if let Some(priority) = self.priority {
                let _ = write!(out, "<{priority}>");
            }
            if let Some(usec) = self.usec {
                let _ = write!(out, "[{:5}.{:06}] ", usec / 1_000_000, usec % 1_000_000);
            }
            out.extend_from_slice(line);
            out.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reform;

    #[test]
    fn entries_of_the_kernel_become_its_lines() {
        let input = concat!(
            r#"{"_TRANSPORT":"kernel","PRIORITY":"4","MESSAGE":"BUG: x","_SOURCE_MONOTONIC_TIMESTAMP":"1500000","__MONOTONIC_TIMESTAMP":"9"}"#,
            "\n",
            r#"{"_TRANSPORT":"stdout","PRIORITY":"6","MESSAGE":"a program","__MONOTONIC_TIMESTAMP":"9"}"#,
            "\n",
            r#"{"_TRANSPORT":"kernel","MESSAGE":[97,255,98]}"#,
            "\n{broken\n",
        );
        let (form, text, gaps) = reform(input.as_bytes());
        assert!(form.is_some());
        assert_eq!(text, "<4>[    1.500000] BUG: x\na\u{fffd}b\n");
        assert!(gaps[0].what.starts_with("1 journal"));
    }
}
