//! `spillway demo` with a Temporal server of its own.

use std::os::unix::fs::symlink;
use std::process::Output;
use std::time::Duration;

use tokio::process::Command;

use crate::world::{program, temporal_executable};

/// How long it may take on a busy machine.
const DEMO_MAX: Duration = Duration::from_secs(240);

/// What a demo that succeeds prints.
async fn demo(arguments: &[&str]) -> String {
    let path = tempfile::tempdir().unwrap();
    symlink(temporal_executable(), path.path().join("temporal")).unwrap();
    let demo = Command::new(program("spillway"))
        .arg("demo")
        .args(arguments)
        .env("PATH", path.path())
        .env_remove("SPILLWAY_AUDIT")
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(DEMO_MAX, demo).await;
    let Output {
        status,
        stdout,
        stderr,
    } = ended.expect("it ends").unwrap();
    let text = String::from_utf8(stdout).unwrap();
    assert!(status.success(), "{text}{}", String::from_utf8_lossy(&stderr));
    text
}

#[tokio::test]
async fn a_demo_shows_a_chain_and_one_push_to_several_roots() {
    let text = demo(&[]).await;
    for said in [
        "Simulating a push to `core-network`",
        "Every stack ran once, after everything that it depends on.",
        "Simulating one push to the repository `acme/landing-zone`, which starts 3 stacks",
        "3 chains met, and every stack ran once.",
    ] {
        assert!(text.contains(said), "`{said}` is missing in:\n{text}");
    }
}

#[tokio::test]
async fn a_demo_of_a_failure_skips_what_depends_on_it() {
    let text = demo(&["--fail", "cluster", "-o", "json"]).await;
    let chain: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(chain["state"], "failed");
    let stacks = chain["stacks"].as_array().unwrap();
    for (stack, state) in [
        ("cluster", "failed"),
        ("cluster-addons", "skipped"),
        ("dns", "succeeded"),
    ] {
        let found = stacks.iter().find(|member| member["id"] == stack).unwrap();
        assert_eq!(found["state"], state, "{stack}");
    }
}
