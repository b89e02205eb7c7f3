//! Temporal itself dies, and comes back with its data.

use std::path::PathBuf;

use mock_spacelift::NewStack;
use orchestrator::contract::ChainResult;
use temporal_server::{DevServer, Options};

use crate::world::World;

#[tokio::test]
async fn a_chain_goes_on_when_temporal_was_killed_and_started_again() {
    let executable = PathBuf::from(
        std::env::var("SPILLWAY_TEST_TEMPORAL_EXECUTABLE")
            .expect("SPILLWAY_TEST_TEMPORAL_EXECUTABLE is not set: run these tests by `cargo xtask test`"),
    );
    let directory = tempfile::tempdir().unwrap();
    let database = Some(directory.path().join("temporal.db"));
    let first = DevServer::start(
        &executable,
        &Options {
            database: database.clone(),
            ..Options::default()
        },
    )
    .await
    .unwrap();
    let port = Some(first.address().port());
    let world = World::beside(&first.address().to_string(), |_| {}).await;
    world.spacelift.add_stack(NewStack::named("network"));
    world.spacelift.add_stack(
        NewStack::named("database")
            .depends_on("network")
            .autodeploy(false),
    );
    world
        .spacelift
        .add_stack(NewStack::named("apps").depends_on("database"));
    let root = world.spacelift.push("network");
    world
        .wait_for_chain(&root, "a start", |report| report.result == ChainResult::Running)
        .await;

    first.kill().await.unwrap();
    let _second = DevServer::start(
        &executable,
        &Options {
            port,
            database,
            ..Options::default()
        },
    )
    .await
    .unwrap();

    world.confirm("database").await;
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(
        world.runs_per_stack(),
        [("apps", 1), ("database", 1), ("network", 1)]
    );
}
