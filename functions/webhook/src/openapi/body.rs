//! The request bodies for OpenAPI. `chain::event` parses them; a test compares the two.
#![expect(dead_code, reason = "only described, never constructed")]

use serde_json::{Value, json};
use utoipa::ToSchema;

/// The time in the example of a request.
pub(super) const REQUESTED_AT_S: i64 = 1_745_600_100;

/// A request body. The kinds are told apart by their keys.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum WebhookBody {
    RunEvent(RunEventBody),
    PolicyInput(PolicyInputBody),
    RunRequest(RunRequestBody),
    EndedRun(EndedRunBody),
}

/// Spacelift's own payload for a change of a run's state. Other fields are ignored.
#[derive(ToSchema)]
#[schema(example = run_event)]
pub(crate) struct RunEventBody {
    account: String,
    /// The run's new state, such as `FINISHED`.
    state: String,
    /// The number of the state in the run.
    #[serde(rename = "stateVersion")]
    state_version: Option<u64>,
    /// When the run entered this state, in seconds since 1970.
    timestamp: i64,
    /// The same in milliseconds.
    timestamp_millis: Option<i64>,
    run: Run,
    stack: Stack,
}

#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
struct Run {
    id: String,
    branch: String,
    commit: Option<Commit>,
    delta: Option<Delta>,
    drift_detection: Option<bool>,
    /// `null` for a push.
    triggered_by: Option<String>,
    /// Only `TRACKED` runs start chains.
    r#type: String,
}

#[derive(ToSchema)]
struct Commit {
    hash: Option<String>,
}

/// The changes of the run to the stack's resources.
#[derive(ToSchema)]
struct Delta {
    added: Option<u64>,
    changed: Option<u64>,
    deleted: Option<u64>,
    resources: Option<u64>,
}

#[derive(ToSchema)]
struct Stack {
    id: String,
    name: String,
}

/// The input of a notification policy. Only this body has the stack's space and the run's metadata.
#[derive(ToSchema)]
#[schema(example = policy_input)]
pub(crate) struct PolicyInputBody {
    account: PolicyAccount,
    run_updated: RunUpdated,
}

#[derive(ToSchema)]
struct PolicyAccount {
    name: String,
}

#[derive(ToSchema)]
struct RunUpdated {
    state: String,
    run: PolicyRun,
    stack: PolicyStack,
}

#[derive(ToSchema)]
struct PolicyRun {
    id: String,
    branch: String,
    commit: Option<Commit>,
    drift_detection: Option<bool>,
    triggered_by: Option<String>,
    r#type: String,
    /// In nanoseconds since 1970.
    updated_at: i64,
    user_provided_metadata: Option<Vec<String>>,
}

#[derive(ToSchema)]
struct PolicyStack {
    id: String,
    name: String,
    space: Option<Space>,
}

#[derive(ToSchema)]
struct Space {
    id: String,
}

/// Requests a run of a stack, and then of the stacks that depend on it.
#[derive(ToSchema)]
#[schema(example = run_request)]
pub(crate) struct RunRequestBody {
    /// `triggered`.
    event: String,
    stack_id: String,
    /// If it is absent, the account that the webhook is configured for.
    account: Option<String>,
    /// A text that no other request has: a second request with the same id is a duplicate.
    request_id: String,
    /// When it was signed, in seconds since 1970: at most five minutes ago, and at most five ahead.
    requested_at: i64,
    requested_by: Option<String>,
    /// Whether the stacks that depend on this stack also run its commit if it is older than their own. The default is
    /// `false`.
    follow: Option<bool>,
}

/// Reports that a run is over. The run is looked up at once, and only Spacelift's answer counts.
#[derive(ToSchema)]
#[schema(example = ended_run)]
pub(crate) struct EndedRunBody {
    /// `completed` or `failed`.
    event: String,
    stack_id: String,
    /// The run that is over.
    run_id: String,
    /// If it is absent, the account that the webhook is configured for.
    account: Option<String>,
}

fn run_event() -> Value {
    json!({
        "account": "acme",
        "state": "FINISHED",
        "stateVersion": 10,
        "timestamp": 1_745_600_100,
        "timestamp_millis": 1_745_600_100_383_i64,
        "run": {
            "id": "01JSPXRQR2F3Y06HD85YYXRSZ7",
            "branch": "main",
            "commit": { "hash": "0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb" },
            "delta": { "added": 2, "changed": 1, "deleted": 0, "resources": 14 },
            "driftDetection": false,
            "triggeredBy": "alice",
            "type": "TRACKED",
        },
        "stack": { "id": "prod-network", "name": "Prod network" },
    })
}

fn policy_input() -> Value {
    json!({
        "account": { "name": "acme" },
        "run_updated": {
            "state": "FINISHED",
            "run": {
                "id": "01JSPXRQR2F3Y06HD85YYXRSZ7",
                "branch": "main",
                "commit": { "hash": "0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb" },
                "drift_detection": false,
                "triggered_by": "alice",
                "type": "TRACKED",
                "updated_at": 1_745_600_100_383_000_000_i64,
                "user_provided_metadata": [],
            },
            "stack": { "id": "prod-network", "name": "Prod network", "space": { "id": "prod-01JSPX" } },
        },
    })
}

fn run_request() -> Value {
    json!({
        "event": "triggered",
        "stack_id": "prod-network",
        "account": "acme",
        "request_id": "change-42",
        "requested_at": REQUESTED_AT_S,
        "requested_by": "alice",
        "follow": false,
    })
}

fn ended_run() -> Value {
    json!({
        "event": "completed",
        "stack_id": "prod-network",
        "run_id": "01JSPXRQR2F3Y06HD85YYXRSZ7",
        "account": "acme",
    })
}
