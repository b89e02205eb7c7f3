//! The bodies that are read, as OpenAPI describes them. What reads them is `chain::event`; a test compares the two.
#![expect(dead_code, reason = "described, never made")]

use serde_json::{Value, json};
use utoipa::ToSchema;

/// What may be posted. The kinds are told apart by the keys that a body has.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum WebhookBody {
    RunEvent(RunEventBody),
    PolicyInput(PolicyInputBody),
    RunRequest(RunRequestBody),
    EndedRun(EndedRunBody),
}

/// Spacelift's own payload of a run's change of state. Other fields are ignored.
#[derive(ToSchema)]
#[schema(example = run_event)]
pub(crate) struct RunEventBody {
    account: String,
    /// The run's new state, such as `FINISHED`.
    state: String,
    /// The ordinal of the state in the run.
    #[serde(rename = "stateVersion")]
    state_version: Option<u64>,
    /// When the run came into this state, in seconds since 1970.
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
    /// `null` after a push.
    triggered_by: Option<String>,
    /// `TRACKED` runs alone start chains.
    r#type: String,
}

#[derive(ToSchema)]
struct Commit {
    hash: Option<String>,
}

/// What the run did to the stack's resources.
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

/// The input of a notification policy, which alone carries the stack's space and the run's metadata.
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

/// Asks for a run of a stack, and then of what depends on it.
#[derive(ToSchema)]
#[schema(example = run_request)]
pub(crate) struct RunRequestBody {
    /// `triggered`.
    event: String,
    stack_id: String,
    /// The account that the webhook is configured for, where it is absent.
    account: Option<String>,
    /// A second request with the same id is a duplicate.
    request_id: Option<String>,
    requested_by: Option<String>,
}

/// Says that a run is over. The run is looked at now; how it ended is looked up, and nobody is believed.
#[derive(ToSchema)]
#[schema(example = ended_run)]
pub(crate) struct EndedRunBody {
    /// `completed` or `failed`.
    event: String,
    stack_id: String,
    /// The run that is over.
    run_id: String,
    /// The account that the webhook is configured for, where it is absent.
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
        "requested_by": "alice",
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
