//! The chain's audit log: a record of every decision, written while the chain goes on.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use audit::{Action, Entry};
use chain::{CommitSha, Reason, RunId, StackId, StackState, Walk};
use futures::FutureExt;
use futures::future::FusedFuture;
use orchestrator::contract::{ChainAudit, ChainInput, ChainResult, Control};
use temporalio_sdk::{ActivityExecutionError, WorkflowResult};

use super::super::patient;
use super::Context;
use crate::activities::{Activities, AuditRecords};

/// What the records of a workflow's own decisions name as their actor.
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
    /// Whether the end of each stack is recorded, in the order of the walk.
    recorded: Vec<bool>,
    /// The commit that a stack ran, until its end is recorded.
    commits: BTreeMap<StackId, CommitSha>,
}

impl Log {
    /// `audit` and `resumed` are the log and the walk of the history before, which recorded what had ended.
    pub(super) fn new(input: &ChainInput, audit: Option<ChainAudit>, resumed: Option<&Walk>) -> Self {
        Self {
            closed: audit.as_ref().map_or(0, |audit| audit.unwritten.len()),
            audit,
            input: input.clone(),
            writing: None,
            recorded: resumed
                .into_iter()
                .flat_map(Walk::progress)
                .map(|stack| stack.state.is_over())
                .collect(),
            commits: BTreeMap::new(),
        }
    }

    /// From here on the chain writes a log.
    pub(super) fn begin(&mut self) {
        self.audit = Some(ChainAudit::default());
    }

    pub(super) fn started(&mut self, at_ms: i64) {
        let by = self.input.started_by.as_deref();
        let actor = by.map_or_else(|| "spacelift".to_owned(), |login| format!("spacelift:{login}"));
        let root = self.of_root(at_ms, &actor, Action::ChainStarted);
        self.add(root);
    }

    pub(super) fn refused(&mut self, reason: &Reason, at_ms: i64) {
        let mut entry = self.of_root(at_ms, WORKER, Action::ChainRefused);
        entry.reason = Some(reason.clone());
        self.add(entry);
        self.ended(ChainResult::Refused, at_ms);
    }

    pub(super) fn controlled(&mut self, control: &Control, at_ms: i64) {
        let (action, by) = match control {
            Control::Pause { by } => (Action::ChainPaused, by),
            Control::Resume { by } => (Action::ChainResumed, by),
            Control::Cancel { by } => (Action::ChainCancelled, by),
        };
        let entry = self.of_chain(at_ms, &format!("operator:{by}"), action);
        self.add(entry);
    }

    pub(super) fn stack_has_run(
        &mut self,
        walk: &Walk,
        stack: &StackId,
        run: RunId,
        joined: bool,
        at_ms: i64,
    ) {
        let action = if joined {
            Action::RunJoined
        } else {
            Action::RunTriggered
        };
        let mut entry = self.of_chain(at_ms, WORKER, action);
        entry.stack = Some(stack.clone());
        entry.run = Some(run);
        entry.commit = walk
            .chain()
            .stack(stack)
            .and_then(|stack| stack.commit.sha.clone());
        self.add(entry);
    }

    /// Where the plan leaves the commit to Spacelift, the run knows it.
    pub(super) fn stack_ran(&mut self, stack: &StackId, commit: Option<&CommitSha>) {
        if let Some(commit) = commit {
            self.commits.insert(stack.clone(), commit.clone());
        }
    }

    /// Records the end of every stack that has ended since the last time.
    pub(super) fn stacks_ended(&mut self, walk: &Walk) {
        if self.audit.is_none() {
            return;
        }
        self.recorded.resize(walk.progress().len(), false);
        for (at, stack) in walk.progress().iter().enumerate() {
            if stack.state.is_over() && !std::mem::replace(&mut self.recorded[at], true) {
                let skipped = stack.state == StackState::Skipped;
                let action = if skipped {
                    Action::StackSkipped
                } else {
                    Action::StackEnded
                };
                let at_ms = stack.finished_at_ms.unwrap_or_default();
                let mut entry = self.of_chain(at_ms, WORKER, action);
                entry.stack = Some(stack.id.clone());
                entry.run.clone_from(&stack.run);
                entry.outcome = Some(stack.state.to_string());
                entry.reason.clone_from(&stack.reason);
                entry.started_at_ms = stack.started_at_ms;
                let planned = walk.chain().stack(&stack.id);
                let wanted = || planned.and_then(|stack| stack.commit.sha.clone());
                entry.commit = self.commits.remove(&stack.id).or_else(wanted);
                self.add(entry);
            }
        }
    }

    pub(super) fn ended(&mut self, result: ChainResult, at_ms: i64) {
        let mut entry = self.of_chain(at_ms, WORKER, Action::ChainEnded);
        entry.outcome = Some(result.to_string());
        self.add(entry);
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
        let options = patient(&self.input.timing, format!("audit log, {} more", batch.len()));
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
