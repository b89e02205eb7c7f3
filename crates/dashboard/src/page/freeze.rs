//! Freezing the account or a part of it, and lifting the freeze.
//!
//! A freeze takes two pages: a form, and then what the freeze will hold, with the button that begins it.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chain::freeze::{Coverage, Covered, Freeze, LengthError};
use chain::{ChainRecord, DependencyGraph, StackId, StackState};
use jiff::Timestamp;
use serde::Deserialize;

use super::control::{ActionForm, AskPage, Field, List};
use super::open::OpenChains;
use super::{Frame, PageError, Section, Shared, answer};
use crate::filters;
use crate::visitor::Operator;
use crate::words::counted;

/// What the form suggests.
const LENGTH: &str = "2h";

/// What a person chose, as they wrote it. Patterns are separated by commas.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Choice {
    token: String,
    #[serde(rename = "for")]
    length: String,
    reason: String,
    stacks: String,
    spaces: String,
    labels: String,
}

/// Why a choice is no freeze.
#[derive(Debug, thiserror::Error)]
enum ChoiceError {
    #[error("Say how long it lasts: {0}.")]
    Length(#[from] LengthError),
    #[error("It would end too late. Choose a shorter time.")]
    TooLong,
    #[error("Give a reason. It is shown wherever a stack waits for the freeze to end.")]
    NoReason,
}

impl Choice {
    /// The freeze, if it began now.
    fn freeze(&self, by: &str) -> Result<Freeze, ChoiceError> {
        let length = chain::freeze::length(&self.length)?;
        let until = Timestamp::now()
            .checked_add(length)
            .map_err(|_| ChoiceError::TooLong)?;
        let reason = self.reason.trim();
        if reason.is_empty() {
            return Err(ChoiceError::NoReason);
        }
        Ok(Freeze {
            by: by.to_owned(),
            reason: reason.to_owned(),
            until_ms: until.as_millisecond(),
            coverage: Coverage {
                stacks: patterns(&self.stacks),
                spaces: patterns(&self.spaces),
                labels: patterns(&self.labels),
            },
        })
    }

    fn is_made(&self) -> bool {
        !self.length.is_empty()
    }

    fn into_fields(self) -> Vec<Field> {
        let fields = [
            ("for", self.length),
            ("reason", self.reason),
            ("stacks", self.stacks),
            ("spaces", self.spaces),
            ("labels", self.labels),
        ];
        let hidden = |(name, value)| Field::Hidden { name, value };
        fields.into_iter().map(hidden).collect()
    }
}

fn patterns(text: &str) -> Vec<String> {
    let patterns = text.split(',').map(str::trim);
    patterns
        .filter(|pattern| !pattern.is_empty())
        .map(str::to_owned)
        .collect()
}

#[derive(Template)]
#[template(path = "freeze.html")]
struct FreezePage {
    frame: Frame,
    problem: Option<String>,
    choice: Choice,
}

pub(crate) async fn ask(
    State(dashboard): Shared,
    Operator(person): Operator,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let frame = dashboard.frame(&person, Section::Other, false).await;
    let freeze = match choice.freeze(&person.name) {
        Ok(freeze) => freeze,
        Err(error) => {
            let problem = choice.is_made().then(|| error.to_string());
            let length = if choice.is_made() {
                choice.length
            } else {
                LENGTH.to_owned()
            };
            let choice = Choice { length, ..choice };
            let page = FreezePage {
                frame,
                problem,
                choice,
            };
            return answer(&headers, &page);
        }
    };
    let listing = dashboard.account.listing().await?;
    let open = dashboard.open_chains().await?;
    let lists = held(&listing.graph, &open, &freeze.coverage, "Will not start");
    let covers = match covered(&listing.graph, &freeze.coverage).len() {
        0 => "No stack of the account matches these patterns now".to_owned(),
        stacks => format!(
            "It covers {}: {}",
            counted(stacks, "stack", "stacks"),
            freeze.coverage
        ),
    };
    let page = AskPage {
        frame,
        title: format!("Freeze {}?", dashboard.config.account),
        effect: format!(
            "For {}, no stack that the freeze covers is started, for any chain. {covers}. Running stacks continue. \
             The reason: {}",
            choice.length.trim(),
            freeze.reason
        ),
        lists,
        fields: choice.into_fields(),
        path: "/freeze".to_owned(),
        button: "Freeze",
        is_dangerous: true,
        back: "/status".to_owned(),
        token: person.token.as_str().to_owned(),
    };
    answer(&headers, &page)
}

pub(crate) async fn act(
    State(dashboard): Shared,
    Operator(person): Operator,
    Form(choice): Form<Choice>,
) -> Result<Response, PageError> {
    person.check_token(&choice.token)?;
    let (workflows, account) = (&dashboard.config.workflows, &dashboard.config.account);
    let freeze = choice
        .freeze(&person.name)
        .map_err(|error| PageError::Refused(error.to_string()))?;
    if let Some(known) = workflows.freeze(account, &freeze).await? {
        return Err(PageError::Refused(format!(
            "{account} is {known}. Lift that freeze first."
        )));
    }
    person.log_action(&format!("froze `{account}`"));
    Ok(Redirect::to("/status").into_response())
}

pub(crate) async fn ask_thaw(
    State(dashboard): Shared,
    Operator(person): Operator,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let account = &dashboard.config.account;
    let Some(freeze) = dashboard.config.workflows.frozen(account).await? else {
        return Err(PageError::Refused(format!(
            "{account} is not frozen by a person."
        )));
    };
    let listing = dashboard.account.listing().await?;
    let open = dashboard.open_chains().await?;
    let page = AskPage {
        frame: dashboard.frame(&person, Section::Other, false).await,
        title: format!("Lift the freeze of {account}?"),
        effect: format!(
            "{account} is {freeze}. It covers {}. Once it is lifted, each stack starts as soon as everything that it \
             waits for has ended.",
            freeze.coverage
        ),
        lists: held(&listing.graph, &open, &freeze.coverage, "May start"),
        fields: Vec::new(),
        path: "/thaw".to_owned(),
        button: "Lift the freeze",
        is_dangerous: false,
        back: "/status".to_owned(),
        token: person.token.as_str().to_owned(),
    };
    answer(&headers, &page)
}

pub(crate) async fn thaw(
    State(dashboard): Shared,
    Operator(person): Operator,
    Form(form): Form<ActionForm>,
) -> Result<Response, PageError> {
    person.check(&form)?;
    let (workflows, account) = (&dashboard.config.workflows, &dashboard.config.account);
    if !workflows.thaw(account, &person.name).await? {
        return Err(PageError::Refused(format!(
            "{account} is not frozen by a person."
        )));
    }
    person.log_action(&format!("lifted the freeze of `{account}`"));
    Ok(Redirect::to("/status").into_response())
}

/// The stacks that a freeze covers.
fn covered<'a>(graph: &'a DependencyGraph, coverage: &Coverage) -> Vec<&'a StackId> {
    let stacks = graph.stacks().iter();
    stacks
        .filter(|stack| coverage.covers(&Covered::of(stack)))
        .map(|stack| &stack.id)
        .collect()
}

/// What the open chains need of the stacks that a freeze covers: those that wait, and those that run.
fn held(graph: &DependencyGraph, open: &OpenChains, coverage: &Coverage, waits: &str) -> Vec<List> {
    let covered = covered(graph, coverage);
    let in_state = |state| -> Vec<String> {
        let progress = open.records().flat_map(ChainRecord::progress);
        let mut stacks: Vec<String> = progress
            .filter(|stack| stack.state == state && covered.contains(&&stack.id))
            .map(|stack| stack.id.to_string())
            .collect();
        stacks.sort_unstable();
        stacks.dedup();
        stacks
    };
    let list = |words: &str, stacks: Vec<String>| {
        let count = counted(stacks.len(), "stack", "stacks");
        List::of(format!("{words}: {count}"), stacks)
    };
    let (waiting, running) = (in_state(StackState::Waiting), in_state(StackState::Running));
    [list(waits, waiting), list("Will continue", running)]
        .into_iter()
        .flatten()
        .collect()
}
