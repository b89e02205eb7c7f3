//! The chain's audit log: a record of every decision, written while the chain goes on.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use audit::{Action, Entry};
use chain::schedule::Control;
use chain::{ChainRecord, Change, Outcome, StackId, record::StackChange};
use futures::FutureExt;
use futures::future::FusedFuture;
use orchestrator::contract::{ChainAudit, ChainInput};
use temporalio_sdk::{ActivityExecutionError, WorkflowResult};

use super::super::until_it_works;
use super::Context;
use crate::activities::{Activities, AuditRecords};

/// What the records of the schedule's decisions name as their actor.
const WORKER: &str = "worker";

/// The audit log of one chain. Where the chain writes none, nothing here does anything.
pub(super) struct Log {
    audit: Option<ChainAudit>,
    input: ChainInput,
    /// How many of the unwritten batches are closed, since somebody writes them or may have written them: a batch
    /// that grew would not be the same when it is written again.
    closed: usize,
    /// The write of the first batch.
    writing: Option<Pin<Box<dyn Future<Output = WorkflowResult<()>>>>>,
}

impl Log {
    /// `audit` is the log of the history before, or an empty one where the chain begins to write.
    pub(super) fn new(input: &ChainInput, audit: Option<ChainAudit>) -> Self {
        Self {
            closed: audit.as_ref().map_or(0, |audit| audit.unwritten.len()),
            audit,
            input: input.clone(),
            writing: None,
        }
    }

    /// Records that the chain began, or was refused, unless an earlier history did.
    pub(super) fn begin(&mut self, at_ms: i64) {
        let Some(audit) = &mut self.audit else { return };
        if std::mem::replace(&mut audit.begun, true) {
            return;
        }
        let by = self.input.by.as_deref();
        let actor = by.map_or_else(|| "spacelift".to_owned(), |login| format!("spacelift:{login}"));
        match self.input.refused.clone() {
            None => {
                let started = self.of_root(at_ms, &actor, Action::ChainStarted);
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

    /// Records what happened; `record` has it already.
    pub(super) fn changed(&mut self, record: &ChainRecord, change: &Change) {
        match change {
            Change::Controlled { control, by, at_ms } => {
                let action = match control {
                    Control::Pause => Action::ChainPaused,
                    Control::Resume => Action::ChainResumed,
                    Control::Cancel => Action::ChainCancelled,
                };
                let entry = self.of_chain(*at_ms, &format!("operator:{by}"), action);
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
            StackChange::Ended { outcome, .. } => {
                let action = match outcome {
                    Outcome::Skipped { .. } => Action::StackSkipped,
                    Outcome::Succeeded | Outcome::Failed { .. } => Action::StackEnded,
                };
                let mut entry = self.of_chain(at_ms, WORKER, action);
                entry.stack = Some(stack.clone());
                if let Some(progress) = progress {
                    entry.run.clone_from(&progress.run);
                    entry.outcome = Some(progress.state.to_string());
                    entry.reason.clone_from(&progress.reason);
                    entry.started_at_ms = progress.started_at_ms;
                    entry.commit.clone_from(&progress.commit);
                }
                self.add(entry);
            }
            StackChange::DueAgain { why } => {
                let mut entry = self.of_chain(at_ms, WORKER, Action::StackDueAgain);
                entry.stack = Some(stack.clone());
                entry.reason = Some(chain::Reason::new("due_again", why.clone()));
                self.add(entry);
            }
            StackChange::Waits { .. } => {}
        }
    }

    /// Ends when a batch is written; never where there is nothing to write.
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

    /// What the next history goes on with. A batch that is being written is written again, the same.
    pub(super) fn into_audit(self) -> Option<ChainAudit> {
        self.audit
    }

    fn begin_to_write(&mut self, ctx: &Context) {
        let batch = self.audit.as_ref().and_then(|audit| audit.unwritten.front());
        let (None, Some(batch)) = (&self.writing, batch) else {
            return;
        };
        let options = until_it_works(&self.input.timing, format!("audit log, {} more", batch.len()));
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
                // It never will be: another log of this chain is there, since the workflow was reset. That log tells.
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

    /// To the last batch, unless that one is closed.
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
