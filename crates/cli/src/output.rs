//! Everything that is written for people and programs: results to stdout, the rest to stderr.

use std::io::{self, Write};

/// A result. A reader that went away, as `head` does, is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// A result that ends its last line itself.
pub(crate) fn text(text: &str) {
    let _ = write!(io::stdout().lock(), "{text}");
}

/// A result in JSON.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// What goes on, for people.
pub(crate) fn progress(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

pub(crate) fn error(text: &str) {
    let _ = writeln!(io::stderr().lock(), "error: {text}");
}

/// What to do about an error.
pub(crate) fn hint(text: &str) {
    let _ = writeln!(io::stderr().lock(), "hint: {text}");
}
