//! Reports: the one document that holds an answer, and the formats it is rendered in.
//!
//! A [`Report`] carries every fact that any format shows, so that a saved
//! report renders again without the log. A format is a pure function of a
//! report and [`Options`]: it looks at no environment, clock or terminal.
//! Text from the log is hostile and leaves this crate escaped.

mod formats;
mod layout;
mod redact;
mod report;
pub mod safe;
mod sections;
mod stacks;

pub use formats::{FORMATS, Format, Options};
pub use redact::redact;
pub use report::{LoadError, Report, SCHEMA_VERSION, Tool, is_report, schema};
pub use stacks::{STACKS_VERSION, Stacks, stacks_schema};
