//! The kernel log as it lies in memory: also what never reached a console or a disk.

use base::{Gap, Partial};

use crate::linux::Kernel;

base::registry! {
    /// The forms, the newest first.
    static FORMS: [Form] = [ring, records];
}

/// Bytes of a log that are read; `log_buf_len=` allows 2 GiB, nobody has that.
pub(super) const MOST_BYTES: u64 = 256 << 20;

/// A record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Its number, where records have one.
    pub sequence: Option<u64>,
    /// Nanoseconds since the kernel started.
    pub nanoseconds: u64,
    /// Its level, 0 to 7; 0 is the worst.
    pub level: u8,
    /// Its text, of one line or more.
    pub text: String,
}

/// A line of the log, as `dmesg` prints it.
pub type LogLine = String;

/// The log, or why it could not be had.
type ReadLog = Result<Partial<Vec<LogRecord>>, Gap>;

/// A way in which kernels keep their log.
struct Form {
    /// Reads the log; none where the kernel does not keep it so.
    read: fn(kernel: &Kernel<'_>) -> Option<ReadLog>,
}

impl LogRecord {
    /// Its lines, each with the time as the kernel prints it.
    pub fn lines(&self) -> impl Iterator<Item = LogLine> + '_ {
        let (seconds, rest) = (
            self.nanoseconds / 1_000_000_000,
            self.nanoseconds % 1_000_000_000,
        );
        let micros = rest / 1000;
        self.text
            .split('\n')
            .map(move |line| format!("[{seconds:5}.{micros:06}] {line}"))
    }
}

impl Kernel<'_> {
    /// The records of the kernel log, the oldest first.
    pub fn log(&self) -> Partial<Vec<LogRecord>> {
        let read = FORMS.iter().find_map(|form| (form.read)(self));
        let read = read.unwrap_or_else(|| {
            Err(Gap::new(
                "the kernel log",
                "the kernel keeps it in no form that is known",
            ))
        });
        read.unwrap_or_else(|gap| Partial {
            value: Vec::new(),
            gaps: vec![gap],
        })
    }

    /// The kernel log as `dmesg` prints it: a file that the reader of logs can read.
    pub fn log_text(&self) -> Partial<String> {
        let log = self.log();
        let mut text = String::new();
        for line in log.value.iter().flat_map(LogRecord::lines) {
            text.push_str(&line);
            text.push('\n');
        }
        Partial {
            value: text,
            gaps: log.gaps,
        }
    }
}
