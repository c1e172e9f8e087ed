//! Members of structures by their names: where they lie, and the shapes that a structure may have.

use base::{Gap, ReadError, VirtAddr};
use debuginfo::{DebugInfo, Kind, TypeId};

use crate::AddressSpace;

/// The types of a target, as its walkers ask them.
#[derive(Clone, Copy, Debug)]
pub struct Types<'t, 'a> {
    info: &'t DebugInfo<'a>,
}

/// A structure or union.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'t, 'a> {
    info: &'t DebugInfo<'a>,
    name: &'t str,
    type_id: TypeId,
    size: u64,
}

/// Where a member lies in its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Bytes from the start of the structure.
    pub offset: u64,
    /// Bytes of the member.
    pub size: u64,
    /// Of a bit field: the first bit, from the start of the structure, and how many there are.
    pub bits: Option<(u64, u64)>,
}

impl<'t, 'a> Types<'t, 'a> {
    /// The types that `info` describes.
    pub fn new(info: &'t DebugInfo<'a>) -> Self {
        Types { info }
    }

    /// The structure called `name` (`struct task_struct`).
    pub fn layout(&self, name: &'t str) -> Result<Layout<'t, 'a>, Gap> {
        let found = self.info.types_named(name, None);
        let found = found.map_err(|error| Gap::new(name, error.to_string()))?;
        for type_id in found {
            if let Ok(Some(size)) = self.info.size_of(type_id) {
                let info = self.info;
                return Ok(Layout {
                    info,
                    name,
                    type_id,
                    size,
                });
            }
        }
        Err(Gap::new(name, "the types of the target do not have it"))
    }

    /// The names of an enumeration (`enum pageflags`) and their numbers, in the order of the source.
    pub fn enumerators(&self, name: &str) -> Result<Vec<(&'a str, i64)>, Gap> {
        let failed = |error: debuginfo::Error| Gap::new(name, error.to_string());
        for type_id in self.info.types_named(name, None).map_err(failed)? {
            let stripped = self.info.strip(Some(type_id)).map_err(failed)?;
            if let Some((_, shape)) = stripped
                && let Kind::Enumeration(names) = &shape.kind
            {
                return Ok(names.clone());
            }
        }
        Err(Gap::new(name, "the types of the target do not have it"))
    }
}

impl Layout<'_, '_> {
    /// Bytes of a value.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where the member at the end of `path` lies (`kallsyms`, `mem[0].base`); none where there is no such.
    pub fn find(&self, path: &str) -> Option<Field> {
        let found = self.info.offset_of(self.type_id, path).ok()??;
        let size = found.type_id.and_then(|id| self.info.size_of(id).ok()?);
        Some(Field {
            offset: found.offset,
            size: size.unwrap_or(0),
            // A bit field counts its bits from the innermost structure, also of one without a name; its byte
            // counts from the outermost.
            bits: found.bits.and_then(|bits| {
                let first = found.offset.checked_mul(8)?;
                Some((first.checked_add(bits.offset % 8)?, bits.size))
            }),
        })
    }

    /// The first of several shapes that there is: names of one thing, the newest first.
    pub fn any(&self, paths: &[&str]) -> Result<Field, Gap> {
        let found = paths.iter().find_map(|path| self.find(path));
        found.ok_or_else(|| {
            let what = format!("{} of {}", paths.join(" or "), self.name);
            Gap::new(what, "the types of the target do not have it")
        })
    }

    /// The number of elements of the array at `path`.
    pub fn count(&self, path: &str) -> Option<u64> {
        let whole = self.find(path)?.size;
        let one = self.find(&format!("{path}[0]"))?.size;
        whole.checked_div(one)
    }
}

impl Field {
    /// Where the member of the structure at `base` is.
    pub fn at(&self, base: VirtAddr) -> VirtAddr {
        VirtAddr(base.0.wrapping_add(self.offset))
    }

    /// The number in the member of the structure at `base`.
    pub fn read(&self, space: &AddressSpace<'_>, base: VirtAddr) -> Result<u64, ReadError> {
        match self.bits {
            None if matches!(self.size, 1 | 2 | 4 | 8) => space.number(self.at(base), self.size),
            None => Err(ReadError::NotSupported("a member that is no number")),
            Some((first, count)) => {
                // Little-endian machines count bits from the lowest of each byte.
                let start = VirtAddr(base.0.wrapping_add(first / 8));
                let bytes = (first % 8 + count).div_ceil(8).min(8);
                let mut word = [0; 8];
                let into = word.get_mut(..bytes as usize).unwrap_or_default();
                space.read(start, into)?;
                let mask = u64::MAX.checked_shr(64 - (count as u32).clamp(1, 64));
                Ok(u64::from_le_bytes(word).wrapping_shr((first % 8) as u32) & mask.unwrap_or(0))
            }
        }
    }

    /// The address in the member of the structure at `base`.
    pub fn pointer(&self, space: &AddressSpace<'_>, base: VirtAddr) -> Result<VirtAddr, ReadError> {
        self.read(space, base).map(VirtAddr)
    }
}
