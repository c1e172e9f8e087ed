//! Locks by their names: which types have them, and what they protect, in words. Data; a line each.

/// A variable of the kernel whose members have names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    pub(super) symbol: &'static str,
    /// Its type.
    pub(super) layout: &'static str,
    /// Paths of locks in it.
    pub(super) members: &'static [&'static str],
}

/// A slab cache whose objects are of one type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cache {
    pub(super) cache: &'static str,
    /// The type of its objects.
    pub(super) layout: &'static str,
    /// Kinds and paths of locks in it.
    pub(super) members: &'static [(&'static str, &'static str)],
}

const MUTEX: &str = "mutex";
const RWSEM: &str = "rw_semaphore";
const SPIN: &str = "spinlock";
const RWLOCK: &str = "rwlock";
const SEMAPHORE: &str = "semaphore";
const PERCPU: &str = "percpu_rw_semaphore";

/// Variables with locks in them.
pub(super) static VARIABLES: &[Variable] = &[
    Variable {
        symbol: "init_mm",
        layout: "struct mm_struct",
        members: &["mmap_lock", "mmap_sem", "page_table_lock", "arg_lock"],
    },
    Variable {
        symbol: "init_net",
        layout: "struct net",
        members: &["rules_mod_lock", "nsid_lock", "ipv4.ra_mutex"],
    },
    Variable {
        symbol: "init_task",
        layout: "struct task_struct",
        members: &["alloc_lock", "pi_lock"],
    },
    Variable {
        symbol: "init_signals",
        layout: "struct signal_struct",
        members: &["cred_guard_mutex", "exec_update_lock"],
    },
];

const fn cache(
    cache: &'static str,
    layout: &'static str,
    members: &'static [(&'static str, &'static str)],
) -> Cache {
    Cache {
        cache,
        layout,
        members,
    }
}

/// Locks of an inode, by the path to it.
macro_rules! inode {
    ($path:literal) => {
        [
            (RWSEM, concat!($path, "i_rwsem")),
            (RWSEM, concat!($path, "i_data.invalidate_lock")),
            (RWSEM, concat!($path, "i_data.i_mmap_rwsem")),
            (SPIN, concat!($path, "i_lock")),
            (SPIN, concat!($path, "i_data.i_pages.xa_lock")),
        ]
    };
}

/// Caches whose objects are of one type. Those of sizes (`kmalloc-192`) have objects of many.
pub(super) static CACHES: &[Cache] = &[
    cache(
        "task_struct",
        "struct task_struct",
        &[
            (SPIN, "alloc_lock"),
            (SPIN, "pi_lock"),
            (MUTEX, "perf_event_mutex"),
        ],
    ),
    cache(
        "mm_struct",
        "struct mm_struct",
        &[
            (RWSEM, "mmap_lock"),
            // Before da1c55f1b272 ("mmap locking API: rename mmap_sem to mmap_lock", 5.8).
            (RWSEM, "mmap_sem"),
            (SPIN, "page_table_lock"),
            (SPIN, "arg_lock"),
            (MUTEX, "context.lock"),
        ],
    ),
    cache(
        "signal_cache",
        "struct signal_struct",
        &[
            (MUTEX, "cred_guard_mutex"),
            (RWSEM, "exec_update_lock"),
            (SPIN, "stats_lock.lock"),
        ],
    ),
    cache(
        "sighand_cache",
        "struct sighand_struct",
        &[(SPIN, "siglock")],
    ),
    cache("files_cache", "struct files_struct", &[(SPIN, "file_lock")]),
    cache("fs_cache", "struct fs_struct", &[(SPIN, "lock")]),
    cache(
        "filp",
        "struct file",
        &[(MUTEX, "f_pos_lock"), (SPIN, "f_lock")],
    ),
    cache("dentry", "struct dentry", &[(SPIN, "d_lockref.lock")]),
    cache("inode_cache", "struct inode", &inode!("")),
    cache(
        "ext4_inode_cache",
        "struct ext4_inode_info",
        &inode!("vfs_inode."),
    ),
    cache(
        "ext4_inode_cache",
        "struct ext4_inode_info",
        &[(RWSEM, "i_data_sem"), (RWSEM, "xattr_sem")],
    ),
    cache(
        "shmem_inode_cache",
        "struct shmem_inode_info",
        &inode!("vfs_inode."),
    ),
    cache(
        "proc_inode_cache",
        "struct proc_inode",
        &inode!("vfs_inode."),
    ),
    cache(
        "sock_inode_cache",
        "struct socket_alloc",
        &inode!("vfs_inode."),
    ),
    cache(
        "hugetlbfs_inode_cache",
        "struct hugetlbfs_inode_info",
        &inode!("vfs_inode."),
    ),
    cache("bdev_cache", "struct bdev_inode", &inode!("vfs_inode.")),
    cache("xfs_inode", "struct xfs_inode", &inode!("i_vnode.")),
    cache("btrfs_inode", "struct btrfs_inode", &inode!("vfs_inode.")),
    cache("fuse_inode", "struct fuse_inode", &inode!("inode.")),
    cache("nfs_inode_cache", "struct nfs_inode", &inode!("vfs_inode.")),
    cache("anon_vma", "struct anon_vma", &[(RWSEM, "rwsem")]),
    cache("kernfs_node_cache", "struct kernfs_node", &[]),
    cache(
        "sock",
        "struct sock",
        &[(SPIN, "sk_lock.slock"), (RWLOCK, "sk_callback_lock")],
    ),
];

/// Kinds, names, and what they protect.
pub(super) static ABOUT: &[(&str, &str, &str)] = &[
    (MUTEX, "rtnl_mutex", "all network configuration"),
    (
        RWSEM,
        "pernet_ops_rwsem",
        "the list of network namespaces and what is set up in each",
    ),
    (RWSEM, "net_rwsem", "the list of network namespaces"),
    (RWSEM, "mmap_lock", "the memory map of a process"),
    (RWSEM, "mmap_sem", "the memory map of a process"),
    (
        RWSEM,
        "i_rwsem",
        "the content of a file or directory (inode_lock)",
    ),
    (
        RWSEM,
        "invalidate_lock",
        "the cached pages of a file against truncation",
    ),
    (RWSEM, "i_mmap_rwsem", "the list of mappings of a file"),
    (RWSEM, "i_data_sem", "the map of a file's blocks"),
    (
        RWSEM,
        "s_umount",
        "a mounted file system against being unmounted",
    ),
    (RWSEM, "namespace_sem", "the tree of mounts"),
    (MUTEX, "f_pos_lock", "the position in an open file"),
    (MUTEX, "cgroup_mutex", "all control groups"),
    (
        PERCPU,
        "cgroup_threadgroup_rwsem",
        "threads against moves between control groups",
    ),
    (SEMAPHORE, "console_sem", "the consoles"),
    (MUTEX, "console_mutex", "the list of consoles"),
    (RWLOCK, "tasklist_lock", "the list of all tasks"),
    (MUTEX, "event_mutex", "the tracing of events"),
    (MUTEX, "trace_types_lock", "tracing"),
    (MUTEX, "ftrace_lock", "the tracing of functions"),
    (MUTEX, "text_mutex", "changes of the kernel's own code"),
    (
        MUTEX,
        "jump_label_mutex",
        "switches in the kernel's own code (static keys)",
    ),
    (PERCPU, "cpu_hotplug_lock", "which CPUs are online"),
    (MUTEX, "cpu_add_remove_lock", "bringing CPUs up and down"),
    (MUTEX, "module_mutex", "the list of modules"),
    (MUTEX, "bd_mutex", "opening and closing of a block device"),
    (MUTEX, "open_mutex", "opening and closing of a block device"),
    (
        MUTEX,
        "bd_fsfreeze_mutex",
        "freezing of a block device's file system",
    ),
    (MUTEX, "slab_mutex", "the list of slab caches"),
    (
        RWSEM,
        "shrinker_rwsem",
        "the list of what frees memory under pressure",
    ),
    (
        MUTEX,
        "shrinker_mutex",
        "the list of what frees memory under pressure",
    ),
    (MUTEX, "oom_lock", "killing of processes for want of memory"),
    (
        MUTEX,
        "cred_guard_mutex",
        "the rights of a process while it executes a new program",
    ),
    (
        RWSEM,
        "exec_update_lock",
        "the rights of a process while it executes a new program",
    ),
    (MUTEX, "wq_pool_mutex", "the pools of workers"),
    (
        MUTEX,
        "wq_pool_attach_mutex",
        "which workers belong to a pool",
    ),
    (
        MUTEX,
        "system_transition_mutex",
        "suspending and restarting the machine",
    ),
    (
        MUTEX,
        "sched_domains_mutex",
        "how the scheduler groups CPUs",
    ),
    (RWSEM, "uts_sem", "the name of the host"),
    (
        RWSEM,
        "kernfs_rwsem",
        "the tree of sysfs or of control groups",
    ),
    (MUTEX, "genl_mutex", "generic netlink"),
    (MUTEX, "misc_mtx", "the list of miscellaneous devices"),
    (MUTEX, "chrdevs_lock", "the numbers of character devices"),
    (MUTEX, "major_names_lock", "the numbers of block devices"),
    (MUTEX, "loop_ctl_mutex", "the list of loop devices"),
    (MUTEX, "pci_rescan_remove_lock", "the list of PCI devices"),
    (RWSEM, "pci_bus_sem", "the list of PCI devices"),
    (MUTEX, "dpm_list_mtx", "the list of devices to suspend"),
    (MUTEX, "bpf_verifier_lock", "the checking of BPF programs"),
    (MUTEX, "kprobe_mutex", "the list of probes"),
];
