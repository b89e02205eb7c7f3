//! What messages say about a chain, and when they are sent. It sends nothing.

mod alert;
mod delivery;
mod run;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alert::{Alert, AlertKind};
pub use delivery::{Delivery, Due, LATE_AFTER_MS, Milestone, News, Pace, Rules, due};
pub use run::{RunMessage, RunNotice};

use crate::record::StackState;
use crate::{ChainId, ChainRecord, ChainResult, CommitSha, Reason, Root, RunId, StackId};
use crate::{Counts, StackProgress};

/// A message names at most this many stacks, so that it fits on a screen and into a signal. The others are counted.
pub const LISTED_MAX: usize = 10;

/// What one message says about a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    pub chain: ChainId,
    pub root: Root,
    /// Where the root's code is, such as `acme/network`.
    #[serde(default)]
    pub repository: Option<String>,
    /// Who triggered the root's run or requested it.
    #[serde(default)]
    pub by: Option<String>,
    pub result: ChainResult,
    /// Why the chain was refused or cancelled.
    #[serde(default)]
    pub reason: Option<Reason>,
    #[serde(default)]
    pub counts: Counts,
    /// The first failures. Stacks that were skipped because of them are only counted.
    #[serde(default)]
    pub failed: Vec<NoticedStack>,
    /// The first stacks that wait, for example for a confirmation.
    #[serde(default)]
    pub held: Vec<NoticedStack>,
    pub started_at_ms: i64,
    #[serde(default)]
    pub ended_at_ms: Option<i64>,
    /// The time of this notice.
    pub at_ms: i64,
    /// A later notice has a higher revision.
    pub revision: u64,
}

/// A stack that a message names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticedStack {
    pub stack: StackId,
    #[serde(default)]
    pub run: Option<RunId>,
    #[serde(default)]
    pub commit: Option<CommitSha>,
    /// Why it failed or what it waits for.
    pub text: String,
}

impl NoticedStack {
    fn of(progress: &StackProgress, text: String) -> Self {
        Self {
            stack: progress.id.clone(),
            run: progress.run.clone(),
            commit: progress.commit.clone(),
            text,
        }
    }
}

impl Notice {
    /// The first notice of a chain.
    pub fn begin(
        chain: ChainId,
        root: Root,
        by: Option<String>,
        refused: Option<Reason>,
        record: Option<&ChainRecord>,
        now_ms: i64,
    ) -> Self {
        let mut notice = Self {
            chain,
            root,
            repository: record.and_then(|record| record.chain().root_repository.clone()),
            by,
            result: ChainResult::Refused,
            reason: refused,
            counts: Counts::default(),
            failed: Vec::new(),
            held: Vec::new(),
            started_at_ms: now_ms,
            ended_at_ms: record.is_none().then_some(now_ms),
            at_ms: now_ms,
            revision: 0,
        };
        if let Some(record) = record {
            notice.update(record, now_ms);
        }
        notice
    }

    /// Updates the notice from the record. Returns whether anything changed.
    pub fn update(&mut self, record: &ChainRecord, now_ms: i64) -> bool {
        let before = self.clone();
        self.result = record.result();
        self.reason = record.cancelled().cloned();
        self.counts = record.counts();
        self.failed = listed(record, |stack| {
            (stack.state == StackState::Failed).then(|| {
                let reason = stack.reason.as_ref();
                reason.map_or_else(|| "failed".to_owned(), |reason| reason.text.clone())
            })
        });
        self.held = listed(record, |stack| {
            stack.note.clone().filter(|_| !stack.state.is_over())
        });
        if record.is_over() {
            self.ended_at_ms.get_or_insert(now_ms);
        }
        let differs = *self != before;
        if differs {
            self.revision += 1;
            self.at_ms = now_ms;
        }
        differs
    }

    pub fn is_over(&self) -> bool {
        self.result.is_over()
    }

    /// How long the chain has taken so far.
    pub fn elapsed_ms(&self, now_ms: i64) -> i64 {
        (self.ended_at_ms.unwrap_or(now_ms) - self.started_at_ms).max(0)
    }
}

fn listed(record: &ChainRecord, text: impl Fn(&StackProgress) -> Option<String>) -> Vec<NoticedStack> {
    let mut named: Vec<(Option<i64>, NoticedStack)> = record
        .progress()
        .iter()
        .filter_map(|stack| {
            let at_ms = stack.finished_at_ms.or(stack.started_at_ms);
            Some((at_ms, NoticedStack::of(stack, text(stack)?)))
        })
        .collect();
    named.sort_by_key(|(at_ms, _)| at_ms.unwrap_or(i64::MAX));
    named.truncate(LISTED_MAX);
    named.into_iter().map(|(_, stack)| stack).collect()
}
