//! Formats, colour, and what happens to what cannot be written.

use std::process::Stdio;

use serde_json::Value;

use crate::world::World;

#[tokio::test]
async fn yaml_says_the_same_as_json() {
    let world = World::acme().await;
    let json = world.run(&["stack", "show", "vpn", "-o", "json"]).await.json();
    let yaml = world.run(&["stack", "show", "vpn", "-o", "yaml"]).await.ok();
    let yaml: Value = yaml_serde::from_str(&yaml).unwrap();
    assert_eq!(yaml, json);
    assert_eq!(world.run(&["stack", "show", "vpn", "--json"]).await.json(), json);
}

#[tokio::test]
async fn a_jq_filter_is_applied_to_the_json() {
    let world = World::acme().await;
    let ids = world.run(&["stack", "list", "--jq", ".items[].id"]).await.ok();
    assert!(ids.lines().any(|id| id == "vpn"), "{ids}");
    let kind = world
        .run(&["stack", "list", "-o", "yaml", "--jq", ".kind"])
        .await
        .ok();
    assert_eq!(kind, "stack_list\n");
    let said = world.run(&["stack", "list", "--jq", ".items["]).await.failed(2);
    assert!(said.contains("expected closing bracket at the end"), "{said}");
    let said = world.run(&["stack", "list", "--jq", ".items.id"]).await.failed(2);
    assert!(
        said.contains("--jq cannot be applied to this output: cannot index"),
        "{said}"
    );
    assert!(
        said.ends_with("hint: `-o json` shows what the filter is applied to.\n"),
        "{said}"
    );
}

#[tokio::test]
async fn a_pipe_gets_no_colours() {
    let world = World::acme().await.with("CLICOLOR_FORCE", "1");
    let coloured = world.run(&["doctor"]).await.stdout;
    assert!(
        coloured.contains('\u{1b}'),
        "the test would show nothing: {coloured}"
    );
    let world = World::acme().await;
    assert!(!world.run(&["doctor"]).await.stdout.contains('\u{1b}'));
    let world = world.with("CLICOLOR_FORCE", "1").with("NO_COLOR", "1");
    assert!(!world.run(&["doctor"]).await.stdout.contains('\u{1b}'));
}

#[tokio::test]
async fn a_full_disk_is_an_error() {
    let world = crate::audit::world().await;
    for command in [
        &["stack", "list", "-o", "json"][..],
        &["plan", "vpn"],
        &["lint"],
        &["doctor"],
        &["completion", "bash"],
        &["audit", "verify"],
        &["audit", "report", "-o", "csv", "--since", "2025-04-01"],
        &["webhook", "policy"],
        &["export", "terraform"],
        &["migrate", "native"],
        &["mock", "log", "-o", "json"],
        &["query", "{ name }"],
        &["--help"],
        &["chain", "--help"],
        &["--version"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        // `output` would put a pipe in its place.
        let child = world
            .command(command)
            .stdout(Stdio::from(full))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.wait_with_output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(6), "{command:?}: {said}");
        assert!(
            said.contains("error: the output could not be written: No space left on device\n"),
            "{command:?}: {said}"
        );
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let world = World::acme().await;
    let mut command = world.command(&["stack", "list", "-o", "json"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[tokio::test]
async fn the_causes_of_an_error_are_for_those_who_ask() {
    let world = World::acme()
        .await
        .with("SPACELIFT_BASE_URL", "http://127.0.0.1:1")
        .with("TEMPORAL_ADDRESS", "127.0.0.1:1");
    for command in [&["stack", "list"][..], &["chain", "list"]] {
        let said = world.run(command).await.failed(5);
        for internal in ["tonic", "Os {", "reqwest", "error sending", "hyper", "os error"] {
            assert!(!said.contains(internal), "{internal}: {said}");
        }
        assert!(said.contains("hint: "), "{said}");
        let verbose = world.run(&[command, &["-v"]].concat()).await.stderr;
        assert!(
            verbose.contains("caused by: ") || verbose.len() > said.len(),
            "{verbose}"
        );
    }
}

#[tokio::test]
async fn a_dumb_terminal_gets_no_escapes() {
    let world = World::acme().await;
    for (kind, is_coloured) in [("xterm-256color", true), ("dumb", false)] {
        let said = world.prints_on_terminal(kind, &["doctor"]).await;
        assert!(said.contains("Spacelift"), "{said}");
        assert_eq!(said.contains('\u{1b}'), is_coloured, "{kind}: {said:?}");
    }
}
