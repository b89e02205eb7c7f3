//! The exit codes, in one table. `--help` and docs/commands.md print it.

use std::fmt::Write;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Success = 0,
    BadOutcome = 1,
    Usage = 2,
    Setting = 3,
    Rejected = 4,
    Unreachable = 5,
    Failed = 6,
    Interrupted = 130,
}

impl Exit {
    pub(crate) const ALL: [Self; 8] = [
        Self::Success,
        Self::BadOutcome,
        Self::Usage,
        Self::Setting,
        Self::Rejected,
        Self::Unreachable,
        Self::Failed,
        Self::Interrupted,
    ];

    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Success => "The command succeeded.",
            Self::BadOutcome => {
                "The command worked, and the result is bad: a chain failed or is refused, lint found errors, \
                 the audit log is damaged."
            }
            Self::Usage => "The command line is wrong.",
            Self::Setting => "A setting is missing or wrong.",
            Self::Rejected => "Rejected, or not found.",
            Self::Unreachable => {
                "Spacelift, Temporal, AWS or the webhook could not be reached, or sent no usable answer."
            }
            Self::Failed => "The output or a file could not be written, or something unexpected happened.",
            Self::Interrupted => "Interrupted with Ctrl-C. Chains continue.",
        }
    }

    /// Success, or a bad outcome.
    pub(crate) fn of(is_good: bool) -> Self {
        if is_good { Self::Success } else { Self::BadOutcome }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table for `--help`.
pub(crate) fn table() -> String {
    Exit::ALL.iter().fold("Exit codes:".to_owned(), |mut text, exit| {
        let _ = write!(text, "\n  {:>3}  {}", exit.code(), exit.meaning());
        text
    })
}
