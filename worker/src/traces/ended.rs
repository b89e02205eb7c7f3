//! The spans of a chain that is over, from its record.

use chain::{ChainId, ChainRecord, ChainResult, StackProgress, StackState, page};
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;
use temporal_client::contract::ChainReport;

use super::Pages;
use super::span::{Part, Span};

/// When a chain was opened and when it was over, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) opened_at_ms: i64,
    pub(crate) over_at_ms: i64,
}

/// The chain itself, the webhook that began it, its stacks and their runs.
pub(super) fn spans(report: &ChainReport, times: Times, pages: &Pages) -> Vec<SpanData> {
    let root = &report.root;
    // The second in which the root's run ended, by Spacelift's clock.
    let ended_at_ms = root.ended_at_s.map(|at_s| at_s.saturating_mul(1000));
    let from_ms = ended_at_ms
        .unwrap_or(times.opened_at_ms)
        .min(root.reported_at_ms.unwrap_or(times.opened_at_ms))
        .min(times.opened_at_ms);
    let mut spans = vec![
        Span::new(
            &report.id,
            Part::Chain,
            format!("chain {}", root.stack),
            (from_ms, times.over_at_ms),
        )
        .with("spillway.account", Some(root.account.to_string()))
        .with("spillway.stack.id", Some(root.stack.to_string()))
        .with("spillway.run.id", root.run.as_ref().map(ToString::to_string))
        .with("spillway.commit", root.commit.as_ref().map(ToString::to_string))
        .with("spillway.by", report.by.clone())
        .with("spillway.result", Some(report.result.to_string()))
        .with("url.full", pages.chain(&report.id))
        .error(failure(report))
        .link(root.retry_of.as_ref())
        .data(),
    ];
    if let Some(reported_at_ms) = root.reported_at_ms {
        let span = Span::new(
            &report.id,
            Part::Webhook,
            "webhook".to_owned(),
            (reported_at_ms, times.opened_at_ms),
        );
        spans.push(
            span.parent(Part::Chain)
                .kind(SpanKind::Server)
                .with("spillway.run.id", root.run.as_ref().map(ToString::to_string))
                .data(),
        );
    }
    if let Some(record) = &report.record {
        for stack in record.progress() {
            spans.extend(stack_spans(&report.id, record, stack, from_ms, times, pages));
        }
    }
    spans
}

fn failure(report: &ChainReport) -> Option<String> {
    match report.result {
        ChainResult::Failed => report.record.as_ref().map(|record| record.counts().to_string()),
        ChainResult::Refused => report.reason.as_ref().map(ToString::to_string),
        _ => None,
    }
}

/// The stack, from the end of everything upstream to its own, and its last run.
fn stack_spans(
    chain: &ChainId,
    record: &ChainRecord,
    stack: &StackProgress,
    chain_from_ms: i64,
    times: Times,
    pages: &Pages,
) -> Vec<SpanData> {
    let to_ms = stack.finished_at_ms.unwrap_or(times.over_at_ms);
    let from_ms = ready_at_ms(record, stack).unwrap_or(chain_from_ms).min(to_ms);
    let id = stack.id.as_str();
    let reason = stack.reason.as_ref().map(ToString::to_string);
    let mut spans = vec![
        Span::new(chain, Part::Stack(id), format!("stack {id}"), (from_ms, to_ms))
            .parent(Part::Chain)
            .with("spillway.stack.id", Some(id.to_owned()))
            .with("spillway.state", Some(stack.state.to_string()))
            .with("spillway.reason", reason.clone())
            .with("spillway.runs", Some(i64::from(stack.runs)))
            .with("url.full", pages.run(&stack.id, stack.run.as_ref()))
            .error(reason.filter(|_| stack.state == StackState::Failed))
            .data(),
    ];
    if let (Some(run), Some(started_at_ms)) = (&stack.run, stack.started_at_ms) {
        // By Spacelift's clock, if that lies within the stack's own times.
        let ended_at_ms = stack.ended_at_s.map(|at_s| at_s.saturating_mul(1000));
        let ended_at_ms = ended_at_ms.filter(|at_ms| (started_at_ms..=to_ms).contains(at_ms));
        let times = (started_at_ms.clamp(from_ms, to_ms), ended_at_ms.unwrap_or(to_ms));
        spans.push(
            Span::new(chain, Part::Run(run.as_str()), format!("run {id}"), times)
                .parent(Part::Stack(id))
                .with("spillway.stack.id", Some(id.to_owned()))
                .with("spillway.run.id", Some(run.to_string()))
                .with("spillway.commit", stack.commit.as_ref().map(ToString::to_string))
                .with("url.full", pages.run(&stack.id, Some(run)))
                .data(),
        );
    }
    spans
}

/// When the last stack ended that it waits for.
fn ready_at_ms(record: &ChainRecord, stack: &StackProgress) -> Option<i64> {
    let planned = record.planned(&stack.id)?;
    let upstream = planned.upstream.iter().chain(&planned.native_upstream);
    upstream.filter_map(|id| record.stack(id)?.finished_at_ms).max()
}

impl Pages {
    fn chain(&self, chain: &ChainId) -> Option<String> {
        Some(page::chain(self.dashboard.as_deref()?, chain))
    }

    pub(super) fn run(&self, stack: &chain::StackId, run: Option<&chain::RunId>) -> Option<String> {
        let base = self.spacelift.as_deref()?;
        Some(match run {
            Some(run) => page::run(base, stack, run),
            None => page::stack(base, stack),
        })
    }
}
