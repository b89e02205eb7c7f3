//! `spillway destroy-plan`: the reverse order, for a person to follow.

use std::collections::BTreeMap;

use chain::StackId;
use chain::teardown::{StackRemoval, Step, Teardown, TeardownError, teardown};
use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;
use spacelift::Spacelift;

use crate::command::{Done, no_stack, with_spacelift};
use crate::completion;
use crate::dependencies;
use crate::exit::Exit;
use crate::json::Shape;
use crate::output::{self, Output};
use crate::progress::during;
use crate::variables::settings;

const EXAMPLES: &str = "Examples:
  spillway destroy-plan core-network
  spillway destroy-plan core-network --diagram mermaid

This changes nothing: the API of Spacelift starts no destroy runs. The exit code is 1 if \
the dependencies have a cycle, so that there is no order.";

/// Show in which order a stack and its dependents would be destroyed. This changes nothing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DestroyPlanArguments {
    /// The id of the stack.
    #[arg(value_name = "STACK", add = completion::stacks())]
    stack: StackId,
    /// Print a diagram instead.
    #[arg(long, value_enum, conflicts_with = "output")]
    diagram: Option<Diagram>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Diagram {
    Mermaid,
}

/// The order in which a stack and its dependents would be destroyed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DestroyPlan")]
pub(crate) struct View<'a> {
    stack: &'a StackId,
    steps: &'a [Step],
}

impl Shape for View<'_> {
    const KIND: &'static str = "destroy_plan";
}

pub(crate) fn destroy_plan(arguments: &DestroyPlanArguments) -> Done {
    let settings = settings()?;
    with_spacelift(async |spacelift| {
        let graph = dependencies::graph(&spacelift, &settings.chain).await?;
        // Which stacks it is about does not depend on how they can be removed.
        let planned = match teardown(&graph, &arguments.stack, |_| StackRemoval::default()) {
            Ok(planned) => planned,
            Err(TeardownError::UnknownStack { stack }) => {
                return Err(no_stack(&spacelift, &stack).await);
            }
            Err(error @ TeardownError::Cycle { .. }) => {
                output::error(&format!("there is no order: {error}"));
                return Ok(Exit::BadOutcome);
            }
        };
        let removals = removals(&spacelift, &planned).await?;
        let removal = |stack: &StackId| removals.get(stack).copied().unwrap_or_default();
        let planned = teardown(&graph, &arguments.stack, removal)?;
        if let Some(Diagram::Mermaid) = arguments.diagram {
            output::text(&planned.mermaid())?;
        } else {
            let view = View {
                stack: &planned.stack,
                steps: &planned.steps,
            };
            arguments
                .output
                .show(&view, || format!("{}\n{}", planned.text(), summary(&planned)))?;
        }
        Ok(Exit::Success)
    })
}

/// How much it is, and what has to be settled first: with many stacks, the steps do not fit on a screen.
fn summary(planned: &Teardown) -> String {
    let steps = planned.steps.len();
    let blocked = planned.steps.iter().filter(|step| !step.obstacles.is_empty());
    let blocked: Vec<StackId> = blocked.map(|step| step.stack.clone()).collect();
    let stacks = if steps == 1 { "stack" } else { "stacks" };
    if blocked.is_empty() {
        return format!("{steps} {stacks}. Nothing was changed.");
    }
    let names = chain::render::names(&blocked);
    format!("{steps} {stacks}; something is in the way of {names}. Nothing was changed.")
}

async fn removals(
    spacelift: &Spacelift,
    planned: &Teardown,
) -> anyhow::Result<BTreeMap<StackId, StackRemoval>> {
    let mut removals = BTreeMap::new();
    for step in &planned.steps {
        let removal = during("Reading the stacks", spacelift.removal(&step.stack)).await?;
        removals.insert(step.stack.clone(), removal);
    }
    Ok(removals)
}
