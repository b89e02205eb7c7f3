//! `/stack/{stack}` and `/stack/{stack}/run/{run}`: what links to Spacelift lead to. Plain text, in place of Spacelift's pages.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::http::connection::Connection;
use crate::mock::MockSpacelift;

/// How many runs the page of a stack lists.
const RUNS_MAX: usize = 20;

pub(crate) fn router(mock: MockSpacelift) -> Router {
    Router::new()
        .route("/stack/{stack}", get(stack))
        .route("/stack/{stack}/run/{run}", get(run))
        .with_state(mock)
}

async fn stack(
    State(mock): State<MockSpacelift>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
) -> Response {
    page(&connection, stack_text(&mock, &id))
}

async fn run(
    State(mock): State<MockSpacelift>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((stack, run)): Path<(String, String)>,
) -> Response {
    page(&connection, run_text(&mock, &stack, &run))
}

/// Like the controls, a page is for people on the same machine: it asks for no login.
fn page(connection: &Connection, text: Option<String>) -> Response {
    match text {
        _ if !connection.is_local() => (
            StatusCode::FORBIDDEN,
            "only people on the account's own machine may read it\n".to_owned(),
        ),
        Some(text) => (StatusCode::OK, text),
        None => (
            StatusCode::NOT_FOUND,
            "the account in memory has no such page\n".to_owned(),
        ),
    }
    .into_response()
}

fn stack_text(mock: &MockSpacelift, id: &str) -> Option<String> {
    let stack = mock.stack(id)?;
    let mut text = format!(
        "The stack {id} in the account in memory\n\nrepository  {}\nlabels      {}\n\nLast runs\n",
        stack.repository,
        stack.labels.join(", ")
    );
    for run in mock.runs_of(id).iter().rev().take(RUNS_MAX) {
        let _ = writeln!(text, "  {}  {}", run.run, run.state);
    }
    Some(text)
}

fn run_text(mock: &MockSpacelift, stack: &str, run: &str) -> Option<String> {
    let run = mock
        .run(&run.parse().ok()?)
        .filter(|run| run.stack.as_str() == stack)?;
    let commit = run.commit.as_ref().map_or("", chain::CommitSha::as_str);
    let mut text = format!(
        "The run {} of {stack} in the account in memory\n\nstate         {}\nbranch        {}\ncommit        {commit}\n\
         triggered by  {}\n\nStates\n",
        run.run,
        run.state,
        run.branch,
        run.triggered_by.as_deref().unwrap_or("a push"),
    );
    for (state, _) in &run.history {
        let _ = writeln!(text, "  {state}");
    }
    let _ = writeln!(
        text,
        "\n`spillway mock confirm {stack}` and `spillway mock discard {stack}` decide about a run that waits."
    );
    Some(text)
}
