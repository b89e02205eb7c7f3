//! People run stacks themselves: a rollback stays, a retry repairs, and stacks can be marked as done.

use std::time::Duration;

use chain::commit::ChosenBecause;
use chain::{RunState, StackState};
use temporal_client::contract::ScheduleMessage;

use crate::world::{World, commit};

#[tokio::test]
async fn a_rollback_by_a_person_holds_until_the_next_push() {
    let world = World::start().await;
    world.graph("network; apps: network");
    let first = world.push_to(1, &["network", "apps"]);
    world.all_succeed(&[world.among(&first, "network")]).await;
    let second = world.push_to(2, &["network", "apps"]);
    world.all_succeed(&[world.among(&second, "network")]).await;
    assert_eq!(world.commits_of("apps").last(), Some(&Some(2)));

    let back = world
        .spacelift
        .trigger_commit("apps", "alice", commit(1).as_str());
    world
        .spacelift
        .wait_until("the rollback to end", |spacelift| {
            spacelift
                .run(&back)
                .is_some_and(|run| run.state == RunState::Finished)
        })
        .await;
    // Every cause from upstream runs the stack on the commit of the rollback.
    for cause in [
        world.spacelift.trigger("network", "bob"),
        world.push_to(3, &["network"]).remove(0),
    ] {
        let report = world.all_succeed(&[cause]).await.remove(0);
        let record = report.record.unwrap();
        let apps = record.stack(&"apps".parse().unwrap()).unwrap();
        assert_eq!(apps.commit, Some(commit(1)));
        assert_eq!(apps.commit_why, Some(ChosenBecause::Pinned { run: back.clone() }));
    }
    assert_eq!(world.commits_of("apps").last(), Some(&Some(1)));

    let push = world.push_to(4, &["network", "apps"]);
    world.all_succeed(&[world.among(&push, "network")]).await;
    assert_eq!(world.commits_of("apps").last(), Some(&Some(4)));
    assert_eq!(world.commits_of("network").last(), Some(&Some(4)));
}

#[tokio::test]
async fn dependents_of_a_rolled_back_root_follow_it_if_requested() {
    let world = World::start().await;
    world.graph("network; apps: network; tail: apps");
    for number in [1, 2] {
        let roots = world.push_to(number, &["network"]);
        world.all_succeed(&roots).await;
    }
    let back = world
        .spacelift
        .trigger_commit("network", "alice", commit(1).as_str());
    world.all_succeed(&[back]).await;
    assert_eq!(world.commits_of("apps").last(), Some(&Some(2)));
    // Times are whole seconds: a run that should count has to begin in a later one.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let body = crate::request::request("back").replacen('{', r#"{"follow":true,"#, 1);
    assert_eq!(world.post(&body).await.status(), 202);
    let chain = chain::ChainId::of_request(&world.account, "back");
    let report = world.end_of(&chain).await;
    assert_eq!(report.result, chain::ChainResult::Succeeded);
    for stack in ["network", "apps", "tail"] {
        assert_eq!(world.commits_of(stack).last(), Some(&Some(1)), "{stack}");
    }
    let record = report.record.unwrap();
    let tail = record.stack(&"tail".parse().unwrap()).unwrap();
    assert_eq!(tail.commit_why, Some(ChosenBecause::Followed));
    // The next push moves all of them forward.
    let roots = world.push_to(3, &["network"]);
    world.all_succeed(&roots).await;
    for stack in ["network", "apps", "tail"] {
        assert_eq!(world.commits_of(stack).last(), Some(&Some(3)), "{stack}");
    }
}

#[tokio::test]
async fn a_retry_in_spacelift_revives_skipped_stacks_of_an_open_chain() {
    let world = World::start().await;
    world.graph_confirming(
        "network; database: network; apps: database; tail: apps; slow: network",
        &["slow"],
    );
    world.spacelift.fail_next("database");
    let root = world.push_to(1, &["network"]).remove(0);
    let failed = world.wait_for_run("database", &RunState::Failed).await.run;
    let state = |report: &temporal_client::contract::ChainReport, stack: &str| {
        let record = report.record.as_ref().unwrap();
        record.stack(&stack.parse().unwrap()).unwrap().state
    };
    world
        .wait_for_chain(&root, "apps to be skipped", |report| {
            report.record.is_some() && state(report, "tail") == StackState::Skipped
        })
        .await;
    let retry = world.spacelift.retry(&failed, "alice");
    world.all_succeed(&[retry]).await;
    world.confirm("slow").await;
    let report = world.all_succeed(&[root]).await.remove(0);
    for stack in ["database", "apps", "tail"] {
        assert_eq!(state(&report, stack), StackState::Succeeded, "{stack}");
    }
    world.assert_once(&["apps", "tail", "slow"]);
    assert_eq!(world.spacelift.runs_of("database").len(), 2);
}

#[tokio::test]
async fn a_stack_marked_as_done_is_not_run_and_its_dependents_continue() {
    let world = World::start().await;
    world.graph("network; database: network; apps: database");
    world.spacelift.lock("database", "alice");
    let root = world.push_to(1, &["network"]).remove(0);
    let database: chain::StackId = "database".parse().unwrap();
    world
        .wait_for_chain(&root, "word of the lock", |report| {
            let record = report.record.as_ref();
            let note = record.and_then(|record| record.stack(&database)?.note.as_deref());
            note.is_some_and(|note| note.contains("locked by alice"))
        })
        .await;
    let is_told = async || {
        let report = world
            .workflows
            .stack_report(&world.account, &database)
            .await
            .unwrap();
        report.is_some_and(|report| report.why.contains("locked by alice"))
    };
    while !is_told().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let message = ScheduleMessage::DoneByHand {
        stack: database.clone(),
        by: "alice".to_owned(),
        reason: None,
    };
    world.signal_schedule(&message).await;
    let report = world.all_succeed(&[root]).await.remove(0);
    let record = report.record.unwrap();
    assert_eq!(record.stack(&database).unwrap().state, StackState::Succeeded);
    world.spacelift.unlock("database");
    // Nothing is left of the first chain.
    let next = world.push_to(2, &["network"]);
    world.all_succeed(&next).await;
    assert_eq!(world.commits_of("database"), [Some(2)]);
    assert_eq!(world.commits_of("apps"), [Some(1), Some(2)]);
}
