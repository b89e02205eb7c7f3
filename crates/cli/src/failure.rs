//! The error with which a command ends.
//!
//! Each error says what happened, what it means, and what to do. `-v` prints its causes, too.

mod explain;

use std::fmt;
use std::process::ExitCode;

use crate::exit::Exit;
use crate::output;
pub(crate) use explain::reason;

/// An error for the person who typed the command.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    meaning: Option<String>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            meaning: None,
            hint: None,
        }
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    pub(crate) fn setting(what: impl Into<String>) -> Self {
        Self::new(Exit::Setting, what)
    }

    pub(crate) fn rejected(what: impl Into<String>) -> Self {
        Self::new(Exit::Rejected, what)
    }

    pub(crate) fn unreachable(what: impl Into<String>) -> Self {
        Self::new(Exit::Unreachable, what)
    }

    /// Nothing has this id, or the API key cannot see it.
    pub(crate) fn not_found(what: &str, id: &(impl fmt::Display + ?Sized)) -> Self {
        Self::rejected(format!("{what} `{id}` not found"))
            .meaning("It does not exist, or the API key cannot see it.")
    }

    pub(crate) fn unreadable(file: &str, error: &std::io::Error) -> Self {
        Self::usage(format!(
            "the file `{file}` could not be read: {}",
            explain::reason(error)
        ))
    }

    /// What follows from it.
    pub(crate) fn meaning(mut self, meaning: impl Into<String>) -> Self {
        self.meaning = Some(meaning.into());
        self
    }

    /// What to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a similar name to the hint, if there is one.
    pub(crate) fn did_you_mean<'a>(
        self,
        wrong: &str,
        known: impl IntoIterator<Item = &'a str>,
        otherwise: &str,
    ) -> Self {
        match similar(wrong, known) {
            Some(meant) => self.hint(format!("Did you mean `{meant}`?")),
            None => self.hint(otherwise),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

/// The name that is most similar to a misspelled one, if any is similar enough.
pub(crate) fn similar<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const SIMILARITY_MIN: f64 = 0.8;
    // One letter too many, missing, wrong or swapped is a mistake however short the name is.
    let similarity = |name: &str| match strsim::damerau_levenshtein(wrong, name) {
        0 | 1 => 1.0,
        _ => strsim::jaro_winkler(wrong, name),
    };
    known
        .into_iter()
        .map(|name| (similarity(name), name))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// Prints an error to stderr.
pub(crate) fn report(error: &anyhow::Error, is_verbose: bool) -> ExitCode {
    if let Some(output::WriteError::Io(write)) = error
        .chain()
        .find_map(<dyn std::error::Error>::downcast_ref::<output::WriteError>)
        && write.kind() == std::io::ErrorKind::BrokenPipe
    {
        return Exit::Success.into();
    }
    let explained = explain::explain(error);
    output::error(&explained.what);
    if let Some(meaning) = &explained.meaning {
        output::note(meaning);
    }
    if let Some(hint) = &explained.hint {
        output::hint(hint);
    }
    if is_verbose {
        let causes = error.chain().map(ToString::to_string);
        for cause in causes.filter(|cause| *cause != explained.what) {
            output::note(&format!("caused by: {cause}"));
        }
    }
    explained.exit.into()
}

/// An error in one line, such as for a row of a table.
pub(crate) fn in_one_line(error: &anyhow::Error) -> String {
    explain::explain(error).what
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn a_typing_mistake_is_recognised() {
        let stacks = ["core-network", "core-dns", "vpn", "database"];
        for (wrong, meant) in [
            ("core-netwrok", Some("core-network")),
            ("vnp", Some("vpn")),
            ("databse", Some("database")),
            ("storefront", None),
        ] {
            assert_eq!(similar(wrong, stacks), meant, "{wrong}");
        }
    }
}
