//! `/`: the chains, open ones first.

mod filter;

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chain::{RunId, StackId};
use futures::{StreamExt, stream};
use spacelift::Run;
use temporal_client::ChainSummary;
use temporalio_client::WorkflowExecutionStatus;

use self::filter::Filter;
use super::{Dashboard, Frame, PageError, Section, Shared, ShownState, answer, shown_now_ms};
use crate::filters;
use crate::phases::last_ms;
use crate::sources::Seen;
use crate::trouble::failures;
use crate::visitor::Visitor;
use crate::words::{Moment, chain_path, duration};

/// Chains on one page. A filter that only the records can answer may let through a few more.
const PAGE: u16 = 30;
/// How many chains are read for one page at most. Those that ended are kept, so that reading on is cheap.
const READ_MAX: usize = 300;
/// How many are read side by side: a whole page, since each one may have a worker that is gone.
const PARALLEL: usize = PAGE as usize;

#[derive(Template)]
#[template(path = "chains.html")]
struct ChainsPage {
    frame: Frame,
    filter: Filter,
    chains: Vec<Row>,
    /// Where the list goes on.
    older: Option<String>,
    is_continued: bool,
}

/// A chain in the list.
struct Row {
    path: String,
    id: String,
    root: String,
    state: ShownState,
    commit: Option<CommitWords>,
    by: Option<String>,
    counts: Counts,
    started: Option<Moment>,
    /// How long it took, or takes until now.
    took: Option<String>,
    since_ms: Option<i64>,
    failure: Option<FailureWords>,
    note: Option<String>,
}

struct FailureWords {
    stack: String,
    reason: String,
}

/// A commit, in words.
pub(super) struct CommitWords {
    pub(super) sha: String,
    pub(super) message: Option<String>,
    pub(super) author: Option<String>,
}

/// How many stacks are in which state, and where each part of the bar is.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) words: String,
    pub(super) bars: Vec<CountBar>,
}

pub(super) struct CountBar {
    pub(super) class: &'static str,
    /// Percent of the whole width.
    pub(super) x: String,
    pub(super) width: String,
}

pub(crate) async fn page(
    State(dashboard): Shared,
    visitor: Visitor,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let (found, next) = read(&dashboard, &filter).await?;
    let roots: Vec<(StackId, RunId)> = found
        .iter()
        .filter_map(|(_, seen)| {
            let root = &seen.as_ref()?.report.root;
            (root.account == dashboard.config.account).then_some(())?;
            Some((root.stack.clone(), root.run.clone()?))
        })
        .collect();
    let runs = dashboard.runs.find(&roots).await;
    let now_ms = shown_now_ms();
    let is_open = found
        .iter()
        .any(|(summary, _)| summary.status == WorkflowExecutionStatus::Running);
    let chains = found
        .iter()
        .map(|(summary, seen)| row(summary, seen.as_ref(), &runs, now_ms))
        .collect();
    let page = ChainsPage {
        frame: dashboard.frame(&visitor, Section::Chains, is_open).await,
        chains,
        older: next.map(|next| filter.path_after(&next)),
        is_continued: filter.after().is_some(),
        filter,
    };
    answer(&headers, &page)
}

type Found = (ChainSummary, Option<Seen>);

/// Reads chains until a page is full.
async fn read(dashboard: &Dashboard, filter: &Filter) -> Result<(Vec<Found>, Option<Vec<u8>>), PageError> {
    let in_temporal = filter.in_temporal()?;
    let mut after = filter.after().unwrap_or_default();
    let (mut found, mut count) = (Vec::new(), 0);
    loop {
        let workflows = &dashboard.config.workflows;
        let page = workflows.chain_page(&in_temporal, PAGE, after).await?;
        count += page.chains.len();
        let seen: Vec<Found> = stream::iter(page.chains)
            .map(|summary| async {
                let seen = dashboard.reports.listed(&summary.id, summary.status).await;
                // A chain that was ended by force has no report, and no worker may be there to answer.
                (summary, seen.ok().flatten())
            })
            .buffered(PARALLEL)
            .collect()
            .await;
        found.extend(
            seen.into_iter()
                .filter(|(_, seen)| filter.lets_through(seen.as_ref().map(|seen| &*seen.report))),
        );
        if page.next.is_empty() {
            return Ok((found, None));
        }
        if found.len() >= usize::from(PAGE) || count >= READ_MAX {
            return Ok((found, Some(page.next)));
        }
        after = page.next;
    }
}

fn row(summary: &ChainSummary, seen: Option<&Seen>, runs: &HashMap<RunId, Arc<Run>>, now_ms: i64) -> Row {
    let ms = |time: std::time::SystemTime| {
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    };
    let started_ms = summary.started.and_then(ms);
    let is_open = summary.status == WorkflowExecutionStatus::Running;
    let report = seen.map(|seen| &*seen.report);
    let record = report.and_then(|report| report.record.as_ref());
    let ended_ms = record
        .filter(|record| record.is_over())
        .and_then(last_ms)
        .or(summary.closed.and_then(ms));
    let took_ms = started_ms.map(|from| if is_open { now_ms } else { ended_ms.unwrap_or(from) } - from);
    let first = record.and_then(|record| failures(record).into_iter().next());
    Row {
        path: chain_path(&summary.id),
        id: summary.id.to_string(),
        root: report.map_or_else(|| summary.id.to_string(), |report| report.root.stack.to_string()),
        state: report.map_or(ShownState::Waiting, |report| ShownState::of_chain(report.result)),
        commit: report.and_then(|report| commit_words(&report.root, runs)),
        by: report.and_then(|report| report.by.clone()),
        counts: record.map(|record| counts(&record.counts())).unwrap_or_default(),
        started: started_ms.and_then(Moment::of_ms),
        took: took_ms.map(duration),
        since_ms: started_ms.filter(|_| is_open),
        failure: first.map(|first| FailureWords {
            stack: first.progress.id.to_string(),
            reason: first
                .progress
                .reason
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        }),
        note: match (seen, report.and_then(|report| report.reason.as_ref())) {
            (None, _) if is_open => Some("Its worker does not answer now.".to_owned()),
            (None, _) => Some("Its workflow was ended by force, so that it left no outcome.".to_owned()),
            (Some(_), reason) => reason.map(ToString::to_string),
        },
    }
}

/// The commit of a root, with what its run says of it.
pub(super) fn commit_words(root: &chain::Root, runs: &HashMap<RunId, Arc<Run>>) -> Option<CommitWords> {
    let run = root.run.as_ref().and_then(|run| runs.get(run));
    let sha = root
        .commit
        .as_ref()
        .or_else(|| run.and_then(|run| run.commit.sha.as_ref()))?;
    Some(CommitWords {
        sha: sha.short().to_string(),
        message: run
            .and_then(|run| run.commit.message.lines().next().map(str::to_owned))
            .filter(|message| !message.is_empty()),
        author: run.and_then(|run| run.commit.author.clone()),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a chain has at most 10,000 stacks")]
pub(super) fn counts(counts: &chain::record::Counts) -> Counts {
    let parts = [
        (counts.succeeded, ShownState::Succeeded),
        (counts.failed, ShownState::Failed),
        (counts.skipped, ShownState::Skipped),
        (counts.running, ShownState::Running),
        (counts.waiting, ShownState::Waiting),
    ];
    let all: usize = parts.iter().map(|(count, _)| count).sum();
    let mut x = 0.0;
    let mut bars = Vec::new();
    for (count, state) in parts {
        if count == 0 {
            continue;
        }
        let width = count as f64 * 100.0 / all as f64;
        bars.push(CountBar {
            class: state.class(),
            x: format!("{x:.2}"),
            width: format!("{width:.2}"),
        });
        x += width;
    }
    Counts {
        words: counts.to_string(),
        bars,
    }
}
