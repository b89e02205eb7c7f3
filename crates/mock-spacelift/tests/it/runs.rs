//! Runs advance as Spacelift's do.

use chain::{RunId, RunState, RunType};
use mock_spacelift::{KEY_ID, MockSpacelift, NewStack, NewWebhook};
use serde_json::json;

use crate::client::Api;
use crate::receiver::Receiver;
use crate::{serve, still_account};

const CONFIRM: &str = "mutation C($s: ID!, $r: ID) { runConfirm(stack: $s, run: $r) { id state } }";

fn state(mock: &MockSpacelift, run: &RunId) -> RunState {
    mock.run(run).unwrap().state
}

/// The states of a run, from the given one on.
fn states_from(mock: &MockSpacelift, run: &RunId, first: &str) -> Vec<String> {
    let history = mock.run(run).unwrap().history;
    let states = history.iter().map(|(state, _)| state.to_string());
    states.skip_while(|state| state != first).collect()
}

#[tokio::test]
async fn each_transition_of_a_triggered_run_is_delivered() {
    let mock = MockSpacelift::new("acme");
    let receiver = Receiver::start().await;
    mock.webhook(&NewWebhook::on_every_stack(&receiver.url, "s3cr3t"));
    mock.add_stack(NewStack::named("vpc"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;

    let trigger = "mutation T($s: ID!) { runTrigger(stack: $s, commitSha: \"abc123\") { id state } }";
    let request = api.request(trigger, &json!({ "s": "vpc" }));
    let request = request.header("Spacelift-User-Provided-Run-Metadata", "spillway:e1");
    assert_eq!(request.send().await.unwrap().status(), 200);
    mock.wait_until("all is delivered", |mock| mock.deliveries().len() == 7)
        .await;

    let expected = [
        "QUEUED",
        "READY",
        "PREPARING",
        "INITIALIZING",
        "PLANNING",
        "APPLYING",
        "FINISHED",
    ];
    assert_eq!(receiver.states(), expected);
    let [run] = mock.runs().try_into().unwrap();
    assert_eq!(run.state, RunState::Finished);
    assert_eq!(run.run_type, RunType::Tracked);
    assert_eq!(run.triggered_by, Some(format!("api::{KEY_ID}")));
    assert_eq!(run.metadata, ["spillway:e1"]);
    assert_eq!(run.commit.unwrap().as_str(), "abc123");
}

#[tokio::test]
async fn a_run_waits_for_confirmation_unless_the_stack_has_autodeploy() {
    let mock = still_account();
    mock.add_stack(NewStack::named("dns").autodeploy(false));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;

    let run = mock.push("dns");
    mock.settle();
    assert_eq!(state(&mock, &run), RunState::Unconfirmed);
    let request = api.request(CONFIRM, &json!({ "s": "dns", "r": run }));
    let request = request.header("Spacelift-User-Provided-Run-Metadata", "second voice");
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(mock.run(&run).unwrap().metadata, ["second voice"]);
    mock.settle();
    let expected = [
        "UNCONFIRMED",
        "CONFIRMED",
        "PREPARING_APPLY",
        "APPLYING",
        "FINISHED",
    ];
    assert_eq!(states_from(&mock, &run, "UNCONFIRMED"), expected);
    let refused = api.error(CONFIRM, json!({ "s": "dns", "r": run })).await;
    assert_eq!(
        refused,
        format!("run `{run}` is FINISHED and cannot be confirmed")
    );
}

#[tokio::test]
async fn without_a_run_the_blocker_of_the_stack_is_confirmed() {
    let mock = still_account();
    mock.add_stack(NewStack::named("dns").autodeploy(false));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    assert_eq!(
        api.error(CONFIRM, json!({ "s": "dns" })).await,
        "no run is blocking stack `dns`"
    );
    let run = mock.push("dns");
    mock.settle();
    let data = api.data(CONFIRM, json!({ "s": "dns" })).await;
    assert_eq!(data, json!({ "runConfirm": { "id": run, "state": "CONFIRMED" } }));
}

#[test]
fn a_plan_without_changes_ends_the_run() {
    let mock = still_account();
    mock.add_stack(NewStack::named("vpn").autodeploy(false).no_changes());
    let run = mock.push("vpn");
    mock.settle();
    assert_eq!(states_from(&mock, &run, "PLANNING"), ["PLANNING", "FINISHED"]);
}

#[test]
fn failures_occur_where_and_as_often_as_requested() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db").fails_next(1));
    mock.fail_next_in("db", RunState::Applying);
    let runs = [mock.push("db"), mock.push("db"), mock.push("db")];
    mock.settle();
    assert_eq!(states_from(&mock, &runs[0], "PLANNING"), ["PLANNING", "FAILED"]);
    assert_eq!(
        states_from(&mock, &runs[1], "PLANNING"),
        ["PLANNING", "APPLYING", "FAILED"]
    );
    assert_eq!(state(&mock, &runs[2]), RunState::Finished);
}

#[test]
fn tracked_runs_of_a_stack_run_in_turn_and_block_no_other_stack() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db").autodeploy(false));
    mock.add_stack(NewStack::named("web"));
    let (first, second) = (mock.push("db"), mock.trigger("db", "alice@acme.example"));
    let other = mock.push("web");
    mock.settle();
    assert_eq!(state(&mock, &first), RunState::Unconfirmed);
    assert_eq!(state(&mock, &second), RunState::Queued);
    assert_eq!(state(&mock, &other), RunState::Finished);
    mock.discard(&first, "bob");
    mock.settle();
    assert_eq!(state(&mock, &first), RunState::Discarded);
    assert_eq!(state(&mock, &second), RunState::Unconfirmed);
}

#[test]
fn a_locked_stack_keeps_its_runs_in_the_queue() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db"));
    mock.lock("db", "alice");
    let run = mock.push("db");
    mock.settle();
    assert_eq!(state(&mock, &run), RunState::Queued);
    mock.unlock("db");
    mock.settle();
    assert_eq!(state(&mock, &run), RunState::Finished);
}

#[tokio::test]
async fn proposed_runs_and_tasks_have_their_own_states() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db").autodeploy(false));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let blocker = mock.push("db");
    mock.settle();

    let propose = "mutation { runTrigger(stack: \"db\", runType: PROPOSED) { id type } }";
    let proposed = api.data(propose, json!({})).await;
    assert_eq!(proposed["runTrigger"]["type"], "PROPOSED");
    let task = "mutation { taskCreate(stack: \"db\", command: \"terraform state list\") { id type title } }";
    let task = api.data(task, json!({})).await;
    assert_eq!(task["taskCreate"]["title"], "terraform state list");
    mock.settle();
    let proposed: RunId = proposed["runTrigger"]["id"].as_str().unwrap().parse().unwrap();
    let task: RunId = task["taskCreate"]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        states_from(&mock, &proposed, "PLANNING"),
        ["PLANNING", "FINISHED"]
    );
    assert_eq!(state(&mock, &task), RunState::Queued, "a task takes its turn");
    mock.confirm(&blocker, "bob");
    mock.settle();
    assert_eq!(
        states_from(&mock, &task, "INITIALIZING"),
        ["INITIALIZING", "PERFORMING", "FINISHED"]
    );

    let lists = "{ stack(id: \"db\") { runs { id } proposedRuns { id } tasks { id } } }";
    let expected = json!({ "runs": [{ "id": blocker }], "proposedRuns": [{ "id": proposed }], "tasks": [{ "id": task }] });
    assert_eq!(api.data(lists, json!({})).await["stack"], expected);
}

#[test]
fn native_dependents_are_queued_and_wait_for_their_upstream() {
    let mock = still_account();
    mock.add_stack(NewStack::named("vpc"));
    mock.add_stack(NewStack::named("db").native_dependency("vpc"));
    mock.add_stack(
        NewStack::named("web")
            .native_dependency("vpc")
            .native_dependency("db"),
    );
    mock.push("vpc");
    let queued: Vec<String> = mock
        .runs()
        .iter()
        .map(|run| format!("{} {:?}", run.stack, run.triggered_by))
        .collect();
    assert_eq!(queued, ["vpc None", "db Some(\"vpc\")", "web Some(\"vpc\")"]);
    mock.settle();
    let started: Vec<_> = mock
        .runs()
        .iter()
        .map(|run| run.reached(&RunState::Ready).unwrap())
        .collect();
    let ended: Vec<_> = mock
        .runs()
        .iter()
        .map(|run| run.reached(&RunState::Finished).unwrap())
        .collect();
    assert!(
        ended[0] <= started[1] && ended[1] <= started[2],
        "{started:?} {ended:?}"
    );

    mock.fail_next("vpc");
    mock.push("vpc");
    mock.settle();
    let states: Vec<String> = mock.runs()[3..].iter().map(|run| run.state.to_string()).collect();
    assert_eq!(states, ["FAILED", "CANCELED", "CANCELED"]);
}

#[tokio::test]
async fn a_person_can_cancel_stop_retry_and_comment() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db").autodeploy(false));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let (first, second) = (mock.push("db"), mock.push("db"));
    mock.settle();

    let verb = |verb: &str| format!("mutation V($r: ID!) {{ {verb}(stack: \"db\", run: $r) {{ state }} }}");
    let refused = api.error(&verb("runCancel"), json!({ "r": first })).await;
    assert_eq!(
        refused,
        format!("run `{first}` is UNCONFIRMED and cannot be canceled")
    );
    let canceled = api.data(&verb("runCancel"), json!({ "r": second })).await;
    assert_eq!(canceled["runCancel"]["state"], "CANCELED");
    let stopped = api.data(&verb("runStop"), json!({ "r": first })).await;
    assert_eq!(stopped["runStop"]["state"], "STOPPED");
    let retried = api.data(&verb("runRetry"), json!({ "r": first })).await;
    assert_eq!(retried["runRetry"]["state"], "QUEUED");
    assert_eq!(mock.runs()[2].commit, mock.runs()[0].commit);
    assert_eq!(
        api.error(&verb("runStop"), json!({ "r": "01JSPXRQR2F3Y06HD85YYXRSZ7" }))
            .await,
        "not found"
    );

    let comment = "mutation C($r: ID!) { runComment(stack: \"db\", run: $r, body: \"why?\") { username } }";
    let comment = api.data(comment, json!({ "r": first })).await;
    assert_eq!(comment["runComment"]["username"], format!("api::{KEY_ID}"));
    let read = "query R($r: ID!) { stack(id: \"db\") { run(id: $r) { comments { body } } } }";
    let read = api.data(read, json!({ "r": first })).await;
    assert_eq!(read["stack"]["run"]["comments"], json!([{ "body": "why?" }]));
}

#[tokio::test]
async fn a_disabled_stack_takes_no_runs() {
    let mock = still_account();
    mock.add_stack(NewStack::named("old").disabled());
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let trigger = "mutation { runTrigger(stack: \"old\") { id } }";
    assert_eq!(api.error(trigger, json!({})).await, "stack `old` is disabled");
    mock.enable("old");
    api.data(trigger, json!({})).await;
    assert_eq!(mock.runs().len(), 1);
}

#[tokio::test]
async fn history_is_shown_newest_first_with_rising_versions() {
    let mock = still_account();
    mock.add_stack(NewStack::named("vpc"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let run = mock.push("vpc");
    mock.settle();
    let read =
        "query R($r: ID!) { stack(id: \"vpc\") { state run(id: $r) { finished triggeredBy delta { addCount }
        history { state stateVersion } } } }";
    let data = api.data(read, json!({ "r": run })).await;
    let run = &data["stack"]["run"];
    assert_eq!(
        run["history"][0],
        json!({ "state": "FINISHED", "stateVersion": 7 })
    );
    assert_eq!(run["history"][6], json!({ "state": "QUEUED", "stateVersion": 1 }));
    assert_eq!(run["delta"]["addCount"], 2);
    assert_eq!(run["triggeredBy"], json!(null));
    assert_eq!(data["stack"]["state"], "FINISHED");
}

#[tokio::test]
async fn pushes_pull_requests_and_drift_create_their_types_of_runs() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let runs = [
        mock.push_commit("db", "abc123"),
        mock.propose("db"),
        mock.reconcile_drift("db"),
    ];
    mock.settle();
    let read = "query R($r: ID!) { stack(id: \"db\") { trackedCommit { hash }
        run(id: $r) { type state driftDetection commit { hash } } } }";
    let kinds = [("TRACKED", false), ("PROPOSED", false), ("TRACKED", true)];
    for (run, (kind, drift)) in runs.iter().zip(kinds) {
        let stack = api.data(read, json!({ "r": run })).await["stack"].clone();
        let commit = json!({ "hash": "abc123" });
        assert_eq!(stack["trackedCommit"], commit);
        let expected =
            json!({ "type": kind, "state": "FINISHED", "driftDetection": drift, "commit": commit });
        assert_eq!(stack["run"], expected);
    }
}
