//! Freezes, and waiting stacks.

use std::time::Duration;

use chain::RunState;
use mock_spacelift::NewSpace;
use temporal_client::contract::ScheduleMessage;
use temporal_client::definition::{FreezeWorkflow, Thaw};
use temporalio_client::WorkflowSignalOptions;

use crate::world::{WAIT_MAX, World, freeze_window};

#[tokio::test]
async fn a_freeze_holds_its_stacks_until_it_is_lifted_and_outlives_the_schedule() {
    let world = World::start().await;
    world.graph("network; database: network; apps: database; free: network");
    let said = world
        .says(&[
            "freeze",
            "now",
            "--for",
            "2h",
            "--reason",
            "incident 7",
            "--stack",
            "data*",
        ])
        .await;
    assert!(said.contains("It covers stacks data*."), "{said}");
    let twice = world
        .spillway(&["freeze", "now", "--for", "1h", "--reason", "again"])
        .await;
    let refused = String::from_utf8(twice.stderr).unwrap();
    assert_eq!(twice.status.code(), Some(4), "{refused}");
    assert!(
        refused.contains("(claims to be carol) until") && refused.contains("spillway thaw"),
        "{refused}"
    );

    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("free", &RunState::Finished).await;
    world.wait_until_reason_contains("database", "incident 7").await;
    world.terminate_schedule().await;
    world.signal_schedule(&ScheduleMessage::Wake).await;
    world
        .wait_until_reason_contains("database", "(claims to be carol) until")
        .await;
    let waiting = world.document("waiting_list", &["waiting"]).await;
    assert_eq!(waiting["items"][0]["stack"], "database");
    assert_eq!(waiting["items"][0]["for"], "freeze");
    assert_eq!(waiting["items"][0]["command"], "spillway thaw");
    assert!(world.spacelift.runs_of("database").is_empty());

    let said = world.says(&["thaw"]).await;
    assert!(said.contains("was lifted"), "{said}");
    world.all_succeed(&[root]).await;
    world.assert_once(&["database", "apps", "free"]);
    assert!(world.says(&["thaw"]).await.contains("was not frozen"));
    world.wait_for_quiet().await;
    for action in ["freeze_began", "freeze_lifted"] {
        let actors = world.audited(action).await;
        assert_eq!(actors.len(), 1, "{action}");
        assert!(actors[0].ends_with("(claims to be carol)"), "{actors:?}");
    }
    // The next freeze can begin.
    world
        .says(&["freeze", "now", "--for", "1s", "--reason", "short"])
        .await;
}

#[tokio::test]
async fn a_freeze_can_follow_another_while_the_audit_log_is_down() {
    let world = World::start().await;
    world.graph("network; database: network");
    let log = world.audit_path().join("deliveries");
    // A file in place of the directory.
    std::fs::write(&log, "").unwrap();
    let freeze = async |reason| {
        let command = ["freeze", "now", "--for", "2h", "--reason", reason];
        let said = tokio::time::timeout(WAIT_MAX, world.says(&command)).await;
        said.expect("the freeze begins");
    };
    freeze("incident 7").await;
    world.says(&["thaw"]).await;
    freeze("incident 8").await;
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_until_reason_contains("database", "incident 8").await;
    assert!(world.spacelift.runs_of("database").is_empty());
    world.says(&["thaw"]).await;
    world.all_succeed(&[root]).await;

    std::fs::remove_file(&log).unwrap();
    world.wait_for_quiet().await;
    for action in ["freeze_began", "freeze_lifted"] {
        assert_eq!(world.audited(action).await.len(), 2, "{action}");
    }
}

/// The first freeze ends by itself while nobody can write that it began.
#[tokio::test]
async fn a_freeze_ends_by_itself_while_the_audit_log_is_down() {
    let world = World::start().await;
    std::fs::write(world.audit_path().join("deliveries"), "").unwrap();
    world
        .says(&["freeze", "now", "--for", "1s", "--reason", "a moment"])
        .await;
    let over = async {
        while world.workflows.frozen(&world.account).await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let over = tokio::time::timeout(WAIT_MAX, over).await;
    over.expect("the freeze is over");
}

/// The first command lost Temporal between the freeze and the schedule.
#[tokio::test]
async fn a_thaw_that_did_not_reach_the_schedule_can_be_repeated() {
    let world = World::start().await;
    world.graph("network; database: network");
    world
        .says(&["freeze", "now", "--for", "2h", "--reason", "incident 7"])
        .await;
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_until_reason_contains("database", "incident 7").await;
    let freeze = temporal_client::id::freeze(&world.account);
    let client = world.workflows.client();
    let lifted = client
        .get_workflow_handle::<FreezeWorkflow>(freeze)
        .signal(Thaw, "carol".to_owned(), WorkflowSignalOptions::default())
        .await;
    lifted.unwrap();
    let over = async {
        while world.workflows.thaw(&world.account, "carol").await.unwrap() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(WAIT_MAX, over)
        .await
        .expect("nothing is frozen");
    world.all_succeed(&[root]).await;
}

#[tokio::test]
async fn everything_continues_when_a_freeze_ends() {
    let world = World::start().await;
    world.graph("network; database: network; apps: database");
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(6);
    world
        .says(&["freeze", "now", "--for", "6s", "--reason", "a moment"])
        .await;
    let root = world.push_to(1, &["network"]).remove(0);
    world.all_succeed(&[root]).await;
    let begun = world.spacelift.runs_of("database").remove(0).created_at.millis();
    assert!(
        begun >= end.as_millisecond(),
        "{begun}, and the freeze ended at {end}"
    );
    world.assert_once(&["database", "apps"]);
}

#[tokio::test]
async fn a_configured_freeze_window_holds_until_a_person_releases_a_stack() {
    let window = freeze_window("quiet", -3600, 3600, "database");
    let world = World::with_settings(|settings| settings.freezes = vec![window]).await;
    world.graph("network; database: network; apps: database");
    let plan = world.says(&["plan", "network"]).await;
    assert!(
        plan.contains("quiet (") && plan.contains("holds database: now, until"),
        "{plan}"
    );
    let root = world.push_to(1, &["network"]).remove(0);
    world
        .wait_until_reason_contains("database", "the freeze window `quiet` lasts until")
        .await;
    assert!(world.says(&["freeze", "show"]).await.contains("quiet"));
    let waiting = world.document("waiting_list", &["waiting"]).await;
    assert_eq!(waiting["items"][0]["command"], "spillway stack release database");
    world.says(&["stack", "release", "database"]).await;
    world.all_succeed(&[root]).await;
    world.assert_once(&["database", "apps"]);
}

#[tokio::test]
async fn waiting_stacks_are_listed_with_the_command_that_continues_them() {
    let world = World::start().await;
    world.graph_confirming("network; database: network; locked: network", &["database"]);
    world.spacelift.lock("locked", "alice");
    assert_eq!(world.says(&["waiting"]).await, "");
    let root = world.push_to(1, &["network"]).remove(0);
    let run = world.wait_for_run("database", &RunState::Unconfirmed).await.run;
    world
        .wait_until_reason_contains("locked", "locked by alice")
        .await;
    world
        .wait_until_reason_contains("database", "waits for a person")
        .await;
    let listed = world.document("waiting_list", &["waiting"]).await;
    let of = |stack: &str| {
        let all = listed["items"].as_array().unwrap();
        all.iter()
            .find(|waiting| waiting["stack"] == stack)
            .unwrap()
            .clone()
    };
    let database = of("database");
    assert_eq!(database["for"], "person");
    assert!(
        database["link"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/stack/database/run/{run}"))
    );
    assert_eq!(of("locked")["for"], "lock");
    let command = database["command"].as_str().unwrap();
    let text = world.says(&["waiting"]).await;
    assert!(text.contains(": run "), "{text}");
    let block = format!("\n  {command}\n  {}", database["link"].as_str().unwrap());
    assert!(text.contains(&block), "{text}");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    world.says(&words).await;
    world.spacelift.unlock("locked");
    world.says(&["stack", "release", "locked"]).await;
    world.all_succeed(&[root]).await;
}

#[tokio::test]
async fn a_freeze_can_cover_labels_and_spaces() {
    let world = World::start().await;
    let space = world.spacelift.create_space(NewSpace::named("production"));
    let space = space.unwrap().id;
    world.graph_with(
        "network; database: network; apps: network; free: network",
        |name, stack| match name {
            "database" => stack.space(space.as_str()),
            "apps" => stack.label("team:web"),
            _ => stack,
        },
    );
    let freeze = ["freeze", "now", "--for", "2h", "--reason", "incident 7"];
    let covers = ["--space", space.as_str(), "--label", "team:*"];
    world.says(&[&freeze[..], &covers].concat()).await;
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_until_reason_contains("database", "incident 7").await;
    world.wait_until_reason_contains("apps", "incident 7").await;
    world.wait_for_run("free", &RunState::Finished).await;
    assert!(world.spacelift.runs_of("database").is_empty());
    assert!(world.spacelift.runs_of("apps").is_empty());
    world.says(&["thaw"]).await;
    world.all_succeed(&[root]).await;
    world.assert_once(&["database", "apps", "free"]);
}

#[tokio::test]
async fn the_oldest_wait_comes_first() {
    let world = World::start().await;
    world.graph_confirming(
        "network; database: network; other; cache: other",
        &["database", "cache"],
    );
    let first = world.push_to(1, &["other"]).remove(0);
    let run = world.wait_for_run("cache", &RunState::Unconfirmed).await.run;
    // Spacelift's times are in seconds.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let second = world.push_to(2, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    world
        .wait_until_reason_contains("database", "waits for a person")
        .await;
    world
        .wait_until_reason_contains("cache", "waits for a person")
        .await;
    let listed = world.document("waiting_list", &["waiting"]).await;
    let stacks: Vec<&str> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["stack"].as_str().unwrap())
        .collect();
    assert_eq!(stacks, ["cache", "database"], "{listed}");
    world.says(&["run", "confirm", "cache", run.as_str()]).await;
    world.confirm("database").await;
    world.all_succeed(&[first, second]).await;
}

#[tokio::test]
async fn a_review_is_waited_for_like_a_confirmation() {
    let world = World::start().await;
    world.graph_with(
        "network; database: network; apps: database",
        |name, stack| match name {
            "database" => stack.needs_review().autodeploy(false),
            _ => stack,
        },
    );
    let root = world.push_to(1, &["network"]).remove(0);
    let run = world.wait_for_run("database", &RunState::PendingReview).await.run;
    world
        .wait_until_reason_contains("database", "waits for a person")
        .await;
    let listed = world.document("waiting_list", &["waiting"]).await;
    assert_eq!(listed["items"][0]["for"], "person", "{listed}");
    let reason = listed["items"][0]["reason"].as_str().unwrap();
    assert!(reason.ends_with("waits for a review"), "{listed}");
    assert_eq!(listed["items"][0]["command"], serde_json::Value::Null, "{listed}");
    let link = listed["items"][0]["link"].as_str().unwrap();
    assert!(link.ends_with(&format!("/stack/database/run/{run}")), "{listed}");
    world.spacelift.approve(&run, "alice");
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    world.confirm("database").await;
    world.all_succeed(&[root]).await;
    world.assert_once(&["database", "apps"]);
}
