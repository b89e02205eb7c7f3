//! `spillway chain approve`, `pause`, `resume` and `cancel`.

use chain::ChainId;
use chain::schedule::Control;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use temporal_client::contract::ChainReport;

use super::stop_runs::{self, StoppedRun};
use super::{State, View};
use crate::command::{Done, with_clients_even_in_outage};
use crate::completion;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{Shape, Time};
use crate::output::Output;
use crate::table::plain;
use crate::time::shown;

const APPROVE_EXAMPLES: &str = "Examples:
  spillway chain approve chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7
  spillway chain approve chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7 --reason \"reviewed\"

`spillway waiting` lists the chains that wait for an approval.";

const CANCEL_EXAMPLES: &str = "Examples:
  spillway chain cancel chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7
  spillway chain cancel chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7 --stop-runs --reason \"wrong commit\"

With --stop-runs, it lists what it did to each run, and which runs continue.";

/// Approve a chain that waits before its first run.
#[derive(Debug, Args)]
#[command(after_help = APPROVE_EXAMPLES)]
pub(crate) struct ApproveArguments {
    #[command(flatten)]
    target: Target,
}

/// Stop starting stacks of a chain until it is resumed. Running stacks continue.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  spillway chain pause chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7 --reason \"incident 7\""
)]
pub(crate) struct PauseArguments {
    #[command(flatten)]
    target: Target,
}

/// Resume a paused chain.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  spillway chain resume chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7")]
pub(crate) struct ResumeArguments {
    #[command(flatten)]
    target: Target,
}

/// Stop starting stacks of a chain, permanently. Running stacks continue.
#[derive(Debug, Args)]
#[command(after_help = CANCEL_EXAMPLES)]
pub(crate) struct CancelArguments {
    /// Also end the runs of the chain that nobody has confirmed yet and that no other chain needs.
    #[arg(long)]
    stop_runs: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
struct Target {
    /// The id of the chain, as `spillway chain list` shows it.
    #[arg(value_name = "CHAIN", add = completion::chains())]
    id: String,
    /// The reason, for the audit log and for everybody who looks at the chain.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// An order to a chain that was recorded.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChainOrder<'a> {
    chain: &'a ChainId,
    order: &'static str,
    /// Whether it changed anything: the chain may be paused already, or not paused.
    changed: bool,
    by: String,
    /// What was done to each run, with `--stop-runs`.
    runs: Option<Vec<StoppedRun>>,
}

impl Shape for ChainOrder<'_> {
    const KIND: &'static str = "chain_order";
}

impl ApproveArguments {
    pub(crate) fn run(self) -> Done {
        self.target.control(Control::Approve)
    }
}

impl PauseArguments {
    pub(crate) fn run(self) -> Done {
        self.target.control(Control::Pause)
    }
}

impl ResumeArguments {
    pub(crate) fn run(self) -> Done {
        self.target.control(Control::Resume)
    }
}

impl CancelArguments {
    pub(crate) fn run(self) -> Done {
        if self.stop_runs {
            self.target.control(Control::CancelAndStopRuns)
        } else {
            self.target.control(Control::Cancel)
        }
    }
}

impl Target {
    fn control(self, control: Control) -> Done {
        let (order, done) = match control {
            Control::Pause => ("pause", "Paused"),
            Control::Resume => ("resume", "Resumed"),
            Control::Cancel => ("cancel", "Cancelled"),
            Control::CancelAndStopRuns => ("cancel_and_stop_runs", "Cancelled"),
            Control::Approve => ("approve", "Approved"),
        };
        with_clients_even_in_outage(async |clients| {
            let chain = clients.own_chain(&self.id)?;
            let Some(report) = clients.workflows.chain(&chain).await? else {
                return Err(super::show::no_chain(&clients.workflows, &chain).await);
            };
            let view = View::of(&report, Time::now());
            let state = view.state;
            let ended = || {
                let text = if state == State::Cancelling {
                    "the chain is being cancelled already".to_owned()
                } else if state.is_over() {
                    format!("the chain has ended already: {state}")
                } else {
                    "the chain has ended already".to_owned()
                };
                Failure::rejected(text).meaning("Nothing was changed.")
            };
            let may_stop_runs = control == Control::CancelAndStopRuns
                && report.record.as_ref().is_some_and(|record| !record.stops_runs());
            if state.is_over() || (state == State::Cancelling && !may_stop_runs) {
                return Err(ended().into());
            }
            if control == Control::Approve && report.record.is_some() && view.waits_for_approval.is_none() {
                return Err(Failure::rejected("the chain does not wait for an approval")
                    .meaning("Nothing was changed.")
                    .hint(format!("`spillway chain show {chain}` shows what it waits for."))
                    .into());
            }
            let ordered = clients.ordered(self.reason).await?;
            let by = ordered.by.clone();
            if let Some(text) = unchanged(control, &report) {
                let order = ChainOrder {
                    chain: &chain,
                    order,
                    changed: false,
                    by,
                    runs: None,
                };
                self.output.show(&order, || text)?;
                return Ok(Exit::Success);
            }
            let runs = match control {
                Control::CancelAndStopRuns => Some(stop_runs::of(&report)),
                _ => None,
            };
            if !clients.workflows.control(&chain, control, ordered).await? {
                return Err(ended().into());
            }
            let runs = match runs {
                Some(runs) => Some(stop_runs::await_ends(&clients, &chain, runs).await?),
                None => None,
            };
            let order = ChainOrder {
                chain: &chain,
                order,
                changed: true,
                by,
                runs,
            };
            self.output.show(&order, || {
                let mut lines = vec![format!("{done} {chain}.")];
                lines.extend(order.runs.iter().flatten().map(ToString::to_string));
                lines.join("\n")
            })?;
            Ok(Exit::Success)
        })
    }
}

/// What to say of a pause or a resumption that has no effect.
fn unchanged(control: Control, report: &ChainReport) -> Option<String> {
    let record = report.record.as_ref()?;
    let chain = &report.id;
    match (control, record.is_paused()) {
        (Control::Pause, true) => {
            let pause = record.pause().map_or_else(String::new, |pause| {
                let since = Time::from_ms(pause.at_ms).map(shown).unwrap_or_default();
                format!("\nSince {since}: {}", plain(&pause.reason.text))
            });
            Some(format!("{chain} was paused already. Nothing was changed.{pause}"))
        }
        (Control::Resume, false) => Some(format!("{chain} is not paused. Nothing was changed.")),
        _ => None,
    }
}
