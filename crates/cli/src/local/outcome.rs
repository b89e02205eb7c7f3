//! The outcome of a chain for programs.

use chain::{ChainId, ChainResult, CommitSha, RunId, StackId, StackState};
use orchestrator::contract::ChainReport;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Outcome<'a> {
    result: ChainResult,
    chain_id: &'a ChainId,
    /// Why there is no chain.
    reason: Option<&'a str>,
    stacks: Vec<StackOutcome<'a>>,
}

#[derive(Debug, Serialize)]
struct StackOutcome<'a> {
    id: &'a StackId,
    outcome: StackState,
    runs: u32,
    run: Option<&'a RunId>,
    commit: Option<&'a CommitSha>,
    upstream: &'a [StackId],
    started_at: Option<jiff::Timestamp>,
    finished_at: Option<jiff::Timestamp>,
    reason: Option<&'a str>,
}

impl<'a> Outcome<'a> {
    pub(crate) fn of(report: &'a ChainReport) -> Self {
        let stacks = report
            .record
            .iter()
            .flat_map(|record| record.chain().stacks.iter().zip(record.progress()));
        Self {
            result: report.result,
            chain_id: &report.id,
            reason: report.reason.as_ref().map(|reason| reason.text.as_str()),
            stacks: stacks
                .map(|(stack, progress)| StackOutcome {
                    id: &stack.id,
                    outcome: progress.state,
                    runs: progress.runs,
                    run: progress.run.as_ref(),
                    commit: progress.commit.as_ref(),
                    upstream: &stack.upstream,
                    started_at: progress.started_at_ms.and_then(time),
                    finished_at: progress.finished_at_ms.and_then(time),
                    reason: progress.reason.as_ref().map(|reason| reason.text.as_str()),
                })
                .collect(),
        }
    }
}

fn time(milliseconds: i64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(milliseconds).ok()
}
