//! All text from elsewhere, streaming and bounded: kernel logs become events.
//!
//! A log is read in three steps. [`scan`] finds the few lines that could
//! begin an event and skips the rest at memory speed; a capture keeps the
//! lines that follow such a line, separated by who printed them; when the
//! capture ends, the entry that recognised it (`events/`) names it and the
//! readers of machine state (`dumps/`), context and stack traces fill in the
//! facts.

mod context;
mod dumps;
mod line;
mod taint;

pub use line::Line;
