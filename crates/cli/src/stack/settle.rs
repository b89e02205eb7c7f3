//! `spillway stack done` and `spillway stack release`: orders of a person to one stack.

use chain::{RunId, StackId};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use temporal_client::contract::ScheduleMessage;

use crate::command::{Done, with_clients};
use crate::completion;
use crate::exit::Exit;
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

impl DoneArguments {
    pub(crate) fn run(self) -> Done {
        let reason = self.reason;
        order(&self.stack, self.output, "done", |stack, by| {
            ScheduleMessage::DoneByHand { stack, by, reason }
        })
    }
}

impl ReleaseArguments {
    pub(crate) fn run(self) -> Done {
        order(&self.stack, self.output, "release", |stack, by| {
            ScheduleMessage::Released { stack, by }
        })
    }
}

fn order(
    stack: &StackId,
    output: Output,
    order: &'static str,
    message: impl FnOnce(StackId, String) -> ScheduleMessage,
) -> Done {
    with_clients(async |clients| {
        clients.check_stack(stack).await?;
        let by = clients.actor().await?.to_string();
        let message = message(stack.clone(), by.clone());
        let (workflows, account) = (&clients.workflows, &clients.account);
        // The order is given whether or not a worker answers.
        let report = workflows.stack_report(account, stack).await.ok().flatten();
        workflows.signal_schedule(account, &message).await?;
        let order = StackOrder {
            stack,
            order,
            by,
            run: report.and_then(|report| report.run),
        };
        output.show(&order, || {
            let mut text = match order.order {
                "done" => {
                    format!("`{stack}` counts as done in every open chain in which it waits or failed.")
                }
                _ => format!("`{stack}` is tried again now if a chain needs it."),
            };
            if let Some(run) = &order.run {
                text.push_str(&format!("\nIts run {run} continues, and its result counts."));
            }
            text
        })?;
        Ok(Exit::Success)
    })
}
