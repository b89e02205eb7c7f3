//! What is deleted is gone: a person is asked first, and a script has to say so.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::command::Done;
use crate::failure::{BAD_OUTCOME, Failure};
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct Deletion {
    /// Do not ask. Needed where nobody can be asked.
    #[arg(long, short)]
    yes: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Deletion {
    /// Deletes, unless the person at the terminal changes their mind. The deletion says whether there was such a thing.
    pub(crate) async fn of(
        &self,
        what: &'static str,
        id: &str,
        delete: impl Future<Output = Result<bool, spacelift::Error>>,
    ) -> Done {
        if !self.yes && !ask(&format!("Delete the {what} `{id}`?"))? {
            output::progress("Nothing was deleted.");
            return Ok(ExitCode::from(BAD_OUTCOME));
        }
        if !delete.await? {
            return Err(Failure::missing(what, id).into());
        }
        if self.json {
            output::json(&json!({"deleted": id}))?;
        } else {
            output::line(&format!("Deleted the {what} `{id}`."));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn ask(question: &str) -> anyhow::Result<bool> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::Usage("nobody can be asked here: say `--yes` to delete".to_owned()).into());
    }
    write!(io::stderr().lock(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
