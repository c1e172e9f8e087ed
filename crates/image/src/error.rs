//! Why bytes are not taken for a dump.

/// The result of opening a dump.
pub type Result<T> = std::result::Result<T, Error>;

/// Why bytes cannot be opened as the dump that they claim to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No kind of dump begins like this.
    #[error("it is no dump of a known kind")]
    Unknown,
    /// It is whole as far as that was looked at, and of a kind that is not read.
    #[error("it is {0}")]
    NotRead(String),
    /// It says something that cannot be.
    #[error("{what}, at offset {at:#x} of the dump")]
    Damaged {
        /// Where in the dump; where it is flattened, as it would be rearranged.
        at: u64,
        /// What is wrong there.
        what: String,
    },
}

impl Error {
    pub(crate) fn damaged(at: u64, what: impl Into<String>) -> Self {
        Error::Damaged {
            at,
            what: what.into(),
        }
    }
}
