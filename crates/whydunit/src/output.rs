//! Standard output and standard error: buffered, coloured as asked, and quiet
//! when the reader goes away.

use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _};

use clap::ArgMatches;
use report::Options;

/// Where a verb writes.
pub struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
    options: Options,
    state: State,
}

/// Whether writing still makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The reader has seen enough (`why … | head`): no error.
    Closed,
    /// What was printed did not arrive.
    Failed,
}

/// The widest text that is comfortably read.
const WIDEST: u16 = 120;
/// The width where no terminal tells one: the same everywhere, so that a
/// saved answer does not depend on the window it was made in.
const DEFAULT: u16 = 80;

impl Output {
    /// Standard output as the options want it.
    pub fn new(matches: &ArgMatches) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let choice = matches
            .get_one::<String>("color")
            .map_or("auto", String::as_str);
        let color = match choice {
            "always" => true,
            "never" => false,
            _ => terminal && environment_allows_color(),
        };
        let width = matches.get_one::<u16>("width").copied();
        let width = width.unwrap_or_else(|| {
            let told = terminal.then(terminal_size::terminal_size).flatten();
            told.map_or(DEFAULT, |(width, _)| width.0.min(WIDEST))
        });
        Output {
            stdout: BufWriter::with_capacity(64 << 10, stdout.lock()),
            options: Options { color, width },
            state: State::Open,
        }
    }

    /// How text is to be rendered.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Writes text that a renderer made; says whether anybody still reads.
    pub fn write(&mut self, text: &str) -> bool {
        if self.state == State::Open {
            let written = self.stdout.write_all(text.as_bytes());
            self.note(written);
        }
        self.state == State::Open
    }

    /// Sends what is buffered; says whether anybody still reads.
    pub fn flush(&mut self) -> bool {
        if self.state == State::Open {
            let flushed = self.stdout.flush();
            self.note(flushed);
        }
        self.state == State::Open
    }

    /// Ends the output; says whether all of it arrived, as far as it was wanted.
    pub fn finish(&mut self) -> bool {
        self.flush();
        self.state != State::Failed
    }

    fn note(&mut self, written: io::Result<()>) {
        self.state = match written {
            Ok(()) => return,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => State::Closed,
            Err(error) => {
                complain(&format!("why: cannot write the answer: {error}\n"));
                State::Failed
            }
        };
    }
}

fn environment_allows_color() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}

/// Writes to standard error; where that is closed, there is nobody to tell.
pub fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// A hint below a complaint, or beside an answer.
pub fn hint(text: &str) {
    if !text.is_empty() {
        complain(&format!("  hint: {text}\n"));
    }
}

/// An error of the rim, with what to do about it.
pub fn complain_of(error: &attach::Error) {
    complain(&format!("why: {error}\n"));
    hint(error.advice());
}
