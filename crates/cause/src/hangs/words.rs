//! How threads, resources and waits are written in sentences.

use base::{HangLink, LinkReason, Mode, Party, Resource, Site};

/// `dladm (pid 142)`, `thread 0xfffffe8000359c80`.
pub fn thread(party: &Party) -> String {
    let thread = &party.thread;
    match (thread.comm.as_str(), thread.pid, party.address) {
        ("", 0, Some(address)) => format!("thread {}", bare(address.0)),
        (comm, 0, Some(address)) => format!("thread {} ({comm})", bare(address.0)),
        ("", pid, _) => format!("the thread of pid {pid}"),
        (comm, pid, _) => format!("{comm} (pid {pid})"),
    }
}

/// The beginning of a sentence: its first letter in upper case, unless it is one of a name.
pub fn start(text: &str) -> String {
    match ["thread ", "the "]
        .iter()
        .any(|word| text.starts_with(word))
    {
        true => crate::words::sentence(text),
        false => text.trim_end_matches('.').to_owned(),
    }
}

/// Its name alone.
pub fn short(party: &Party) -> String {
    match party.thread.comm.as_str() {
        "" => thread(party),
        comm => comm.to_owned(),
    }
}

/// An address of a structure as debuggers print it.
fn bare(address: u64) -> String {
    format!("{address:x}")
}

/// What it is called, with its kind: `the mutex rtnl_mutex`, `the rw_semaphore at 0xffff…`.
pub fn resource(resource: &Resource) -> String {
    let kind = &resource.kind;
    match (&resource.name, resource.address) {
        (Some(name), _) => format!("the {kind} {name}"),
        (None, Some(address)) => format!("the {kind} at {address}"),
        (None, None) => format!("the {kind}"),
    }
}

/// What it is called where its kind was told before.
pub fn name(resource: &Resource) -> String {
    match (&resource.name, resource.address) {
        (Some(name), _) => name.clone(),
        (None, Some(address)) => address.to_string(),
        (None, None) => format!("the {}", resource.kind),
    }
}

/// `for writing`; nothing where it is the only way.
pub fn way(resource: &Resource, mode: Mode) -> &'static str {
    let has_both = resource.kind.contains("rw") || resource.kind.contains("reader");
    match (mode, has_both) {
        (Mode::Exclusive, true) => " for writing",
        (Mode::Shared, true) => " for reading",
        _ => "",
    }
}

/// `aggr_group_tx [whyaggr] (aggr.c:30)`.
pub fn site(site: &Site) -> String {
    let mut text = site.function.clone();
    if let Some(module) = &site.module {
        text.push_str(&format!(" [{module}]"));
    }
    if let Some(source) = &site.source {
        text.push_str(&format!(" ({source})"));
    }
    text
}

/// ` in aggr_group_tx [whyaggr]`, or nothing.
pub fn within(site: Option<&Site>) -> String {
    site.map_or_else(String::new, |place| format!(" in {}", self::site(place)))
}

/// What one has that the other waits for, as a clause: `holds net0.rx_lock for reading`.
pub fn has(link: &HangLink) -> String {
    let what = name(&link.resource);
    let way = way(&link.resource, link.has);
    let may = if link.is_certain { "" } else { "may " };
    match (link.reason, link.has) {
        (LinkReason::QueuedBefore, _) => format!("is queued for {what}{way} before it"),
        (LinkReason::Has, Mode::Event) if link.is_certain => format!("must bring about {what}"),
        (LinkReason::Has, Mode::Event) => format!("may have to bring about {what}"),
        (LinkReason::Has, _) if link.is_certain => format!("holds {what}{way}"),
        (LinkReason::Has, _) => format!("{may}hold {what}{way}"),
    }
}

/// The step as a sentence of evidence.
pub fn step(link: &HangLink, waiter: &Party, holder: Option<&Party>) -> String {
    let mut text = format!(
        "{} waits for {}{}{}",
        thread(waiter),
        resource(&link.resource),
        way(&link.resource, link.wants),
        within(link.waits_at.as_ref())
    );
    if let Some(us) = link.for_us.filter(|us| *us >= 1_000_000) {
        text.push_str(&format!(", {} so far", crate::words::duration(us)));
    }
    match holder {
        Some(holder) => {
            let own = std::ptr::eq(waiter, holder);
            let who = if own {
                "itself".to_owned()
            } else {
                thread(holder)
            };
            let took = match &link.taken_at {
                Some(taken) if link.reason == LinkReason::Has => {
                    format!(", taken in {}", site(taken))
                }
                _ => String::new(),
            };
            match own {
                true => text.push_str(&format!(", which it {} already{took}", has_of(link))),
                false => text.push_str(&format!("; {who} {}{took}", has(link))),
            }
        }
        None => text.push_str("; nobody is known to have it"),
    }
    text
}

fn has_of(link: &HangLink) -> String {
    match (link.is_certain, link.has) {
        (true, Mode::Event) => "must bring about itself".to_owned(),
        (true, mode) => format!("holds{}", way(&link.resource, mode)),
        (false, mode) => format!("may hold{}", way(&link.resource, mode)),
    }
}
