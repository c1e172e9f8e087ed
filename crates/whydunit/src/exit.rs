//! Exit codes, the same for every verb.

use std::process::ExitCode;

use cause::Outcome;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Nothing wrong was found, or what was asked is done.
    Fine,
    /// Something is wrong and its cause is named.
    CauseNamed,
    /// The command line is wrong, or a target cannot be read.
    Unusable,
    /// Something is wrong and its cause was not found.
    CauseNotFound,
    /// The user interrupted.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Fine => 0,
            Exit::CauseNamed => 1,
            Exit::Unusable => 2,
            Exit::CauseNotFound => 3,
            Exit::Interrupted => 130,
        }
    }

    /// The code that tells more, where two parts of a run ended differently: a
    /// run that could not read a target has not done all that was asked.
    pub fn and(self, other: Exit) -> Exit {
        let rank = |exit: Exit| match exit {
            Exit::Fine => 0,
            Exit::CauseNotFound => 1,
            Exit::CauseNamed => 2,
            Exit::Unusable => 3,
            Exit::Interrupted => 4,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Exit {
        match outcome {
            Outcome::NothingWrong => Exit::Fine,
            Outcome::CauseNamed => Exit::CauseNamed,
            Outcome::CauseNotFound => Exit::CauseNotFound,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
