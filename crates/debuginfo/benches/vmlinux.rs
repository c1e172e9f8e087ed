//! What questions to a whole kernel cost: `WHY_VMLINUX=vmlinux cargo bench -p debuginfo`.
//!
//! Every question is asked once, as a new process would; the file's pages are in memory. Memory is what the
//! process has beyond the file.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "this tells figures to whoever runs it"
)]

use std::time::{Duration, Instant};

use debuginfo::{DebugInfo, Object, ObjectId, Store};

/// Maps a file for the rest of the run.
#[allow(
    unsafe_code,
    reason = "a copy would hide what questions cost in memory"
)]
fn map(path: &str) -> &'static [u8] {
    use std::os::fd::AsRawFd;
    let file = std::fs::File::open(path).unwrap();
    let size = usize::try_from(file.metadata().unwrap().len()).unwrap();
    // SAFETY: the mapping is private, is never taken away, and nobody writes to a kernel that is measured.
    unsafe {
        let start = libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            0,
        );
        assert_ne!(start, libc::MAP_FAILED);
        std::slice::from_raw_parts(start.cast(), size)
    }
}

/// Megabytes of memory that are not the file's.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.map_or(0, |number| number.parse::<u64>().unwrap() / 1024)
}

struct Clock {
    all: Duration,
}

impl Clock {
    fn time<T>(&mut self, what: &str, ask: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let answer = ask();
        let took = start.elapsed();
        self.all += took;
        let ms = took.as_secs_f64() * 1000.0;
        println!("{what:<44} {ms:9.2} ms {:6} MB", memory());
        answer
    }
}

fn start(set: &DebugInfo<'_>, id: ObjectId, name: &str) -> u64 {
    set.object(id).unwrap().functions_named(name).unwrap()[0].address
}

fn main() {
    let Ok(path) = std::env::var("WHY_VMLINUX") else {
        println!("WHY_VMLINUX names no kernel: nothing is measured");
        return;
    };
    let bytes = map(&path);
    let store = Store::new();
    let mut clock = Clock {
        all: Duration::ZERO,
    };
    let mut set = DebugInfo::new();
    let id = clock.time("open", || {
        let object = Object::open("vmlinux", bytes, &store).unwrap();
        set.add(object)
    });
    let read = clock.time("functions_named(vfs_read)", || start(&set, id, "vfs_read"));
    clock.time("functions_named of 20 others", || {
        for name in [
            "vfs_write",
            "ksys_write",
            "do_syscall_64",
            "proc_reg_write",
            "kfree",
            "kmalloc_trace",
            "schedule",
            "__schedule",
            "do_exit",
            "panic",
            "netif_rx",
            "ip_rcv",
            "tcp_v4_rcv",
            "dput",
            "iput",
            "filp_close",
            "mutex_lock",
            "down_read",
            "wake_up_process",
            "queue_work_on",
        ] {
            start(&set, id, name);
        }
    });
    let object = set.object(id).unwrap();
    clock.time("symbol_at", || object.symbol_at(read + 9).unwrap().unwrap());
    clock.time("size_fits and compare", || {
        let symbol = object.functions_named("vfs_read").unwrap()[0];
        object.size_fits(&symbol, 0x310).unwrap();
        let own = object.bytes_at(read, 64).unwrap();
        assert_eq!(object.compare(read, own).unwrap().difference, None);
    });
    clock.time("function_at", || {
        set.function_at(id, read + 9).unwrap().unwrap()
    });
    clock.time("frames_at (lines, inlined functions)", || {
        assert!(!set.frames_at(id, read + 9).unwrap().is_empty());
    });
    clock.time("frames_at of 12 others", || {
        for name in [
            "vfs_write",
            "ksys_write",
            "do_syscall_64",
            "proc_reg_write",
            "schedule",
            "do_exit",
            "ip_rcv",
            "tcp_v4_rcv",
            "dput",
            "iput",
            "down_read",
            "queue_work_on",
        ] {
            let at = start(&set, id, name) + 9;
            assert!(!set.frames_at(id, at).unwrap().is_empty(), "{name}");
        }
    });
    clock.time("variables_at", || {
        assert!(!set.variables_at(id, read + 9).unwrap().is_empty());
    });
    clock.time("frame_rules_at", || {
        set.frame_rules_at(id, read + 9).unwrap()
    });
    let device = clock.time("types_named(struct net_device)", || {
        set.types_named("struct net_device", None).unwrap()[0]
    });
    clock.time("members_at", || {
        assert!(!set.members_at(device, 0x88, Some(8)).unwrap().is_empty());
    });
    let callers = clock.time("callers_of(vfs_read)", || set.callers_of(id, read).unwrap());
    println!("    {} callers", callers.len());
    let write = start(&set, id, "proc_reg_write");
    let places = clock.time("address_taken(proc_reg_write)", || {
        set.address_taken(id, write).unwrap()
    });
    println!("    {} places", places.len());
    for name in ["kfree", "dput", "ksys_write"] {
        let at = start(&set, id, name);
        let count = clock.time(&format!("callers_of({name})"), || {
            set.callers_of(id, at).unwrap().len()
        });
        println!("    {count} callers");
    }
    let ms = clock.all.as_secs_f64() * 1000.0;
    println!("{:<44} {ms:9.2} ms {:6} MB", "all", memory());
}
