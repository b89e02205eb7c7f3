//! Halting the account, and lifting the halt.

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use chain::StackState;

use super::control::{ActionForm, AskPage, Field, List};
use super::{PageError, Section, Shared, answer};
use crate::visitor::Operator;
use crate::words::counted;

fn is_halt(address: &Uri) -> bool {
    address.path() == "/halt"
}

pub(crate) async fn ask(
    State(dashboard): Shared,
    Operator(person): Operator,
    address: Uri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let is_halt = is_halt(&address);
    let open = dashboard.open_chains().await?;
    let in_state = |state| -> Vec<String> {
        let progress = open.records().flat_map(chain::ChainRecord::progress);
        let mut stacks: Vec<String> = progress
            .filter(|stack| stack.state == state)
            .map(|stack| stack.id.to_string())
            .collect();
        stacks.sort_unstable();
        stacks.dedup();
        stacks
    };
    let (waiting, running) = (in_state(StackState::Waiting), in_state(StackState::Running));
    let waiting_words = counted(waiting.len(), "stack", "stacks");
    let waits = if is_halt {
        format!("Will not start: {waiting_words}")
    } else {
        format!("May start: {waiting_words}")
    };
    let runs_on = format!("Will continue: {}", counted(running.len(), "stack", "stacks"));
    let account = &dashboard.config.account;
    let page = AskPage {
        frame: dashboard.frame(&person, Section::Other, false).await,
        title: if is_halt {
            format!("Halt {account}?")
        } else {
            format!("Lift the halt of {account}?")
        },
        effect: if is_halt {
            "Nothing is triggered in the whole account, for any chain, until somebody lifts the halt. Runs in progress continue."
        } else {
            "Stacks are triggered again, each as soon as all that it waits for is over."
        }
        .to_owned(),
        lists: [List::of(waits, waiting), List::of(runs_on, running)]
            .into_iter()
            .flatten()
            .collect(),
        fields: vec![Field::Reason],
        path: address.path().to_owned(),
        button: if is_halt { "Halt the account" } else { "Lift the halt" },
        is_dangerous: is_halt,
        back: "/".to_owned(),
        token: person.token.as_str().to_owned(),
    };
    answer(&headers, &page)
}

pub(crate) async fn act(
    State(dashboard): Shared,
    Operator(person): Operator,
    address: Uri,
    Form(form): Form<ActionForm>,
) -> Result<Response, PageError> {
    person.check(&form)?;
    let (workflows, account) = (&dashboard.config.workflows, &dashboard.config.account);
    let ordered = person.ordered(&form);
    if is_halt(&address) {
        workflows.halt(account, ordered).await?;
        person.log_action(&format!("halted `{account}`"));
        return Ok(Redirect::to("/status?done=halt").into_response());
    }
    if !workflows.lift_halt(account, ordered).await? {
        return Err(PageError::Refused(format!("{account} is not halted.")));
    }
    person.log_action(&format!("lifted the halt of `{account}`"));
    Ok(Redirect::to("/status?done=go").into_response())
}
