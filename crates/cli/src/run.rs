//! `spillway run`.

mod trigger;
mod view;

use chain::{RunId, RunState, StackId};
use clap::{Args, Subcommand};
use spacelift::{ErrorKind, Run, Spacelift};

use crate::command::{Done, no_stack, with_spacelift};
use crate::completion;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fields::Listing;
use crate::output::Output;
use crate::progress::during;
use crate::table::Table;
use crate::time::shown;
use crate::web;
use trigger::TriggerArguments;

pub(crate) use view::View;

/// How many runs are looked at to find the one that blocks another.
const RUNS_LOOKED_AT: usize = 50;

const CONFIRM_EXAMPLES: &str = "Examples:
  spillway run confirm database 01JSPXRQR2F3Y06HD85YYXRSZ7

`spillway waiting` lists the runs that wait for a person, each with this command.";

const DISCARD_EXAMPLES: &str = "Examples:
  spillway run discard database 01JSPXRQR2F3Y06HD85YYXRSZ7 --reason \"it deletes the database\"";

const EXAMPLES: &str = "Examples:
  spillway run list core-network --limit 5
  spillway run show core-network 01JSMHTFM9TXWW1XK4AZN1SA8K
  spillway run trigger core-network --env TF_LOG=debug
  spillway run confirm backoffice 01JSMHTFM9TXWW1XK4AZN1SA8K --reason \"plan reviewed\"";

/// List, show, trigger, confirm and discard runs in Spacelift.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the tracked runs of a stack, newest first.
    List {
        /// The id of the stack.
        #[arg(value_name = "STACK", add = completion::stacks())]
        stack: StackId,
        /// The maximum number of runs.
        #[arg(
            long,
            default_value_t = 20,
            value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..),
            value_name = "N"
        )]
        limit: usize,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a run and its history.
    Show {
        /// The id of the stack.
        #[arg(value_name = "STACK", add = completion::stacks())]
        stack: StackId,
        /// The id of the run.
        #[arg(value_name = "RUN", add = completion::runs())]
        run: RunId,
        /// Print the link to its page in Spacelift, and open it where there is a browser.
        #[arg(long)]
        web: bool,
        #[command(flatten)]
        listing: Listing,
    },
    /// Trigger a run directly in Spacelift. `spillway chain start` also runs its dependents in order.
    Trigger(TriggerArguments),
    /// Confirm a run that waits for a confirmation, so that it applies its plan.
    #[command(after_help = CONFIRM_EXAMPLES)]
    Confirm(Decision),
    /// Discard a run that waits for a confirmation. Its plan is never applied.
    #[command(after_help = DISCARD_EXAMPLES)]
    Discard(Decision),
}

#[derive(Debug, Args)]
struct Decision {
    /// The id of the stack.
    #[arg(value_name = "STACK", add = completion::stacks())]
    stack: StackId,
    /// The id of the run.
    #[arg(value_name = "RUN", add = completion::runs())]
    run: RunId,
    /// Why. Spacelift records it with the decision.
    #[arg(long, alias = "note", value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(arguments: RunArguments) -> Done {
    with_spacelift(async |spacelift| match arguments.action {
        Action::List {
            stack,
            limit,
            listing,
        } => list(&spacelift, &stack, limit, &listing).await,
        Action::Show {
            stack,
            run,
            web: true,
            ..
        } => web::show(web::pages().await?.run(&stack, &run)),
        Action::Show {
            stack, run, listing, ..
        } => show(&spacelift, &stack, &run, &listing).await,
        Action::Trigger(trigger) => trigger.run(&spacelift).await,
        Action::Confirm(decision) => decision.confirm(&spacelift).await,
        Action::Discard(decision) => decision.discard(&spacelift).await,
    })
}

async fn list(spacelift: &Spacelift, stack: &StackId, limit: usize, listing: &Listing) -> Done {
    const WHAT: &str = "Reading the runs";
    if let Some(fields) = &listing.fields {
        let runs = during(WHAT, spacelift.runs_with(stack, limit, fields)).await;
        listing.chosen(known(spacelift, stack, runs).await?, fields)?;
        return Ok(Exit::Success);
    }
    let runs = during(WHAT, spacelift.runs(stack, limit, None)).await;
    let runs = known(spacelift, stack, runs).await?;
    let views: Vec<_> = runs.iter().map(|run| View::of(stack, run)).collect();
    let mut table = Table::with_head([
        "id",
        "type",
        "state",
        "commit",
        "triggered by",
        "created",
        "changes",
    ])
    .only_if_fits(["type", "changes"]);
    for (run, view) in runs.iter().zip(&views) {
        table.row([
            run.id.as_str(),
            run.run_type.as_str(),
            run.state.as_str(),
            run.commit
                .sha
                .as_ref()
                .map(chain::CommitSha::short)
                .unwrap_or_default(),
            view.triggered_by_in_words(),
            &view.created_at.map(shown).unwrap_or_default(),
            &view.changes_in_words(),
        ]);
    }
    listing.output.list(&views, &table, "The stack has no runs.")?;
    Ok(Exit::Success)
}

pub(crate) fn no_run(stack: &StackId, id: &RunId) -> Failure {
    Failure::not_found("run", &format!("{stack}/{id}")).hint(format!(
        "`spillway run list {stack}` lists the runs of the stack."
    ))
}

async fn show(spacelift: &Spacelift, stack: &StackId, id: &RunId, listing: &Listing) -> Done {
    let missing = || no_run(stack, id);
    if let Some(fields) = &listing.fields {
        let run = spacelift.run_with(stack, id, fields).await?.ok_or_else(missing)?;
        listing.one_chosen(run, fields)?;
        return Ok(Exit::Success);
    }
    let run = spacelift.run(stack, id).await?.ok_or_else(missing)?;
    let view = View::of(stack, &run);
    let mut details = Table::default();
    details.row(["id", view.id]);
    details.row(["type", view.r#type]);
    details.row(["state", view.state]);
    details.row(["branch", view.branch]);
    details.row(["commit", view.commit.unwrap_or_default()]);
    details.row(["message", view.message]);
    details.row(["triggered by", view.triggered_by_in_words()]);
    details.row(["changes", &view.changes_in_words()]);
    for transition in view.history.iter().rev() {
        let at = transition.at.map(shown).unwrap_or_default();
        let by = transition.by.map(|by| format!("{at} by {by}")).unwrap_or(at);
        details.row([
            transition.state,
            &transition.note.map(|note| format!("{by}: {note}")).unwrap_or(by),
        ]);
    }
    listing.output.table(&view, &details)?;
    Ok(Exit::Success)
}

impl Decision {
    async fn confirm(&self, spacelift: &Spacelift) -> Done {
        let confirmed = spacelift.confirm_run(&self.stack, &self.run, self.reason.as_deref());
        match during("Confirming the run", confirmed).await {
            Ok(run) => became(&self.stack, &run, self.output),
            Err(error) => Err(self.explain(spacelift, "confirmed", error).await),
        }
    }

    async fn discard(&self, spacelift: &Spacelift) -> Done {
        let discarded = spacelift.discard_run(&self.stack, &self.run, self.reason.as_deref());
        match during("Discarding the run", discarded).await {
            Ok(run) => became(&self.stack, &run, self.output),
            Err(error) => Err(self.explain(spacelift, "discarded", error).await),
        }
    }

    /// Why Spacelift did not do it: the run is in another state, or another run blocks the stack.
    async fn explain(&self, spacelift: &Spacelift, done: &str, error: spacelift::Error) -> anyhow::Error {
        let Self { stack, run: id, .. } = self;
        if !matches!(error.kind, ErrorKind::Refused { .. } | ErrorKind::NotFound { .. }) {
            return error.into();
        }
        let Ok(runs) = spacelift.runs(stack, RUNS_LOOKED_AT, None).await else {
            return no_stack(spacelift, stack).await;
        };
        let Some(run) = runs.iter().find(|run| run.id == *id) else {
            return no_run(stack, id).into();
        };
        let failure = Failure::rejected(format!(
            "run {id} of `{stack}` cannot be {done}: it is {}",
            run.state
        ));
        let blocking = runs
            .iter()
            .find(|other| other.id != *id && !other.state.is_terminal() && other.state != RunState::Queued);
        match blocking {
            Some(other) if run.state == RunState::Queued => failure
                .meaning(format!(
                    "It waits for run {}, which is {}.",
                    other.id, other.state
                ))
                .hint(format!(
                    "`spillway run show {stack} {}` shows that run.",
                    other.id
                )),
            _ if run.state.is_terminal() => failure.meaning("The run has ended."),
            _ => failure.meaning("Only a run that is UNCONFIRMED waits for a decision."),
        }
        .into()
    }
}

/// What Spacelift says of a stack that exists.
async fn known<T>(
    spacelift: &Spacelift,
    stack: &StackId,
    result: Result<T, spacelift::Error>,
) -> anyhow::Result<T> {
    match result {
        Err(error) if matches!(error.kind, ErrorKind::NotFound { .. }) => {
            Err(no_stack(spacelift, stack).await)
        }
        result => Ok(result?),
    }
}

/// Says what a run is after somebody did something to it.
fn became(stack: &StackId, run: &Run, output: Output) -> Done {
    output.show(&View::of(stack, run), || {
        format!("Run {} of `{stack}` is {}.", run.id, run.state)
    })?;
    Ok(Exit::Success)
}
