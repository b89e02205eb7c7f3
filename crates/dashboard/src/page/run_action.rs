//! Confirming and discarding a run that waits for a person.

use std::time::Duration;

use audit::{Action, Entry, Record};
use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chain::{RunId, StackId};
use spacelift::ErrorKind;

use super::control::{ActionForm, AskPage, List};
use super::stack::named;
use super::stack_action::done;
use super::waiting::changes;
use super::{Dashboard, PageError, Section, Shared, answer};
use crate::deadline::{Began, DEADLINE};
use crate::sources::now_ms;
use crate::visitor::Operator;
use crate::words::{segment, stack_path};

/// How long Spacelift may take to do it, counted from the beginning of the request. What became of it still has to be
/// recorded before the deadline.
const DECISION_TIME_MAX: Duration = Duration::from_secs(15);
/// How long writing to the audit log may take. The person waits.
const AUDIT_TIME_MAX: Duration = Duration::from_secs(3);
const _: () = assert!(DECISION_TIME_MAX.as_secs() + AUDIT_TIME_MAX.as_secs() < DEADLINE.as_secs());

/// The outcome in the audit log if nobody knows whether Spacelift has done it.
const UNANSWERED: &str = "unanswered";

/// Marks the answer to an action that is missing in the audit log.
#[derive(Debug, Clone, Copy)]
pub struct AuditFailed;

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

pub(crate) async fn ask(
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

pub(crate) async fn act(
    State(dashboard): Shared,
    Operator(person): Operator,
    began: Began,
    Path((account, stack, run, action)): Path<(String, String, String, String)>,
    Form(form): Form<ActionForm>,
) -> Result<Response, PageError> {
    let is_confirmation = is_confirmation(&action)?;
    person.check(&form)?;
    let until = began.0 + DECISION_TIME_MAX;
    let looked_up = async {
        let (_, id) = named(&dashboard, &account, &stack).await?;
        let run = waiting_run(&dashboard, &id, &run).await?.id;
        Ok::<_, PageError>((id, run))
    };
    let (id, run) = tokio::time::timeout_at(until, looked_up)
        .await
        .map_err(|_| PageError::TooSlowToAct)??;
    // Spacelift knows only the API key, so the note says who it was.
    let note = format!(
        "{} by {}, on Spillway's dashboard",
        past(is_confirmation),
        person.name
    );
    let spacelift = &dashboard.config.spacelift;
    let deciding = async {
        if is_confirmation {
            spacelift.confirm_run(&id, &run, Some(&note)).await
        } else {
            spacelift.discard_run(&id, &run, Some(&note)).await
        }
    };
    // Without an answer it may have been done, so it is recorded as well.
    let unanswered = match tokio::time::timeout_at(until, deciding).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) if matches!(error.kind, ErrorKind::Ambiguous { .. }) => Some(PageError::from(error)),
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => Some(PageError::TookTooLong),
    };
    let doubt = if unanswered.is_some() {
        ", without an answer"
    } else {
        ""
    };
    person.log_action(&format!("asked to {action} run {run} of `{id}`{doubt}"));
    let decision = Decision {
        is_confirmation,
        is_answered: unanswered.is_none(),
        stack: &id,
        run: &run,
    };
    let is_recorded = dashboard.record_decision(&person.name, decision).await;
    let mut answer = match unanswered {
        Some(error) => error.into_response(),
        None => done(&dashboard, &id, &action),
    };
    if !is_recorded {
        answer.extensions_mut().insert(AuditFailed);
    }
    Ok(answer)
}

/// What a person decided about a run.
struct Decision<'a> {
    is_confirmation: bool,
    /// Whether Spacelift said that it has done it.
    is_answered: bool,
    stack: &'a StackId,
    run: &'a RunId,
}

impl Dashboard {
    /// Whether the audit log was written, if there is one. Spacelift has done it already, or may have, so a log that cannot
    /// be written changes nothing for the person.
    async fn record_decision(&self, person: &str, decision: Decision<'_>) -> bool {
        let Some(store) = &self.config.audit else {
            return true;
        };
        let Decision { stack, run, .. } = decision;
        let action = if decision.is_confirmation {
            Action::RunConfirmed
        } else {
            Action::RunDiscarded
        };
        let entry = Entry {
            account: Some(self.config.account.clone()),
            stack: Some(stack.clone()),
            run: Some(run.clone()),
            outcome: (!decision.is_answered).then(|| UNANSWERED.to_owned()),
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
