//! All text from elsewhere, streaming and bounded: kernel logs become events.
//!
//! A log is read in three steps. The search for anchors finds the few lines that could
//! begin an event and skips the rest at memory speed; a capture keeps the
//! lines that follow such a line, separated by who printed them; when the
//! capture ends, the entry that recognised it (`events/`) names it and the
//! readers of machine state (`dumps/`), context and stack traces fill in the
//! facts.

mod capture;
mod context;
mod dumps;
mod events;
mod frames;
mod integrity;
mod line;
mod naming;
mod plumbing;
mod prefix;
mod reader;
mod stack;
mod taint;
mod title;
pub mod transcripts;

pub use line::Line;
pub use reader::{LogReader, LogSummary};
