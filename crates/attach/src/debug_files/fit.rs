//! Whether a file is of the kernel that a log tells of.

use debuginfo::Identity;

use super::names::{Role, plain};
use super::needed::Needed;

/// `EM_NONE`: types alone tell no architecture.
const NO_MACHINE: u16 = 0;

/// How well a file fits, the best last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is of something else: in words, both sides.
    Wrong(String),
    /// Nothing tells.
    Unknown,
    /// It is of one of the kernels, not of that of the first crash.
    Other,
    /// It says that it is of the release that died.
    Release,
    /// It has the build-id that the log printed.
    Exact,
}

/// Compares what a file says it is with what the log says.
pub(super) fn fit(identity: &Identity, role: Option<&Role>, needed: &Needed) -> Fit {
    if let Some(arch) = needed.arch
        && identity.machine != NO_MACHINE
        && arch.elf_machine != identity.machine
    {
        let its = identity
            .arch
            .map_or_else(|| format!("machine {}", identity.machine), str::to_owned);
        let teller = needed.teller();
        return Fit::Wrong(format!("it is for {its}, the {teller} is of {}", arch.name));
    }
    let printed = match role {
        Some(Role::Module(name)) => needed.modules.get(&plain(name)),
        Some(Role::Kernel) => Some(&needed.kernel_ids),
        None => None,
    };
    if let (Some(printed), Some(own)) = (printed.filter(|ids| !ids.is_empty()), &identity.build_id)
    {
        return match printed.first() {
            _ if printed.contains(own) => Fit::Exact,
            Some(first) => {
                let says = if needed.by_dump { "has" } else { "prints" };
                let teller = needed.teller();
                Fit::Wrong(format!(
                    "it has build-id {own}, the {teller} {says} {first}"
                ))
            }
            None => Fit::Unknown,
        };
    }
    let (Some(own), Some(first)) = (&identity.release, needed.release()) else {
        return Fit::Unknown;
    };
    if own == first {
        Fit::Release
    } else if needed.releases.contains(own) {
        Fit::Other
    } else {
        let teller = needed.teller();
        Fit::Wrong(format!("it is of kernel {own}, the {teller} is of {first}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ID, event};
    use super::*;

    fn identity(release: &str, build_id: &str) -> Identity {
        Identity {
            machine: 62,
            arch: Some("x86_64"),
            release: (!release.is_empty()).then(|| release.to_owned()),
            build_id: Some(build_id.to_owned()),
            ..Identity::default()
        }
    }

    #[test]
    fn what_a_file_is_of_is_compared_with_what_died() {
        let other = "f".repeat(40);
        let module = Role::Module("snd-pcm".to_owned());
        let told = |identity: &Identity, ids: Option<&str>| {
            let needed = Needed::of(&[event("6.1.0", &[("snd_pcm", ids)]), event("5.9.1", &[])]);
            fit(identity, Some(&module), &needed)
        };
        assert_eq!(told(&identity("6.1.0", ID), None), Fit::Release);
        assert_eq!(told(&identity("5.9.1", ID), None), Fit::Other);
        assert_eq!(told(&identity("", ID), None), Fit::Unknown);
        assert_eq!(told(&identity("", ID), Some(ID)), Fit::Exact);
        let Fit::Wrong(why) = told(&identity("5.4.0", ID), None) else {
            unreachable!("another release fits");
        };
        assert_eq!(why, "it is of kernel 5.4.0, the log is of 6.1.0");
        let Fit::Wrong(why) = told(&identity("6.1.0", &other), Some(ID)) else {
            unreachable!("another build fits");
        };
        assert!(why.contains(&other) && why.contains(ID), "{why}");
        let mut arm = identity("6.1.0", ID);
        (arm.machine, arm.arch) = (183, Some("arm64"));
        assert_eq!(
            told(&arm, Some(ID)),
            Fit::Wrong("it is for arm64, the log is of x86_64".to_owned())
        );
    }
}
