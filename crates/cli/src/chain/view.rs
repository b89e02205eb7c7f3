//! The document of a chain. Every command that shows a chain prints this document.

use std::collections::{BTreeMap, BTreeSet};

use chain::schedule::{ScheduleReport, StackPhase};
use chain::{
    ChainId, ChainRecord, ChainResult, CommitSha, Counts, LeftOut, Reason, RunId, StackId, StackState,
};
use schemars::JsonSchema;
use serde::Serialize;
use temporal_client::contract::ChainReport;
use temporal_client::{TemporalError, WorkflowClient};

use crate::json::{Seconds, Shape, Time};

/// A chain: the stacks that run for one cause, and how far they are.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Chain")]
pub(crate) struct View {
    pub(crate) id: ChainId,
    pub(crate) state: State,
    pub(crate) root: Root,
    /// Who triggered the run of the root, or requested the chain.
    pub(crate) by: Option<String>,
    /// The chain that this one retries.
    pub(crate) retry_of: Option<ChainId>,
    /// Why a person retried it, as they said.
    pub(crate) retry_reason: Option<Reason>,
    /// Why it was refused, or by whom it was cancelled.
    pub(crate) reason: Option<Reason>,
    /// Why the chain waits for approval before its first run, as long as it does.
    pub(crate) waits_for_approval: Option<Reason>,
    /// What a person ordered last, and the reason that they gave.
    pub(crate) last_order: Option<Reason>,
    /// What a label of the root says of the stacks downstream of it, and what follows from it.
    pub(crate) downstream: Option<Reason>,
    /// When the run of the root ended, or the chain was requested.
    pub(crate) started_at: Option<Time>,
    pub(crate) ended_at: Option<Time>,
    /// From the start to the end, or until now.
    pub(crate) duration_s: Option<Seconds>,
    pub(crate) counts: Counts,
    pub(crate) stacks: Vec<Stack>,
    /// Stacks that the labels name and that do not run.
    pub(crate) left_out: Vec<LeftOut>,
}

impl Shape for View {
    const KIND: &'static str = "chain";
}

/// The state of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ChainState")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum State {
    Planning,
    Running,
    Paused,
    /// Cancelled, and some of its stacks are still running.
    Cancelling,
    Succeeded,
    Failed,
    Refused,
    Cancelled,
}

impl State {
    fn of(report: &ChainReport) -> Self {
        let is_cancelled = report
            .record
            .as_ref()
            .is_some_and(|record| record.cancelled().is_some());
        match report.result {
            ChainResult::Running | ChainResult::Paused if is_cancelled => Self::Cancelling,
            ChainResult::Planning => Self::Planning,
            ChainResult::Running => Self::Running,
            ChainResult::Paused => Self::Paused,
            ChainResult::Succeeded => Self::Succeeded,
            ChainResult::Failed => Self::Failed,
            ChainResult::Refused => Self::Refused,
            ChainResult::Cancelled => Self::Cancelled,
        }
    }

    pub(crate) fn is_over(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Refused | Self::Cancelled
        )
    }
}

/// What the chain began with.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChainRoot")]
pub(crate) struct Root {
    pub(crate) stack: StackId,
    /// Absent if the chain was requested.
    pub(crate) run: Option<RunId>,
    pub(crate) branch: String,
    pub(crate) commit: Option<CommitSha>,
}

/// A stack of a chain.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChainStack")]
pub(crate) struct Stack {
    pub(crate) id: StackId,
    pub(crate) state: StackState,
    /// What a stack that is not over does or waits for.
    pub(crate) phase: Option<StackPhase>,
    /// The same in one line, for people.
    pub(crate) message: Option<String>,
    /// Why it failed, was skipped, or counts as done without a run.
    pub(crate) reason: Option<Reason>,
    pub(crate) run: Option<RunId>,
    /// How many runs there were for it.
    pub(crate) runs: u32,
    /// Runs that failed and were retried, oldest first.
    pub(crate) failed_runs: Vec<RunId>,
    /// Somebody else triggered the run.
    pub(crate) found: bool,
    pub(crate) commit: Option<CommitSha>,
    /// The stacks of the chain that it waits for.
    pub(crate) upstream: Vec<StackId>,
    /// Its applies need a confirmation.
    pub(crate) needs_confirmation: bool,
    pub(crate) started_at: Option<Time>,
    pub(crate) ended_at: Option<Time>,
    /// From the start to the end, or until now.
    pub(crate) duration_s: Option<Seconds>,
}

impl View {
    /// The chain, and what the schedule says of its stacks that are not over.
    pub(crate) async fn read(
        workflows: &WorkflowClient,
        id: &ChainId,
    ) -> Result<Option<Self>, TemporalError> {
        let Some(report) = workflows.chain(id).await? else {
            return Ok(None);
        };
        let mut view = Self::of(&report, Time::now());
        // The record alone is shown while the schedule cannot answer.
        if !view.state.is_over()
            && let Some(account) = id.account()
            && let Ok(Some(schedule)) = workflows.schedule_report(&account).await
        {
            view.explain(&schedule);
        }
        Ok(Some(view))
    }

    /// What the schedule says of its stacks that are not over.
    pub(super) fn explain(&mut self, schedule: &ScheduleReport) {
        let reports: BTreeMap<_, _> = schedule
            .stacks
            .iter()
            .map(|report| (&report.stack, report))
            .collect();
        let open = self.stacks.iter().filter(|stack| !stack.state.is_over());
        let open: BTreeSet<StackId> = open.map(|stack| stack.id.clone()).collect();
        for stack in self.stacks.iter_mut().filter(|stack| !stack.state.is_over()) {
            let upstream = stack.upstream.iter().filter(|id| open.contains(*id));
            let upstream: Vec<StackId> = upstream.cloned().collect();
            if stack.state == StackState::Waiting && !upstream.is_empty() {
                // What the schedule says of it is about other chains.
                stack.phase = Some(StackPhase::WaitsForUpstream);
                stack.message = Some(format!("after {}", chain::render::names(&upstream)));
                continue;
            }
            if let Some(report) = reports
                .get(&stack.id)
                .filter(|report| report.chains.contains(&self.id))
            {
                stack.phase = Some(report.phase);
                stack.message = Some(report.why.clone());
            }
        }
    }

    pub(crate) fn of(report: &ChainReport, now: Time) -> Self {
        let record = report.record.as_ref();
        let stacks: Vec<Stack> = record
            .iter()
            .flat_map(|record| record.chain().stacks.iter().zip(record.progress()))
            .map(|(planned, progress)| {
                let started_at = progress.started_at_ms.and_then(Time::from_ms);
                let ended_at = progress.finished_at_ms.and_then(Time::from_ms);
                Stack {
                    id: planned.id.clone(),
                    state: progress.state,
                    phase: None,
                    message: progress.note.clone(),
                    reason: progress.reason.clone(),
                    run: progress.run.clone(),
                    runs: progress.runs,
                    failed_runs: progress.failed_runs.clone(),
                    found: progress.found,
                    commit: progress.commit.clone(),
                    upstream: planned.upstream.clone(),
                    needs_confirmation: !planned.autodeploy,
                    started_at,
                    ended_at,
                    duration_s: started_at.map(|start| ended_at.unwrap_or(now).since(start)),
                }
            })
            .collect();
        let started_at = report.root.ended_at_s.and_then(Time::from_s);
        let is_over = report.result.is_over();
        let last = stacks.iter().filter_map(|stack| stack.ended_at).max();
        let ended_at = if is_over { last.or(started_at) } else { None };
        let end = if is_over { ended_at } else { Some(now) };
        Self {
            id: report.id.clone(),
            state: State::of(report),
            root: Root {
                stack: report.root.stack.clone(),
                run: report.root.run.clone(),
                branch: report.root.branch.clone(),
                commit: report.root.commit.clone(),
            },
            by: report.by.clone(),
            retry_of: report.root.retry_of.clone(),
            retry_reason: report.root.retry_reason.clone(),
            reason: report.reason.clone().or_else(|| record?.cancelled().cloned()),
            waits_for_approval: record
                .filter(|record| !record.is_over())
                .and_then(|record| record.unapproved().cloned()),
            last_order: record.and_then(|record| record.ordered().cloned()),
            downstream: record.and_then(|record| record.chain().downstream.clone()),
            started_at,
            ended_at,
            duration_s: started_at.zip(end).map(|(start, end)| end.since(start)),
            counts: record.map(ChainRecord::counts).unwrap_or_default(),
            left_out: record
                .map(|record| record.chain().left_out.clone())
                .unwrap_or_default(),
            stacks,
        }
    }
}

#[cfg(test)]
impl View {
    /// A chain that has no plan yet.
    pub(super) fn planning(root: StackId) -> Self {
        Self {
            id: ChainId::of_workflow("chain:acme:01J"),
            state: State::Planning,
            root: Root {
                stack: root,
                run: None,
                branch: "main".to_owned(),
                commit: None,
            },
            by: None,
            retry_of: None,
            retry_reason: None,
            reason: None,
            waits_for_approval: None,
            last_order: None,
            downstream: None,
            started_at: None,
            ended_at: None,
            duration_s: None,
            counts: Counts::default(),
            stacks: Vec::new(),
            left_out: Vec::new(),
        }
    }
}

#[cfg(test)]
impl Stack {
    /// A stack without a run.
    pub(super) fn without_run(id: &str, state: StackState) -> Self {
        Self {
            id: id.parse().unwrap(),
            state,
            phase: None,
            message: None,
            reason: None,
            run: None,
            runs: 0,
            failed_runs: Vec::new(),
            found: false,
            commit: None,
            upstream: Vec::new(),
            needs_confirmation: false,
            started_at: None,
            ended_at: None,
            duration_s: None,
        }
    }
}
