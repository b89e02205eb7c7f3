//! What a person can do to one stack: run it and what depends on it, try it again, count it as done; confirm or discard
//! its run.

use std::collections::BTreeMap;
use std::time::Duration;

use audit::{Action, Entry, Record};
use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chain::commit::ChosenCommit;
use chain::{Chain, ChainStack, Root, RunId, RunRequest, StackId, StackState};
use spacelift::{COMMITS_MAX, ErrorKind};
use temporal_client::contract::{Received, ScheduleMessage, Source};

use super::control::{ActionForm, AskPage, Field, List};
use super::stack::named;
use super::waiting::changes;
use super::{Dashboard, PageError, Section, Shared, answer};
use crate::sources::now_ms;
use crate::visitor::Operator;
use crate::words::{counted, segment, stack_path};

/// How long writing to the audit log may take. The person waits.
const AUDIT_TIME_MAX: Duration = Duration::from_secs(3);

/// Marks the answer to an action that is missing in the audit log.
#[derive(Debug, Clone, Copy)]
pub struct AuditFailed;

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

fn done(dashboard: &Dashboard, stack: &StackId, action: &str) -> Response {
    let path = stack_path(&dashboard.config.account, stack);
    Redirect::to(&format!("{path}?done={action}")).into_response()
}

/// A run that waits for a word.
async fn waiting_run(dashboard: &Dashboard, stack: &StackId, run: &str) -> Result<spacelift::Run, PageError> {
    let missing = || PageError::NotFound(format!("There is no run `{run}` of `{stack}`."));
    let id: RunId = run.parse().map_err(|_| missing())?;
    let run = dashboard
        .config
        .spacelift
        .run(stack, &id)
        .await?
        .ok_or_else(missing)?;
    if chain::attempt::waits_for_person(&run.state).is_none() {
        let state = run.state.as_str().to_lowercase();
        return Err(PageError::Refused(format!(
            "Run {id} of `{stack}` does not wait for anybody: it is {state}."
        )));
    }
    Ok(run)
}

fn is_confirmation(action: &str) -> Result<bool, PageError> {
    match action {
        "confirm" => Ok(true),
        "discard" => Ok(false),
        _ => Err(PageError::NotFound("There is no such page.".to_owned())),
    }
}

pub(crate) async fn ask_run(
    State(dashboard): Shared,
    Operator(person): Operator,
    Path((account, stack, run, action)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let is_confirmation = is_confirmation(&action)?;
    let (listing, id) = named(&dashboard, &account, &stack).await?;
    let run = waiting_run(&dashboard, &id, &run).await?;
    let message = run.commit.message.lines().next().unwrap_or_default();
    let sha = run
        .commit
        .sha
        .as_ref()
        .map_or("an unknown commit", |sha| sha.short());
    let mut facts = vec![format!("{sha} {message}")];
    facts.extend(run.commit.author.clone());
    facts.extend(changes(&run).map(|changes| format!("changes: {changes}")));
    let downstream = listing.graph.all_downstream(&id);
    let downstream: Vec<String> = downstream.map(ToString::to_string).collect();
    let (title, effect, button) = if is_confirmation {
        (
            format!("Confirm the run of {id}?"),
            "It applies its plan. Stacks that wait for it run after it.",
            "Confirm",
        )
    } else {
        (
            format!("Discard the run of {id}?"),
            "Its plan is never applied. In its chain that is a failure: what depends on it is skipped.",
            "Discard",
        )
    };
    let page = AskPage {
        frame: dashboard.frame(&person, Section::Other, false).await,
        title,
        effect: effect.to_owned(),
        lists: [
            List::of(format!("Run {}", run.id), facts),
            List::of("Depends on it", downstream),
        ]
        .into_iter()
        .flatten()
        .collect(),
        fields: Vec::new(),
        path: format!(
            "{}/runs/{}/{action}",
            stack_path(&dashboard.config.account, &id),
            segment(run.id.as_str())
        ),
        button,
        is_dangerous: !is_confirmation,
        back: stack_path(&dashboard.config.account, &id),
        token: person.token.as_str().to_owned(),
    };
    answer(&headers, &page)
}

pub(crate) async fn act_on_run(
    State(dashboard): Shared,
    Operator(person): Operator,
    Path((account, stack, run, action)): Path<(String, String, String, String)>,
    Form(form): Form<ActionForm>,
) -> Result<Response, PageError> {
    let is_confirmation = is_confirmation(&action)?;
    person.check(&form)?;
    let (_, id) = named(&dashboard, &account, &stack).await?;
    let run = waiting_run(&dashboard, &id, &run).await?.id;
    // Spacelift knows only the API key, so the note says who it was.
    let note = format!(
        "{} by {}, on Spillway's dashboard",
        past(is_confirmation),
        person.name
    );
    let spacelift = &dashboard.config.spacelift;
    let decided = if is_confirmation {
        spacelift.confirm_run(&id, &run, Some(&note)).await
    } else {
        spacelift.discard_run(&id, &run, Some(&note)).await
    };
    // Without an answer it may have been done, so it is recorded as well.
    let mut undone = decided.err();
    if let Some(error) = undone.take_if(|error| !matches!(error.kind, ErrorKind::Ambiguous { .. })) {
        return Err(error.into());
    }
    person.log_action(&format!("asked to {action} run {run} of `{id}`"));
    let is_recorded = dashboard
        .record_decision(&person.name, is_confirmation, &id, &run)
        .await;
    let mut answer = match undone {
        Some(error) => PageError::from(error).into_response(),
        None => done(&dashboard, &id, &action),
    };
    if !is_recorded {
        answer.extensions_mut().insert(AuditFailed);
    }
    Ok(answer)
}

impl Dashboard {
    /// Whether the audit log was written, if there is one. Spacelift has done it already, or may have, so a log that cannot
    /// be written changes nothing for the person.
    async fn record_decision(
        &self,
        person: &str,
        is_confirmation: bool,
        stack: &StackId,
        run: &RunId,
    ) -> bool {
        let Some(store) = &self.config.audit else {
            return true;
        };
        let action = if is_confirmation {
            Action::RunConfirmed
        } else {
            Action::RunDiscarded
        };
        let entry = Entry {
            account: Some(self.config.account.clone()),
            stack: Some(stack.clone()),
            run: Some(run.clone()),
            ..Entry::new(now_ms(), format!("operator:{person}"), action)
        };
        let record = Record::unlinked(entry);
        let problem = match tokio::time::timeout(AUDIT_TIME_MAX, store.put_delivery(&record)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => format!("{:#}", anyhow::Error::new(error)),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::error!(person, stack.id = %stack, run.id = %run, "The audit log could not be written: {problem}");
        false
    }
}

fn past(is_confirmation: bool) -> &'static str {
    if is_confirmation { "confirmed" } else { "discarded" }
}
