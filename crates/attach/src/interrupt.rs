//! Ctrl-C while a stream without an end is read: what was read is still told.
//!
//! SIGINT is blocked and read from a descriptor, only by those who follow
//! such a stream; everyone else keeps the default, which is to die of it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// While it exists, Ctrl-C is told here and does not kill.
pub(crate) struct Interrupt {
    signals: SignalFd,
    blocked: SigSet,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// The descriptor can be read, or has ended.
    Data,
    /// The user asked to stop.
    Interrupted,
    /// Nothing happened in the time given.
    Quiet,
}

impl Interrupt {
    /// Takes SIGINT over; to be called before threads are started, which
    /// inherit that it is blocked.
    pub(crate) fn new() -> io::Result<Self> {
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGINT);
        blocked.thread_block()?;
        let signals =
            SignalFd::with_flags(&blocked, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Interrupt { signals, blocked })
    }

    /// Waits for data or an interrupt, at most `millis`.
    pub(crate) fn wait(&self, data: BorrowedFd<'_>, millis: Option<u16>) -> io::Result<Ready> {
        let timeout = millis.map_or(PollTimeout::NONE, PollTimeout::from);
        let mut both = [
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(data, PollFlags::POLLIN),
        ];
        loop {
            match poll(&mut both, timeout) {
                Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
        let [signals, data] = both.map(|fd| fd.any().unwrap_or(false));
        if signals {
            // This one is taken; a second one kills, should the output be what hangs.
            self.signals.read_signal()?;
            self.blocked.thread_unblock()?;
        }
        Ok(match (signals, data) {
            (true, _) => Ready::Interrupted,
            (false, true) => Ready::Data,
            (false, false) => Ready::Quiet,
        })
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        // Fails only for a set that cannot be: nothing is left to do then.
        let _ = self.blocked.thread_unblock();
    }
}
