//! `spillway schedule`: what is open in the account.

mod watch;

use chain::reason::with_reason;
use chain::{AccountName, ChainId};
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use temporal_client::TemporalError;
use temporal_client::contract::ScheduleMessage;

use crate::clients::Clients;
use crate::command::{Done, with_clients_even_in_outage};
use crate::exit::Exit;
use crate::json::Shape;
use crate::output::Output;
use crate::stack::StackStatus;
use crate::style;
use crate::table::{Table, plain};

const EXAMPLES: &str = "Examples:
  spillway schedule show
  spillway schedule watch
  spillway schedule watch --jq .stacks";

/// What it means that the schedule is being rebuilt.
pub(crate) const KNOWN_SOON: &str = "What is open is known in a few seconds.";

/// Show or watch what is open in the account, or rebuild the schedule.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScheduleArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every stack that runs or waits for its run, and what it waits for.
    Show {
        #[command(flatten)]
        output: Output,
    },
    /// Follow what is open until Ctrl-C: drawn again on a terminal, and a line for each change elsewhere.
    Watch {
        #[command(flatten)]
        output: Output,
    },
    /// Rebuild the schedule from the open chains, Temporal and Spacelift. This is safe at any time and rarely needed.
    Rebuild {
        #[command(flatten)]
        output: Output,
    },
}

/// Everything that is open in an account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Schedule")]
pub(crate) struct View {
    account: AccountName,
    /// What is open, and whether the account is halted, is known only when the rebuild of the schedule is over.
    rebuilding: bool,
    halted_by: Option<String>,
    /// Why it is halted, as that person said.
    halt_reason: Option<String>,
    /// Why nothing is triggered: another Spillway uses the API key.
    conflict: Option<String>,
    chains: Vec<ChainId>,
    /// Chains whose plan is not made yet.
    unplanned: Vec<ChainId>,
    stacks: Vec<StackStatus>,
}

impl Shape for View {
    const KIND: &'static str = "schedule";
}

/// A rebuild that was requested.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rebuild {
    account: AccountName,
}

impl Shape for Rebuild {
    const KIND: &'static str = "schedule_rebuild";
}

pub(crate) fn schedule(arguments: &ScheduleArguments) -> Done {
    with_clients_even_in_outage(async |clients| match arguments.action {
        Action::Show { output } => {
            let view = View::read(&clients).await?;
            output.show(&view, || text(&view, output.is_wide()))?;
            Ok(Exit::Success)
        }
        Action::Watch { output } => watch::watch(&clients, output).await,
        Action::Rebuild { output } => {
            let sent = clients
                .workflows
                .signal_schedule(&clients.account, &ScheduleMessage::Rebuild);
            sent.await?;
            let rebuild = Rebuild {
                account: clients.account,
            };
            output.show(&rebuild, || {
                format!(
                    "The schedule of {} is being rebuilt. `spillway schedule show` shows the result in a few seconds.",
                    rebuild.account
                )
            })?;
            Ok(Exit::Success)
        }
    })
}

impl View {
    /// Who halted the account, and why.
    fn halted(&self) -> Option<String> {
        let by = self.halted_by.as_deref()?;
        Some(with_reason(by, self.halt_reason.as_deref()))
    }

    async fn read(clients: &Clients) -> Result<Self, TemporalError> {
        let account = clients.account.clone();
        Ok(match clients.workflows.schedule_report(&account).await? {
            Some(report) => Self {
                account,
                rebuilding: !report.rebuilt,
                halted_by: report.halted_by,
                halt_reason: report.halt_reason,
                conflict: report.conflict,
                chains: report.chains,
                unplanned: report.unplanned,
                stacks: report.stacks.into_iter().map(StackStatus::from).collect(),
            },
            None => Self {
                account,
                rebuilding: false,
                halted_by: None,
                halt_reason: None,
                conflict: None,
                chains: Vec::new(),
                unplanned: Vec::new(),
                stacks: Vec::new(),
            },
        })
    }
}

fn text(view: &View, is_wide: bool) -> String {
    let mut lines = Vec::new();
    if let Some(halt) = view.halted() {
        lines.push(format!(
            "{}: no stack is triggered until `spillway go`. Halted by {}.",
            style::painted("HALTED", style::YELLOW.bold()),
            plain(&halt)
        ));
    }
    if let Some(conflict) = &view.conflict {
        let head = style::painted("CONFLICT", style::YELLOW.bold());
        lines.push(format!("{head}: no stack is triggered. {conflict}"));
    }
    if view.rebuilding {
        lines.push(format!(
            "The schedule of {} is being rebuilt. {KNOWN_SOON}",
            view.account
        ));
    } else if view.chains.is_empty() && view.unplanned.is_empty() {
        lines.push(format!("No chain is open in {}.", view.account));
    }
    for chain in &view.chains {
        lines.push(format!("open: {chain}"));
    }
    for chain in &view.unplanned {
        lines.push(format!("being planned: {chain}"));
    }
    if !view.stacks.is_empty() {
        let mut table = Table::with_head(["stack", "chains", "run", "status"]).only_wide(["run"]);
        for stack in &view.stacks {
            table.row([
                stack.stack.as_str(),
                &stack.chains.len().to_string(),
                stack.run.as_ref().map_or("", |run| run.as_str()),
                &stack.message,
            ]);
        }
        lines.push(String::new());
        lines.push(table.render(is_wide));
    }
    lines.join("\n")
}
