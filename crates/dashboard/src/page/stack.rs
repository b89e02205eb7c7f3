//! `/stacks/{account}/{stack}`: one stack.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chain::policy::Downstream;
use chain::{Severity, StackFacts, StackId, StackPolicy};
use spacelift::Run;

use super::chain::Choice;
use super::open::OpenChains;
use super::state::is_for_person;
use super::waiting::changes;
use super::{Dashboard, Frame, PageError, Section, Shared, ShownState, answer};
use crate::filters;
use crate::sources::Listing;
use crate::visitor::Visitor;
use crate::words::{Moment, chain_path, duration, segment, stack_path};

/// How many runs are shown.
pub(crate) const RUNS: usize = 12;

#[derive(Template)]
#[template(path = "stack.html")]
struct StackPage {
    frame: Frame,
    id: String,
    facts: Facts,
    done: Option<&'static str>,
    page: Option<String>,
    upstream: Vec<Link>,
    native: Vec<Link>,
    downstream: Vec<Link>,
    policies: Vec<String>,
    problems: Vec<(Severity, String)>,
    open: Vec<OpenChain>,
    runs: Vec<Execution>,
    runs_problem: Option<String>,
    actions: Vec<super::chain::Action>,
}

struct Facts {
    name: Option<String>,
    space: Option<String>,
    repository: String,
    branch: String,
    commit: Option<String>,
    is_disabled: bool,
    locked_by: Option<String>,
    autodeploy: bool,
    /// After its run, only the stacks that the run changed run.
    is_downstream_changed: bool,
}

struct Link {
    path: String,
    words: String,
}

/// What an open chain says of the stack.
struct OpenChain {
    path: String,
    root: String,
    state: ShownState,
    why: Option<String>,
    /// What a person ordered the chain last, and why.
    last_order: Option<String>,
}

struct Execution {
    id: String,
    page: Option<String>,
    state: String,
    class: &'static str,
    commit: Option<String>,
    message: String,
    by: Option<String>,
    at: Option<Moment>,
    took: Option<String>,
    changes: Option<String>,
}

/// The stack that an address names, and all stacks of the account.
pub(super) async fn named(
    dashboard: &Dashboard,
    account: &str,
    stack: &str,
) -> Result<(Arc<Listing>, StackId), PageError> {
    let missing = || {
        PageError::NotFound(format!(
            "There is no stack `{stack}` in `{account}`, or the API key may not see it."
        ))
    };
    if account != dashboard.config.account.as_str() {
        return Err(missing());
    }
    let id: StackId = stack.parse().map_err(|_| missing())?;
    let listing = dashboard.account.listing().await?;
    listing.graph.stack(&id).ok_or_else(missing)?;
    Ok((listing, id))
}

pub(crate) async fn page(
    State(dashboard): Shared,
    visitor: Visitor,
    Path((account, stack)): Path<(String, String)>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let (listing, id) = named(&dashboard, &account, &stack).await?;
    let graph = &listing.graph;
    let (open, runs) = futures::join!(dashboard.open_chains(), dashboard.runs.latest(&id, RUNS));
    let open = open_chains(&open?, &id);
    let account = &dashboard.config.account;
    let link = |other: &StackId| Link {
        path: stack_path(account, other),
        words: other.to_string(),
    };
    let Some(stack) = graph.stack(&id) else {
        return Err(PageError::NotFound(format!("There is no stack `{id}`.")));
    };
    let action = |name, words| super::chain::Action {
        path: format!("{}/{name}", stack_path(account, &id)),
        words,
    };
    let mut actions = vec![action("run", "Run from here")];
    let is = |state| open.iter().any(|chain| chain.state == state);
    if is(ShownState::Waiting) {
        actions.push(action("release", "Try again now"));
    }
    if is(ShownState::Waiting) || is(ShownState::Failed) {
        actions.push(action("done", "Count as done"));
    }
    let (runs, runs_problem) = match runs {
        Ok(runs) => (runs, None),
        Err(error) => (Arc::default(), Some(error)),
    };
    let page = StackPage {
        frame: dashboard.frame(&visitor, Section::Other, !open.is_empty()).await,
        id: id.to_string(),
        facts: facts(stack),
        done: super::control::done_words(choice.done()),
        page: dashboard.config.pages.stack(&id),
        upstream: graph.upstream(&id).map(link).collect(),
        native: stack.native_dependencies.iter().map(link).collect(),
        downstream: graph.all_downstream(&id).map(link).collect(),
        policies: stack
            .labels
            .iter()
            .filter(|label| label.trim().starts_with(chain::policy::PREFIX))
            .cloned()
            .collect(),
        problems: graph
            .problems()
            .iter()
            .filter(|problem| problem.stacks().contains(&id))
            .map(|problem| (problem.severity(), problem.to_string()))
            .collect(),
        open,
        runs: runs.iter().map(|run| execution(&dashboard, &id, run)).collect(),
        runs_problem,
        actions,
    };
    answer(&headers, &page)
}

fn facts(stack: &StackFacts) -> Facts {
    Facts {
        name: Some(&stack.name)
            .filter(|name| name.as_str() != stack.id.as_str())
            .cloned(),
        space: stack.space.as_ref().map(ToString::to_string),
        repository: stack.repository.clone(),
        branch: stack.branch.clone(),
        commit: stack
            .tracked_commit
            .as_ref()
            .map(|commit| commit.short().to_string()),
        is_disabled: stack.disabled,
        locked_by: stack.locked_by.clone(),
        autodeploy: stack.autodeploy,
        is_downstream_changed: StackPolicy::of(&stack.labels).0.downstream == Some(Downstream::Changed),
    }
}

fn open_chains(open: &OpenChains, stack: &StackId) -> Vec<OpenChain> {
    open.records()
        .filter_map(|record| {
            let place = record.progress().iter().position(|one| one.id == *stack)?;
            let progress = &record.progress()[place];
            Some(OpenChain {
                path: format!("{}?stack={}", chain_path(record.id()), segment(stack.as_str())),
                root: record.chain().root.stack.to_string(),
                state: if is_for_person(progress) {
                    ShownState::Person
                } else {
                    ShownState::of_stack(progress)
                },
                last_order: record.ordered().map(ToString::to_string),
                why: super::chain::why(record, &record.chain().stacks[place], progress),
            })
        })
        .collect()
}

fn execution(dashboard: &Dashboard, stack: &StackId, run: &Run) -> Execution {
    let state = &run.state;
    Execution {
        id: run.id.to_string(),
        page: dashboard.config.pages.run(stack, &run.id),
        state: state.as_str().to_lowercase().replace('_', " "),
        class: match state {
            chain::RunState::Finished => "succeeded",
            chain::RunState::Failed | chain::RunState::Stopped => "failed",
            state if chain::attempt::waits_for_person(state).is_some() => "person",
            state if state.is_terminal() => "skipped",
            _ => "running",
        },
        commit: run.commit.sha.as_ref().map(|sha| sha.short().to_string()),
        message: run.commit.message.lines().next().unwrap_or_default().to_owned(),
        by: run.triggered_by.clone().or_else(|| run.commit.author.clone()),
        at: Moment::of_s(run.created_at),
        took: state
            .is_terminal()
            .then(|| duration((run.updated_at - run.created_at).saturating_mul(1000))),
        changes: changes(run),
    }
}
