//! The reports of chains.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chain::ChainId;
use lru::LruCache;
use temporal_client::WorkflowClient;
use temporal_client::contract::ChainReport;
use temporalio_client::WorkflowExecutionStatus;

use super::{FRESH, now_ms};

/// How many chains are kept. One of 2,000 stacks takes about a megabyte.
const KEPT_MAX: std::num::NonZeroUsize = std::num::NonZeroUsize::new(256).unwrap();

/// A page does not wait longer for one chain: its worker may be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// The answer is waited for longer, for the next page: the worker may be reading a long history.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A chain as it was seen last.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) report: Arc<ChainReport>,
    /// When, where it could not be seen anew.
    pub(crate) stale_since_ms: Option<i64>,
}

#[derive(Default)]
struct Kept {
    /// Held by whoever asks the chain.
    asking: tokio::sync::Mutex<()>,
    answers: Mutex<Answers>,
}

#[derive(Default)]
struct Answers {
    last: Option<(Arc<ChainReport>, i64)>,
    /// When it was last queried, with or without an answer.
    asked: Option<Instant>,
    failed: Option<Arc<anyhow::Error>>,
}

impl Kept {
    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn must_be_asked(&self) -> bool {
        let answers = self.answers();
        let is_over = answers
            .last
            .as_ref()
            .is_some_and(|(report, _)| report.result.is_over());
        let is_fresh = answers.asked.is_some_and(|asked| asked.elapsed() < FRESH);
        !is_over && !is_fresh
    }

    fn keep(&self, answer: Result<Option<ChainReport>, anyhow::Error>) {
        let mut answers = self.answers();
        answers.asked = Some(Instant::now());
        match answer {
            Ok(Some(report)) => {
                answers.last = Some((Arc::new(report), now_ms()));
                answers.failed = None;
            }
            // It may begin at any moment, and nothing was queried.
            Ok(None) => answers.asked = None,
            Err(error) => answers.failed = Some(Arc::new(error)),
        }
    }
}

/// The reports of chains: an open one is asked at most once in [`FRESH`], one that ended never again.
pub(crate) struct ChainReports {
    workflows: WorkflowClient,
    kept: Mutex<LruCache<ChainId, Arc<Kept>>>,
}

impl ChainReports {
    pub(crate) fn new(workflows: WorkflowClient) -> Self {
        Self {
            workflows,
            kept: Mutex::new(LruCache::new(KEPT_MAX)),
        }
    }

    /// A chain; `None` where there is none of this id.
    pub(crate) async fn find(&self, chain: &ChainId) -> Result<Option<Seen>, Arc<anyhow::Error>> {
        self.look(chain, None).await
    }

    /// A chain whose workflow has this status.
    pub(crate) async fn listed(
        &self,
        chain: &ChainId,
        status: WorkflowExecutionStatus,
    ) -> Result<Option<Seen>, Arc<anyhow::Error>> {
        self.look(chain, Some(status)).await
    }

    async fn look(
        &self,
        chain: &ChainId,
        status: Option<WorkflowExecutionStatus>,
    ) -> Result<Option<Seen>, Arc<anyhow::Error>> {
        let kept = {
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.get_or_insert(chain.clone(), Arc::default))
        };
        let mut is_late = false;
        if kept.must_be_asked() {
            // A task of its own: the answer is kept even if this page has gone.
            let asking = tokio::spawn(ask(
                self.workflows.clone(),
                chain.clone(),
                status,
                Arc::clone(&kept),
            ));
            is_late = tokio::time::timeout(PATIENCE, asking).await.is_err();
        }
        let answers = kept.answers();
        match (&answers.last, &answers.failed) {
            (Some((report, at_ms)), failed) => Ok(Some(Seen {
                report: Arc::clone(report),
                stale_since_ms: (is_late || failed.is_some()).then_some(*at_ms),
            })),
            (None, Some(failed)) => Err(Arc::clone(failed)),
            (None, None) if is_late => Err(Arc::new(does_not_answer(chain))),
            (None, None) => Ok(None),
        }
    }
}

/// Asks a chain, unless somebody else did meanwhile.
async fn ask(
    workflows: WorkflowClient,
    chain: ChainId,
    status: Option<WorkflowExecutionStatus>,
    kept: Arc<Kept>,
) {
    let _asking = kept.asking.lock().await;
    if !kept.must_be_asked() {
        return;
    }
    let answer = tokio::time::timeout(ANSWER_MAX, async {
        match status {
            Some(status) => workflows.report(&chain, status).await.map(Some),
            None => workflows.chain(&chain).await,
        }
    });
    kept.keep(match answer.await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(does_not_answer(&chain)),
    });
}

fn does_not_answer(chain: &ChainId) -> anyhow::Error {
    anyhow::anyhow!("`{chain}` does not answer")
}
