//! `/chains/{id}`: one chain.

mod graph;
mod row;
mod tables;
mod waterfall;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chain::retry::{self, RetryScope};
use chain::{ChainId, ChainRecord, RunId, StackId};
use serde::Deserialize;
use spacelift::Run;
use temporal_client::contract::ChainReport;

use self::row::Row;
pub(super) use self::row::why;
use self::tables::Level;
use self::waterfall::Waterfall;
use super::chains::{CommitWords, Counts, commit_words, counts};
use super::drawing::Drawing;
use super::{Dashboard, Frame, PageError, Section, Shared, ShownState, answer, shown_now_ms};
use crate::filters;
use crate::phases::{beginning_ms, last_ms};
use crate::trouble::failures;
use crate::visitor::Visitor;
use crate::words::{Moment, chain_path, counted, duration, stack_path};

/// From so many stacks on a graph says less than a table: the table comes first, with its levels folded.
const LARGE: usize = 150;

/// What is shown of the chain, beside the chain.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Choice {
    stack: String,
    /// The level of a large chain that is unfolded, by its number, or `all`.
    level: String,
    done: String,
}

impl Choice {
    /// The action that was just done.
    pub(super) fn done(&self) -> &str {
        &self.done
    }
}

#[derive(Template)]
#[template(path = "chain.html")]
struct ChainPage {
    frame: Frame,
    id: String,
    root: RootWords,
    state: ShownState,
    counts: Counts,
    started: Option<Moment>,
    took: Option<String>,
    since_ms: Option<i64>,
    by: Option<String>,
    /// Why it was refused or cancelled.
    reason: Option<String>,
    /// Why it waits for an approval.
    unapproved: Option<String>,
    /// What a person ordered last, and why.
    last_order: Option<String>,
    /// What a label of the root means for the stacks downstream of it.
    downstream: Option<String>,
    stale: Option<Moment>,
    done: Option<&'static str>,
    failures: Vec<FailureWords>,
    workflow: Option<String>,
    actions: Vec<Action>,
    chosen: Option<Chosen>,
    drawing: Option<Drawing>,
    waterfall: Option<Waterfall>,
    /// Every row of a small chain, or those of a large one that matter most.
    rows: Vec<Row>,
    levels: Vec<Level>,
    all_levels: String,
    left_out: Vec<(String, String)>,
    problems: Vec<String>,
}

struct RootWords {
    stack: String,
    path: String,
    branch: String,
    commit: Option<CommitWords>,
    run: Option<String>,
    run_page: Option<String>,
    /// The chain that this one retries, with its address.
    retry_of: Option<(String, String)>,
    retry_reason: Option<String>,
}

struct FailureWords {
    stack: String,
    path: String,
    reason: String,
    run_page: Option<String>,
    at: Option<Moment>,
    followed: Vec<String>,
    followed_words: String,
}

/// An action that can be asked for; its own page says what it will do.
pub(super) struct Action {
    pub(super) path: String,
    pub(super) words: &'static str,
}

/// The stack that the address names.
struct Chosen {
    row: Row,
    upstream: Vec<(String, String)>,
    downstream: Vec<(String, String)>,
    /// What its labels say about how it runs.
    policies: Option<String>,
    /// Runs it and what depends on it again, in a retry of the chain.
    again: Option<Action>,
    page: String,
    clear: String,
}

pub(crate) async fn page(
    State(dashboard): Shared,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let id = ChainId::of_workflow(&id);
    let seen = dashboard
        .reports
        .find(&id)
        .await?
        .ok_or_else(|| PageError::NotFound(format!("There is no chain `{id}`.")))?;
    let report = &*seen.report;
    let runs = dashboard.runs_of(report).await;
    let frame = dashboard
        .frame(&visitor, Section::Chains, !report.result.is_over())
        .await;
    let view = View {
        dashboard: &dashboard,
        may_act: visitor.may_act() && report.root.account == dashboard.config.account,
        report,
        runs,
        now_ms: shown_now_ms(),
    };
    let stale = seen.stale_since_ms.and_then(Moment::of_ms);
    answer(&headers, &view.page(frame, &choice, stale))
}

impl Dashboard {
    /// The runs of a chain, of a large one only the root's: the others would take too many requests.
    async fn runs_of(&self, report: &ChainReport) -> HashMap<RunId, Arc<Run>> {
        if report.root.account != self.config.account {
            return HashMap::new();
        }
        let root = report
            .root
            .run
            .clone()
            .map(|run| (report.root.stack.clone(), run));
        let record = report.record.as_ref();
        let stacks = record
            .filter(|record| !is_large(record))
            .map(ChainRecord::progress);
        let runs = stacks.into_iter().flatten();
        let runs = runs.filter_map(|stack| Some((stack.id.clone(), stack.run.clone()?)));
        let wanted: Vec<(StackId, RunId)> = root.into_iter().chain(runs).collect();
        self.runs.find(&wanted).await
    }
}

fn is_large(record: &ChainRecord) -> bool {
    record.chain().stacks.len() >= LARGE
}

/// The edges of a chain, by the places of its stacks.
pub(super) fn edges(record: &ChainRecord) -> Vec<(usize, usize)> {
    let stacks = &record.chain().stacks;
    let places: BTreeMap<&StackId, usize> = stacks
        .iter()
        .enumerate()
        .map(|(place, stack)| (&stack.id, place))
        .collect();
    let mut edges: Vec<(usize, usize)> = stacks
        .iter()
        .enumerate()
        .flat_map(|(to, stack)| {
            let upstream = stack.upstream.iter().chain(&stack.native_upstream);
            let places = &places;
            upstream.filter_map(move |id| Some((*places.get(id)?, to)))
        })
        // The order of a chain guarantees it; a record of another version may not.
        .filter(|(from, to)| from < to)
        .collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Everything from which the page is made.
struct View<'a> {
    dashboard: &'a Dashboard,
    /// Whether the page offers actions: to an operator, and on a chain of this account.
    may_act: bool,
    report: &'a ChainReport,
    runs: HashMap<RunId, Arc<Run>>,
    now_ms: i64,
}

impl View<'_> {
    fn page(&self, frame: Frame, choice: &Choice, stale: Option<Moment>) -> ChainPage {
        let report = self.report;
        let record = report.record.as_ref();
        let is_open = !report.result.is_over();
        let begin_ms = record.and_then(beginning_ms);
        let end_ms = if is_open {
            Some(self.now_ms)
        } else {
            record.and_then(last_ms)
        };
        let is_small = record.is_some_and(|record| !is_large(record));
        let reason = report.reason.as_ref().or(record.and_then(ChainRecord::cancelled));
        let text = |reason: Option<&chain::Reason>| reason.map(ToString::to_string);
        let mut page = ChainPage {
            frame,
            id: report.id.to_string(),
            root: self.root(),
            state: ShownState::of_chain(report.result),
            counts: record.map(|record| counts(&record.counts())).unwrap_or_default(),
            started: begin_ms.and_then(Moment::of_ms),
            took: begin_ms.zip(end_ms).map(|(from, until)| duration(until - from)),
            since_ms: begin_ms.filter(|_| is_open),
            by: report.by.clone(),
            reason: text(reason),
            unapproved: text(record.and_then(ChainRecord::unapproved)),
            last_order: text(
                record
                    .and_then(ChainRecord::ordered)
                    .filter(|order| Some(*order) != reason),
            ),
            downstream: text(record.and_then(|record| record.chain().downstream.as_ref())),
            stale,
            done: super::control::done_words(&choice.done),
            failures: record.map(|record| self.failures(record)).unwrap_or_default(),
            workflow: self.dashboard.config.pages.chain(&report.id),
            actions: self.actions(),
            chosen: record.and_then(|record| self.chosen(record, &choice.stack)),
            drawing: record
                .filter(|_| is_small)
                .map(|record| graph::drawing(record, &choice.stack, &chain_path(&report.id))),
            waterfall: record
                .filter(|_| is_small)
                .zip(begin_ms)
                .map(|(record, begin_ms)| Waterfall::of(self, record, begin_ms)),
            rows: Vec::new(),
            levels: Vec::new(),
            all_levels: String::new(),
            left_out: Vec::new(),
            problems: Vec::new(),
        };
        if let Some(record) = record {
            let chain = record.chain();
            page.left_out = chain
                .left_out
                .iter()
                .map(|out| (out.id.to_string(), out.reason.to_string()))
                .collect();
            page.problems = chain.problems.iter().map(ToString::to_string).collect();
            self.fill_tables(&mut page, record, &choice.level);
        }
        page
    }

    fn root(&self) -> RootWords {
        let root = &self.report.root;
        let run = root.run.as_ref();
        RootWords {
            stack: root.stack.to_string(),
            path: stack_path(&root.account, &root.stack),
            branch: root.branch.clone(),
            commit: commit_words(root, &self.runs),
            run: run.map(ToString::to_string),
            run_page: run.and_then(|run| self.dashboard.config.pages.run(&root.stack, run)),
            retry_of: root.retry_of.as_ref().map(|of| (of.to_string(), chain_path(of))),
            retry_reason: root.retry_reason.as_ref().map(ToString::to_string),
        }
    }

    fn failures(&self, record: &ChainRecord) -> Vec<FailureWords> {
        let pages = &self.dashboard.config.pages;
        failures(record)
            .into_iter()
            .map(|failure| FailureWords {
                stack: failure.progress.id.to_string(),
                path: self.path_of(&failure.progress.id),
                reason: failure
                    .progress
                    .reason
                    .as_ref()
                    .map_or_else(|| "its run failed".to_owned(), ToString::to_string),
                run_page: failure
                    .progress
                    .run
                    .as_ref()
                    .and_then(|run| pages.run(&failure.progress.id, run)),
                at: failure.progress.finished_at_ms.and_then(Moment::of_ms),
                followed_words: counted(
                    failure.followed.len(),
                    "stack was skipped because of it",
                    "stacks were skipped because of it",
                ),
                followed: failure.followed.iter().map(ToString::to_string).collect(),
            })
            .collect()
    }

    /// The address of the chain with this stack chosen.
    fn path_of(&self, stack: &StackId) -> String {
        row::path(&chain_path(&self.report.id), stack)
    }

    /// The action that runs a stack of an ended chain and everything downstream of it again.
    fn again(&self, record: &ChainRecord, stack: &StackId) -> Option<Action> {
        let scope = RetryScope::From { stack: stack.clone() };
        let can_run = self.may_act && retry::stacks(record, &scope).is_ok();
        can_run.then(|| Action {
            path: super::retry::path(&self.report.id, Some(stack)),
            words: "Run from here",
        })
    }

    fn actions(&self) -> Vec<Action> {
        let action = |name: &str, words| Action {
            path: format!("{}/{name}", chain_path(&self.report.id)),
            words,
        };
        match self.report.record.as_ref().filter(|_| self.may_act) {
            Some(record) if !record.is_over() && record.cancelled().is_none() => {
                let approve = record.unapproved().map(|_| action("approve", "Approve"));
                let pause = if record.is_paused() {
                    action("resume", "Resume")
                } else {
                    action("pause", "Pause")
                };
                let has_runs = record.counts().running > 0;
                let with_runs = has_runs.then(|| action("cancel-and-stop-runs", "Cancel with its runs"));
                approve
                    .into_iter()
                    .chain([pause, action("cancel", "Cancel")])
                    .chain(with_runs)
                    .collect()
            }
            Some(record) if !record.is_over() && !record.stops_runs() && record.counts().running > 0 => {
                vec![action("cancel-and-stop-runs", "End its runs")]
            }
            Some(record) if retry::stacks(record, &RetryScope::Failed).is_ok() => {
                vec![action("retry", "Retry what failed")]
            }
            _ => Vec::new(),
        }
    }

    fn chosen(&self, record: &ChainRecord, stack: &str) -> Option<Chosen> {
        let stacks = &record.chain().stacks;
        let place = stacks.iter().position(|one| one.id.as_str() == stack)?;
        let id = &stacks[place].id;
        let link = |id: &StackId| (id.to_string(), self.path_of(id));
        let upstream = stacks[place]
            .upstream
            .iter()
            .chain(&stacks[place].native_upstream);
        let waits_for =
            |other: &&chain::ChainStack| other.upstream.contains(id) || other.native_upstream.contains(id);
        Some(Chosen {
            row: self.row(record, place),
            upstream: upstream.map(link).collect(),
            downstream: stacks
                .iter()
                .filter(waits_for)
                .map(|other| link(&other.id))
                .collect(),
            policies: Some(&stacks[place].policy)
                .filter(|policy| !policy.is_default())
                .map(ToString::to_string),
            again: self.again(record, id),
            page: stack_path(&self.report.root.account, id),
            clear: chain_path(&self.report.id),
        })
    }
}
