//! The debuggers whose transcripts are read.

use super::{Transcript, parts};

base::registry! {
    /// Every kind, in the order of probing.
    pub static TRANSCRIPTS: [Transcript] = [
        mdb,
    ];
}
