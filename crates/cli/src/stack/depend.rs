//! `spillway stack depend`: writes and removes the labels of one stack that are dependencies.

use chain::depend::{DependError, DependencyChange, depend, relabel};
use chain::{DependencyGraph, LabelGrammar, StackFacts, StackId};
use clap::{ArgGroup, Args};
use schemars::JsonSchema;
use serde::Serialize;

use crate::apply::Apply;
use crate::command::{Done, with_spacelift};
use crate::completion;
use crate::dependencies;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Shape;
use crate::output::{self, Output};
use crate::progress::during;
use crate::table::plain;
use crate::variables::settings;

const EXAMPLES: &str = "Examples:
  spillway stack depend database --on core-network
  spillway stack depend database --on core-network --on dns --apply
  spillway stack depend database --not-on vpn --apply

All other settings of the stack stay as they are. If Terraform manages the stack, write the label there instead: the \
next apply removes labels that Terraform does not know.";

/// Add or remove dependency labels of a stack. Without --apply, show the changes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("change").required(true).multiple(true).args(["on", "not_on"]))]
pub(crate) struct DependArguments {
    /// The id of the stack.
    #[arg(value_name = "STACK", add = completion::stacks())]
    stack: StackId,
    /// The id of a stack that it depends on. Can be repeated.
    #[arg(long, value_name = "STACK", value_delimiter = ',', add = completion::stacks())]
    on: Vec<StackId>,
    /// The id of a stack that it no longer depends on. Can be repeated.
    #[arg(long, value_name = "STACK", value_delimiter = ',', add = completion::stacks())]
    not_on: Vec<StackId>,
    #[command(flatten)]
    apply: Apply,
    #[command(flatten)]
    output: Output,
}

/// How the dependencies of a stack changed, or would.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StackDependencyChange")]
pub(crate) struct View {
    stack: StackId,
    /// Whether the change was made; false if it was only shown, or if there was nothing to change.
    applied: bool,
    /// The stacks that it depends on from now on.
    added: Vec<StackId>,
    /// The stacks that it no longer depends on.
    removed: Vec<StackId>,
    labels_before: Vec<String>,
    labels_after: Vec<String>,
    /// What is wrong with the dependencies of the stack after the change, for people.
    problems: Vec<String>,
}

impl Shape for View {
    const KIND: &'static str = "stack_dependency_change";
}

impl DependArguments {
    pub(crate) fn run(self) -> Done {
        let grammar = settings()?.chain.label_prefixes;
        with_spacelift(async |spacelift| {
            let stacks = dependencies::stacks(&spacelift).await?;
            let facts: Vec<StackFacts> = stacks.into_iter().map(StackFacts::from).collect();
            let change = self.change(facts, &grammar)?;
            let mut view = View::of(change);
            if self.apply.is_on() && view.changes() {
                let relabelled = spacelift.relabel_stack(&self.stack, |labels| {
                    relabel(&labels, &self.on, &self.not_on, &grammar)
                });
                view.labels_after = Box::pin(during("Changing the labels", relabelled)).await?.labels;
                view.applied = true;
            }
            self.output.show(&view, || view.text(self.apply.is_on()))?;
            if self.output.is_text() {
                for problem in &view.problems {
                    output::warning(&plain(problem));
                }
            }
            Ok(Exit::Success)
        })
    }

    fn change(&self, facts: Vec<StackFacts>, grammar: &LabelGrammar) -> anyhow::Result<DependencyChange> {
        let error = match depend(facts.clone(), &self.stack, &self.on, &self.not_on, grammar) {
            Ok(change) => return Ok(change),
            Err(error) => error,
        };
        Err(match &error {
            DependError::UnknownStack { stack } => {
                dependencies::unknown(&DependencyGraph::build(facts, grammar), stack)
            }
            DependError::OnItself { .. } | DependError::Both { .. } => Failure::usage(error.to_string())
                .meaning("Nothing was changed.")
                .into(),
            DependError::Cycle { stacks } => {
                let failure = Failure::rejected(error.to_string())
                    .meaning("No chain that reaches a cycle can run. Nothing was changed.");
                match &stacks[..] {
                    [_, first, rest @ ..] => {
                        let next = rest.first().unwrap_or(&self.stack);
                        failure.hint(format!(
                            "If the order is the other way round, remove a dependency of the cycle first: \
                             `spillway stack depend {first} --not-on {next}`"
                        ))
                    }
                    _ => failure,
                }
                .into()
            }
        })
    }
}

impl View {
    fn of(change: DependencyChange) -> Self {
        Self {
            stack: change.stack,
            applied: false,
            added: change.added,
            removed: change.removed,
            labels_before: change.before,
            labels_after: change.after,
            problems: change.problems.iter().map(ToString::to_string).collect(),
        }
    }

    fn changes(&self) -> bool {
        self.labels_before != self.labels_after
    }

    fn text(&self, apply: bool) -> String {
        let Self {
            stack,
            labels_before,
            labels_after,
            ..
        } = self;
        if !self.changes() {
            return format!("Nothing to change: `{stack}` already has these labels.");
        }
        let only_in = |sign: char, these: &[String], those: &[String]| -> Vec<String> {
            let only = these.iter().filter(|label| !those.contains(label));
            only.map(|label| format!("  {sign} {}", plain(label))).collect()
        };
        let mut lines = vec![format!("update the labels of the stack `{stack}`")];
        lines.extend(only_in('-', labels_before, labels_after));
        lines.extend(only_in('+', labels_after, labels_before));
        lines.push(String::new());
        lines.push(if apply {
            "Changed. The next chain uses these labels.".to_owned()
        } else {
            "Nothing was changed. Run with --apply to make this change.".to_owned()
        });
        lines.join("\n")
    }
}
