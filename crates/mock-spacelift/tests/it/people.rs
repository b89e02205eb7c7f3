//! People retry, roll back and lock; and how that is recorded.

use chain::RunState;
use mock_spacelift::{KEY_ID, LogAction, MockSpacelift, NewStack, Push};
use serde_json::json;

use crate::client::Api;
use crate::{serve, still_account};

const TRIGGER: &str = "mutation { runTrigger(stack: \"db\") { id } }";

fn one_stack() -> MockSpacelift {
    let mock = still_account();
    mock.add_stack(NewStack::named("db"));
    mock
}

#[test]
fn a_retry_is_a_new_run_of_the_same_commit_triggered_by_the_person() {
    let mock = one_stack();
    mock.fail_next("db");
    let failed = mock.push("db");
    mock.settle();
    mock.push("db");
    let retried = mock.retry(&failed, "alice");
    let (before, after) = (mock.run(&failed).unwrap(), mock.run(&retried).unwrap());
    assert_eq!(
        after.commit, before.commit,
        "not the commit that the stack tracks by now"
    );
    assert_eq!(after.commit_timestamp, before.commit_timestamp);
    assert_eq!(after.triggered_by.as_deref(), Some("alice"));
    mock.settle();
    assert_eq!(mock.run(&retried).unwrap().state, RunState::Finished);
    let retries = mock.log().into_iter().find_map(|entry| match entry.action {
        LogAction::Trigger { run, retries, .. } if run == retried => retries,
        _ => None,
    });
    assert_eq!(retries, Some(failed));
}

#[tokio::test]
async fn only_a_run_that_failed_can_be_retried() {
    let mock = one_stack();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    mock.skip_next("db");
    let skipped = mock.push("db");
    let finished = mock.push("db");
    mock.settle();
    let open = mock.push("db");
    let retry = "mutation R($r: ID!) { runRetry(stack: \"db\", run: $r) { id } }";
    for (run, state) in [(skipped, "SKIPPED"), (finished, "FINISHED"), (open, "QUEUED")] {
        assert_eq!(
            api.error(retry, json!({ "r": run })).await,
            format!("run `{run}` is {state} and cannot be retried")
        );
    }
    assert_eq!(mock.runs().len(), 3);
}

#[test]
fn a_rollback_runs_the_old_commit_with_its_old_timestamp_and_leaves_the_tracked_one() {
    let mock = one_stack();
    mock.push_to(Push::to("acme/infra").commit("01d0c0de").at(1_700_000_000));
    mock.push_to(Push::to("acme/infra").commit("2e30c0de").at(1_800_000_000));
    let rollback = mock.trigger_commit("db", "alice", "01d0c0de");
    let run = mock.run(&rollback).unwrap();
    assert_eq!(run.commit.unwrap().as_str(), "01d0c0de");
    assert_eq!(run.commit_timestamp, 1_700_000_000);
    assert_eq!(run.triggered_by.as_deref(), Some("alice"));
    let stack = mock.stack("db").unwrap();
    assert_eq!(stack.tracked_commit.unwrap().as_str(), "2e30c0de");
    assert_eq!(stack.tracked_commit_timestamp, 1_800_000_000);
}

#[tokio::test]
async fn only_the_owner_of_a_lock_triggers_runs_and_unlocks() {
    let mock = one_stack();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    mock.fail_next("db");
    let failed = mock.push("db");
    mock.settle();
    mock.lock("db", "alice");
    let refused = "stack `db` is locked by alice, and nobody else can trigger runs";
    let retry = format!("mutation {{ runRetry(stack: \"db\", run: \"{failed}\") {{ id }} }}");
    let task = "mutation { taskCreate(stack: \"db\", command: \"ls\") { id } }";
    for document in [TRIGGER, task, &retry] {
        assert_eq!(api.error(document, json!({})).await, refused);
    }
    assert_eq!(mock.runs().len(), 1);
    let unlock = "mutation { stackUnlock(id: \"db\") { lockedBy } }";
    assert_eq!(
        api.error(unlock, json!({})).await,
        "stack `db` is locked by alice, and nobody else can unlock it"
    );
    assert_eq!(
        mock.unlock_as("db", "bob").unwrap_err().to_string(),
        "stack `db` is locked by alice, and nobody else can unlock it"
    );

    // A push is queued until the lock is released; the owner's run overtakes it, and waits for confirmation.
    let pushed = mock.push("db");
    let own = mock.trigger("db", "alice");
    mock.settle();
    assert_eq!(mock.run(&pushed).unwrap().state, RunState::Queued);
    assert_eq!(mock.run(&own).unwrap().state, RunState::Unconfirmed);
    mock.confirm(&own, "alice");
    mock.unlock("db");
    mock.settle();
    assert_eq!(mock.run(&own).unwrap().state, RunState::Finished);
    assert_eq!(mock.run(&pushed).unwrap().state, RunState::Finished);
    let by: Vec<_> = mock
        .log()
        .into_iter()
        .filter(|entry| matches!(entry.action, LogAction::Lock { .. } | LogAction::Unlock { .. }))
        .map(|entry| entry.by.unwrap())
        .collect();
    assert_eq!(by, ["alice", "alice"]);
}

#[tokio::test]
async fn a_key_triggers_runs_of_the_stack_that_it_locked() {
    let mock = one_stack();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    api.data("mutation { stackLock(id: \"db\") { id } }", json!({}))
        .await;
    api.data(TRIGGER, json!({})).await;
    mock.settle();
    assert_eq!(mock.runs()[0].state, RunState::Unconfirmed);
    api.data("mutation { stackUnlock(id: \"db\") { id } }", json!({}))
        .await;
    api.data(TRIGGER, json!({})).await;
    assert_eq!(mock.runs().len(), 2);
}

#[test]
fn without_workers_runs_stay_ready() {
    let mock = one_stack();
    mock.no_workers(true);
    let run = mock.push("db");
    let proposed = mock.propose("db");
    mock.settle();
    for run in [&run, &proposed] {
        assert_eq!(mock.run(run).unwrap().state, RunState::Ready);
    }
    mock.no_workers(false);
    mock.settle();
    for run in [&run, &proposed] {
        let run = mock.run(run).unwrap();
        assert_eq!(run.state, RunState::Finished);
        assert!(run.reached(&RunState::Ready) <= run.reached(&RunState::Preparing));
    }
}

#[test]
fn a_skipped_run_ends_in_the_queue_and_the_next_one_runs() {
    let mock = one_stack();
    mock.skip_next("db");
    let (first, second) = (mock.push("db"), mock.push("db"));
    mock.settle();
    let states = |run| -> Vec<String> {
        let history = mock.run(run).unwrap().history;
        history.iter().map(|(state, _)| state.to_string()).collect()
    };
    assert_eq!(states(&first), ["QUEUED", "SKIPPED"]);
    assert_eq!(states(&second).last().unwrap(), "FINISHED");
}

#[tokio::test]
async fn a_targeted_replan_is_in_the_history() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db").autodeploy(false));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let run = mock.push("db");
    mock.settle();
    let replan =
        "mutation R($r: ID!) { runTargetedReplan(stack: \"db\", run: $r, targets: [\"a\"]) { state } }";
    let data = api.data(replan, json!({ "r": run })).await;
    assert_eq!(data["runTargetedReplan"]["state"], "REPLAN_REQUESTED");
    mock.settle();
    let record = mock.run(&run).unwrap();
    assert_eq!(record.state, RunState::Unconfirmed);
    assert!(record.reached(&RunState::PreparingReplan).is_some());
    let decided = mock.log().pop().unwrap();
    assert_eq!(decided.by, Some(format!("api::{KEY_ID}")));
    let expected = LogAction::Decide {
        stack: "db".parse().unwrap(),
        run,
        state: "REPLAN_REQUESTED".to_owned(),
    };
    assert_eq!(decided.action, expected);
}

#[test]
fn the_record_has_milliseconds_and_the_log_is_in_order() {
    let mock = one_stack();
    let run = mock.trigger("db", "alice");
    mock.settle();
    let record = mock.run(&run).unwrap();
    assert_eq!(record.created_at, record.history[0].1);
    assert!(record.history.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    let [entry] = mock.log().try_into().unwrap();
    assert_eq!(entry.by.as_deref(), Some("alice"));
    // The run is there before its entry.
    assert!(entry.at_ms >= record.created_at.millis());
}

#[tokio::test]
async fn a_commit_that_is_gone_is_refused_until_it_is_pushed_again() {
    let mock = one_stack();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    mock.push_commit("db", "01d0c0de");
    mock.push_commit("db", "2e30c0de");
    mock.forget_commit("acme/infra", "01d0c0de");
    let trigger = "mutation { runTrigger(stack: \"db\", commitSha: \"01d0c0de\") { id } }";
    assert_eq!(
        api.error(trigger, json!({})).await,
        "commit `01d0c0de` not found in repository `acme/infra`"
    );
    api.data(TRIGGER, json!({})).await;
    mock.push_commit("db", "01d0c0de");
    mock.push_commit("db", "2e30c0de");
    api.data(trigger, json!({})).await;
    assert_eq!(mock.runs().len(), 6);
}
