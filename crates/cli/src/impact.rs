//! `spillway impact`: what would run after a merge.

use chain::{DependencyGraph, Downstream, Root, RunChanges, RunId, Scope, StackId, render};
use clap::Args;
use spacelift::Spacelift;

use crate::command::{Done, no_stack, with_spacelift};
use crate::completion;
use crate::dependencies;
use crate::exit::Exit;
use crate::output::{self, Output};
use crate::plan;
use crate::run::no_run;
use crate::variables::settings;

const EXAMPLES: &str = "Examples:
  spillway impact core-network
  spillway impact core-network --run 01JSPXRQR2F3Y06HD85YYXRSZ7 --markdown   (a proposed run of a pull request)

The exit code is 1 if the chain would be refused.";

/// Show what would run after a merge that changes a stack. This changes nothing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImpactArguments {
    /// The id of the stack.
    #[arg(value_name = "STACK", add = completion::stacks())]
    stack: StackId,
    /// A run of the stack, such as the proposed run of a pull request. Its commit is the one that would run.
    #[arg(long, value_name = "RUN")]
    run: Option<RunId>,
    /// Print Markdown for a comment on the pull request.
    #[arg(long, conflicts_with = "output")]
    markdown: bool,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn impact(arguments: ImpactArguments) -> Done {
    let settings = settings()?;
    with_spacelift(async |spacelift| {
        let (markdown, output) = (arguments.markdown, arguments.output);
        let graph = dependencies::graph(&spacelift, &settings.chain).await?;
        let changes = changes(&spacelift, &graph, &arguments.stack, arguments.run.as_ref()).await?;
        let root = root(&spacelift, &graph, arguments.stack, arguments.run).await?;
        let scope = changes.as_ref().map_or(Scope::All, Scope::Changed);
        match chain::plan_only(&graph, &root, scope, &settings.chain) {
            Ok(chain) => {
                if markdown {
                    output::text(&render::impact_markdown(&chain))?;
                } else {
                    let view = plan::View::of(&chain, &graph, &settings);
                    output.show(&view, || {
                        format!("{}{}", render::text(&chain).trim_end(), view.windows_text())
                    })?;
                }
                Ok(Exit::Success)
            }
            Err(refusal) if markdown => {
                output::line(&format!("**No chain would start:** {refusal}"))?;
                Ok(Exit::BadOutcome)
            }
            Err(refusal) => plan::refuse(&refusal, output),
        }
    })
}

/// What the run changes, where a label of the stack says that only that runs.
async fn changes(
    spacelift: &Spacelift,
    graph: &DependencyGraph,
    stack: &StackId,
    run: Option<&RunId>,
) -> anyhow::Result<Option<RunChanges>> {
    let policy = graph.policy(stack).and_then(|policy| policy.downstream);
    let Some(run) = run.filter(|_| policy == Some(Downstream::Changed)) else {
        return Ok(None);
    };
    let known = graph.stacks().iter().map(|facts| facts.id.clone()).collect();
    Ok(Some(spacelift.changed_stacks(stack, run, &known).await?))
}

/// The root as it would be after the merge: on the branch that the stack tracks.
async fn root(
    spacelift: &Spacelift,
    graph: &DependencyGraph,
    stack: StackId,
    run: Option<RunId>,
) -> anyhow::Result<Root> {
    let Some(facts) = graph.stack(&stack) else {
        return Err(no_stack(spacelift, &stack).await);
    };
    let commit = match run {
        None => facts.tracked_commit.clone(),
        Some(run) => {
            let found = spacelift.run(&stack, &run).await?;
            let found = found.ok_or_else(|| no_run(&stack, &run))?;
            found.commit.sha
        }
    };
    Ok(Root {
        commit,
        is_due: false,
        ..Root::requested(spacelift.account_name().await?, stack, facts.branch.clone())
    })
}
