//! What a person can do to one stack: run it and what depends on it, try it again, count it as done.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chain::commit::ChosenCommit;
use chain::{Chain, ChainStack, Root, RunRequest, StackId, StackState};
use spacelift::COMMITS_MAX;
use temporal_client::contract::{Received, ScheduleMessage, Source};

use super::control::{ActionForm, AskPage, Field, List};
use super::stack::named;
use super::{Dashboard, PageError, Section, Shared, answer};
use crate::visitor::Operator;
use crate::words::{counted, stack_path};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StackAction {
    Run,
    Release,
    Done,
}

impl StackAction {
    fn named(name: &str) -> Result<Self, PageError> {
        match name {
            "run" => Ok(Self::Run),
            "release" => Ok(Self::Release),
            "done" => Ok(Self::Done),
            _ => Err(PageError::NotFound("There is no such page.".to_owned())),
        }
    }
}

pub(crate) async fn ask(
    State(dashboard): Shared,
    Operator(person): Operator,
    Path((account, stack, action)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let what = StackAction::named(&action)?;
    let (listing, id) = named(&dashboard, &account, &stack).await?;
    let back = stack_path(&dashboard.config.account, &id);
    let (title, effect, lists, button) = match what {
        StackAction::Run => {
            let stack = listing.graph.stack(&id);
            let branch = stack.map_or("", |stack| &stack.branch);
            let root = Root::requested(dashboard.config.account.clone(), id.clone(), branch);
            let plan = chain::plan(&listing.graph, &root, dashboard.account.settings())
                .map_err(|refusal| PageError::Refused(format!("No chain would start: {refusal}.")))?;
            (
                format!("Run {id} and what depends on it?"),
                "A chain begins. Its stacks run one after the other, each as soon as all that it waits for is over.",
                plan_lists(&dashboard, &plan).await,
                "Run",
            )
        }
        StackAction::Release => (
            format!("Try {id} again now?"),
            "Whatever holds the stack is looked at again at once, the guard against loops included.",
            chain_lists(&dashboard, &id, what).await?,
            "Try again",
        ),
        StackAction::Done => (
            format!("Count {id} as done?"),
            "Every open chain in which the stack waits or failed continues without a run of it. A run that is under way continues, and its result counts. Do this after you repaired the stack by hand.",
            chain_lists(&dashboard, &id, what).await?,
            "Count as done",
        ),
    };
    let page = AskPage {
        frame: dashboard.frame(&person, Section::Other, false).await,
        title,
        effect: effect.to_owned(),
        lists,
        fields: match what {
            StackAction::Done => vec![Field::Reason],
            StackAction::Run | StackAction::Release => Vec::new(),
        },
        path: format!("{back}/{action}"),
        button,
        is_dangerous: false,
        back,
        token: person.token.as_str().to_owned(),
    };
    answer(&headers, &page)
}

/// What would run, in order and on which commits, and what would not.
pub(super) async fn plan_lists(dashboard: &Dashboard, plan: &Chain) -> Vec<List> {
    let other = dashboard.config.spacelift.other_commits(plan).await;
    let unchecked = match &other {
        Ok(_) if plan.runs().count() <= COMMITS_MAX => Vec::new(),
        Ok(_) => vec![format!("those after the first {COMMITS_MAX} stacks")],
        Err(error) => vec![error.to_string()],
    };
    let other = other.unwrap_or_default();
    let other: BTreeMap<&StackId, &ChosenCommit> =
        other.iter().map(|(stack, chosen)| (stack, chosen)).collect();
    let (skipped, runs): (Vec<_>, Vec<_>) = plan.stacks.iter().partition(|stack| stack.skipped.is_some());
    let on_commit = |stack: &ChainStack| match (other.get(&stack.id), stack.planned_commit()) {
        (Some(chosen), _) => format!("{} @ {chosen}", stack.id),
        (None, Some(sha)) => format!("{} @ {}", stack.id, sha.short()),
        (None, None) => stack.id.to_string(),
    };
    let left_out = plan
        .left_out
        .iter()
        .map(|out| format!("{}: {}", out.id, out.reason))
        .collect();
    let lists = [
        List::of(
            format!("Runs, in this order: {}", counted(runs.len(), "stack", "stacks")),
            runs.into_iter().map(on_commit).collect(),
        ),
        List::of(
            "Will be skipped",
            skipped.iter().map(|stack| stack.id.to_string()).collect(),
        ),
        List::of("Left out", left_out),
        List::of("Commits that were not checked", unchecked),
    ];
    lists.into_iter().flatten().collect()
}

/// The open chains that an action on a stack changes.
async fn chain_lists(
    dashboard: &Dashboard,
    stack: &StackId,
    what: StackAction,
) -> Result<Vec<List>, PageError> {
    let open = dashboard.open_chains().await?;
    let (title, changes): (_, &[StackState]) = match what {
        StackAction::Done => ("Counts as done in", &[StackState::Waiting, StackState::Failed]),
        StackAction::Run | StackAction::Release => ("Chains that need it", &[StackState::Waiting]),
    };
    let changed = open.records().filter(|record| {
        let progress = record.stack(stack);
        progress.is_some_and(|progress| changes.contains(&progress.state))
    });
    let chains = changed
        .map(|record| format!("{} ({})", record.chain().root.stack, record.id()))
        .collect();
    Ok(List::of(title, chains).into_iter().collect())
}

pub(crate) async fn act(
    State(dashboard): Shared,
    Operator(person): Operator,
    Path((account, stack, action)): Path<(String, String, String)>,
    Form(form): Form<ActionForm>,
) -> Result<Response, PageError> {
    let what = StackAction::named(&action)?;
    person.check(&form)?;
    let (_, id) = named(&dashboard, &account, &stack).await?;
    let (workflows, account) = (&dashboard.config.workflows, &dashboard.config.account);
    let by = person.name.clone();
    let message = match what {
        StackAction::Release => ScheduleMessage::Released {
            stack: id.clone(),
            by,
        },
        StackAction::Done => ScheduleMessage::DoneByHand {
            stack: id.clone(),
            by,
            reason: form.reason(),
        },
        StackAction::Run => {
            let request = RunRequest {
                account: None,
                stack: id.clone(),
                request_id: None,
                requested_by: Some(by),
                follow: false,
            };
            let received = Received::request(account.clone(), request);
            workflows
                .record(&received, Source::Operator)
                .await
                .map_err(|error| PageError::Temporal(error.into()))?;
            person.log_action(&format!("asked for a run of `{id}`"));
            return Ok(done(&dashboard, &id, &action));
        }
    };
    workflows.signal_schedule(account, &message).await?;
    person.log_action(&format!("asked to {action} `{id}`"));
    Ok(done(&dashboard, &id, &action))
}

pub(super) fn done(dashboard: &Dashboard, stack: &StackId, action: &str) -> Response {
    let path = stack_path(&dashboard.config.account, stack);
    Redirect::to(&format!("{path}?done={action}")).into_response()
}
