//! The words of Solaris' and illumos' locks, and the functions in which their threads wait.

use base::Mode;

/// What an rwlock's word says (`rw_wwwh` of usr/src/uts/common/sys/rwlock_impl.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RwWord(pub u64);

const HAS_WAITERS: u64 = 1;
const WRITE_WANTED: u64 = 2;
const WRITE_LOCKED: u64 = 4;
const READ_LOCK: u64 = 8;

impl RwWord {
    /// The thread that has it for writing.
    pub fn writer(self) -> Option<u64> {
        let owner = self.0 & !7;
        (self.0 & WRITE_LOCKED != 0 && !self.is_destroyed()).then_some(owner)
    }

    /// How many have it for reading.
    pub fn readers(self) -> u64 {
        match self.0 & WRITE_LOCKED {
            0 => self.0 / READ_LOCK,
            _ => 0,
        }
    }

    /// `RW_DOUBLE_LOCK`: nobody can have it any more.
    pub fn is_destroyed(self) -> bool {
        self.0 & !(HAS_WAITERS | WRITE_WANTED) == WRITE_LOCKED | READ_LOCK
    }

    /// As a reader sees it: `0xb: 1 reader, a writer wanted it, has waiters`.
    pub fn words(self) -> String {
        let mut words = Vec::new();
        match (self.is_destroyed(), self.writer(), self.readers()) {
            (true, ..) => words.push("destroyed".to_owned()),
            (_, Some(writer), _) => words.push(format!("thread {writer:x} has it for writing")),
            (_, _, 0) => words.push("nobody has it".to_owned()),
            (_, _, 1) => words.push("1 reader".to_owned()),
            (_, _, many) => words.push(format!("{many} readers")),
        }
        if self.0 & WRITE_WANTED != 0 {
            words.push("a writer wants it".to_owned());
        }
        if self.0 & HAS_WAITERS != 0 {
            words.push("has waiters".to_owned());
        }
        format!("word {:#x}: {}", self.0, words.join(", "))
    }
}

/// What a mutex's word says (`m_owner` of usr/src/uts/intel/sys/mutex_impl.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MutexWord(pub u64);

impl MutexWord {
    /// The thread that has it; none of one that is free, destroyed, or spun for.
    pub fn owner(self) -> Option<u64> {
        let owner = self.0 & !7;
        (self.0 & 6 == 0 && owner != 0).then_some(owner)
    }

    /// As a reader sees it.
    pub fn words(self) -> String {
        let mut text = match (self.0 & 6, self.owner()) {
            (6, _) if self.0 & 0xff != 0xff => "destroyed".to_owned(),
            (0, Some(owner)) => format!("thread {owner:x} has it"),
            (0, None) => "nobody has it".to_owned(),
            // The byte of a spin lock that is never a pointer's (`m_dummylock`).
            _ => match self.0 >> 8 & 0xff {
                0 => "a spin lock, free".to_owned(),
                _ => "a spin lock that is held".to_owned(),
            },
        };
        if self.0 & 6 == 0 && self.0 & 1 != 0 {
            text.push_str(", has waiters");
        }
        format!("word {:#x}: {text}", self.0)
    }
}

/// A function in which a thread waits, as it stands on a stack with its arguments.
#[derive(Debug)]
pub struct Waits {
    /// Its name.
    pub function: &'static str,
    /// The kind of what it waits for.
    pub kind: &'static str,
    /// Which argument is the address of that, from 0.
    pub lock: usize,
    /// Which argument tells how it is wanted, and how each of its values means it.
    pub mode: Option<(usize, &'static [(u64, Mode)])>,
}

/// `krw_t` of usr/src/uts/common/sys/rwlock.h: `RW_WRITER` 0, `RW_READER` 1, `RW_READER_STARVEWRITER` 2.
const RW: &[(u64, Mode)] = &[(0, Mode::Exclusive), (1, Mode::Shared), (2, Mode::Shared)];

/// Functions of usr/src/uts/common/os, the most telling first.
pub const WAITS: &[Waits] = &[
    Waits {
        function: "rw_enter_sleep",
        kind: "rwlock",
        lock: 0,
        mode: Some((1, RW)),
    },
    Waits {
        function: "mutex_vector_enter",
        kind: "mutex",
        lock: 0,
        mode: None,
    },
    Waits {
        function: "sema_p",
        kind: "semaphore",
        lock: 0,
        mode: None,
    },
    Waits {
        function: "cv_wait",
        kind: "condition variable",
        lock: 0,
        mode: Some((usize::MAX, &[])),
    },
    Waits {
        function: "cv_timedwait",
        kind: "condition variable",
        lock: 0,
        mode: Some((usize::MAX, &[])),
    },
];

/// Functions that only lead to a wait: who called them wanted the lock.
pub const INNER: &[&str] = &[
    "_resume_from_idle",
    "resume_from_idle",
    "resume_from_intr",
    "resume",
    "swtch",
    "turnstile_block",
    "rw_enter",
    "rw_enter_sleep",
    "mutex_enter",
    "mutex_vector_enter",
    "sema_p",
    "cv_wait",
    "cv_timedwait",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_rwlocks_are_decoded() {
        let told = |word| RwWord(word).words();
        assert_eq!(
            told(0xb),
            "word 0xb: 1 reader, a writer wants it, has waiters"
        );
        assert_eq!(
            told(0xffff_ffff_a69b_e745),
            "word 0xffffffffa69be745: thread ffffffffa69be740 has it for writing, has waiters"
        );
        assert_eq!(told(0xc), "word 0xc: destroyed");
        assert_eq!(told(0x18), "word 0x18: 3 readers");
        assert_eq!(told(0), "word 0x0: nobody has it");
        assert_eq!(RwWord(0xb).writer(), None);
        assert_eq!(RwWord(0xc).writer(), None);
    }

    #[test]
    fn words_of_mutexes_are_decoded() {
        let told = |word| MutexWord(word).words();
        assert_eq!(
            told(0xffff_ffff_a69b_e741),
            "word 0xffffffffa69be741: thread ffffffffa69be740 has it, has waiters"
        );
        assert_eq!(told(0), "word 0x0: nobody has it");
        assert_eq!(
            told(0xffff_ff00_0000_1006),
            "word 0xffffff0000001006: destroyed"
        );
        assert_eq!(told(0xffff), "word 0xffff: a spin lock that is held");
        assert_eq!(told(0xff), "word 0xff: a spin lock, free");
    }
}
