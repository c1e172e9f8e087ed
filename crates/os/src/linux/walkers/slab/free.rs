//! Lists of free objects: each object holds the pointer to the next one, which may be made unreadable
//! (`CONFIG_SLAB_FREELIST_HARDENED`).

use base::VirtAddr;
use value::AddressSpace;

use super::{Cache, Slab};

/// How pointers between free objects are made unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// By the cache's number and the address of the pointer with its bytes turned round: since 1ad53d9fa3f6 ("slub:
    /// improve bit diffusion for freelist ptr obfuscation", 5.7).
    Turned,
    /// By the cache's number and the address of the pointer.
    Straight,
}

impl Code {
    fn decode(self, word: u64, random: Option<u64>, at: u64) -> u64 {
        match (random, self) {
            (None, _) => word,
            (Some(random), Code::Turned) => word ^ random ^ at.swap_bytes(),
            (Some(random), Code::Straight) => word ^ random ^ at,
        }
    }
}

/// The number of the object that begins at `address`.
pub(super) fn index(slab: &Slab, cache: &Cache, address: u64) -> Option<u32> {
    let first = slab.start.0.wrapping_add(cache.red_left_pad);
    let offset = address.checked_sub(first)?;
    let index = offset.checked_div(cache.size)?;
    let is_start = offset.is_multiple_of(cache.size) && index < u64::from(slab.objects);
    is_start.then_some(index as u32)
}

/// Marks the objects of a list as free, and says why the list has no end where it has none. Each object is passed
/// once at most.
pub(super) fn mark(
    space: &AddressSpace<'_>,
    slab: &mut Slab,
    (cache, random, code): (&Cache, Option<u64>, Code),
    first: u64,
) -> Result<u32, String> {
    let (mut at, mut count) = (first, 0);
    while at != 0 {
        let Some(number) = index(slab, cache, at) else {
            return Err(format!("{} is no object of it", VirtAddr(at)));
        };
        if !slab.set_free(number) {
            return Err(format!("{} is free twice", VirtAddr(at)));
        }
        count += 1;
        let place = at.wrapping_add(cache.free_pointer);
        let word = space
            .u64(VirtAddr(place))
            .map_err(|error| error.to_string())?;
        at = code.decode(word, random, place);
    }
    Ok(count)
}

/// Which code the list that begins at `first` is in, where its second pointer tells.
pub(super) fn code(
    space: &AddressSpace<'_>,
    slab: &Slab,
    (cache, random): (&Cache, Option<u64>),
    first: u64,
) -> Option<Code> {
    index(slab, cache, first)?;
    let place = first.wrapping_add(cache.free_pointer);
    let word = space.u64(VirtAddr(place)).ok()?;
    let fits = |code: &Code| {
        let next = code.decode(word, random, place);
        next == 0 || index(slab, cache, next).is_some()
    };
    // Where both fit nothing is known.
    match (fits(&Code::Turned), fits(&Code::Straight)) {
        (true, false) => Some(Code::Turned),
        (false, true) => Some(Code::Straight),
        _ => None,
    }
}
