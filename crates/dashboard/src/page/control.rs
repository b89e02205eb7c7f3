//! Pausing, resuming and cancelling a chain: a page that says what it will do, and the doing.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chain::schedule::Control;
use chain::{ChainId, ChainRecord, StackProgress, StackState};
use serde::Deserialize;
use temporal_client::Ordered;

use super::{Dashboard, Frame, PageError, Section, Shared, answer};
use crate::filters;
use crate::visitor::{Operator, Visitor};
use crate::words::{chain_path, counted};

/// A page that asks before something is done.
#[derive(Template)]
#[template(path = "ask.html")]
pub(super) struct AskPage {
    pub(super) frame: Frame,
    pub(super) title: String,
    /// What happens then.
    pub(super) effect: String,
    pub(super) lists: Vec<List>,
    pub(super) fields: Vec<Field>,
    pub(super) path: String,
    pub(super) button: &'static str,
    pub(super) is_dangerous: bool,
    pub(super) back: String,
    pub(super) token: String,
}

/// Stacks that an action reaches, or leaves alone.
pub(super) struct List {
    pub(super) title: String,
    pub(super) items: Vec<String>,
}

impl List {
    /// `None` where there is nothing to list.
    pub(super) fn of(title: impl Into<String>, items: Vec<String>) -> Option<Self> {
        let title = title.into();
        (!items.is_empty()).then_some(Self { title, items })
    }
}

/// What the form of an action has beside the token.
pub(super) enum Field {
    /// A value that was chosen on an earlier page.
    Hidden { name: &'static str, value: String },
    /// Why the person does it, if they want to say so.
    Reason,
}

/// What every form carries.
#[derive(Debug, Deserialize)]
pub(crate) struct ActionForm {
    token: String,
    #[serde(default)]
    reason: String,
}

impl ActionForm {
    /// The reason, if the person gave one.
    pub(super) fn reason(&self) -> Option<String> {
        let reason = self.reason.trim();
        (!reason.is_empty()).then(|| reason.to_owned())
    }
}

impl Visitor {
    /// Nothing is done without the token of this page.
    pub(super) fn check(&self, form: &ActionForm) -> Result<(), PageError> {
        self.check_token(&form.token)
    }

    pub(super) fn check_token(&self, token: &str) -> Result<(), PageError> {
        if self.token.is(token) {
            return Ok(());
        }
        let text = "The page is from before you signed in, or from before the dashboard was started again.";
        Err(PageError::Refused(text.to_owned()))
    }

    /// An order of this person.
    pub(super) fn ordered(&self, form: &ActionForm) -> Ordered {
        Ordered {
            by: self.name.clone(),
            reason: form.reason(),
        }
    }

    /// Says in the log who did what. Temporal and Spacelift keep it too.
    pub(super) fn log_action(&self, what: &str) {
        let person = &self.name;
        tracing::info!(person, "{person} {what} on the dashboard");
    }
}

/// What an address may say was done, so that it cannot say anything else.
pub(crate) fn done_words(done: &str) -> Option<&'static str> {
    Some(match done {
        "pause" => "Paused. The page shows it in a few seconds.",
        "resume" => "Resumed. The page shows it in a few seconds.",
        "approve" => "Approved. The page shows it in a few seconds.",
        "cancel-and-stop-runs" => "Cancelled, with its runs. The page shows it in a few seconds.",
        "cancel" => "Cancelled. The page shows it in a few seconds.",
        "retry" => "The retry was requested. It is a new chain that starts in a few seconds.",
        "run" => "Asked for the run. Its chain begins in a few seconds.",
        "release" => "It is tried again at once, if a chain needs it.",
        "done" => "It counts as done for every open chain.",
        "confirm" => "Confirmed. It applies its plan now.",
        "discard" => "Discarded. Its plan is not applied.",
        "halt" => "Halted. Nothing is triggered any more.",
        "go" => "The halt is lifted.",
        _ => return None,
    })
}

impl Dashboard {
    /// A chain of the account. Others may be in the same namespace, and are left alone.
    fn own_chain(&self, chain: &str) -> Result<ChainId, PageError> {
        let chain = ChainId::of_workflow(chain);
        if chain.account().as_ref() == Some(&self.config.account) {
            return Ok(chain);
        }
        let account = &self.config.account;
        Err(PageError::NotFound(format!(
            "`{account}` has no chain `{chain}`."
        )))
    }
}

fn control_of(action: &str) -> Result<Control, PageError> {
    match action {
        "pause" => Ok(Control::Pause),
        "resume" => Ok(Control::Resume),
        "approve" => Ok(Control::Approve),
        "cancel" => Ok(Control::Cancel),
        "cancel-and-stop-runs" => Ok(Control::CancelAndStopRuns),
        _ => Err(PageError::NotFound("There is no such page.".to_owned())),
    }
}

pub(crate) async fn ask(
    State(dashboard): Shared,
    Operator(person): Operator,
    Path((chain, action)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let control = control_of(&action)?;
    let chain = dashboard.own_chain(&chain)?;
    let seen = dashboard.reports.find(&chain).await?;
    let report = seen.map(|seen| Arc::clone(&seen.report));
    let record = report.as_ref().and_then(|report| report.record.as_ref());
    let Some(record) = record.filter(|record| !record.is_over()) else {
        return Err(PageError::Refused(format!("No chain `{chain}` is under way.")));
    };
    let page = AskPage {
        frame: dashboard.frame(&person, Section::Chains, false).await,
        title: match control {
            Control::Pause => "Pause this chain?",
            Control::Resume => "Resume this chain?",
            Control::Approve => "Let this chain begin?",
            Control::Cancel => "Cancel this chain?",
            Control::CancelAndStopRuns => "Cancel this chain and end its runs?",
        }
        .to_owned(),
        effect: match control {
            Control::Pause => "Nothing new starts for this chain until somebody resumes it. Its runs continue. A stack that another chain needs as well runs for that one.",
            Control::Resume => "Stacks of this chain are started again, each as soon as all that it waits for is over.",
            Control::Approve => "The stacks of this chain are started, each as soon as all that it waits for is over.",
            Control::Cancel => "Nothing new starts for this chain any more. This cannot be undone. Its runs continue.",
            Control::CancelAndStopRuns => "Nothing new starts for this chain any more, and its runs that nobody has confirmed are ended. This cannot be undone. Runs that apply continue.",
        }
        .to_owned(),
        lists: match control {
            Control::CancelAndStopRuns => {
                let open = dashboard.open_chains().await?;
                let others: Vec<&ChainRecord> = open.records().filter(|other| other.id() != &chain).collect();
                stopped(record, &others)
            }
            Control::Pause | Control::Resume | Control::Approve | Control::Cancel => lists(record, control),
        },
        fields: vec![Field::Reason],
        path: format!("{}/{action}", chain_path(&chain)),
        button: match control {
            Control::Pause => "Pause the chain",
            Control::Resume => "Resume the chain",
            Control::Approve => "Approve the chain",
            Control::Cancel => "Cancel the chain",
            Control::CancelAndStopRuns => "Cancel the chain and end its runs",
        },
        is_dangerous: matches!(control, Control::Cancel | Control::CancelAndStopRuns),
        back: chain_path(&chain),
        token: person.token.as_str().to_owned(),
    };
    answer(&headers, &page)
}

fn lists(record: &ChainRecord, control: Control) -> Vec<List> {
    let title = match control {
        Control::Pause => "Will not start",
        Control::Resume | Control::Approve => "Will start",
        Control::Cancel | Control::CancelAndStopRuns => "Will be skipped",
    };
    let waiting = of_stacks(title, in_state(record, StackState::Waiting));
    let running = of_stacks("Will continue", in_state(record, StackState::Running));
    [waiting, running].into_iter().flatten().collect()
}

/// What a cancellation with its runs does to each stack. A run continues that somebody else triggered, or that another chain
/// needs.
fn stopped(record: &ChainRecord, others: &[&ChainRecord]) -> Vec<List> {
    let needs = |other: &ChainRecord, stack: &StackProgress| {
        let served = other.stack(&stack.id);
        let is_served =
            served.is_some_and(|served| served.state == StackState::Running && served.run == stack.run);
        is_served && !other.stops_runs()
    };
    let (left, rest): (Vec<_>, Vec<_>) = in_state(record, StackState::Running).partition(|stack| stack.found);
    let (needed, ended): (Vec<_>, Vec<_>) = rest
        .into_iter()
        .partition(|stack| others.iter().any(|other| needs(other, stack)));
    [
        of_stacks("Will be skipped", in_state(record, StackState::Waiting)),
        of_stacks("Will be ended unless confirmed", ended),
        of_stacks("Will continue, since another chain needs them", needed),
        of_stacks("Will continue, since Spillway did not trigger them", left),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn in_state(record: &ChainRecord, state: StackState) -> impl Iterator<Item = &StackProgress> {
    record.progress().iter().filter(move |stack| stack.state == state)
}

fn of_stacks<'a>(what: &str, stacks: impl IntoIterator<Item = &'a StackProgress>) -> Option<List> {
    let names: Vec<String> = stacks.into_iter().map(|stack| stack.id.to_string()).collect();
    List::of(
        format!("{what}: {}", counted(names.len(), "stack", "stacks")),
        names,
    )
}

pub(crate) async fn act(
    State(dashboard): Shared,
    Operator(person): Operator,
    Path((chain, action)): Path<(String, String)>,
    Form(form): Form<ActionForm>,
) -> Result<Response, PageError> {
    let control = control_of(&action)?;
    person.check(&form)?;
    let chain = dashboard.own_chain(&chain)?;
    let workflows = &dashboard.config.workflows;
    if !workflows.control(&chain, control, person.ordered(&form)).await? {
        return Err(PageError::Refused(format!("No chain `{chain}` is under way.")));
    }
    person.log_action(&format!("asked to {action} {chain}"));
    Ok(Redirect::to(&format!("{}?done={action}", chain_path(&chain))).into_response())
}

#[cfg(test)]
mod tests {
    use chain::record::StackChange;
    use chain::{Change, RunId};

    use super::*;
    use crate::example;

    /// Stacks that run, each with its run and whether Spillway triggered it.
    fn running(runs: &[(&str, &str, bool)]) -> ChainRecord {
        let mut record = example::record("a; b; c; d: a");
        for (stack, run, made) in runs {
            let run: RunId = run.parse().unwrap();
            record.apply(&Change::Stack {
                stack: stack.parse().unwrap(),
                change: StackChange::Began {
                    run,
                    made: *made,
                    commit: None,
                    why: None,
                },
                at_ms: 1,
            });
        }
        record
    }

    fn words(lists: &[List]) -> Vec<String> {
        let words = lists
            .iter()
            .map(|list| format!("{}: {}", list.title, list.items.join(" ")));
        words.collect()
    }

    #[test]
    fn a_cancellation_with_its_runs_names_only_those_that_it_ends() {
        let record = running(&[("a", "01A", true), ("b", "01B", true), ("c", "01C", false)]);
        let mut other = running(&[("a", "01X", true), ("b", "01B", true)]);
        assert_eq!(
            words(&stopped(&record, &[&other])),
            [
                "Will be skipped: 1 stack: d",
                "Will be ended unless confirmed: 1 stack: a",
                "Will continue, since another chain needs them: 1 stack: b",
                "Will continue, since Spillway did not trigger them: 1 stack: c",
            ]
        );
        other.apply(&Change::Controlled {
            control: Control::CancelAndStopRuns,
            by: "alice".to_owned(),
            at_ms: 2,
            reason: None,
        });
        assert!(
            words(&stopped(&record, &[&other]))
                .contains(&"Will be ended unless confirmed: 2 stacks: a b".to_owned())
        );
    }
}
