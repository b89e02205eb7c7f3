//! What `spillway dev` says when it is ready.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::world::World;

/// Starts it with an account of its own on the tests' Temporal, and reads what it says until it is ready.
async fn start(arguments: &[&str]) -> (World, Child, String) {
    let queue = uuid::Uuid::new_v4().to_string();
    let world = World::acme().await.with("SPILLWAY_TASK_QUEUE", &queue);
    world.file(
        "seed.toml",
        &format!("account = 'dev-{queue}'\n[[stack]]\nname = 'vpc'\nrepository = 'tiny/infra'\n"),
    );
    let temporal = std::env::var("SPILLWAY_TEST_TEMPORAL").unwrap();
    let fixed = ["dev", "--temporal-address", &temporal, "--seed", "seed.toml"];
    let ports = [
        "--webhook-port",
        "0",
        "--spacelift-port",
        "0",
        "--dashboard-port",
        "0",
    ];
    let mut command = world.command(&[&fixed[..], &ports, arguments].concat());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        said += &(line.clone() + "\n");
        if line == "Press Ctrl-C to stop." {
            return (world, child, said);
        }
    }
    panic!("it ended before it was ready: {said}");
}

/// The values that its `export` lines set.
fn exported(said: &str) -> Vec<(String, String)> {
    let lines = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("export "));
    lines
        .flat_map(str::split_whitespace)
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[tokio::test]
async fn it_is_reached_from_this_machine_only_and_its_lines_can_be_pasted() {
    let (world, _dev, said) = start(&[]).await;
    assert!(said.contains("Webhook      http://127.0.0.1:"), "{said}");
    let world = exported(&said).into_iter().fold(world, |world, (name, value)| {
        world.without(&name).with(&name, &value)
    });
    world.file("body.json", "{}");
    // It is signed with the right secret, and nothing follows from it.
    let sent = world.run(&["webhook", "send", "body.json", "-o", "json"]).await;
    assert_eq!((sent.status, &sent.json()["status"]), (0, &200.into()));
    assert!(world.run(&["stack", "list"]).await.ok().contains("vpc"));
    assert_eq!(world.run(&["schedule", "show"]).await.status, 0);
}

#[tokio::test]
async fn beyond_this_machine_it_has_a_secret_that_nobody_knows() {
    let secret = |said: &str| {
        let all = exported(said);
        all.into_iter()
            .find(|(name, _)| name == "WEBHOOK_SECRET")
            .unwrap()
            .1
    };
    let (_world, _dev, one) = start(&["--webhook-host", "0.0.0.0"]).await;
    let (_world, _other_dev, other) = start(&["--webhook-host", "0.0.0.0"]).await;
    assert!(
        secret(&one).len() == 32 && secret(&one) != secret(&other),
        "{one}"
    );
}
