//! `spillway runs`.

mod trigger;
mod view;

use std::process::ExitCode;

use anyhow::Context;
use chain::{RunId, StackId};
use clap::{Args, Subcommand};
use spacelift::{Run, Spacelift};

use crate::command::{Done, with_spacelift};
use crate::failure::Failure;
use crate::listing::Shape;
use crate::output;
use crate::progress::during;
use crate::table::Table;
use trigger::TriggerArguments;
use view::View;

const EXAMPLES: &str = "Examples:
  spillway runs list core-network --limit 5
  spillway runs show core-network 01JSMHTFM9TXWW1XK4AZN1SA8K
  spillway runs trigger core-network --env TF_LOG=debug
  spillway runs confirm backoffice 01JSMHTFM9TXWW1XK4AZN1SA8K --note \"looked at it\"";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunsArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the tracked runs of a stack, newest first.
    List {
        /// The stack's id.
        #[arg(value_name = "STACK")]
        stack: StackId,
        /// How many at most.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        #[command(flatten)]
        shape: Shape,
    },
    /// Shows one run and the states that it went through.
    Show {
        /// The stack's id.
        #[arg(value_name = "STACK")]
        stack: StackId,
        /// Its id.
        #[arg(value_name = "RUN")]
        run: RunId,
        #[command(flatten)]
        shape: Shape,
    },
    /// Triggers a run.
    Trigger(TriggerArguments),
    /// Confirms a run that waits for it, so that it applies its plan.
    Confirm(Decision),
    /// Discards a run that waits: its plan is never applied.
    Discard(Decision),
}

#[derive(Debug, Args)]
struct Decision {
    /// The stack's id.
    #[arg(value_name = "STACK")]
    stack: StackId,
    /// Its id.
    #[arg(value_name = "RUN")]
    run: RunId,
    /// Why.
    #[arg(long)]
    note: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn runs(arguments: RunsArguments) -> Done {
    with_spacelift(async |spacelift| match arguments.action {
        Action::List { stack, limit, shape } => list(&spacelift, &stack, limit, &shape).await,
        Action::Show { stack, run, shape } => show(&spacelift, &stack, &run, &shape).await,
        Action::Trigger(trigger) => trigger.run(&spacelift).await,
        Action::Confirm(Decision {
            stack,
            run,
            note,
            json,
        }) => {
            let run = during("Confirming", spacelift.confirm_run(&stack, &run, note.as_deref())).await;
            became(&stack, &run.with_context(of(&stack))?, json)
        }
        Action::Discard(Decision {
            stack,
            run,
            note,
            json,
        }) => {
            let run = during("Discarding", spacelift.discard_run(&stack, &run, note.as_deref())).await;
            became(&stack, &run.with_context(of(&stack))?, json)
        }
    })
}

async fn list(spacelift: &Spacelift, stack: &StackId, limit: usize, shape: &Shape) -> Done {
    const WHAT: &str = "Reading the runs";
    if let Some(fields) = &shape.fields {
        shape.chosen(
            &during(WHAT, spacelift.runs_with(stack, limit, fields))
                .await
                .with_context(of(stack))?,
            fields,
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let runs = during(WHAT, spacelift.runs(stack, limit, None))
        .await
        .with_context(of(stack))?;
    let views: Vec<_> = runs.iter().map(View::of).collect();
    let mut table = Table::with_head([
        "id",
        "type",
        "state",
        "commit",
        "triggered by",
        "created",
        "changes",
    ]);
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
            &view.created_at.map(|at| at.to_string()).unwrap_or_default(),
            &view.changes_in_words(),
        ]);
    }
    shape.all(&views, &table)?;
    Ok(ExitCode::SUCCESS)
}

async fn show(spacelift: &Spacelift, stack: &StackId, id: &RunId, shape: &Shape) -> Done {
    let missing = || Failure::missing("run", &format!("{stack}/{id}"));
    if let Some(fields) = &shape.fields {
        let run = spacelift.run_with(stack, id, fields).await?.ok_or_else(missing)?;
        shape.one_chosen(&run, fields)?;
        return Ok(ExitCode::SUCCESS);
    }
    let run = spacelift.run(stack, id).await?.ok_or_else(missing)?;
    let view = View::of(&run);
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
        let at = transition.at.map(|at| at.to_string()).unwrap_or_default();
        let by = transition.by.map(|by| format!("{at} by {by}")).unwrap_or(at);
        details.row([
            transition.state,
            &transition.note.map(|note| format!("{by}: {note}")).unwrap_or(by),
        ]);
    }
    shape.one(&view, &details)?;
    Ok(ExitCode::SUCCESS)
}

/// Whose run an error is about.
fn of(stack: &StackId) -> impl FnOnce() -> String {
    let text = format!("stack `{stack}`");
    || text
}

/// Says what a run is after somebody did something to it.
fn became(stack: &StackId, run: &Run, json: bool) -> Done {
    if json {
        output::json(&View::of(run))?;
    } else {
        output::line(&format!("Run {} of `{stack}` is {}.", run.id, run.state));
    }
    Ok(ExitCode::SUCCESS)
}
