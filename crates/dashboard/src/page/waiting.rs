//! `/waiting`: what waits for a person, oldest first.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chain::attempt::REVIEW;
use chain::{ChainId, ChainRecord, RunId, RunState, StackId, StackProgress, StackState};
use spacelift::Run;

use super::state::is_for_person;
use super::{Frame, PageError, Section, Shared, answer, shown_now_ms};
use crate::filters;
use crate::visitor::Visitor;
use crate::words::{Moment, chain_path, duration, segment, stack_path};

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage {
    frame: Frame,
    runs: Vec<WaitingRun>,
    unapproved: Vec<UnapprovedChain>,
    paused: Vec<PausedChain>,
    held: Vec<HeldStack>,
    silent: usize,
    has_more: bool,
}

/// A run that waits for a word.
struct WaitingRun {
    stack: String,
    path: String,
    note: String,
    /// A review is possible only in Spacelift.
    is_review: bool,
    since: Option<Moment>,
    since_ms: Option<i64>,
    waits: Option<String>,
    changes: Option<String>,
    run_page: Option<String>,
    decide: String,
    chains: Vec<Link>,
}

/// A chain that begins when a person approves it.
struct UnapprovedChain {
    chain: Link,
    reason: String,
    approve: String,
}

struct PausedChain {
    chain: Link,
    resume: String,
}

/// A stack that has no run yet, since something holds it.
struct HeldStack {
    stack: String,
    path: String,
    note: String,
    chains: Vec<Link>,
}

struct Link {
    path: String,
    words: String,
}

pub(crate) async fn page(
    State(dashboard): Shared,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let open = dashboard.open_chains().await?;
    let mut runs: BTreeMap<(&StackId, &RunId), (&StackProgress, Vec<&ChainRecord>)> = BTreeMap::new();
    let mut held: BTreeMap<(&StackId, &str), Vec<&ChainRecord>> = BTreeMap::new();
    for record in open.records() {
        for progress in record.progress() {
            let note = progress.note.as_deref();
            match (progress.state, &progress.run, note) {
                (StackState::Running, Some(run), _) if is_for_person(progress) => {
                    let entry = runs.entry((&progress.id, run));
                    entry.or_insert((progress, Vec::new())).1.push(record);
                }
                (StackState::Waiting, _, Some(note)) => {
                    held.entry((&progress.id, note)).or_default().push(record);
                }
                _ => {}
            }
        }
    }
    let wanted: Vec<(StackId, RunId)> = runs
        .keys()
        .map(|(stack, run)| ((*stack).clone(), (*run).clone()))
        .collect();
    let known = dashboard.runs.find(&wanted).await;
    let account = &dashboard.config.account;
    let now_ms = shown_now_ms();
    let mut waiting: Vec<WaitingRun> = runs
        .into_iter()
        .map(|((stack, run), (progress, chains))| {
            let found = known.get(run).map(|run| &**run);
            let since_ms = found.and_then(waits_since_ms).or(progress.started_at_ms);
            WaitingRun {
                stack: stack.to_string(),
                path: stack_path(account, stack),
                is_review: progress.note.as_deref() == Some(REVIEW),
                note: progress.note.clone().unwrap_or_default(),
                since: since_ms.and_then(Moment::of_ms),
                since_ms,
                waits: since_ms.map(|since| duration(now_ms - since)),
                changes: found.and_then(changes),
                run_page: dashboard.config.pages.run(stack, run),
                decide: format!("{}/runs/{}", stack_path(account, stack), segment(run.as_str())),
                chains: chains.into_iter().map(link).collect(),
            }
        })
        .collect();
    waiting.sort_by_key(|run| run.since_ms);
    let unapproved = open.records().filter_map(|record| {
        let reason = record.unapproved()?;
        Some(UnapprovedChain {
            chain: link(record),
            reason: reason.to_string(),
            approve: format!("{}/approve", chain_path(record.id())),
        })
    });
    let unapproved = unapproved.collect();
    let paused = open.records().filter(|record| record.is_paused());
    let page = WaitingPage {
        frame: dashboard.frame(&visitor, Section::Waiting, true).await,
        runs: waiting,
        unapproved,
        paused: paused
            .map(|record| PausedChain {
                chain: link(record),
                resume: format!("{}/resume", chain_path(record.id())),
            })
            .collect(),
        held: held
            .into_iter()
            .map(|((stack, note), chains)| HeldStack {
                stack: stack.to_string(),
                path: stack_path(account, stack),
                note: note.to_owned(),
                chains: chains.into_iter().map(link).collect(),
            })
            .collect(),
        silent: open.silent(),
        has_more: open.has_more,
    };
    answer(&headers, &page)
}

fn link(record: &ChainRecord) -> Link {
    let id: &ChainId = record.id();
    Link {
        path: chain_path(id),
        words: record.chain().root.stack.to_string(),
    }
}

/// When a run came to wait for a person.
fn waits_since_ms(run: &Run) -> Option<i64> {
    let waits = run
        .history
        .iter()
        .filter(|transition| matches!(transition.state, RunState::Unconfirmed | RunState::PendingReview));
    waits
        .map(|transition| transition.timestamp.saturating_mul(1000))
        .max()
}

/// What a run changes, if Spacelift says so.
pub(super) fn changes(run: &Run) -> Option<String> {
    let delta = run.delta.as_ref()?;
    let (added, changed, deleted) = (delta.added, delta.changed, delta.deleted);
    Some(format!("+{added} ~{changed} −{deleted}"))
}
