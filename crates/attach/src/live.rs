//! The log of the running kernel, followed record by record.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::Gap;

use crate::forms::record::{Record, write_message};
use crate::interrupt::{Interrupt, Ready};
use crate::{Context, Error};

/// `/dev/kmsg`: what is in the kernel's buffer, then what comes.
pub struct LiveLog {
    device: File,
    interrupt: Interrupt,
    context: Arc<Context>,
    block: Vec<u8>,
    /// The sequence number that comes next, once one is known.
    next: Option<u64>,
    gaps: Vec<Gap>,
}

/// Why no more was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Nothing new for a moment: a report that was being printed is complete.
    Quiet,
    /// The user asked to stop.
    Interrupted,
    /// The device has ended; a real one never does.
    Ended,
}

/// Milliseconds without a record after which a report is held to be complete.
const QUIET: u16 = 300;

/// How long a moment without a record is waited for, once all is read that was there.
const PATIENCE: Duration = Duration::from_secs(5);

impl LiveLog {
    pub(crate) fn open(path: &Path, context: Arc<Context>) -> Result<Self, Error> {
        let device = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(path)
            .map_err(|error| match error.kind() {
                io::ErrorKind::PermissionDenied => {
                    Error::new("open", path, "this user may not read the kernel's log").next(
                        "run it with sudo, or 'dmesg | why -' where dmesg is allowed; \
                         'why doctor' tells what this machine allows",
                    )
                }
                _ => Error::io("open", path, &error),
            })?;
        let interrupt =
            Interrupt::new().map_err(|error| Error::io("catch Ctrl-C for", path, &error))?;
        Ok(LiveLog::over(device, interrupt, context))
    }

    fn over(device: File, interrupt: Interrupt, context: Arc<Context>) -> Self {
        LiveLog {
            device,
            interrupt,
            context,
            // A record has at most 8 KiB with its properties; a smaller
            // block would make the kernel refuse it.
            block: vec![0; 16 << 10],
            next: None,
            gaps: Vec::new(),
        }
    }

    /// Hands over lines until none has come for a moment.
    pub fn read(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<Pause, Error> {
        let mut line = Vec::new();
        let mut caught_up: Option<Instant> = None;
        loop {
            match self.device.read(&mut self.block) {
                Ok(0) => return Ok(Pause::Ended),
                Ok(n) => {
                    self.context.add_bytes(n as u64);
                    line.clear();
                    self.format(n, &mut line);
                    sink(&line);
                }
                // The ring went round while we were away; reading goes on at
                // the oldest record, whose number tells how many are lost.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // A kernel that never pauses is told about all the same.
                    let since = *caught_up.get_or_insert_with(Instant::now);
                    let patient = since.elapsed() < PATIENCE;
                    match self.wait_for(Some(QUIET))? {
                        Ready::Data if patient => {}
                        Ready::Data => return Ok(Pause::Quiet),
                        Ready::Quiet => return Ok(Pause::Quiet),
                        Ready::Interrupted => return Ok(Pause::Interrupted),
                    }
                }
                Err(error) => return Err(Error::io("read", "/dev/kmsg", &error)),
            }
        }
    }

    /// Waits until there is something to read again.
    pub fn wait(&mut self) -> Result<Pause, Error> {
        Ok(match self.wait_for(None)? {
            Ready::Interrupted => Pause::Interrupted,
            Ready::Data | Ready::Quiet => Pause::Quiet,
        })
    }

    /// What is missing from what was read since this was last asked.
    pub fn gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }

    fn wait_for(&self, millis: Option<u16>) -> Result<Ready, Error> {
        let ready = self
            .interrupt
            .wait(self.device.as_fd(), millis)
            .map_err(|error| Error::io("wait for", "/dev/kmsg", &error))?;
        if ready == Ready::Interrupted {
            self.context.interrupt();
        }
        Ok(ready)
    }

    fn format(&mut self, n: usize, out: &mut Vec<u8>) {
        let block = std::mem::take(&mut self.block);
        let bytes = block.get(..n).unwrap_or_default();
        for line in bytes.split(|&byte| byte == b'\n') {
            match Record::parse(line) {
                Some(record) => self.record(&record, out),
                // Properties of the record above.
                None if line.is_empty() || line.starts_with(b" ") => {}
                None => {
                    out.extend_from_slice(line);
                    out.push(b'\n');
                }
            }
        }
        self.block = block;
    }

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        match self.next {
            None if record.seq > 0 => self.gaps.push(
                Gap::new(
                    format!("the first {} records since boot", record.seq),
                    "the kernel's ring buffer no longer holds them",
                )
                .supply("the journal ('journalctl -k | why -'), or a larger log_buf_len= at boot"),
            ),
            Some(next) if record.seq > next => self.gaps.push(Gap::new(
                format!("{} records before record {}", record.seq - next, record.seq),
                "the kernel overwrote them before they could be read",
            )),
            _ => {}
        }
        self.next = Some(record.seq.saturating_add(1));
        let mut prefix = Vec::with_capacity(32);
        record.write_prefix(&mut prefix);
        out.extend_from_slice(&prefix);
        write_message(record.message, &prefix, out);
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// A datagram socket hands over one record a read, as the device does.
    fn device() -> (UnixDatagram, LiveLog) {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let live = LiveLog::over(
            File::from(OwnedFd::from(theirs)),
            Interrupt::new().unwrap(),
            Arc::new(Context::new()),
        );
        (ours, live)
    }

    fn burst(live: &mut LiveLog) -> (String, Pause) {
        let mut text = Vec::new();
        let pause = live.read(&mut |line| text.extend_from_slice(line)).unwrap();
        (String::from_utf8(text).unwrap(), pause)
    }

    #[test]
    fn what_is_there_comes_first_and_what_follows_after() {
        let (kernel, mut live) = device();
        kernel.send(b"6,0,1000000,-;one\n SUBSYSTEM=pci\n").unwrap();
        kernel
            .send(b"4,1,2000000,-,caller=T7;two\\x0alines\n")
            .unwrap();
        assert_eq!(
            burst(&mut live),
            (
                "<6>[    1.000000] one\n<4>[    2.000000][    T7] two\n<4>[    2.000000][    T7] lines\n"
                    .to_owned(),
                Pause::Quiet
            )
        );
        kernel.send(b"6,2,3000000,-;three\n").unwrap();
        assert_eq!(live.wait().unwrap(), Pause::Quiet);
        assert_eq!(burst(&mut live).0, "<6>[    3.000000] three\n");
        assert_eq!(live.gaps(), []);
    }

    #[test]
    fn lost_records_are_said() {
        let (kernel, mut live) = device();
        kernel.send(b"6,10,1000000,-;a\n").unwrap();
        kernel.send(b"6,15,1000000,-;b\n").unwrap();
        burst(&mut live);
        let gaps: Vec<String> = live.gaps().into_iter().map(|gap| gap.what).collect();
        assert_eq!(
            gaps,
            [
                "the first 10 records since boot",
                "4 records before record 15"
            ]
        );
    }
}
