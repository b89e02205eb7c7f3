//! Deleting is final: a person is asked first, and a script passes --yes.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::command::Done;
use crate::confirmation::ask;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Shape;
use crate::output::{self, Output};

#[derive(Debug, Args)]
pub(crate) struct Deletion {
    /// Do not ask for a confirmation. Required without a terminal.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    output: Output,
}

/// Something that was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deleted<'a> {
    /// A stack, a space or a context.
    what: &'a str,
    id: &'a str,
}

impl Shape for Deleted<'_> {
    const KIND: &'static str = "deletion";
}

impl Deletion {
    /// Deletes, unless the person at the terminal says no. `delete` returns whether there was anything to delete.
    pub(crate) async fn of(
        &self,
        what: &'static str,
        id: &str,
        delete: impl Future<Output = Result<bool, spacelift::Error>>,
    ) -> Done {
        if !self.yes && !ask(&format!("Delete the {what} `{id}`?"))? {
            output::note("Nothing was deleted.");
            return Ok(Exit::BadOutcome);
        }
        if !delete.await? {
            return Err(Failure::not_found(what, id).into());
        }
        self.output
            .show(&Deleted { what, id }, || format!("Deleted the {what} `{id}`."))?;
        Ok(Exit::Success)
    }
}
