//! The reverse order, in which a stack and everything that depends on it would be destroyed. Nothing is destroyed here.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::problem::{CyclePath, names_any};
use crate::render::names;
use crate::{DependencyGraph, Problem, StackFacts, StackId};

/// What would be destroyed, each stack before what it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Teardown {
    pub stack: StackId,
    pub steps: Vec<Step>,
}

/// One stack to destroy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    pub stack: StackId,
    /// What has to be destroyed first, because it depends on this stack.
    pub after: Vec<StackId>,
    /// What prevents it.
    pub obstacles: Vec<String>,
    /// In this order: destroy the resources, then delete the stack.
    pub commands: Vec<String>,
}

/// How a stack can be removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StackRemoval {
    /// Spacelift refuses to delete the stack.
    pub is_protected: bool,
    /// The command that destroys everything that the stack manages, if one is known.
    pub destroy: Option<&'static str>,
}

/// Why there is no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TeardownError {
    #[error("stack `{stack}` does not exist or is not visible")]
    UnknownStack { stack: StackId },
    #[error("dependency cycle: {}", CyclePath(stacks))]
    Cycle { stacks: Vec<StackId> },
}

/// Plans the teardown of a stack and of everything that depends on it, by labels and Spacelift's own dependencies.
/// `removal` says what Spacelift knows about the removal of a stack.
pub fn teardown(
    graph: &DependencyGraph,
    stack: &StackId,
    removal: impl Fn(&StackId) -> StackRemoval,
) -> Result<Teardown, TeardownError> {
    let root = graph
        .index(stack)
        .ok_or_else(|| TeardownError::UnknownStack { stack: stack.clone() })?;
    let mut order = Vec::new();
    // Depth first: a stack comes after all its dependents.
    let mut open = vec![(root, 0)];
    let mut is_open = vec![false; graph.stacks().len()];
    let mut is_done = vec![false; graph.stacks().len()];
    is_open[root] = true;
    while let Some((at, next)) = open.last_mut() {
        let at = *at;
        let Some(&child) = graph.all_downstream_at(at).get(*next) else {
            order.push(at);
            (is_open[at], is_done[at]) = (false, true);
            open.pop();
            continue;
        };
        *next += 1;
        if is_open[child] {
            let from = open.iter().position(|(other, _)| *other == child).unwrap_or(0);
            let cycle = open[from..].iter().rev();
            let stacks = cycle
                .map(|(other, _)| graph.stacks()[*other].id.clone())
                .collect();
            return Err(TeardownError::Cycle { stacks });
        }
        if !is_done[child] {
            is_open[child] = true;
            open.push((child, 0));
        }
    }
    let step = |at: usize| {
        let facts = &graph.stacks()[at];
        let removal = removal(&facts.id);
        let destroy = removal.destroy.iter();
        let destroy = destroy.map(|command| format!("spacectl stack task --id {} \"{command}\"", facts.id));
        let delete = format!("spillway stack delete {}", facts.id);
        Step {
            stack: facts.id.clone(),
            after: graph.all_downstream(&facts.id).cloned().collect(),
            obstacles: obstacles(graph, facts, &removal),
            commands: destroy.chain([delete]).collect(),
        }
    };
    Ok(Teardown {
        stack: stack.clone(),
        steps: order.into_iter().map(step).collect(),
    })
}

fn obstacles(graph: &DependencyGraph, facts: &StackFacts, removal: &StackRemoval) -> Vec<String> {
    let mut obstacles = Vec::new();
    for problem in graph.problems() {
        if let Problem::UnreadableLabel { stack, label, .. } | Problem::OtherState { stack, label, .. } =
            problem
            && *stack != facts.id
            && names_any(label, |named| *named == facts.id)
        {
            obstacles.push(format!(
                "`{stack}` may depend on it: its label `{label}` is not followed, so `{stack}` is not in this plan"
            ));
        }
    }
    if removal.is_protected {
        obstacles.push("it is protected from deletion".to_owned());
    }
    if removal.destroy.is_none() {
        obstacles.push("no command is known that destroys everything: do that by hand first".to_owned());
    }
    if facts.disabled {
        obstacles.push("it is disabled, so tasks cannot run".to_owned());
    }
    obstacles.extend(facts.locked_by.as_ref().map(|by| format!("it is locked by {by}")));
    obstacles
}

impl Teardown {
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (number, step) in (1..).zip(&self.steps) {
            let _ = write!(out, "{number}. {}", step.stack);
            if !step.after.is_empty() {
                let _ = write!(out, ", after {}", names(&step.after));
            }
            out.push('\n');
            for obstacle in &step.obstacles {
                let _ = writeln!(out, "   in the way: {obstacle}");
            }
            for command in &step.commands {
                let _ = writeln!(out, "   {command}");
            }
        }
        out
    }

    /// Arrows show what is destroyed before what. A node names what is in the way of its stack.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("flowchart TD\n");
        let place = |stack: &StackId| self.steps.iter().position(|step| step.stack == *stack);
        for (at, step) in self.steps.iter().enumerate() {
            let _ = write!(out, "    s{at}[\"{}", quoted(step.stack.as_str()));
            for obstacle in &step.obstacles {
                let _ = write!(out, "<br/>{}", quoted(obstacle));
            }
            out.push_str("\"]\n");
        }
        for (at, step) in self.steps.iter().enumerate() {
            for before in step.after.iter().filter_map(place) {
                let _ = writeln!(out, "    s{before} --> s{at}");
            }
        }
        out
    }
}

fn quoted(text: &str) -> String {
    text.replace('"', "#quot;")
}
