//! The chains that are open, for pages about more than one chain.

use chain::ChainRecord;
use futures::{StreamExt, stream};
use temporal_client::{ChainFilter, ChainSummary};

use super::{Dashboard, PageError};
use crate::sources::Seen;

/// More chains than that are hardly open at once; the pages say where there are more.
const READ_MAX: usize = 200;
const PAGE: u16 = 100;
/// How many are read side by side.
const PARALLEL: usize = 32;

/// The open chains, oldest first.
pub(super) struct OpenChains {
    pub(super) chains: Vec<(ChainSummary, Option<Seen>)>,
    pub(super) has_more: bool,
}

impl OpenChains {
    /// The records that could be read.
    pub(super) fn records(&self) -> impl Iterator<Item = &ChainRecord> {
        let seen = self.chains.iter().filter_map(|(_, seen)| seen.as_ref());
        seen.filter_map(|seen| seen.report.record.as_ref())
            .filter(|record| !record.is_over())
    }

    /// Chains that did not say where they stand.
    pub(super) fn silent(&self) -> usize {
        self.chains.iter().filter(|(_, seen)| seen.is_none()).count()
    }
}

impl Dashboard {
    pub(super) async fn open_chains(&self) -> Result<OpenChains, PageError> {
        let filter = ChainFilter {
            account: Some(self.config.account.clone()),
            is_open: Some(true),
            ..ChainFilter::default()
        };
        let (mut summaries, mut after) = (Vec::new(), Vec::new());
        loop {
            let page = self.config.workflows.chain_page(&filter, PAGE, after).await?;
            summaries.extend(page.chains);
            after = page.next;
            if after.is_empty() || summaries.len() >= READ_MAX {
                break;
            }
        }
        summaries.sort_by_key(|summary| summary.started);
        let chains = stream::iter(summaries)
            .map(|summary| async {
                let seen = self.reports.listed(&summary.id, summary.status).await;
                (summary, seen.ok().flatten())
            })
            .buffered(PARALLEL)
            .collect()
            .await;
        Ok(OpenChains {
            chains,
            has_more: !after.is_empty(),
        })
    }
}
