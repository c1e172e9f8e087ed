//! A progress bar on standard error, for inputs that take longer than a second.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use attach::Context;
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

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
