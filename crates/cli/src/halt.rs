//! `spillway halt` and `spillway go`: stop every trigger of the account, and start again.

use chain::AccountName;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::command::{Done, with_clients_even_in_outage};
use crate::exit::Exit;
use crate::json::Shape;
use crate::output::Output;
use crate::table::plain;

/// Stop triggering stacks in the whole account, until `spillway go`. Running stacks continue.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  spillway halt --reason \"incident 7\"")]
pub(crate) struct HaltArguments {
    /// The reason, for the audit log and for everybody who looks at the schedule.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// Lift the halt: stacks are triggered again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  spillway go --reason \"incident 7 is over\"")]
pub(crate) struct GoArguments {
    /// The reason, for the audit log.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// Whether the account is halted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Halt {
    account: AccountName,
    halted: bool,
    /// Whether this command changed it.
    changed: bool,
}

impl Shape for Halt {
    const KIND: &'static str = "halt";
}

impl HaltArguments {
    pub(crate) fn run(self) -> Done {
        with_clients_even_in_outage(async |clients| {
            let ordered = clients.ordered(self.reason).await?;
            let was_halted = clients.workflows.is_halted(&clients.account).await?;
            // A halt needs no worker, so nothing depends on the answer of one.
            let before = if was_halted {
                clients.workflows.halt_of(&clients.account).await.ok().flatten()
            } else {
                None
            };
            clients.workflows.halt(&clients.account, ordered).await?;
            let halt = Halt {
                account: clients.account,
                halted: true,
                changed: !was_halted,
            };
            self.output.show(&halt, || {
                let by = before.map_or_else(String::new, |halt| {
                    format!(" It was already halted by {}.", plain(&halt.to_string()))
                });
                format!(
                    "{} is halted: no stack is triggered until `spillway go`. Running stacks continue.{by}",
                    halt.account
                )
            })?;
            Ok(Exit::Success)
        })
    }
}

impl GoArguments {
    pub(crate) fn run(self) -> Done {
        with_clients_even_in_outage(async |clients| {
            let ordered = clients.ordered(self.reason).await?;
            let changed = clients.workflows.lift_halt(&clients.account, ordered).await?;
            let halt = Halt {
                account: clients.account,
                halted: false,
                changed,
            };
            self.output.show(&halt, || {
                if changed {
                    format!("Stacks of {} are triggered again.", halt.account)
                } else {
                    format!("{} was not halted.", halt.account)
                }
            })?;
            Ok(Exit::Success)
        })
    }
}
