//! Where code and names come from: a dump's memory, an object file, a list in a test.

use std::borrow::Cow;
use std::ops::Range;

/// A function, or a part of one that has a name of its own (`foo.cold`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRange {
    /// Its first byte.
    pub start: u64,
    /// The byte behind its last, or where the next symbol begins.
    pub end: u64,
    /// Its name in the symbol table.
    pub name: String,
}

/// The code of a target as it was in memory: with the alternatives, static keys and traces that were patched in.
pub trait Code: Sync {
    /// The function that `address` lies in.
    fn function_at(&self, address: u64) -> Option<FunctionRange>;

    /// The same without its name, which may cost much less.
    fn bounds_at(&self, address: u64) -> Option<Range<u64>> {
        self.function_at(address)
            .map(|function| function.start..function.end)
    }

    /// The bytes of a range; none where not all of them can be read.
    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>>;

    /// The addresses of the symbols of each of these names: several where functions of different files share a
    /// name, none where there is no such symbol.
    fn addresses_of(&self, names: &[&str]) -> Vec<Vec<u64>>;
}
