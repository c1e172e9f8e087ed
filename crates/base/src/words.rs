//! The words that carry a meaning a bare integer would lose.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An address in the target's virtual address space, in bytes.
///
/// In JSON it is a string such as `"0xffffffffc0445a10"`: JavaScript's
/// numbers lose the low bits of a 64-bit address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtAddr(pub u64);

impl fmt::Display for VirtAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for VirtAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for VirtAddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VirtAddr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(VirtAddr)
            .ok_or_else(|| D::Error::custom(format!("'{text}' is no address of the form 0x…")))
    }
}

impl JsonSchema for VirtAddr {
    fn schema_name() -> Cow<'static, str> {
        "VirtAddr".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^0x[0-9a-f]{1,16}$",
            "description": "an address in the target's virtual address space"
        })
    }
}

/// The order of bytes in a word of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Endian {
    /// The lowest byte first.
    Little,
    /// The highest byte first.
    Big,
}

/// How a value, a frame or a finding is known, the surest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The kernel printed it about itself, at the time.
    PrintedByKernel,
    /// Follows by arithmetic from what was printed.
    Computed,
    /// Read from the code and the debug info of a file that was compared with what ran.
    ReadFromFile,
    /// Read from the memory of a dump, as it was when that was made.
    ReadFromMemory,
    /// The kernel printed it and marked it as doubtful (`?`, `(unreliable)`).
    PrintedAsUnreliable,
    /// Concluded from several facts by a rule that is named.
    Inferred,
    /// Printed by a program outside the kernel, which may be mistaken.
    PrintedByUser,
}

impl Trust {
    /// The words that a reader sees behind an item of evidence.
    pub fn words(self) -> &'static str {
        match self {
            Trust::PrintedByKernel => "printed by the kernel",
            Trust::Computed => "computed from printed values",
            Trust::ReadFromFile => "by the file's code and debug info",
            Trust::ReadFromMemory => "read from memory",
            Trust::PrintedAsUnreliable => "printed by the kernel as unreliable",
            Trust::Inferred => "inferred",
            Trust::PrintedByUser => "printed by a user program",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_string_in_json_and_comes_back() {
        let json = serde_json::to_string(&VirtAddr(0xffff_ffff_c044_5a10)).unwrap();
        assert_eq!(json, "\"0xffffffffc0445a10\"");
        assert_eq!(
            serde_json::from_str::<VirtAddr>(&json).unwrap(),
            VirtAddr(0xffff_ffff_c044_5a10)
        );
        assert!(serde_json::from_str::<VirtAddr>("\"18\"").is_err());
    }
}
