//! Reads the records of open chains, for a schedule that was lost or begins.

use std::time::Duration;

use chain::{ChainId, ChainRecord};
use futures::{StreamExt, stream};
use temporal_client::contract::OpenChains;
use tracing::error;

use super::Activities;
use super::limits::with_timeout;
use super::open_work::CONCURRENT_QUERIES;
use crate::metrics::{self, Alarm};

/// How often each chain's state is queried before the chain is left out, and the pause in between.
const PASSES: u32 = 3;
const PASS_PAUSE: Duration = Duration::from_secs(2);

/// The records that one activity returns, as JSON. Temporal accepts 2 MiB, and compression makes them about a tenth.
const BYTES_MAX: usize = 6 * 1024 * 1024;

impl Activities {
    /// The records of as many of these chains as one answer may have. The others are mostly not queried: they would be
    /// queried again for each answer.
    pub(super) async fn read_chains(&self, mut chains: Vec<ChainId>) -> OpenChains {
        let later = chains.split_off(chains.len().min(CONCURRENT_QUERIES));
        let mut read = within_limit(self.records_of(chains).await);
        read.unread.extend(later);
        read
    }

    /// The records of these chains. One that does not answer is left out, with an alarm, so that it does not block the
    /// others: the sweep adds it once it answers.
    pub(super) async fn records_of(&self, chains: Vec<ChainId>) -> Vec<ChainRecord> {
        let mut unread = chains;
        let mut records = Vec::new();
        for pass in 1..=PASSES {
            let asked: Vec<_> = stream::iter(std::mem::take(&mut unread))
                .map(async |chain| (with_timeout(self.workflows.open_record(&chain)).await, chain))
                .buffered(CONCURRENT_QUERIES)
                .collect()
                .await;
            for (answer, chain) in asked {
                match answer {
                    Ok(record) => records.extend(record),
                    Err(_) if pass < PASSES => unread.push(chain),
                    Err(why) => {
                        metrics::alarm(Alarm::ChainSilent);
                        error!(chain.id = %chain, "{chain} does not answer and is left out of the schedule: {why}");
                    }
                }
            }
            if unread.is_empty() {
                break;
            }
            tokio::time::sleep(PASS_PAUSE).await;
        }
        records
    }
}

/// At least one record, and as many more as one answer may have. The others are named.
pub(super) fn within_limit(records: Vec<ChainRecord>) -> OpenChains {
    let mut within = OpenChains {
        records: Vec::new(),
        unread: Vec::new(),
    };
    let mut bytes = 0;
    for record in records {
        bytes += serde_json::to_vec(&record).map_or(0, |json| json.len());
        if within.records.is_empty() || (within.unread.is_empty() && bytes <= BYTES_MAX) {
            within.records.push(record);
        } else {
            within.unread.push(record.id().clone());
        }
    }
    within
}
