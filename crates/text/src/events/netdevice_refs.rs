//! A network device cannot go away because something refers to it.

use crate::naming::{Entry, Naming, Reading, into_crash, no_details, says};

/// net/core/dev.c, `netdev_wait_allrefs_any`; repeated every ten seconds.
pub static ENTRY: Entry = Entry {
    name: "netdevice_refs",
    meaning: "a network device waits for ever to be unregistered: a reference to it was leaked",
    crash: true,
    anchors: &["unregister_netdevice: waiting for"],
    starts: |text| {
        says(text, "unregister_netdevice: waiting for") && text.contains(" to become free")
    },
    folds: into_crash,
    describe: |_: &Reading<'_>| {
        Naming::plain("unregister_netdevice: waiting for DEV to become free").class("DoS")
    },
    details: no_details,
};
