//! A file that is mapped, and what happens when it is cut while it is read.
//!
//! The kernel answers the touch of a page that the file no longer has with `SIGBUS`, which ends a program. Here
//! the page gets zeroes in its place: whoever reads it finds damage, as in any damaged file, and the report says
//! that the file was cut.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use memmap2::Mmap;

/// Mappings that are guarded at once; more are refused.
const MOST: usize = 256;

/// Where mappings start and end; 0 is a free place. A signal handler may do no more than look.
static GUARDED: [(AtomicUsize, AtomicUsize); MOST] =
    [const { (AtomicUsize::new(0), AtomicUsize::new(0)) }; MOST];

/// Bytes of a page, minus one.
static PAGE_MASK: AtomicUsize = AtomicUsize::new(4095);

/// Whether a page was missing since the program started.
static CUT: AtomicBool = AtomicBool::new(false);

/// The bytes of a mapped file.
pub(crate) struct Mapped {
    map: Mmap,
    place: usize,
}

impl Mapped {
    /// Maps a file.
    pub(crate) fn new(file: &File) -> io::Result<Mapped> {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(install);
        #[allow(
            unsafe_code,
            reason = "a mapping is unsafe as its file may change below it: whoever reads the bytes bears any \
                      change of theirs, and pages that vanish are replaced"
        )]
        // SAFETY: nothing writes through the mapping, and nobody who reads it relies for memory safety on what
        // the bytes say. A file that is rewritten in its place while it is read gives wrong answers, as it does
        // to every debugger; linkers and package managers write a new one.
        let map = unsafe { Mmap::map(file) }?;
        let (start, end) = (map.as_ptr() as usize, map.as_ptr() as usize + map.len());
        let free = GUARDED.iter().position(|(from, _)| {
            let (acquired, otherwise) = (Ordering::AcqRel, Ordering::Relaxed);
            from.compare_exchange(0, start, acquired, otherwise).is_ok()
        });
        let place = free.ok_or_else(|| io::Error::other("too many files are open at once"))?;
        if let Some((_, to)) = GUARDED.get(place) {
            to.store(end, Ordering::Release);
        }
        Ok(Mapped { map, place })
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.map
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        if let Some((from, to)) = GUARDED.get(self.place) {
            to.store(0, Ordering::Release);
            from.store(0, Ordering::Release);
        }
    }
}

/// Whether a file was cut while it was read.
pub(crate) fn was_cut() -> bool {
    CUT.load(Ordering::Acquire)
}

#[allow(
    unsafe_code,
    reason = "a signal handler can be installed in no other way"
)]
fn install() {
    // SAFETY: the structure is plain data, for which zeroes are a valid start; the handler does nothing that a
    // signal handler may not: it looks at atomics and calls the kernel.
    unsafe {
        let page = libc::sysconf(libc::_SC_PAGESIZE);
        if let Ok(page @ 1..) = usize::try_from(page) {
            PAGE_MASK.store(page - 1, Ordering::Release);
        }
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_missing_page as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut());
    }
}

#[allow(
    unsafe_code,
    reason = "the kernel tells the address by a pointer, and the page must be replaced at that place"
)]
extern "C" fn on_missing_page(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    _: *mut libc::c_void,
) {
    // SAFETY: the kernel hands in a valid structure, as the handler is installed with SA_SIGINFO. The page that
    // is replaced lies in a mapping of ours, whose missing bytes nobody can have read.
    unsafe {
        let address = (*info).si_addr() as usize;
        let mask = PAGE_MASK.load(Ordering::Acquire);
        let is_ours = GUARDED.iter().any(|(from, to)| {
            let (from, to) = (from.load(Ordering::Acquire), to.load(Ordering::Acquire));
            from != 0 && (from..to).contains(&address)
        });
        if is_ours {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            let page = (address & !mask) as *mut libc::c_void;
            if libc::mmap(page, mask + 1, libc::PROT_READ, flags, -1, 0) == page {
                CUT.store(true, Ordering::Release);
                return;
            }
        }
        // Not ours to mend: it happens again, and then ends the program as it would have.
        libc::signal(signal, libc::SIG_DFL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{folder, put};

    #[test]
    fn a_file_that_is_cut_while_it_is_read_has_zeroes_there() {
        let path = folder("mapped-cut").join("file");
        put(&path, &vec![7; 3 << 20]);
        let mapped = Mapped::new(&File::open(&path).unwrap()).unwrap();
        assert_eq!(
            mapped.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
            7 * (3 << 20)
        );
        std::fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(1 << 20)
            .unwrap();
        assert_eq!(
            mapped.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
            7 * (1 << 20)
        );
        assert!(was_cut());
    }

    #[test]
    fn places_are_given_back() {
        let path = folder("mapped-places").join("file");
        put(&path, &[7; 4096]);
        for _ in 0..2 * MOST {
            Mapped::new(&File::open(&path).unwrap()).unwrap();
        }
    }
}
