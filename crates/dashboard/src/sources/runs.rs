//! Runs in Spacelift: their commits, states and histories.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chain::{RunId, StackId};
use lru::LruCache;
use spacelift::{Run, Spacelift};
use tokio::sync::Semaphore;

use super::FRESH;

const KEPT_MAX: NonZeroUsize = NonZeroUsize::new(5_000).unwrap();

const STACKS_MAX: NonZeroUsize = NonZeroUsize::new(500).unwrap();

/// So many requests at once: the worker shares the account's limits.
const PARALLEL: usize = 6;

/// How long a page waits for runs. What comes later is in the next one.
const WAIT: Duration = Duration::from_millis(800);

/// The runs that were looked at. One that is over is never looked at again.
#[derive(Clone)]
pub(crate) struct Runs {
    spacelift: Spacelift,
    shared: Arc<Shared>,
}

struct Shared {
    kept: Mutex<LruCache<RunId, (Arc<Run>, Instant)>>,
    under_way: Mutex<HashSet<RunId>>,
    permits: Semaphore,
    latest: Mutex<LruCache<StackId, Arc<tokio::sync::Mutex<Option<Latest>>>>>,
}

/// The newest runs of a stack, or why they are not known, and when it was asked.
type Latest = (Result<Arc<Vec<Run>>, String>, Instant);

impl Runs {
    pub(crate) fn new(spacelift: Spacelift) -> Self {
        Self {
            spacelift,
            shared: Arc::new(Shared {
                kept: Mutex::new(LruCache::new(KEPT_MAX)),
                under_way: Mutex::default(),
                permits: Semaphore::new(PARALLEL),
                latest: Mutex::new(LruCache::new(STACKS_MAX)),
            }),
        }
    }

    /// Those that are known, or become known soon.
    pub(crate) async fn find(&self, wanted: &[(StackId, RunId)]) -> HashMap<RunId, Arc<Run>> {
        let looks: Vec<_> = wanted
            .iter()
            .filter(|(_, run)| !self.is_fresh(run) && self.begin(run))
            .map(|(stack, run)| {
                let (this, stack, run) = (self.clone(), stack.clone(), run.clone());
                tokio::spawn(async move { this.look(&stack, &run).await })
            })
            .collect();
        // An error says that it took longer: the looks go on.
        let _ = tokio::time::timeout(WAIT, futures::future::join_all(looks)).await;
        let mut kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        wanted
            .iter()
            .filter_map(|(_, run)| Some((run.clone(), Arc::clone(&kept.get(run)?.0))))
            .collect()
    }

    /// The newest tracked runs of a stack, newest first, or why they cannot be shown.
    pub(crate) async fn latest(&self, stack: &StackId, limit: usize) -> Result<Arc<Vec<Run>>, String> {
        let kept = {
            let mut all = self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.get_or_insert(stack.clone(), Arc::default))
        };
        let mut kept = kept.lock().await;
        if let Some((answer, at)) = &*kept
            && at.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = self.spacelift.runs(stack, limit, None).await;
        let answer = answer.map(Arc::new).map_err(|error| error.to_string());
        *kept = Some((answer.clone(), Instant::now()));
        answer
    }

    fn is_fresh(&self, run: &RunId) -> bool {
        let mut kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(run)
            .is_some_and(|(run, at)| run.state.is_terminal() || at.elapsed() < FRESH)
    }

    /// `false` where somebody looks already.
    fn begin(&self, run: &RunId) -> bool {
        let mut under_way = self
            .shared
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        under_way.insert(run.clone())
    }

    async fn look(&self, stack: &StackId, run: &RunId) {
        let permit = self.shared.permits.acquire().await;
        match self.spacelift.run(stack, run).await {
            Ok(Some(found)) => {
                let mut kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.put(run.clone(), (Arc::new(found), Instant::now()));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(stack.id = %stack, run.id = %run, "Cannot look at run {run}: {error}");
            }
        }
        drop(permit);
        let mut under_way = self
            .shared
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        under_way.remove(run);
    }
}
