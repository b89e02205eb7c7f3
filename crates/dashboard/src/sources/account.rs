//! The stacks of the account and the dependencies between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chain::{ChainSettings, DependencyGraph, StackFacts};
use spacelift::{Error, Spacelift};
use tokio::sync::Mutex;

use super::now_ms;

/// A listing takes several requests, and stacks change rarely.
const KEPT: Duration = Duration::from_secs(60);

/// All stacks at one moment.
pub(crate) struct Listing {
    pub(crate) graph: DependencyGraph,
    pub(crate) at_ms: i64,
}

/// The stacks of the account, listed at most once a minute.
pub(crate) struct AccountListing {
    spacelift: Spacelift,
    settings: ChainSettings,
    kept: Mutex<Option<(Arc<Listing>, Instant)>>,
}

impl AccountListing {
    pub(crate) fn new(spacelift: Spacelift, settings: ChainSettings) -> Self {
        Self {
            spacelift,
            settings,
            kept: Mutex::default(),
        }
    }

    pub(crate) fn settings(&self) -> &ChainSettings {
        &self.settings
    }

    pub(crate) async fn listing(&self) -> Result<Arc<Listing>, Error> {
        let mut kept = self.kept.lock().await;
        if let Some((listing, at)) = &*kept
            && at.elapsed() < KEPT
        {
            return Ok(Arc::clone(listing));
        }
        let stacks = self.spacelift.stacks().await?;
        let facts = stacks.into_iter().map(StackFacts::from).collect();
        let listing = Arc::new(Listing {
            graph: DependencyGraph::build(facts, &self.settings.label_prefixes),
            at_ms: now_ms(),
        });
        *kept = Some((Arc::clone(&listing), Instant::now()));
        Ok(listing)
    }
}
