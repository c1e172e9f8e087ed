//! A progress bar on standard error, for inputs that take longer than a second.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use attach::{Context, Download};
use indicatif::{ProgressBar, ProgressStyle};

/// Shows how much has been read; drawn by whoever has just read a block.
pub struct Progress {
    context: Arc<Context>,
    started: Instant,
    total: Option<u64>,
    shown: bool,
    bar: OnceLock<ProgressBar>,
}

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);

impl Progress {
    /// Begins to count; `total` is in bytes on the disk, none for a stream.
    /// `rows` says that lines are written to standard output meanwhile.
    pub fn new(context: Arc<Context>, total: Option<u64>, rows: bool) -> Self {
        // A bar between rows on one terminal would tear them.
        let torn = rows && io::stdout().is_terminal();
        Progress {
            context,
            started: Instant::now(),
            total,
            shown: io::stderr().is_terminal() && !torn,
            bar: OnceLock::new(),
        }
    }

    /// To be called now and then.
    pub fn tick(&self) {
        if !self.shown || self.started.elapsed() < PATIENCE {
            return;
        }
        let read = self.context.bytes_read();
        let bar = self.bar.get_or_init(|| {
            let bar = match self.total {
                Some(total) => ProgressBar::new(total).with_style(style(
                    "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
                )),
                None => ProgressBar::no_length()
                    .with_style(style("{spinner} {bytes} read, {bytes_per_sec}")),
            };
            // What was read before it appeared took its time, too.
            bar.with_position(read).with_elapsed(self.started.elapsed())
        });
        bar.set_position(read);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

/// Shows which file is being fetched, and how much of it has come.
///
/// It is shown at once: a server that does not answer is waited for, and whoever waits wants to know for what.
pub struct Downloads {
    shown: bool,
    bar: Mutex<Option<(String, ProgressBar)>>,
}

impl Downloads {
    /// Shows nothing yet, and never anything where standard error is no terminal.
    pub fn new() -> Self {
        Downloads {
            shown: io::stderr().is_terminal(),
            bar: Mutex::new(None),
        }
    }

    /// To be called when something has come.
    pub fn show(&self, download: &Download<'_>) {
        if !self.shown {
            return;
        }
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if bar.as_ref().is_none_or(|(from, _)| from != download.from) {
            if let Some((_, old)) = bar.take() {
                old.finish_and_clear();
            }
            let new = ProgressBar::no_length()
                .with_style(style("{wide_msg} {bytes}, {bytes_per_sec}"))
                .with_message(download.from.to_owned());
            *bar = Some((download.from.to_owned(), new));
        }
        let Some((_, bar)) = bar.as_ref() else {
            return;
        };
        if let Some(total) = download.total
            && bar.length() != Some(total)
        {
            bar.set_length(total);
            bar.set_style(style(
                "{wide_msg} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
            ));
        }
        bar.set_position(download.done);
        bar.tick();
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bar)) = bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
