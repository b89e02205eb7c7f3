//! The dependencies between the stacks of the account.

use chain::{ChainSettings, DependencyGraph, StackFacts};
use spacelift::Spacelift;

use crate::progress::during;

/// All stacks that the key may see, and which waits for which.
pub(crate) async fn graph(
    spacelift: &Spacelift,
    settings: &ChainSettings,
) -> anyhow::Result<DependencyGraph> {
    let stacks = during("Reading the stacks", spacelift.stacks()).await?;
    Ok(DependencyGraph::build(
        stacks.into_iter().map(StackFacts::from).collect(),
        &settings.label_prefixes,
    ))
}
