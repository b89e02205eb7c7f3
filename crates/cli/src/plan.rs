//! `spillway plan`: the chain that a finished run would start.

use std::process::ExitCode;

use chain::{Chain, CommitSha, DependencyGraph, Refusal, Root, StackId, render};
use clap::{Args, ValueEnum};
use serde_json::json;
use spacelift::Spacelift;

use crate::command::{Done, settings, with_spacelift};
use crate::dependencies;
use crate::failure::{BAD_OUTCOME, Failure};
use crate::output;

const EXAMPLES: &str = "Examples:
  spillway plan core-network
  spillway plan core-network --commit 0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb
  spillway plan core-network --format dot | dot -Tsvg > chain.svg

The label prefixes, the parallel runs and the policy on failures are read from spillway.toml and \
SPILLWAY_* variables, as the worker reads them. The exit status is 1 if the chain would be refused.";

/// Shows the chain that a finished run of a stack would start. Changes nothing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PlanArguments {
    /// The stack whose run it would be.
    #[arg(value_name = "STACK")]
    stack: StackId,
    /// The commit that the run would have had [default: the one that the stack tracks].
    #[arg(long, value_name = "SHA")]
    commit: Option<CommitSha>,
    /// The branch that the run would have been on [default: the stack's].
    #[arg(long)]
    branch: Option<String>,
    /// How it is drawn.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Mermaid,
    Dot,
    Json,
}

pub(crate) fn plan(arguments: PlanArguments) -> Done {
    let settings = settings()?;
    with_spacelift(async |spacelift| {
        let format = if arguments.json {
            Format::Json
        } else {
            arguments.format
        };
        let graph = dependencies::graph(&spacelift, &settings.chain).await?;
        let root = root(&spacelift, &graph, arguments).await?;
        match chain::plan(&graph, &root, &settings.chain) {
            Ok(chain) => print(&chain, format),
            Err(refusal) => refuse(&refusal, format),
        }
    })
}

async fn root(
    spacelift: &Spacelift,
    graph: &DependencyGraph,
    arguments: PlanArguments,
) -> anyhow::Result<Root> {
    let stack = graph
        .stack(&arguments.stack)
        .ok_or_else(|| Failure::missing("stack", &arguments.stack))?;
    let branch = arguments.branch.unwrap_or_else(|| stack.branch.clone());
    Ok(Root {
        commit: arguments.commit.or_else(|| stack.tracked_commit.clone()),
        is_due: false,
        ..Root::requested(spacelift.account_name().await?, arguments.stack, branch)
    })
}

fn print(chain: &Chain, format: Format) -> Done {
    match format {
        Format::Text => output::text(&render::text(chain)),
        Format::Mermaid => output::text(&render::mermaid(chain)),
        Format::Dot => output::text(&render::dot(chain)),
        Format::Json => output::line(&render::json(chain)?),
    }
    Ok(ExitCode::SUCCESS)
}

fn refuse(refusal: &Refusal, format: Format) -> Done {
    if format == Format::Json {
        output::json(&json!({"refused": refusal, "reason": refusal.to_string()}))?;
    }
    output::error(&format!("no chain would start: {refusal}"));
    Ok(ExitCode::from(BAD_OUTCOME))
}
