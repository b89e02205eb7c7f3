//! The default webhook payload of a run, with the same keys in the same order as Spacelift's.

use serde::Serialize;

use crate::account::state::Account;
use crate::model::run::Run;
use crate::model::stack::Stack;

#[derive(Serialize)]
struct RunEvent<'a> {
    account: &'a str,
    state: &'a str,
    #[serde(rename = "stateVersion")]
    state_version: u32,
    timestamp: i64,
    timestamp_millis: i64,
    note: Option<&'a str>,
    run: EventRun<'a>,
    stack: EventStack<'a>,
    #[serde(rename = "workerPool")]
    worker_pool: WorkerPool<'a>,
    event_source: &'a str,
    event_type: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventRun<'a> {
    id: &'a str,
    branch: &'a str,
    command: Option<&'a str>,
    commit: EventCommit<'a>,
    created_at: i64,
    delta: Option<EventDelta>,
    drift_detection: bool,
    triggered_by: Option<&'a str>,
    r#type: &'a str,
    url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventCommit<'a> {
    author_login: Option<&'a str>,
    author_name: &'a str,
    hash: &'a str,
    message: &'a str,
    timestamp: i64,
    url: &'a str,
}

#[derive(Serialize)]
struct EventDelta {
    added: i32,
    changed: i32,
    deleted: i32,
    resources: i32,
}

#[derive(Serialize)]
struct EventStack<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    labels: &'a [String],
    repository: String,
    url: String,
    vcs: &'a str,
}

/// The public pool, whose id and name are empty.
#[derive(Serialize)]
struct WorkerPool<'a> {
    public: bool,
    labels: &'a [String],
    id: &'a str,
    name: &'a str,
}

/// The body for the run's latest transition, with the newline that Go's encoder appends: a receiver that does not
/// verify the raw bytes fails.
pub(crate) fn default_body(account: &Account, stack: &Stack, run: &Run) -> Vec<u8> {
    let transition = run.last();
    let event = RunEvent {
        account: account.name.as_str(),
        state: transition.state.as_str(),
        state_version: transition.state_version,
        timestamp: transition.at.seconds(),
        timestamp_millis: transition.at.millis(),
        note: transition.note.as_deref(),
        run: EventRun {
            id: run.id.as_str(),
            branch: &run.branch,
            command: run.command.as_deref(),
            commit: EventCommit {
                author_login: run.commit.author_login.as_deref(),
                author_name: &run.commit.author_name,
                hash: &run.commit.hash,
                message: &run.commit.message,
                timestamp: run.commit.timestamp,
                url: run.commit.url.as_deref().unwrap_or_default(),
            },
            created_at: run.created_at().seconds(),
            delta: run.delta.map(|delta| EventDelta {
                added: delta.add_count,
                changed: delta.change_count,
                deleted: delta.delete_count,
                resources: delta.resources,
            }),
            drift_detection: run.drift_detection,
            triggered_by: run.triggered_by.as_deref(),
            r#type: run.run_type.as_str(),
            url: account.run_url(run),
        },
        stack: EventStack {
            id: stack.id.as_str(),
            name: &stack.settings.name,
            description: stack.settings.description.as_deref().unwrap_or_default(),
            labels: &stack.settings.labels,
            repository: stack.settings.full_repository(),
            url: account.stack_url(&stack.id),
            vcs: stack.settings.provider.as_str(),
        },
        worker_pool: WorkerPool {
            public: true,
            labels: &[],
            id: "",
            name: "",
        },
        event_source: "spacelift",
        event_type: "run_state_changed_event",
    };
    let mut body = serde_json::to_vec(&event).expect("texts and numbers are JSON");
    body.push(b'\n');
    body
}
