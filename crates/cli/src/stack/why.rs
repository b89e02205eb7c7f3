//! `spillway stack why`.

use chain::schedule::{StackPhase, StackReport};
use chain::{ChainId, RunId, StackId};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::command::{Done, with_clients_even_in_outage};
use crate::completion;
use crate::exit::Exit;
use crate::json::{Shape, Time};
use crate::output::Output;

/// Say why a stack is not running, in one line.
#[derive(Debug, Args)]
pub(crate) struct WhyArguments {
    /// The id of the stack.
    #[arg(add = completion::stacks())]
    stack: StackId,
    #[command(flatten)]
    output: Output,
}

/// What a stack does or waits for in the account.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StackStatus {
    pub(crate) stack: StackId,
    /// The chains that need a run of it.
    pub(crate) chains: Vec<ChainId>,
    /// The run that serves them.
    pub(crate) run: Option<RunId>,
    pub(crate) phase: StackPhase,
    /// Since when it could run, if it is waiting for its turn.
    pub(crate) ready_since: Option<Time>,
    /// In one line, for people: what it does, or what it waits for.
    pub(crate) message: String,
}

impl Shape for StackStatus {
    const KIND: &'static str = "stack_status";
}

impl From<StackReport> for StackStatus {
    fn from(report: StackReport) -> Self {
        Self {
            stack: report.stack,
            chains: report.chains,
            run: report.run,
            phase: report.phase,
            ready_since: report.ready_since_ms.and_then(Time::from_ms),
            message: report.why,
        }
    }
}

impl WhyArguments {
    pub(crate) fn run(self) -> Done {
        with_clients_even_in_outage(async |clients| {
            clients.check_stack(&self.stack).await?;
            let report = clients
                .workflows
                .stack_report(&clients.account, &self.stack)
                .await?;
            let report = report.unwrap_or_else(|| StackReport::idle(self.stack.clone()));
            let status = StackStatus::from(report);
            self.output.show(&status, || {
                let chains = status.chains.iter().map(|chain| format!("\n  for {chain}"));
                format!(
                    "{}: {}{}",
                    status.stack,
                    status.message,
                    chains.collect::<String>()
                )
            })?;
            Ok(Exit::Success)
        })
    }
}
