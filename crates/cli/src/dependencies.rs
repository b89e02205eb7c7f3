//! The dependencies between the stacks of the account.

use chain::{ChainSettings, DependencyGraph, StackFacts, StackId};
use spacelift::{Spacelift, Stack};

use crate::failure::{Failure, similar};
use crate::progress::during;

/// All stacks that the key can see.
pub(crate) async fn stacks(spacelift: &Spacelift) -> Result<Vec<Stack>, spacelift::Error> {
    during("Reading the stacks", spacelift.stacks()).await
}

/// All stacks that the key can see, and which depends on which.
pub(crate) async fn graph(
    spacelift: &Spacelift,
    settings: &ChainSettings,
) -> anyhow::Result<DependencyGraph> {
    Ok(graph_of(stacks(spacelift).await?, settings))
}

pub(crate) fn graph_of(stacks: Vec<Stack>, settings: &ChainSettings) -> DependencyGraph {
    DependencyGraph::build(
        stacks.into_iter().map(StackFacts::from).collect(),
        &settings.label_prefixes,
    )
}

/// The error for a stack that does not exist. It names a stack with a similar id.
pub(crate) fn unknown(graph: &DependencyGraph, stack: &StackId) -> anyhow::Error {
    let failure = Failure::not_found("stack", stack);
    match meant(graph, stack.as_str()) {
        Some(meant) => failure.hint(format!("Did you mean `{meant}`?")),
        None => failure.hint("`spillway stack list` lists all stacks."),
    }
    .into()
}

/// The stack that has this name, or an id that is similar.
pub(crate) fn meant<'a>(graph: &'a DependencyGraph, text: &str) -> Option<&'a str> {
    let ids = graph.stacks().iter().map(|stack| stack.id.as_str());
    graph
        .named(text)
        .map(StackId::as_str)
        .or_else(|| similar(text, ids))
}
