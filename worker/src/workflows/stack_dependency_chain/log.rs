//! The chain's audit log: a record of every decision, written while the chain runs.

mod limits;

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use audit::{Action, Entry};
use chain::schedule::Control;
use chain::{ChainRecord, Change, Outcome, ReasonCode, StackId, record::StackChange};
use futures::FutureExt;
use futures::future::FusedFuture;
use temporal_client::contract::{AuditRecords, ChainAudit, ChainInput};
use temporalio_sdk::{ActivityExecutionError, WorkflowResult};

use super::super::unlimited_retries;
use super::Context;
use crate::activities::Activities;
use limits::{BATCH_BYTES_MAX, batches, must_be_written_first, size};

/// The actor of the schedule's decisions.
const WORKER: &str = "worker";

/// The change since which what is written and carried of the log is limited.
const LIMITED: &str = "limited-audit";

/// The audit log of one chain. Does nothing if the chain has none.
pub(super) struct Log {
    audit: Option<ChainAudit>,
    input: ChainInput,
    /// How many of the unwritten batches are closed, since their write has begun or may have been tried: a batch that
    /// grew would be different when it is written again.
    closed: usize,
    /// The size of what is unwritten.
    bytes: usize,
    /// Whether the limits hold in this history, once that mattered.
    limited: Option<bool>,
    /// The write of the first batch.
    writing: Option<Pin<Box<dyn Future<Output = WorkflowResult<()>>>>>,
}

impl Log {
    /// `audit` is the log of the previous history, or an empty one if the chain begins its log.
    pub(super) fn new(input: &ChainInput, audit: Option<ChainAudit>) -> Self {
        Self {
            closed: audit.as_ref().map_or(0, |audit| audit.unwritten.len()),
            bytes: audit
                .iter()
                .flat_map(|audit| audit.unwritten.iter().flatten())
                .map(size)
                .sum(),
            limited: None,
            audit,
            input: input.clone(),
            writing: None,
        }
    }

    /// Records that the chain began or was refused, unless an earlier history did.
    pub(super) fn begin(&mut self, at_ms: i64) {
        let Some(audit) = &mut self.audit else { return };
        if std::mem::replace(&mut audit.begun, true) {
            return;
        }
        let by = self.input.by.as_deref();
        let root = &self.input.root;
        // A retry is an order of a person. Spacelift names who triggered a run, and a request who sent it.
        let source = if root.retry_of.is_some() {
            "operator"
        } else if root.run.is_some() {
            "spacelift"
        } else {
            "request"
        };
        let actor = by.map_or_else(|| source.to_owned(), |login| format!("{source}:{login}"));
        match self.input.refused.clone() {
            None => {
                let mut started = self.of_root(at_ms, &actor, Action::ChainStarted);
                started.reason.clone_from(&self.input.root.retry_reason);
                self.add(started);
            }
            Some(reason) => {
                let mut refused = self.of_root(at_ms, WORKER, Action::ChainRefused);
                refused.reason = Some(reason);
                self.add(refused);
                let mut ended = self.of_chain(at_ms, WORKER, Action::ChainEnded);
                ended.outcome = Some(chain::ChainResult::Refused.to_string());
                self.add(ended);
            }
        }
    }

    /// Records a change. It is already applied to `record`.
    pub(super) fn changed(&mut self, record: &ChainRecord, change: &Change) {
        match change {
            Change::Controlled {
                control,
                by,
                at_ms,
                reason,
            } => {
                let action = match control {
                    Control::Pause => Action::ChainPaused,
                    Control::Resume => Action::ChainResumed,
                    Control::Approve => Action::ChainApproved,
                    Control::Cancel | Control::CancelAndStopRuns => Action::ChainCancelled,
                };
                let mut entry = self.of_chain(*at_ms, &format!("operator:{by}"), action);
                entry.reason = reason.as_deref().and_then(chain::Reason::ordered);
                self.add(entry);
            }
            Change::Over { at_ms } => {
                let mut entry = self.of_chain(*at_ms, WORKER, Action::ChainEnded);
                entry.outcome = Some(record.result().to_string());
                self.add(entry);
            }
            Change::Stack { stack, change, at_ms } => self.stack_changed(record, stack, change, *at_ms),
        }
    }

    fn stack_changed(&mut self, record: &ChainRecord, stack: &StackId, change: &StackChange, at_ms: i64) {
        let progress = record.stack(stack);
        match change {
            StackChange::Began {
                run, made, commit, ..
            } => {
                let action = if *made {
                    Action::RunTriggered
                } else {
                    Action::RunJoined
                };
                let mut entry = self.of_chain(at_ms, WORKER, action);
                entry.stack = Some(stack.clone());
                entry.run = Some(run.clone());
                entry.commit.clone_from(commit);
                self.add(entry);
            }
            StackChange::Ended { outcome, by_hand, .. } => {
                let action = match outcome {
                    Outcome::Skipped { .. } => Action::StackSkipped,
                    Outcome::Succeeded | Outcome::Failed { .. } => Action::StackEnded,
                };
                let mut entry = self.of_chain(at_ms, WORKER, action);
                entry.stack = Some(stack.clone());
                if let Some(progress) = progress {
                    entry.outcome = Some(progress.state.to_string());
                    entry.reason.clone_from(&progress.reason);
                    // An earlier run did not lead to an end by hand.
                    if by_hand.is_none() {
                        entry.run.clone_from(&progress.run);
                        entry.started_at_ms = progress.started_at_ms;
                        entry.commit.clone_from(&progress.commit);
                    }
                }
                self.add(entry);
            }
            StackChange::RunFailed { run, note } => {
                let mut entry = self.of_chain(at_ms, WORKER, Action::StackDueAgain);
                entry.stack = Some(stack.clone());
                entry.run = Some(run.clone());
                entry.reason = Some(chain::Reason::new(ReasonCode::RunRetry, note.clone()));
                self.add(entry);
            }
            StackChange::DueAgain { why } => {
                let mut entry = self.of_chain(at_ms, WORKER, Action::StackDueAgain);
                entry.stack = Some(stack.clone());
                entry.reason = Some(chain::Reason::new(ReasonCode::DueAgain, why.clone()));
                self.add(entry);
            }
            StackChange::Waits { .. } => {}
        }
    }

    /// Completes when a batch is written; never if there is nothing to write.
    pub(super) fn written(&mut self, ctx: &Context) -> impl FusedFuture<Output = WorkflowResult<()>> {
        self.begin_to_write(ctx);
        futures::future::poll_fn(move |cx| {
            let Some(writing) = &mut self.writing else {
                return Poll::Pending;
            };
            let Poll::Ready(written) = writing.as_mut().poll(cx) else {
                return Poll::Pending;
            };
            self.writing = None;
            self.closed -= 1;
            if let Some(batch) = self.audit.as_mut().and_then(|audit| audit.unwritten.pop_front()) {
                self.bytes -= batch.iter().map(size).sum::<usize>();
            }
            Poll::Ready(written)
        })
        .fuse()
    }

    pub(super) fn is_written(&self) -> bool {
        self.audit.as_ref().is_none_or(|audit| audit.unwritten.is_empty())
    }

    /// Whether the next history has to wait until more is written.
    pub(super) fn holds_history(&mut self, ctx: &Context) -> bool {
        must_be_written_first(self.bytes, ctx.history_length()) && self.is_limited(ctx)
    }

    /// The state for the next history. A batch whose write has begun is written again, unchanged.
    pub(super) fn into_audit(mut self) -> Option<ChainAudit> {
        if let Some(audit) = &mut self.audit {
            let open = audit.unwritten.split_off(self.closed.min(audit.unwritten.len()));
            audit.unwritten.extend(open.into_iter().flat_map(batches));
        }
        self.audit
    }

    /// Histories from before the limits keep to what they did. Asked only where it matters, so that other histories have
    /// no marker.
    fn is_limited(&mut self, ctx: &Context) -> bool {
        *self.limited.get_or_insert_with(|| ctx.patched(LIMITED))
    }

    fn begin_to_write(&mut self, ctx: &Context) {
        let is_large = self.closed == 0 && self.bytes > BATCH_BYTES_MAX;
        if self.writing.is_none() && is_large && self.is_limited(ctx) {
            self.split();
        }
        let batch = self.audit.as_ref().and_then(|audit| audit.unwritten.front());
        let (None, Some(batch)) = (&self.writing, batch) else {
            return;
        };
        let options = unlimited_retries(&self.input.timing, format!("audit log, {} more", batch.len()));
        let records = AuditRecords {
            chain: self.input.id.clone(),
            records: batch.clone(),
        };
        self.closed = self.closed.max(1);
        let ctx = ctx.clone();
        self.writing = Some(Box::pin(async move {
            match ctx
                .execute_activity(Activities::write_audit_records, records, options)
                .await
            {
                // It can never be written: this chain already has another log, since the workflow was reset. That log
                // is kept.
                Ok(()) | Err(ActivityExecutionError::Failed(_)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }));
    }

    /// Splits the open batch. The last part still grows.
    fn split(&mut self) {
        if let Some(audit) = &mut self.audit {
            let open = std::mem::take(&mut audit.unwritten);
            audit.unwritten = open.into_iter().flat_map(batches).collect();
            self.closed = audit.unwritten.len().saturating_sub(1);
        }
    }

    fn of_chain(&self, at_ms: i64, actor: &str, action: Action) -> Entry {
        let mut entry = Entry::new(at_ms, actor, action);
        entry.account = Some(self.input.root.account.clone());
        entry.chain = Some(self.input.id.to_string());
        entry
    }

    fn of_root(&self, at_ms: i64, actor: &str, action: Action) -> Entry {
        let root = &self.input.root;
        let mut entry = self.of_chain(at_ms, actor, action);
        entry.stack = Some(root.stack.clone());
        entry.run.clone_from(&root.run);
        entry.commit.clone_from(&root.commit);
        entry
    }

    /// Adds to the last batch, unless that one is closed.
    fn add(&mut self, entry: Entry) {
        if let Some(audit) = &mut self.audit {
            let record = audit.trail.append(entry);
            self.bytes += size(&record);
            if audit.unwritten.len() <= self.closed {
                audit.unwritten.push_back(Vec::new());
            }
            if let Some(batch) = audit.unwritten.back_mut() {
                batch.push(record);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use audit::Record;

    use super::limits::tests::{entry, records};
    use super::*;

    /// The log of a chain that had these records unwritten.
    fn log(unwritten: Vec<Vec<Record>>) -> Log {
        let examples = include_str!("../../../../crates/temporal-client/tests/contract/chain_input.json");
        let examples: Vec<ChainInput> = serde_json::from_str(examples).unwrap();
        let audit = ChainAudit {
            unwritten: unwritten.into(),
            ..ChainAudit::default()
        };
        Log::new(&examples[0], Some(audit))
    }

    #[test]
    fn what_is_tried_stays_as_it_is_and_the_rest_is_split_for_the_next_history() {
        let mut log = log(vec![records(2)]);
        for _ in 0..1_500 {
            log.add(entry());
        }
        let all: usize = log
            .audit
            .iter()
            .flat_map(|audit| audit.unwritten.iter().flatten())
            .map(size)
            .sum();
        assert_eq!(log.bytes, all);
        let carried = log.into_audit().unwrap().unwritten;
        assert_eq!(carried[0].len(), 2);
        assert!(carried.len() > 3);
        assert_eq!(carried.iter().map(Vec::len).sum::<usize>(), 1_502);
    }

    #[test]
    fn the_last_part_of_a_split_batch_still_grows() {
        let mut log = log(Vec::new());
        for _ in 0..600 {
            log.add(entry());
        }
        log.split();
        let parts = |log: &Log| {
            log.audit
                .as_ref()
                .unwrap()
                .unwritten
                .iter()
                .map(Vec::len)
                .collect::<Vec<_>>()
        };
        let before = parts(&log);
        assert_eq!((before.len(), log.closed), (2, 1));
        log.add(entry());
        assert_eq!(parts(&log), [before[0], before[1] + 1]);
    }
}
