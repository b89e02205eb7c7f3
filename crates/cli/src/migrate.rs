//! `spillway migrate`: moves dependencies between Spacelift and labels.

mod apply;
mod text;

use chain::migration::{
    EdgePlan, LabelStep, NativeDependency, NativeStep, left_behind, to_labels, to_native,
};
use chain::{DependencyGraph, Reason, StackId};
use clap::{Args, Subcommand};
use futures::{StreamExt, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::Serialize;
use settings::Settings;
use spacelift::{Spacelift, Stack};

use crate::apply::Apply;
use crate::command::{Done, with_spacelift};
use crate::completion;
use crate::dependencies;
use crate::exit::Exit;
use crate::json::Shape;
use crate::output::Output;
use crate::progress::during;
use crate::variables::settings;

/// How many stacks are asked for their dependencies at the same time.
const PARALLEL_REQUESTS: usize = 8;

const EXAMPLES: &str = "Examples:
  spillway migrate native
  spillway migrate native --apply
  spillway migrate native --stack database --remove-native --apply
  spillway migrate native --stack database --undo --apply

A dependency that passes outputs stays Spacelift's own, since a label cannot pass them. Spillway waits for it as it is.
--undo turns every dependency label of the stacks into a dependency of Spacelift's own, whoever wrote the label, and \
removes the label.

If Terraform manages the stacks, change labels and dependencies there instead: its next apply undoes what it does not \
know. docs/migrating.md has the steps.";

/// Move dependencies between Spacelift and labels.
#[derive(Debug, Args)]
pub(crate) struct MigrateArguments {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Native(NativeArguments),
}

/// Write Spacelift's own dependencies as labels, or go back. Without --apply, show the changes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct NativeArguments {
    /// Only the dependencies of this stack. Can be repeated [default: all stacks].
    #[arg(long = "stack", value_name = "STACK", add = completion::stacks())]
    stacks: Vec<StackId>,
    /// Also remove each of Spacelift's own dependencies that a label fully replaces.
    #[arg(long)]
    remove_native: bool,
    /// Go back: create Spacelift's own dependencies for the labels, and remove the labels.
    #[arg(long, conflicts_with = "remove_native")]
    undo: bool,
    #[command(flatten)]
    apply: Apply,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MigrationDirection")]
enum Direction {
    ToLabels,
    ToNative,
}

/// What happened to dependencies that moved between Spacelift and labels, or would happen.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Migration")]
pub(crate) struct View {
    direction: Direction,
    /// Whether the changes were made, or only shown.
    applied: bool,
    dependencies: Vec<Edge>,
    /// Labels that are no dependency, and stay as they are, for people.
    left_behind: Vec<String>,
}

impl Shape for View {
    const KIND: &'static str = "migration";
}

/// One dependency: `dependent` runs after `dependency`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MigratedDependency")]
struct Edge {
    dependent: StackId,
    dependency: StackId,
    /// The label that says it, or would.
    label: String,
    label_step: LabelStep,
    /// Whether the step was done.
    label_done: bool,
    native_step: NativeStep,
    /// Whether the step was done.
    native_done: bool,
    #[serde(skip)]
    native_id: Option<String>,
    /// What differs, and why a dependency stays as it is.
    notes: Vec<Reason>,
    /// Why a step was not done.
    error: Option<String>,
}

impl Edge {
    fn of(plan: EdgePlan) -> Self {
        Self {
            dependent: plan.dependent,
            dependency: plan.dependency,
            label: plan.label_text,
            label_step: plan.label,
            label_done: false,
            native_step: plan.native,
            native_done: false,
            native_id: plan.native_id,
            notes: plan
                .notes
                .iter()
                .map(|note| Reason::new(note.code().to_owned(), note.to_string()))
                .collect(),
            error: None,
        }
    }

    fn changes(&self) -> bool {
        matches!(self.label_step, LabelStep::Write | LabelStep::Remove)
            || matches!(self.native_step, NativeStep::Create | NativeStep::Remove)
    }
}

pub(crate) fn migrate(arguments: MigrateArguments) -> Done {
    let From::Native(arguments) = arguments.from;
    let settings = settings()?;
    with_spacelift(async |spacelift| {
        let (mut view, stacks) = arguments.plan(&spacelift, &settings).await?;
        let mut failed = Ok(());
        if arguments.apply.is_on() {
            let changes = apply::apply(&spacelift, &mut view, &stacks, &settings.chain.label_prefixes);
            failed = Box::pin(during("Changing the dependencies", changes)).await;
        }
        arguments.output.show(&view, || view.text())?;
        failed?;
        Ok(Exit::Success)
    })
}

impl NativeArguments {
    /// What would happen, and the stacks that it happens to.
    async fn plan(&self, spacelift: &Spacelift, settings: &Settings) -> anyhow::Result<(View, Vec<StackId>)> {
        let stacks = dependencies::stacks(spacelift).await?;
        let with_native: Vec<StackId> = stacks
            .iter()
            .filter(|stack| !stack.depends_on.is_empty())
            .map(|stack: &Stack| stack.id.clone())
            .collect();
        let graph = dependencies::graph_of(stacks, &settings.chain);
        if let Some(unknown) = self.stacks.iter().find(|id| graph.stack(id).is_none()) {
            return Err(dependencies::unknown(&graph, unknown));
        }
        let chosen: Vec<StackId> = graph
            .stacks()
            .iter()
            .map(|stack| stack.id.clone())
            .filter(|id| self.stacks.is_empty() || self.stacks.contains(id))
            .collect();
        let asked = with_native.iter().filter(|id| chosen.contains(id));
        let native = during("Reading the dependencies", native(spacelift, asked)).await?;
        Ok((self.view(&graph, &chosen, &native, settings), chosen))
    }

    fn view(
        &self,
        graph: &DependencyGraph,
        chosen: &[StackId],
        native: &[NativeDependency],
        settings: &Settings,
    ) -> View {
        let grammar = &settings.chain.label_prefixes;
        let (direction, plans, left) = if self.undo {
            let left = left_behind(graph, chosen).map(ToString::to_string).collect();
            (
                Direction::ToNative,
                to_native(graph, chosen, native, grammar),
                left,
            )
        } else {
            let no_change = settings.chain.no_change;
            let plans = to_labels(graph, native, self.remove_native, no_change, grammar);
            (Direction::ToLabels, plans, Vec::new())
        };
        View {
            direction,
            applied: self.apply.is_on(),
            dependencies: plans.into_iter().map(Edge::of).collect(),
            left_behind: left,
        }
    }
}

/// Spacelift's own dependencies of these stacks, with what a listing of stacks does not say of them.
async fn native(
    spacelift: &Spacelift,
    stacks: impl Iterator<Item = &StackId>,
) -> Result<Vec<NativeDependency>, spacelift::Error> {
    let read = stacks.map(|stack| spacelift.stack_dependencies(stack));
    let read: Vec<_> = stream::iter(read)
        .buffered(PARALLEL_REQUESTS)
        .try_collect()
        .await?;
    let native = read.into_iter().flatten().map(|found| NativeDependency {
        id: found.id,
        dependent: found.stack,
        dependency: found.depends_on,
        references: found.references,
        trigger_always: found.trigger_always,
    });
    Ok(native.collect())
}
