//! `spillway stack done` and `spillway stack release`: orders of a person to one stack.

use chain::schedule::{StackPhase, StackReport};
use chain::{RunId, StackId};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use temporal_client::ChainFilter;
use temporal_client::contract::ScheduleMessage;

use crate::clients::Clients;
use crate::command::{Done, with_clients_even_in_outage};
use crate::completion;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Shape;
use crate::output::Output;

/// Mark a stack as done in every open chain, after a repair by hand. Its dependents continue.
#[derive(Debug, Args)]
pub(crate) struct DoneArguments {
    /// The id of the stack.
    #[arg(add = completion::stacks())]
    stack: StackId,
    /// The reason, for the audit log.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// Try a held stack again now, past the loop guard and recurring freeze windows.
#[derive(Debug, Args)]
pub(crate) struct ReleaseArguments {
    /// The id of the stack.
    #[arg(add = completion::stacks())]
    stack: StackId,
    #[command(flatten)]
    output: Output,
}

/// An order that was recorded.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StackOrder<'a> {
    stack: &'a StackId,
    /// `done` or `release`.
    order: &'static str,
    by: String,
    /// A run of the stack that is under way. It continues, and `done` does not change its chains.
    run: Option<RunId>,
}

impl Shape for StackOrder<'_> {
    const KIND: &'static str = "stack_order";
}

/// What a person can order of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Done,
    Release,
}

impl DoneArguments {
    pub(crate) fn run(self) -> Done {
        let reason = self.reason;
        order(&self.stack, self.output, Verb::Done, |stack, by| {
            ScheduleMessage::DoneByHand { stack, by, reason }
        })
    }
}

impl ReleaseArguments {
    pub(crate) fn run(self) -> Done {
        order(&self.stack, self.output, Verb::Release, |stack, by| {
            ScheduleMessage::Released { stack, by }
        })
    }
}

fn order(
    stack: &StackId,
    output: Output,
    verb: Verb,
    message: impl FnOnce(StackId, String) -> ScheduleMessage,
) -> Done {
    with_clients_even_in_outage(async |clients| {
        clients.check_stack(stack).await?;
        let report = report(&clients, stack).await;
        if report.as_ref().is_some_and(|report| !verb.matters(report)) {
            return Err(nothing_waits(stack).into());
        }
        let by = clients.actor().await?.to_string();
        let message = message(stack.clone(), by.clone());
        clients
            .workflows
            .signal_schedule(&clients.account, &message)
            .await?;
        let order = StackOrder {
            stack,
            order: verb.word(),
            by,
            run: report.as_ref().and_then(|report| report.run.clone()),
        };
        output.show(&order, || verb.text(stack, report.as_ref()))?;
        Ok(Exit::Success)
    })
}

/// What the schedule knows of the stack. `None` if it cannot say: the order is given whether or not a worker answers, and a
/// schedule that was lost takes it once it is rebuilt.
async fn report(clients: &Clients, stack: &StackId) -> Option<StackReport> {
    let (workflows, account) = (&clients.workflows, &clients.account);
    if let Some(report) = workflows.stack_report(account, stack).await.ok()? {
        return Some(report).filter(|report| report.phase != StackPhase::Rebuilding);
    }
    let open = ChainFilter {
        account: Some(account.clone()),
        is_open: Some(true),
        ..ChainFilter::default()
    };
    let page = workflows.chain_page(&open, 1, Vec::new()).await.ok()?;
    page.chains.is_empty().then(|| StackReport::idle(stack.clone()))
}

fn nothing_waits(stack: &StackId) -> Failure {
    Failure::rejected(format!("no open chain waits for `{stack}`"))
        .meaning("Nothing was changed.")
        .hint("`spillway schedule show` lists what the open chains wait for.")
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Release => "release",
        }
    }

    /// Whether the order changes anything.
    fn matters(self, report: &StackReport) -> bool {
        let is_needed = !report.chains.is_empty();
        match self {
            Self::Done => is_needed || !report.failed_in.is_empty(),
            Self::Release => is_needed,
        }
    }

    fn text(self, stack: &StackId, report: Option<&StackReport>) -> String {
        let mut text = match (self, report) {
            (Self::Done, _) => {
                format!("`{stack}` counts as done in every open chain in which it waits or failed.")
            }
            (Self::Release, Some(report)) if report.phase != StackPhase::Held => {
                format!(
                    "`{stack}` is not held now: {}. The release counts for its next run.",
                    report.why
                )
            }
            (Self::Release, _) => format!("`{stack}` is tried again now."),
        };
        if let Some(run) = report.and_then(|report| report.run.as_ref()) {
            text.push_str(&format!("\nIts run {run} continues, and its result counts."));
        }
        text
    }
}
