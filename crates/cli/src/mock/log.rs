//! The log of an account in memory, for people and programs.

use chain::{RunId, StackId};
use mock_spacelift::{LogAction, LogEntry};
use schemars::JsonSchema;
use serde::Serialize;

use crate::command::Done;
use crate::exit::Exit;
use crate::json::{Shape, Time};
use crate::output::Output;
use crate::table::Table;

/// One thing that happened in the account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MockLogEntry")]
pub(crate) struct View<'a> {
    at: Option<Time>,
    /// A login, a stack, a policy or an API key; null for a push.
    by: Option<&'a str>,
    /// `push`, `trigger`, `decide`, `lock` or `unlock`.
    action: &'static str,
    stack: Option<&'a StackId>,
    run: Option<&'a RunId>,
    run_type: Option<&'a str>,
    /// The state that a decision led to.
    state: Option<&'a str>,
    /// The run that is retried.
    retries: Option<&'a RunId>,
    repository: Option<&'a str>,
    branch: Option<&'a str>,
    commit: Option<&'a str>,
}

impl Shape for View<'_> {
    const KIND: &'static str = "mock_log_entry";
}

impl<'a> View<'a> {
    fn of(entry: &'a LogEntry) -> Self {
        let mut view = Self {
            at: Time::from_ms(entry.at_ms),
            by: entry.by.as_deref(),
            action: "",
            stack: None,
            run: None,
            run_type: None,
            state: None,
            retries: None,
            repository: None,
            branch: None,
            commit: None,
        };
        match &entry.action {
            LogAction::Push {
                repository,
                branch,
                commit,
                ..
            } => {
                view.action = "push";
                view.repository = Some(repository);
                view.branch = Some(branch);
                view.commit = Some(commit);
            }
            LogAction::Trigger {
                stack,
                run,
                run_type,
                commit,
                retries,
                ..
            } => {
                view.action = "trigger";
                (view.stack, view.run) = (Some(stack), Some(run));
                view.run_type = Some(run_type);
                view.commit = Some(commit);
                view.retries = retries.as_ref();
            }
            LogAction::Decide { stack, run, state } => {
                view.action = "decide";
                (view.stack, view.run) = (Some(stack), Some(run));
                view.state = Some(state);
            }
            LogAction::Lock { stack } => (view.action, view.stack) = ("lock", Some(stack)),
            LogAction::Unlock { stack } => (view.action, view.stack) = ("unlock", Some(stack)),
        }
        view
    }
}

pub(super) fn show(log: &[LogEntry], output: Output) -> Done {
    let mut table = Table::with_head(["time", "by", "action"]);
    for entry in log {
        let by = entry.by.as_deref().unwrap_or("push");
        let time = Time::from_ms(entry.at_ms).map(|at| at.to_string());
        table.row([&time.unwrap_or_default(), by, &what(&entry.action)]);
    }
    let views: Vec<_> = log.iter().map(View::of).collect();
    output.list(&views, &table, "Nothing has happened yet.")?;
    Ok(Exit::Success)
}

fn what(action: &LogAction) -> String {
    match action {
        LogAction::Push {
            repository,
            branch,
            commit,
            ..
        } => format!("pushed {} to {repository}@{branch}", short(commit)),
        LogAction::Trigger {
            stack,
            run,
            run_type,
            commit,
            retries,
            ..
        } => {
            let again = retries.as_ref().map(|run| format!(", retrying {run}"));
            format!(
                "started run {run} of {stack} ({run_type}) @ {}{}",
                short(commit),
                again.unwrap_or_default()
            )
        }
        LogAction::Decide { stack, run, state } => format!("set run {run} of {stack} to {state}"),
        LogAction::Lock { stack } => format!("locked {stack}"),
        LogAction::Unlock { stack } => format!("unlocked {stack}"),
    }
}

fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}
