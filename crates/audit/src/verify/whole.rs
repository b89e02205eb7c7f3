//! Verifies a whole store, chain by chain.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};

use super::{CheckedChain, Checker, Fault, FaultKind, Faults, Place, Verdict};
use crate::{History, Record, Store, StoreError, StoredChain, key};

/// How many objects are read at once.
const READS_AT_ONCE: usize = 16;

/// The number of checked items, and everything that is not intact.
#[derive(Debug, Default)]
pub struct Summary {
    /// All of them: intact, open, newer and broken.
    pub chains: u64,
    pub intact: u64,
    /// In progress, or without their last records.
    pub open: Vec<OpenChain>,
    pub broken: Vec<BrokenChain>,
    /// The first record of each chain, and each delivery, that a newer version wrote.
    pub newer: Vec<Place>,
    /// The records of the chains.
    pub records: u64,
    pub deliveries: u64,
    pub broken_deliveries: Vec<Fault>,
    /// Objects that somebody deleted or replaced, even if their newest version is intact.
    pub deleted_or_replaced: Vec<History>,
    /// The names of all chains in keys.
    names: BTreeSet<String>,
}

/// A chain whose end is not in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenChain {
    pub chain: String,
    /// When its last record was made.
    pub last_at_ms: Option<i64>,
}

/// A chain that was changed.
#[derive(Debug, Clone)]
pub struct BrokenChain {
    pub chain: String,
    /// At least one.
    pub faults: Faults,
}

impl Summary {
    /// Whether something was changed.
    pub fn is_broken(&self) -> bool {
        !self.broken.is_empty() || !self.broken_deliveries.is_empty() || !self.deleted_or_replaced.is_empty()
    }

    /// Whether the log has any record of a chain.
    pub fn has(&self, chain: &str) -> bool {
        self.names.contains(&key::chain_name(chain))
    }

    fn add(&mut self, chain: CheckedChain) {
        self.chains += 1;
        self.records += chain.lines();
        match chain.verdict() {
            Verdict::Intact => self.intact += 1,
            Verdict::Open => self.open.push(OpenChain {
                last_at_ms: chain.last_at_ms(),
                chain: chain.id,
            }),
            Verdict::Newer => self.newer.extend(chain.newer),
            Verdict::Broken => self.broken.push(BrokenChain {
                chain: chain.id,
                faults: chain.faults,
            }),
        }
    }
}

/// Reads and checks a whole store.
pub async fn store(store: &Store) -> Result<Summary, StoreError> {
    let mut summary = Summary {
        deleted_or_replaced: store.histories().await?,
        ..Summary::default()
    };
    let chains = store.chains().await?;
    summary.names = chains.iter().map(|chain| chain.name.clone()).collect();
    let mut checked = stream::iter(&chains)
        .map(|chain| read_chain(store, chain))
        .buffered(READS_AT_ONCE);
    while let Some(chain) = checked.try_next().await? {
        summary.add(chain);
    }
    let deliveries = store.deliveries().await?;
    let mut read = stream::iter(&deliveries)
        .map(async |object| Ok::<_, StoreError>((&object.key, read_delivery(store, &object.key).await?)))
        .buffered(READS_AT_ONCE);
    while let Some((key, checked)) = read.try_next().await? {
        summary.deliveries += 1;
        match checked {
            Ok(Some(_)) => {}
            Ok(None) => summary.newer.push(Place {
                object: key.clone(),
                line: 1,
            }),
            Err(fault) => summary.broken_deliveries.push(fault),
        }
    }
    Ok(summary)
}

/// Reads and checks one chain.
pub async fn read_chain(store: &Store, chain: &StoredChain) -> Result<CheckedChain, StoreError> {
    let mut checker = Checker::new(&chain.name);
    for object in &chain.objects {
        match read(store, &object.key).await? {
            Ok(bytes) => checker.object(&object.key, &bytes),
            Err(fault) => checker.checked.faults.add(fault),
        }
    }
    Ok(checker.checked)
}

/// Reads and checks an unlinked record. `Ok(Ok(None))`: it has a newer version.
pub async fn read_delivery(store: &Store, key: &str) -> Result<Result<Option<Record>, Fault>, StoreError> {
    Ok(read(store, key)
        .await?
        .and_then(|bytes| super::delivery(key, &bytes)))
}

/// The content of an object. One that is too large is a fault and not an error: otherwise whoever may write records could
/// stop every verification with one object.
async fn read(store: &Store, key: &str) -> Result<Result<Vec<u8>, Fault>, StoreError> {
    match store.read(key).await {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(StoreError::TooLarge { key, .. }) => Ok(Err(Fault {
            place: Place { object: key, line: 1 },
            kind: FaultKind::TooLarge,
        })),
        Err(error) => Err(error),
    }
}
