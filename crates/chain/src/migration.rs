//! Migration between Spacelift's own dependencies and labels: what happens to each dependency, and what differs.
//!
//! Nothing is lost: what a label cannot express stays as it is, with the reason.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::problem::CyclePath;
use crate::{DependencyGraph, LabelGrammar, NoChange, Problem, StackId, label};

/// One of Spacelift's own dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeDependency {
    pub id: String,
    pub dependent: StackId,
    pub dependency: StackId,
    /// How many outputs of the dependency the dependent stack uses as inputs.
    pub references: u32,
    pub trigger_always: bool,
}

/// What happens to the label of a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelStep {
    Write,
    Remove,
    /// It stays.
    Keep,
    /// There is none, and none is written.
    None,
}

/// What happens to Spacelift's own dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NativeStep {
    Create,
    Remove,
    /// It stays.
    Keep,
    /// There is none, and none is created.
    None,
}

/// What happens to one dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgePlan {
    pub dependent: StackId,
    pub dependency: StackId,
    /// The label for it, existing or not.
    pub label_text: String,
    pub label: LabelStep,
    pub native: NativeStep,
    /// The id of Spacelift's own dependency, if it exists.
    pub native_id: Option<String>,
    pub notes: Vec<Note>,
}

/// What a person should know about a dependency that moves, or why it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// It passes outputs, which a label cannot.
    Outputs {
        count: u32,
    },
    /// It starts the dependent stack even if no output changed, and so does Spillway.
    TriggersAlways,
    /// It also starts the dependent stack in cases in which Spillway would skip it.
    SkipsWithoutChange,
    /// The label and the native dependency both stay.
    RunsTwice,
    /// The label also exists, and the native dependency has to stay.
    LabelTooMuch,
    /// The dependency does not exist, or is not visible.
    Unknown,
    Cycle {
        stacks: Vec<StackId>,
    },
    /// Spillway never runs this stack, or nothing waits for it.
    Ignored {
        stack: StackId,
    },
    /// Spillway does not run the dependent stack because of this label of it.
    Unreadable {
        label: String,
    },
    /// A label says that the dependency is optional.
    Optional,
    /// Another native dependency of the stack stays.
    Together {
        dependency: StackId,
    },
}

impl Note {
    /// One word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Outputs { .. } => "outputs",
            Self::TriggersAlways => "triggers_always",
            Self::SkipsWithoutChange => "skips_without_change",
            Self::RunsTwice => "runs_twice",
            Self::LabelTooMuch => "label_too_much",
            Self::Unknown => "unknown_stack",
            Self::Cycle { .. } => "cycle",
            Self::Ignored { .. } => "ignored",
            Self::Unreadable { .. } => "unreadable_label",
            Self::Optional => "optional",
            Self::Together { .. } => "together",
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outputs { count } => {
                let outputs = match count {
                    1 => "1 output".to_owned(),
                    many => format!("{many} outputs"),
                };
                write!(
                    f,
                    "it passes {outputs}, and labels cannot. Spillway waits for this dependency"
                )
            }
            Self::TriggersAlways => f.write_str("it always triggers, as Spillway does"),
            Self::SkipsWithoutChange => f.write_str(
                "it always triggers, but Spillway skips the stack where nothing upstream changed. Give the stack the \
                 label `spillway:no-change=run` first",
            ),
            Self::RunsTwice => f.write_str("while both exist, the stack runs twice"),
            Self::LabelTooMuch => f.write_str(
                "there is a label as well, so the stack runs twice. Remove the label with `spillway stack depend \
                 --not-on`",
            ),
            Self::Unknown => f.write_str("the stack that it names does not exist or is not visible"),
            Self::Cycle { stacks } => write!(f, "it is part of a dependency cycle: {}", CyclePath(stacks)),
            Self::Ignored { stack } => {
                write!(f, "Spillway ignores `{stack}`, as its label `spillway:ignore=true` says")
            }
            Self::Unreadable { label } => write!(
                f,
                "Spillway does not run the stack while it has the label `{label}`, which cannot be read"
            ),
            Self::Optional => {
                f.write_str("`spillway:optional` allows the stack to be missing, and Spacelift does not")
            }
            Self::Together { dependency } => write!(
                f,
                "it stays because the one on `{dependency}` stays: Spacelift starts this stack, and must know all its \
                 dependencies"
            ),
        }
    }
}

/// Moves native dependencies into labels.
///
/// Native dependencies are removed only on request. If one has to stay, all of the same stack stay: Spacelift would
/// otherwise start the stack without waiting for the others.
pub fn to_labels(
    graph: &DependencyGraph,
    native: &[NativeDependency],
    remove_native: bool,
    no_change: NoChange,
    grammar: &LabelGrammar,
) -> Vec<EdgePlan> {
    let mut native: Vec<&NativeDependency> = native.iter().collect();
    native.sort_by(|a, b| (&a.dependent, &a.dependency).cmp(&(&b.dependent, &b.dependency)));
    let stays: Vec<Option<Note>> = native
        .iter()
        .map(|edge| obstacle(graph, edge, no_change))
        .collect();
    let plan = |(edge, note): (&&NativeDependency, &Option<Note>)| {
        let other = native
            .iter()
            .zip(&stays)
            .find(|(other, note)| other.dependent == edge.dependent && note.is_some());
        let together = other.map(|(other, _)| Note::Together {
            dependency: other.dependency.clone(),
        });
        to_label(graph, edge, note.clone().or(together), remove_native, grammar)
    };
    native.iter().zip(&stays).map(plan).collect()
}

fn to_label(
    graph: &DependencyGraph,
    edge: &NativeDependency,
    stays: Option<Note>,
    remove_native: bool,
    grammar: &LabelGrammar,
) -> EdgePlan {
    let labels = labels(graph, &edge.dependent);
    let known = names(labels, &edge.dependency, grammar);
    let has_label = known.is_some();
    let moves = stays.is_none();
    let label = match (has_label, moves) {
        (true, _) => LabelStep::Keep,
        (false, true) => LabelStep::Write,
        (false, false) => LabelStep::None,
    };
    let native = if moves && remove_native {
        NativeStep::Remove
    } else {
        NativeStep::Keep
    };
    let mut notes: Vec<Note> = stays.into_iter().collect();
    if moves {
        notes.extend(edge.trigger_always.then_some(Note::TriggersAlways));
        notes.extend((!remove_native).then_some(Note::RunsTwice));
    } else {
        notes.extend(has_label.then_some(Note::LabelTooMuch));
    }
    EdgePlan {
        dependent: edge.dependent.clone(),
        dependency: edge.dependency.clone(),
        label_text: known.unwrap_or_else(|| label::written(labels, &edge.dependency, grammar)),
        label,
        native,
        native_id: Some(edge.id.clone()),
        notes,
    }
}

/// Why a label would not do the same as a native dependency.
fn obstacle(graph: &DependencyGraph, edge: &NativeDependency, no_change: NoChange) -> Option<Note> {
    let (dependent, dependency) = (&edge.dependent, &edge.dependency);
    if edge.references > 0 {
        return Some(Note::Outputs {
            count: edge.references,
        });
    }
    if graph.stack(dependency).is_none() || graph.stack(dependent).is_none() {
        return Some(Note::Unknown);
    }
    if let Some(cycle) = cycle(graph, dependent, dependency) {
        return Some(cycle);
    }
    if let Some(ignored) = ignored(graph, dependent, dependency) {
        return Some(ignored);
    }
    let own = graph.policy(dependent).and_then(|policy| policy.no_change);
    if edge.trigger_always && own.unwrap_or(no_change) == NoChange::Skip {
        return Some(Note::SkipsWithoutChange);
    }
    let mut problems = graph.problems().iter();
    let unreadable = problems.find_map(|problem| match problem {
        Problem::UnreadableLabel { stack, label, .. } if stack == dependent => Some(label),
        _ => None,
    });
    unreadable.map(|label| Note::Unreadable { label: label.clone() })
}

/// Why Spillway does not follow a dependency that exists.
pub(crate) fn ignored(graph: &DependencyGraph, dependent: &StackId, dependency: &StackId) -> Option<Note> {
    let is_ignored = |stack: &&StackId| graph.policy(stack).is_some_and(|policy| policy.ignore);
    let stack = [dependent, dependency].into_iter().find(is_ignored)?;
    Some(Note::Ignored { stack: stack.clone() })
}

/// Moves the labels of these stacks back into native dependencies.
///
/// A label that Spillway does not follow stays a label: Spacelift would follow it. If any other label of a stack has to stay,
/// all of them stay. Labels that cannot be read, or name no stack, are not dependencies; [`DependencyGraph::problems`] lists them.
pub fn to_native(
    graph: &DependencyGraph,
    stacks: &[StackId],
    native: &[NativeDependency],
    grammar: &LabelGrammar,
) -> Vec<EdgePlan> {
    let label_of =
        |dependent: &StackId, dependency: &StackId| names(labels(graph, dependent), dependency, grammar);
    let stays = |dependent: &StackId, dependency: &StackId| {
        if label_of(dependent, dependency).is_none() {
            return Some(Note::Optional);
        }
        cycle(graph, dependent, dependency)
    };
    let edges = stacks.iter().flat_map(|stack| {
        let upstream = graph.upstream(stack);
        upstream.map(move |dependency| (stack, dependency))
    });
    edges
        .map(|(dependent, dependency)| {
            let named = label_of(dependent, dependency);
            let known = native
                .iter()
                .find(|edge| edge.dependent == *dependent && edge.dependency == *dependency);
            let note = ignored(graph, dependent, dependency)
                .or_else(|| stays(dependent, dependency))
                .or_else(|| {
                    let mut followed = graph
                        .upstream(dependent)
                        .filter(|other| ignored(graph, dependent, other).is_none());
                    let dependency = followed.find(|other| stays(dependent, other).is_some())?;
                    Some(Note::Together {
                        dependency: dependency.clone(),
                    })
                });
            let (label, native) = match (&note, known) {
                (Some(_), Some(_)) => (LabelStep::Keep, NativeStep::Keep),
                (Some(_), None) => (LabelStep::Keep, NativeStep::None),
                (None, Some(_)) => (LabelStep::Remove, NativeStep::Keep),
                (None, None) => (LabelStep::Remove, NativeStep::Create),
            };
            EdgePlan {
                dependent: dependent.clone(),
                dependency: dependency.clone(),
                label_text: named.unwrap_or_else(|| format!("spillway:optional={dependency}")),
                label,
                native,
                native_id: known.map(|edge| edge.id.clone()),
                notes: note.into_iter().collect(),
            }
        })
        .collect()
}

/// What stays when the labels of these stacks become native dependencies.
pub fn left_behind<'a>(
    graph: &'a DependencyGraph,
    stacks: &'a [StackId],
) -> impl Iterator<Item = &'a Problem> {
    graph.problems().iter().filter(|problem| {
        let is_no_edge = matches!(
            problem,
            Problem::UnreadableLabel { .. } | Problem::Dangling { .. } | Problem::SelfDependency { .. }
        );
        is_no_edge && problem.stacks().iter().any(|stack| stacks.contains(stack))
    })
}

fn labels<'a>(graph: &'a DependencyGraph, stack: &StackId) -> &'a [String] {
    graph.stack(stack).map_or(&[], |facts| facts.labels.as_slice())
}

/// The label that names a stack as a dependency.
fn names(labels: &[String], stack: &StackId, grammar: &LabelGrammar) -> Option<String> {
    let names_it =
        |label: &&String| matches!(label::parse(label, grammar), Ok(Some(all)) if all.contains(stack));
    labels.iter().find(names_it).cloned()
}

fn cycle(graph: &DependencyGraph, dependent: &StackId, dependency: &StackId) -> Option<Note> {
    let path = graph.path(dependency, dependent)?;
    let upstream = path.into_iter().filter(|stack| stack != dependent);
    Some(Note::Cycle {
        stacks: std::iter::once(dependent.clone()).chain(upstream).collect(),
    })
}
