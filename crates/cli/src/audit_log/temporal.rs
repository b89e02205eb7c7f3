//! Compares the audit log with Temporal: both have to know the same chains.

use std::collections::BTreeMap;
use std::time::Duration;

use audit::Store;
use audit::verify::{self, OpenChain, Summary, Verdict};
use temporal_client::{ChainSummary, WorkflowClient, clock};
use temporalio_client::WorkflowExecutionStatus;

use crate::json::Time;
use crate::progress::during;
use crate::temporal;

/// How old a running chain may be without a record. Its first one is written at once, unless the log is down.
const FIRST_RECORD_TIME_MAX: Duration = Duration::from_secs(600);

/// The chains that Temporal had at a moment, by id.
pub(super) struct Temporal {
    workflows: WorkflowClient,
    chains: BTreeMap<String, ChainSummary>,
}

/// How the log differs from Temporal.
pub(super) struct Differences {
    /// How many chains Temporal has.
    pub(super) chains: usize,
    /// Temporal has them, and the log has no record of them.
    pub(super) not_in_log: Vec<Difference>,
    /// They have no end in the log, and are not running.
    pub(super) without_end: Vec<Difference>,
}

/// One chain of which the log and Temporal have different facts.
pub(super) struct Difference {
    pub(super) chain: String,
    /// `None` if Temporal does not know it, or no longer.
    pub(super) status: Option<Status>,
    pub(super) began_at: Option<Time>,
    pub(super) last_record_at: Option<Time>,
}

/// The status of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status(WorkflowExecutionStatus);

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self.0 {
            WorkflowExecutionStatus::Running => "running",
            WorkflowExecutionStatus::Completed => "completed",
            WorkflowExecutionStatus::Failed => "failed",
            WorkflowExecutionStatus::Canceled => "canceled",
            WorkflowExecutionStatus::Terminated => "terminated",
            WorkflowExecutionStatus::ContinuedAsNew => "continued_as_new",
            WorkflowExecutionStatus::TimedOut => "timed_out",
            WorkflowExecutionStatus::Paused => "paused",
            _ => "other",
        }
    }

    fn is_running(self) -> bool {
        matches!(
            self.0,
            WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused
        )
    }
}

impl Temporal {
    pub(super) async fn read() -> anyhow::Result<Self> {
        let workflows = temporal::connect().await?;
        let chains = during("Reading the chains in Temporal", workflows.all_chains()).await?;
        Ok(Self {
            chains: chains
                .into_iter()
                .map(|chain| (chain.id.to_string(), chain))
                .collect(),
            workflows,
        })
    }

    /// Compares with a log that was read later.
    pub(super) async fn compare(&self, store: &Store, summary: &Summary) -> anyhow::Result<Differences> {
        let mut without_end = Vec::new();
        for open in &summary.open {
            without_end.extend(self.without_end(store, open).await?);
        }
        let missing = self
            .chains
            .values()
            .filter(|chain| !summary.has(chain.id.as_str()) && !is_beginning(chain));
        Ok(Differences {
            chains: self.chains.len(),
            not_in_log: missing
                .map(|chain| Difference {
                    chain: chain.id.to_string(),
                    status: Some(Status(chain.status)),
                    began_at: began_at(chain),
                    last_record_at: None,
                })
                .collect(),
            without_end,
        })
    }

    /// The difference, if a chain without an end in the log is not running.
    async fn without_end(&self, store: &Store, open: &OpenChain) -> anyhow::Result<Option<Difference>> {
        let known = self.chains.get(&open.chain);
        let status = match known {
            Some(chain) => Some(Status(chain.status)),
            None => self.workflows.status(&open.chain).await?.map(Status),
        };
        if status.is_some_and(Status::is_running) {
            return Ok(None);
        }
        if known.is_none() && status.is_some() {
            // It began and ended after Temporal was read, so its end may be there by now.
            let stored = store.chain(&open.chain).await?;
            if verify::read_chain(store, &stored).await?.verdict() == Verdict::Intact {
                return Ok(None);
            }
        }
        Ok(Some(Difference {
            chain: open.chain.clone(),
            status,
            began_at: known.and_then(began_at),
            last_record_at: open.last_at_ms.and_then(Time::from_ms),
        }))
    }
}

impl Differences {
    pub(super) fn is_empty(&self) -> bool {
        self.not_in_log.is_empty() && self.without_end.is_empty()
    }

    pub(super) fn is_without_end(&self, chain: &str) -> bool {
        self.without_end
            .iter()
            .any(|difference| difference.chain == chain)
    }
}

fn began_at(chain: &ChainSummary) -> Option<Time> {
    Time::from_ms(clock::since_1970_ms(chain.started?))
}

fn is_beginning(chain: &ChainSummary) -> bool {
    let age = chain
        .started
        .map(|started| clock::elapsed_since(clock::since_1970_ms(started)));
    Status(chain.status).is_running() && age.is_none_or(|age| age < FIRST_RECORD_TIME_MAX)
}
