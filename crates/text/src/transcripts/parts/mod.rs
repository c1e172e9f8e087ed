//! What transcripts share.

pub mod facts;
pub mod solaris;
