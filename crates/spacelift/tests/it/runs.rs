//! Runs, with the mock account.

use chain::{CommitSha, RunState, RunType, StackId};
use mock_spacelift::{MockSpacelift, NewStack, Pace};
use serde_json::json;
use spacelift::{ErrorKind, RunEnd, Spacelift, TriggerRun};

use crate::server::account;

fn id(text: &str) -> StackId {
    text.parse().unwrap()
}

/// One stack that waits for confirmation. Its runs only move when the test moves them.
async fn vpc() -> (MockSpacelift, mock_spacelift::Server, Spacelift) {
    let (mock, server, client) = account().await;
    mock.pace(Pace::Manual);
    mock.add_stack(NewStack::named("vpc").autodeploy(false));
    (mock, server, client)
}

#[tokio::test]
async fn a_run_is_triggered_with_all_its_settings() {
    let (mock, _server, client) = vpc().await;
    let trigger = TriggerRun {
        run_type: RunType::Tracked,
        commit: CommitSha::new("c0ffee"),
        environment: vec![("A".to_owned(), "1".to_owned())],
        metadata: Some("spillway:chain:acme:01R:vpc".to_owned()),
    };
    let run = client.trigger_run(&id("vpc"), &trigger).await.unwrap();
    assert_eq!(
        (&run.run_type, &run.state),
        (&RunType::Tracked, &RunState::Queued)
    );
    assert_eq!(run.commit.sha, trigger.commit);
    assert!(
        run.triggered_by.as_ref().unwrap().contains(client.key_id()),
        "{run:?}"
    );

    let record = mock.run(&run.id).unwrap();
    assert_eq!(record.metadata, ["spillway:chain:acme:01R:vpc"]);
    assert!(
        format!("{:?}", record.environment).contains("\"A\""),
        "{record:?}"
    );
    assert_eq!(client.run(&id("vpc"), &run.id).await.unwrap(), Some(run.clone()));
    assert_eq!(
        client.run(&id("vpc"), &"01NONE".parse().unwrap()).await.unwrap(),
        None
    );
    assert_eq!(client.run(&id("nothing"), &run.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_trigger_of_an_unknown_stack_is_refused() {
    let (mock, _server, client) = vpc().await;
    let error = client
        .trigger_run(&id("nothing"), &TriggerRun::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::NotFound { .. } | ErrorKind::Unauthorized),
        "{error}"
    );
    assert_eq!(mock.runs().len(), 0);
}

#[tokio::test]
async fn a_run_that_waits_is_confirmed_and_finishes() {
    let (mock, _server, client) = vpc().await;
    let run = mock.push("vpc");
    mock.settle();
    let waiting = client.run(&id("vpc"), &run).await.unwrap().unwrap();
    assert_eq!(
        (&waiting.state, waiting.finished),
        (&RunState::Unconfirmed, false)
    );
    assert_eq!(waiting.triggered_by, None);

    let confirmed = client
        .confirm_run(&id("vpc"), &run, Some("looks right"))
        .await
        .unwrap();
    assert_eq!(confirmed.state, RunState::Confirmed);
    mock.settle();
    let done = client.run(&id("vpc"), &run).await.unwrap().unwrap();
    assert_eq!((&done.state, done.finished), (&RunState::Finished, true));
    assert_eq!(done.history[0].state, RunState::Finished);
    assert_eq!(done.state_version(), Some(done.history[0].state_version));
    assert!(done.state_version() > waiting.state_version());
}

#[tokio::test]
async fn a_run_that_waits_is_discarded() {
    let (mock, _server, client) = vpc().await;
    let run = mock.push("vpc");
    mock.settle();
    assert_eq!(
        client.discard_run(&id("vpc"), &run, None).await.unwrap().state,
        RunState::Discarded
    );
    let error = client.confirm_run(&id("vpc"), &run, None).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Refused { .. }), "{error}");
}

#[tokio::test]
async fn runs_come_newest_first_page_by_page() {
    let (mock, _server, client) = vpc().await;
    let mut made: Vec<_> = (0..60).map(|_| mock.push("vpc")).collect();
    made.reverse();
    let ids = |runs: Vec<spacelift::Run>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(
        ids(client.runs(&id("vpc"), usize::MAX, None).await.unwrap()),
        made
    );
    assert_eq!(ids(client.runs(&id("vpc"), 3, None).await.unwrap()), made[..3]);
    assert_eq!(
        ids(client.runs(&id("vpc"), 3, Some(&made[9])).await.unwrap()),
        made[10..13]
    );
    assert_eq!(client.runs(&id("vpc"), 0, None).await.unwrap(), []);
    let error = client.runs(&id("nothing"), 1, None).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotFound { .. }), "{error}");

    let chosen = client
        .runs_with(&id("vpc"), usize::MAX, &"key: id".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        chosen,
        made.iter().map(|run| json!({"key": run})).collect::<Vec<_>>()
    );
    let one = client
        .run_with(&id("vpc"), &made[0], &"type".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(one, Some(json!({"type": "TRACKED"})));
}

#[tokio::test]
async fn a_run_that_has_not_started_is_cancelled() {
    let (mock, _server, client) = vpc().await;
    let run = mock.push("vpc");
    let reserved = client.reserve().await.unwrap();
    let canceled = client
        .end_reserved_run(reserved, &id("vpc"), &run, RunEnd::Cancel, Some("no"))
        .await;
    assert_eq!(canceled.unwrap().state, RunState::Canceled);
}

#[tokio::test]
async fn a_running_run_is_stopped() {
    let (mock, _server, client) = vpc().await;
    let run = mock.push("vpc");
    while mock.run(&run).unwrap().state != RunState::Planning {
        assert!(mock.step());
    }
    let reserved = client.reserve().await.unwrap();
    let stopped = client
        .end_reserved_run(reserved, &id("vpc"), &run, RunEnd::Stop, None)
        .await;
    assert_eq!(stopped.unwrap().state, RunState::Stopped);
}

#[tokio::test]
async fn a_failed_run_is_retried() {
    let (mock, _server, client) = vpc().await;
    mock.fail_next("vpc");
    let failed = mock.push("vpc");
    mock.settle();
    assert_eq!(mock.run(&failed).unwrap().state, RunState::Failed);
    let again = client.retry_run(&id("vpc"), &failed).await.unwrap();
    assert!(!again.state.is_terminal(), "{again:?}");
}

#[tokio::test]
async fn a_comment_is_added_to_its_run() {
    let (mock, _server, client) = vpc().await;
    let run = mock.push("vpc");
    client.comment_run(&id("vpc"), &run, "seen").await.unwrap();
    let comments = client
        .run_with(&id("vpc"), &run, &"comments { body }".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(comments, Some(json!({"comments": [{"body": "seen"}]})));
}

#[tokio::test]
async fn runs_are_found_by_their_state() {
    let (mock, _server, client) = vpc().await;
    mock.add_stack(NewStack::named("net"));
    let waiting = mock.push("vpc");
    let done = mock.push("net");
    mock.settle();
    let found = client.search_runs(&[RunState::Unconfirmed], 10).await.unwrap();
    assert_eq!(
        found.iter().map(|f| (&f.stack, &f.run.id)).collect::<Vec<_>>(),
        [(&id("vpc"), &waiting)]
    );
    let all = client.search_runs(&[], 10).await.unwrap();
    assert!(all.iter().any(|f| f.run.id == done) && all.len() == 2, "{all:?}");
    assert_eq!(client.search_runs(&[], 1).await.unwrap().len(), 1);

    let fields = "run { id } stack { name }".parse().unwrap();
    let chosen = client
        .search_runs_with(&[RunState::Unconfirmed], 10, &fields)
        .await
        .unwrap();
    assert_eq!(
        chosen,
        [json!({"run": {"id": waiting}, "stack": {"name": "vpc"}})]
    );
    assert_eq!(client.search_runs_with(&[], 1, &fields).await.unwrap().len(), 1);
}
