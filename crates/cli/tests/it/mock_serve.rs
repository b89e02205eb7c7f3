//! `spillway mock serve`.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::world::World;

/// Starts it on a free port, and reads what it says until it is ready.
async fn start(world: &World, arguments: &[&str]) -> (Child, String) {
    let mut command = world.command(&[&["mock", "serve", "--port", "0"][..], arguments].concat());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        said += &(line.clone() + "\n");
        if line == "Press Ctrl-C to stop." {
            return (child, said);
        }
    }
    panic!("it ended before it was ready: {said}");
}

/// The first value that it prints for a variable.
fn exported<'a>(said: &'a str, name: &str) -> &'a str {
    let prefix = format!("  export {name}=");
    said.lines()
        .find_map(|line| line.strip_prefix(&prefix))
        .unwrap_or_else(|| panic!("no {name}: {said}"))
}

#[tokio::test]
async fn the_variables_that_it_prints_work_until_ctrl_c() {
    let world = World::acme().await;
    let (mut child, said) = start(&world, &["--pace", "5ms"]).await;
    let mut client = World::acme().await;
    for name in [
        "SPACELIFT_API_KEY_ENDPOINT",
        "SPACELIFT_API_KEY_ID",
        "SPACELIFT_API_KEY_SECRET",
    ] {
        client = client.with(name, exported(&said, name));
    }
    let client = ["SPACELIFT_BASE_URL", "SPACELIFT_KEY_ID", "SPACELIFT_KEY_SECRET"]
        .into_iter()
        .fold(client, World::without);
    let stacks = client.run(&["stack", "list", "--json"]).await.json();
    assert_eq!(stacks["items"].as_array().unwrap().len(), 19);
    assert!(
        exported(&said, "SPACELIFT_BASE_URL").starts_with("http://127.0.0.1:"),
        "{said}"
    );
    assert!(
        said.contains("/graphql\n"),
        "the Python client wants the path: {said}"
    );

    let id = child.id().unwrap().to_string();
    Command::new("kill").args(["-INT", &id]).status().await.unwrap();
    assert!(child.wait().await.unwrap().success());
    assert_eq!(client.run(&["stack", "list"]).await.status, 5);
}

#[tokio::test]
async fn a_seed_is_the_account() {
    let world = World::acme().await;
    world.file(
        "seed.toml",
        "account = 'tiny'\n[[stack]]\nname = 'vpc'\nrepository = 'tiny/infra'\n",
    );
    let (_child, said) = start(&world, &["--seed", "seed.toml"]).await;
    let world = world.with("SPACELIFT_BASE_URL", exported(&said, "SPACELIFT_BASE_URL"));
    assert_eq!(
        world.run(&["query", "{ name stacks { id } }"]).await.json(),
        serde_json::json!({
            "name": "tiny", "stacks": [{"id": "vpc"}]
        })
    );
}

#[tokio::test]
async fn sigterm_stops_it_successfully() {
    let world = World::acme().await;
    let (mut child, _) = start(&world, &[]).await;
    let id = child.id().unwrap().to_string();
    Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_wrong_seed_is_explained() {
    let world = World::acme().await;
    world.file(
        "seed.toml",
        "account = 'tiny'\n[[stack]]\nname = 'vpc'\nrepository = 'a/b'\nspace = 'nowhere'\n",
    );
    let said = world
        .run(&["mock", "serve", "--port", "0", "--seed", "seed.toml"])
        .await
        .failed(3);
    assert!(
        said.starts_with("error: `seed.toml`: seed: [[stack]] `vpc`"),
        "{said}"
    );
    world.file(
        "seed.toml",
        "account = 'tiny'\n[[webhook]]\nname = 'hook'\nurl = 'nope'\n",
    );
    let said = world
        .run(&["mock", "serve", "--port", "0", "--seed", "seed.toml"])
        .await
        .failed(3);
    assert!(
        said.starts_with("error: `seed.toml`: seed: [[webhook]] `hook`: `nope` is not the URL of a webhook"),
        "{said}"
    );
    let said = world
        .run(&["mock", "serve", "--port", "0", "--seed", "missing.toml"])
        .await
        .failed(2);
    assert!(said.contains("`missing.toml`"), "{said}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let world = World::acme().await;
    let port = world.url().rsplit_once(':').unwrap().1.to_owned();
    let said = world.run(&["mock", "serve", "--port", &port]).await.failed(3);
    assert!(
        said.contains(&format!("127.0.0.1:{port}")) && said.contains("--port"),
        "{said}"
    );
}
