//! From Spacelift's stacks to a chain.

use chain::{ChainSettings, DependencyGraph, Reason, Root, StackFacts};
use orchestrator::contract::{Fetched, Planned};
use spacelift::Spacelift;
use temporalio_sdk::activities::ActivityError;

use crate::failure::activity_error;
use crate::metrics;

pub(super) async fn fetch(
    spacelift: &Spacelift,
    settings: &ChainSettings,
    root: &Root,
    audited: bool,
) -> Result<Fetched, ActivityError> {
    let stacks = spacelift.stacks().await.map_err(activity_error)?;
    let graph = DependencyGraph::build(
        stacks.into_iter().map(StackFacts::from).collect(),
        &settings.label_prefixes,
    );
    let planned = match chain::plan(&graph, root, settings) {
        Ok(chain) => {
            metrics::chain_planned(None);
            Planned::Chain {
                chain: Box::new(chain),
            }
        }
        Err(refusal) => {
            metrics::chain_planned(Some(refusal.code()));
            Planned::Refused {
                reason: Reason::new(refusal.code(), refusal.to_string()),
            }
        }
    };
    Ok(Fetched { planned, audited })
}
