//! Root causes: facts in, findings out, nothing printed.
//!
//! The first event of a log is the one to trust: what follows runs on a
//! kernel that is already damaged. [`explain_log`] therefore picks that
//! event, lets every detector look at it, and tells how all other events
//! stand to it. A detector that is not sure says so: a wrong verdict is
//! worse than none.

mod clues;
mod detectors;
mod diagnosis;
mod draft;
mod engine;
mod facts;
mod files;
pub mod hangs;
mod helpers;
mod memory;
mod order;
mod pointers;
pub mod provenance;
mod scene;
mod story;
pub mod taint;
#[cfg(test)]
mod testing;
mod waits;
pub mod words;

pub use detectors::{DETECTORS, Detector, Nature};
pub use diagnosis::{Diagnosis, Outcome, Relation, StoryRow, TaintMark};
pub use engine::explain_log;
pub use facts::{InputFacts, LogFacts, Traced, Tracer};
pub use files::{FileTracer, Memory, NoSources, Sources};
pub use memory::{Agreement, agreement};
