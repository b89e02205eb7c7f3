//! `spillway why`, `done`, `release`, `halt`, `go` and `schedule`: what runs in the account, and steering all of it.

use std::process::ExitCode;

use chain::schedule::StackReport;
use chain::{AccountName, StackId};
use clap::{Args, Subcommand};
use orchestrator::Orchestrator;
use orchestrator::contract::ScheduleMessage;

use crate::command::{Done, block_on, spacelift};
use crate::table::Table;
use crate::{output, temporal};

/// Says in one line why a stack does not run.
#[derive(Debug, Args)]
pub(crate) struct WhyArguments {
    stack: StackId,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Counts a stack as done, since somebody repaired it by hand: what waits for it goes on.
#[derive(Debug, Args)]
pub(crate) struct DoneArguments {
    stack: StackId,
}

/// Tries a stack again at once, whatever holds it, the guard against loops included.
#[derive(Debug, Args)]
pub(crate) struct ReleaseArguments {
    stack: StackId,
}

/// Stops every trigger of the account, until `spillway go`. What runs, runs on.
#[derive(Debug, Args)]
pub(crate) struct HaltArguments {}

/// Lifts the halt.
#[derive(Debug, Args)]
pub(crate) struct GoArguments {}

/// Shows what is open in the account, or has the schedule made anew.
#[derive(Debug, Args)]
pub(crate) struct ScheduleArguments {
    #[command(subcommand)]
    action: ScheduleAction,
}

#[derive(Debug, Subcommand)]
enum ScheduleAction {
    /// Shows every stack that is to run or runs, and what it waits for.
    Show {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Makes the schedule anew from the open chains, from Temporal and from Spacelift. It never needs that; it is safe.
    Rebuild,
}

pub(crate) fn why(arguments: &WhyArguments) -> Done {
    block_on(async {
        let (orchestrator, account) = connect().await?;
        let report = orchestrator.stack_report(&account, &arguments.stack).await?;
        let report = report.unwrap_or_else(|| StackReport {
            stack: arguments.stack.clone(),
            chains: Vec::new(),
            run: None,
            why: "no chain needs it: nothing is open in the account".to_owned(),
        });
        if arguments.json {
            output::json(&report)?;
        } else {
            output::line(&format!("{}: {}", report.stack, report.why));
            for chain in &report.chains {
                output::line(&format!("  for {chain}"));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

pub(crate) fn done(arguments: DoneArguments) -> Done {
    let stack = arguments.stack.clone();
    let message = ScheduleMessage::DoneByHand {
        stack: arguments.stack,
        by: operator(),
    };
    tell(
        &message,
        &format!("`{stack}` counts as done for every open chain"),
    )
}

pub(crate) fn release(arguments: ReleaseArguments) -> Done {
    let stack = arguments.stack.clone();
    let message = ScheduleMessage::Released {
        stack: arguments.stack,
        by: operator(),
    };
    tell(
        &message,
        &format!("`{stack}` is tried again at once, if a chain needs it"),
    )
}

pub(crate) fn halt(_: &HaltArguments) -> Done {
    block_on(async {
        let (orchestrator, account) = connect().await?;
        orchestrator.halt(&account, &operator()).await?;
        output::line(&format!(
            "Halted: nothing is triggered in `{account}` until `spillway go`. What runs, runs on."
        ));
        Ok(ExitCode::SUCCESS)
    })
}

pub(crate) fn go(_: &GoArguments) -> Done {
    block_on(async {
        let (orchestrator, account) = connect().await?;
        output::line(&if orchestrator.lift_halt(&account, &operator()).await? {
            format!("Stacks of `{account}` are triggered again")
        } else {
            format!("`{account}` is not halted")
        });
        Ok(ExitCode::SUCCESS)
    })
}

pub(crate) fn schedule(arguments: &ScheduleArguments) -> Done {
    let json = match arguments.action {
        ScheduleAction::Show { json } => json,
        ScheduleAction::Rebuild => {
            return tell(&ScheduleMessage::Rebuild, "The schedule is being made anew");
        }
    };
    block_on(async {
        let (orchestrator, account) = connect().await?;
        let report = orchestrator.schedule_report(&account).await?;
        if json {
            output::json(&report)?;
            return Ok(ExitCode::SUCCESS);
        }
        let Some(report) = report else {
            output::line(&format!("Nothing is open in `{account}`"));
            return Ok(ExitCode::SUCCESS);
        };
        if let Some(by) = &report.halted_by {
            output::line(&format!(
                "Halted by {by}: nothing is triggered until `spillway go`"
            ));
        }
        for chain in report.chains.iter().chain(&report.unplanned) {
            output::line(&format!("open: {chain}"));
        }
        if !report.stacks.is_empty() {
            let mut table = Table::with_head(["stack", "run", "chains", "why"]);
            for stack in &report.stacks {
                table.row([
                    stack.stack.as_str(),
                    stack.run.as_ref().map_or("", |run| run.as_str()),
                    &stack.chains.len().to_string(),
                    &stack.why,
                ]);
            }
            output::line(&table.render());
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn tell(message: &ScheduleMessage, done: &str) -> Done {
    block_on(async {
        let (orchestrator, account) = connect().await?;
        orchestrator.tell_schedule(&account, message).await?;
        output::line(done);
        Ok(ExitCode::SUCCESS)
    })
}

/// Temporal, and the account to which the API key belongs.
async fn connect() -> anyhow::Result<(Orchestrator, AccountName)> {
    let account = spacelift().await?.account_name().await?;
    Ok((temporal::connect().await?, account))
}

/// Who types, as this machine claims.
pub(crate) fn operator() -> String {
    std::env::var("USER").unwrap_or_else(|_| "an operator".to_owned())
}
