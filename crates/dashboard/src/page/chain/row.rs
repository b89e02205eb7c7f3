//! A stack of a chain in a table.

use chain::{ChainRecord, ChainStack, StackId, StackProgress, StackState};

use super::View;
use crate::page::ShownState;
use crate::page::state::is_for_person;
use crate::words::{Moment, chain_path, duration, segment, stack_path};

pub(super) struct Row {
    /// Its number in the chain, which names it in the page.
    pub(super) place: usize,
    pub(super) id: String,
    /// Where it says more than the id.
    pub(super) name: Option<String>,
    pub(super) path: String,
    pub(super) state: ShownState,
    /// Why it waits, was skipped or failed.
    pub(super) why: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) commit_why: Option<String>,
    pub(super) run: Option<String>,
    pub(super) run_page: Option<String>,
    pub(super) workflow_page: Option<String>,
    pub(super) started: Option<Moment>,
    pub(super) took: Option<String>,
    pub(super) since_ms: Option<i64>,
    /// Where its run can be confirmed and discarded.
    pub(super) decide: Option<String>,
}

/// The address of a chain with a stack chosen.
pub(super) fn path(chain_path: &str, stack: &StackId) -> String {
    format!("{chain_path}?stack={}#stack", segment(stack.as_str()))
}

impl View<'_> {
    pub(super) fn row(&self, record: &ChainRecord, place: usize) -> Row {
        let (stack, progress) = (&record.chain().stacks[place], &record.progress()[place]);
        let account = &record.chain().root.account;
        let pages = &self.dashboard.config.pages;
        let run = progress.run.as_ref();
        let is_running = progress.state == StackState::Running;
        let until_ms = progress.finished_at_ms.or(is_running.then_some(self.now_ms));
        let span = progress.started_at_ms.zip(until_ms);
        let execution = temporal_client::id::execution(account, &stack.id);
        Row {
            place,
            id: stack.id.to_string(),
            name: Some(&stack.name)
                .filter(|name| name.as_str() != stack.id.as_str())
                .cloned(),
            path: path(&chain_path(record.id()), &stack.id),
            state: ShownState::of_stack(progress),
            why: why(record, stack, progress),
            commit: progress.commit.as_ref().map(|commit| commit.short().to_string()),
            commit_why: progress
                .commit_why
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| progress.found.then(|| "the run was there already".to_owned())),
            run: run.map(ToString::to_string),
            run_page: run.and_then(|run| pages.run(&stack.id, run)),
            workflow_page: pages.workflow(&execution).filter(|_| run.is_some()),
            started: progress.started_at_ms.and_then(Moment::of_ms),
            took: span.map(|(from, until)| duration(until - from)),
            since_ms: progress.started_at_ms.filter(|_| is_running),
            decide: run
                .filter(|_| self.may_act && is_running && is_for_person(progress))
                .map(|run| {
                    format!(
                        "{}/runs/{}",
                        stack_path(account, &stack.id),
                        segment(run.as_str())
                    )
                }),
        }
    }
}

/// Why a stack waits, was skipped or failed, in one line.
pub(in crate::page) fn why(
    record: &ChainRecord,
    stack: &ChainStack,
    progress: &StackProgress,
) -> Option<String> {
    if let Some(reason) = &progress.reason {
        return Some(reason.to_string());
    }
    if let Some(note) = &progress.note {
        return Some(note.clone());
    }
    if progress.state != StackState::Waiting {
        return None;
    }
    let upstream = stack.upstream.iter().chain(&stack.native_upstream);
    let open: Vec<&StackId> = upstream
        .filter(|id| record.stack(id).is_some_and(|other| !other.state.is_over()))
        .collect();
    Some(match (open.as_slice(), record.is_paused()) {
        ([], _) if record.unapproved().is_some() => "the chain waits for an approval".to_owned(),
        ([], true) => "the chain is paused".to_owned(),
        ([], false) => "ready: it waits for a slot, a lock or a run upstream".to_owned(),
        ([one], _) => format!("waits for {one}"),
        ([one, more @ ..], _) => format!("waits for {one} and {} more", more.len()),
    })
}
