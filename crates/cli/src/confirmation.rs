//! Asking a person before something happens.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::failure::Failure;

/// Whether the person at the terminal says yes. Without a terminal, `--yes` is required.
pub(crate) fn ask(question: &str) -> anyhow::Result<bool> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::usage("stdin is not a terminal: pass --yes").into());
    }
    write!(io::stderr().lock(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
