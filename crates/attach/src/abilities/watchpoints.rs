//! Watchpoints in hardware: the CPU stops at an access, at full speed until then.

use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "hardware watchpoints",
    purpose: "catching who writes to an address",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    if !machine.is_this() {
        return Answer::no("not asked: another machine", "run it on the machine itself");
    }
    match set_one() {
        Ok(()) => Answer::yes("the kernel set one on this process and took it away again"),
        Err(error) => {
            let get = match error.raw_os_error() {
                Some(libc::EACCES | libc::EPERM) => {
                    "run as root, or sysctl kernel.perf_event_paranoid=1; in a container its \
                     seccomp profile must allow perf_event_open"
                }
                Some(libc::ENOSPC) => {
                    "all debug registers are taken: end the debugger that holds them"
                }
                _ => "a CPU with debug registers, and a kernel with CONFIG_HAVE_HW_BREAKPOINT",
            };
            Answer::no(
                format!("the kernel refused to set one on this process ({error})"),
                get,
            )
        }
    }
}

/// Sets a watchpoint on a variable of this process and removes it.
///
/// Asking is the only sure way: virtual machines hide debug registers, and
/// what the settings of `perf` allow differs between distributions.
fn set_one() -> std::io::Result<()> {
    use std::os::fd::{FromRawFd as _, OwnedFd};

    static WATCHED: u64 = 0;
    const TYPE_BREAKPOINT: u32 = 5;
    const SIZE: usize = 72; // PERF_ATTR_SIZE_VER1, the first with breakpoints
    const DISABLED_USER_ONLY: u64 = 1 | 1 << 5 | 1 << 6; // disabled, exclude_kernel, exclude_hv
    const WRITE: u32 = 2;
    const LENGTH: u64 = 8;

    // struct perf_event_attr of <linux/perf_event.h>, as far as it is used.
    #[repr(C)]
    struct Attributes {
        kind: u32,
        size: u32,
        config: u64,
        sample_period: u64,
        sample_type: u64,
        read_format: u64,
        flags: u64,
        wakeup: u32,
        bp_type: u32,
        bp_addr: u64,
        bp_len: u64,
    }
    const { assert!(size_of::<Attributes>() == SIZE) };

    let attributes = Attributes {
        kind: TYPE_BREAKPOINT,
        size: SIZE as u32,
        config: 0,
        sample_period: 0,
        sample_type: 0,
        read_format: 0,
        flags: DISABLED_USER_ONLY,
        wakeup: 0,
        bp_type: WRITE,
        bp_addr: std::ptr::from_ref(&WATCHED).addr() as u64,
        bp_len: LENGTH,
    };
    const CLOSE_ON_EXEC: libc::c_ulong = 1 << 3;
    // SAFETY: the kernel reads `size` bytes at the pointer, which the
    // structure has, and writes nothing; the descriptor that it returns is
    // owned by nobody else. No safe interface for this call is at hand.
    #[allow(unsafe_code, reason = "perf_event_open has no safe wrapper")]
    let fd = unsafe {
        let fd = libc::syscall(
            libc::SYS_perf_event_open,
            std::ptr::from_ref(&attributes),
            0,
            -1,
            -1,
            CLOSE_ON_EXEC,
        );
        match i32::try_from(fd) {
            Ok(fd) if fd >= 0 => OwnedFd::from_raw_fd(fd),
            _ => return Err(std::io::Error::last_os_error()),
        }
    };
    drop(fd);
    Ok(())
}
