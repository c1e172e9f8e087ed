//! What is wrong with a file: which file, where in it, and what.

use std::fmt;
use std::sync::Arc;

/// A file, or a part of it, that cannot be read as what it claims to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    file: Arc<str>,
    place: Place,
    what: String,
}

/// Where in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// The whole file.
    File,
    /// Bytes from the start of the file.
    Offset(u64),
    /// Bytes from the start of a section, after decompression.
    Section(String, u64),
}

impl Error {
    /// The whole file `file` is not usable.
    pub fn file(file: &Arc<str>, what: impl Into<String>) -> Self {
        Error {
            file: Arc::clone(file),
            place: Place::File,
            what: what.into(),
        }
    }

    /// Something is wrong `offset` bytes into `file`.
    pub fn offset(file: &Arc<str>, offset: u64, what: impl Into<String>) -> Self {
        Error {
            file: Arc::clone(file),
            place: Place::Offset(offset),
            what: what.into(),
        }
    }

    /// Something is wrong `offset` bytes into a section of `file`.
    pub fn section(
        file: &Arc<str>,
        section: impl Into<String>,
        offset: u64,
        what: impl Into<String>,
    ) -> Self {
        let place = Place::Section(section.into(), offset);
        Error {
            file: Arc::clone(file),
            place,
            what: what.into(),
        }
    }

    /// The label of the file, as the caller gave it.
    pub fn file_label(&self) -> &str {
        &self.file
    }

    /// What is wrong, without the place.
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error { file, place, what } = self;
        match place {
            Place::File => write!(f, "{file}: {what}"),
            Place::Offset(offset) => write!(f, "{file}: offset {offset:#x}: {what}"),
            Place::Section(name, offset) => write!(f, "{file}: {name}+{offset:#x}: {what}"),
        }
    }
}

impl std::error::Error for Error {}

/// The outcome of reading a file.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file_and_the_place() {
        let file: Arc<str> = "bonding.ko".into();
        assert_eq!(
            Error::file(&file, "not an ELF file").to_string(),
            "bonding.ko: not an ELF file"
        );
        assert_eq!(
            Error::offset(&file, 40, "cut").to_string(),
            "bonding.ko: offset 0x28: cut"
        );
        let error = Error::section(&file, ".debug_info", 16, "cut");
        assert_eq!(error.to_string(), "bonding.ko: .debug_info+0x10: cut");
        assert_eq!((error.file_label(), error.what()), ("bonding.ko", "cut"));
    }
}
