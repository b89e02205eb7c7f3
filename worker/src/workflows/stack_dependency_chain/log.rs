//! The chain's audit log: a record of every decision, written while the chain runs.

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

/// The actor of the schedule's decisions.
const WORKER: &str = "worker";

/// The audit log of one chain. Does nothing if the chain has none.
pub(super) struct Log {
    audit: Option<ChainAudit>,
    input: ChainInput,
    /// How many of the unwritten batches are closed, since their write has begun or may have been tried: a batch that
    /// grew would be different when it is written again.
    closed: usize,
    /// The write of the first batch.
    writing: Option<Pin<Box<dyn Future<Output = WorkflowResult<()>>>>>,
}

impl Log {
    /// `audit` is the log of the previous history, or an empty one if the chain begins its log.
    pub(super) fn new(input: &ChainInput, audit: Option<ChainAudit>) -> Self {
        Self {
            closed: audit.as_ref().map_or(0, |audit| audit.unwritten.len()),
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
            if let Some(audit) = &mut self.audit {
                audit.unwritten.pop_front();
            }
            Poll::Ready(written)
        })
        .fuse()
    }

    pub(super) fn is_written(&self) -> bool {
        self.audit.as_ref().is_none_or(|audit| audit.unwritten.is_empty())
    }

    /// The state for the next history. A batch whose write has begun is written again, unchanged.
    pub(super) fn into_audit(self) -> Option<ChainAudit> {
        self.audit
    }

    fn begin_to_write(&mut self, ctx: &Context) {
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
            if audit.unwritten.len() <= self.closed {
                audit.unwritten.push_back(Vec::new());
            }
            if let Some(batch) = audit.unwritten.back_mut() {
                batch.push(record);
            }
        }
    }
}
