//! Makes a manifest. With the previous one, only the chains that have changed since are read.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::{Head, Listed, LostHead, Manifest, READS_AT_ONCE, VERSION};
use crate::verify::{CheckedChain, Fault, FaultKind, read_chain};
use crate::{Hash, Store, StoreError, StoredChain};

/// S3 says in whole seconds when an object was written, by a clock of its own. A chain whose newest object was this young
/// when a manifest was made is read again: a later change might have the same time.
const SETTLED_MS: i64 = 60_000;

/// A new manifest, and how the log differs from the previous one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub manifest: Manifest,
    /// The heads of the previous manifest that the log no longer has. The new manifest has them too, so that the next
    /// ones report them again.
    pub lost: Vec<LostHead>,
    /// The chains that have their head, and a fault elsewhere. The next manifests read and report them again, until they
    /// are whole. The first manifest accepts them: they are reported once.
    pub damaged: Vec<DamagedChain>,
    /// How many chains were read.
    pub read: usize,
}

/// A chain in which a record was changed, removed, inserted or moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedChain {
    /// The name of its directory.
    pub chain: String,
    /// The first one.
    pub fault: Fault,
}

/// What became of one chain.
enum Found {
    Unchanged(Head),
    /// The head, if the chain has a readable record.
    Intact(Option<Head>),
    /// It has the faults that the first manifest accepted, and no others.
    Accepted(Option<Head>),
    Damaged {
        head: Option<Head>,
        fault: Fault,
        /// The hash of the faults, if they are accepted from now on.
        accepts: Option<Hash>,
    },
    Lost(Head),
}

impl Manifest {
    /// The manifest of a log as it is now. Damage in the log is accepted.
    pub async fn of(store: &Store, now_ms: i64) -> Result<Self, StoreError> {
        Ok(Self::after(None, store, now_ms).await?.manifest)
    }

    /// The manifest of a log as it is now, compared with the previous one, whose signature the caller has verified. The
    /// heads of chains that have not changed are taken from it.
    pub async fn after(previous: Option<&Self>, store: &Store, now_ms: i64) -> Result<Made, StoreError> {
        let chains = store.chains().await?;
        let mut made = Made {
            manifest: Self {
                accepted: previous
                    .map(|previous| previous.accepted.clone())
                    .unwrap_or_default(),
                heads: BTreeMap::new(),
                made_at_ms: now_ms,
                version: VERSION,
            },
            lost: Vec::new(),
            damaged: Vec::new(),
            read: 0,
        };
        let mut looks = stream::iter(&chains)
            .map(async |chain| Ok::<_, StoreError>((&chain.name, look(previous, store, chain).await?)))
            .buffered(READS_AT_ONCE);
        while let Some((name, found)) = looks.try_next().await? {
            made.read += usize::from(!matches!(found, Found::Unchanged(_)));
            made.add(name, found);
        }
        for (name, head) in previous.iter().flat_map(|previous| &previous.heads) {
            if !made.manifest.heads.contains_key(name) {
                made.add(name, Found::Lost(*head));
            }
        }
        Ok(made)
    }

    /// The same heads, without what allows the next manifest to take them over: it reads every chain.
    #[must_use]
    pub fn without_listings(mut self) -> Self {
        for head in self.heads.values_mut() {
            head.listed = None;
        }
        self
    }

    /// The head of a chain, if the chain's objects are those from which it was read.
    fn unchanged(&self, chain: &StoredChain) -> Option<Head> {
        let head = self.heads.get(&chain.name)?;
        let listed = head.listed?;
        let is_settled = listed.modified_ms + SETTLED_MS < self.made_at_ms;
        (is_settled && listed == Listed::of(chain)).then_some(*head)
    }
}

impl Listed {
    fn of(chain: &StoredChain) -> Self {
        Self {
            modified_ms: chain.modified_ms(),
            objects: chain.objects.len(),
        }
    }
}

impl Head {
    fn last_of(chain: &StoredChain, checked: &CheckedChain) -> Option<Self> {
        let record = checked.records.last()?;
        Some(Self {
            hash: record.hash(),
            listed: Some(Listed::of(chain)),
            sequence: record.link()?.sequence,
        })
    }
}

impl Made {
    fn add(&mut self, name: &str, found: Found) {
        let head = match found {
            Found::Unchanged(head) => Some(head),
            Found::Accepted(head) => head,
            Found::Intact(head) => {
                // If it is damaged again later, somebody did that now.
                self.manifest.accepted.remove(name);
                head
            }
            Found::Damaged { head, fault, accepts } => {
                self.damaged.push(DamagedChain {
                    chain: name.to_owned(),
                    fault,
                });
                let accepted = accepts.map(|faults| (name.to_owned(), faults));
                self.manifest.accepted.extend(accepted);
                head
            }
            Found::Lost(head) => {
                let head = Head { listed: None, ..head };
                self.lost.push(LostHead {
                    chain: name.to_owned(),
                    head,
                });
                Some(head)
            }
        };
        self.manifest
            .heads
            .extend(head.map(|head| (name.to_owned(), head)));
    }
}

async fn look(previous: Option<&Manifest>, store: &Store, chain: &StoredChain) -> Result<Found, StoreError> {
    if let Some(head) = previous.and_then(|previous| previous.unchanged(chain)) {
        return Ok(Found::Unchanged(head));
    }
    let checked = read_chain(store, chain).await?;
    let before = previous.and_then(|previous| previous.heads.get(&chain.name));
    if let Some(before) = before.filter(|before| !before.is_in(&checked)) {
        return Ok(Found::Lost(*before));
    }
    let last = Head::last_of(chain, &checked);
    // Such a record counts as damage: the programs of one deployment know the same version.
    let newer = checked.newer.clone().map(|place| Fault {
        place,
        kind: FaultKind::Newer,
    });
    let Some(fault) = checked.faults.kept().first().cloned().or(newer) else {
        return Ok(Found::Intact(last));
    };
    let faults = checked.faults.hash();
    let Some(previous) = previous else {
        return Ok(Found::Damaged {
            head: last,
            fault,
            accepts: Some(faults),
        });
    };
    if previous.accepted.get(&chain.name) == Some(&faults) {
        return Ok(Found::Accepted(last));
    }
    // Whatever stands last now may be part of the damage, so the known head stays.
    let head = before.copied().or(last);
    Ok(Found::Damaged {
        head: head.map(|head| Head { listed: None, ..head }),
        fault,
        accepts: None,
    })
}
