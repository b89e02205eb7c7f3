//! Each command's document against its published JSON Schema. What needs a worker is tested with the whole system.

use std::path::Path;

use mock_spacelift::{MockSpacelift, NewStack, Pace};
use serde_json::Value;

use crate::conforms::assert_conforms;
use crate::world::{Ran, World};

/// Fails unless the document is as the published schema of its kind says.
#[track_caller]
pub(crate) fn check(ran: Ran, kind: &str) -> Value {
    let document = ran.json();
    assert_conforms(&document, kind, &schemas());
    document
}

fn schemas() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas")
}

#[tokio::test]
async fn what_is_read_from_spacelift_is_as_the_schemas_say() {
    let world = World::acme().await.with("TEMPORAL_ADDRESS", "127.0.0.1:1");
    for (command, kind) in [
        (&["stack", "list"][..], "stack_list"),
        (&["stack", "show", "backoffice"], "stack"),
        (&["stack", "list", "--fields", "id"], "chosen_list"),
        (&["stack", "show", "vpn", "--fields", "id"], "chosen"),
        (&["space", "list"], "space_list"),
        (&["space", "show", "root"], "space"),
        (&["context", "list"], "context_list"),
        (&["blueprint", "list"], "blueprint_list"),
        (&["blueprint", "show", "service"], "blueprint"),
        (&["plan", "core-network"], "plan"),
        (&["lint"], "lint"),
        (&["doctor"], "doctor"),
        (
            &["stack", "depend", "vpn", "--on", "backoffice"],
            "stack_dependency_change",
        ),
        (
            &["webhook", "install", "--endpoint", "https://x.example/webhook"],
            "webhook_installation",
        ),
        (&["mock", "log"], "mock_log_entry_list"),
    ] {
        check(world.run(&[command, &["-o", "json"]].concat()).await, kind);
    }
}

#[tokio::test]
async fn what_is_done_in_spacelift_is_as_the_schemas_say() {
    let account = MockSpacelift::new("acme");
    account.pace(Pace::Manual);
    account.add_stack(NewStack::named("vpc").autodeploy(false));
    let world = World::of(account).await;
    let json = async |command: &[&str]| world.run(&[command, &["-o", "json"]].concat()).await;
    check(json(&["run", "trigger", "vpc"]).await, "run");
    world.account.settle();
    let run = world.account.runs_of("vpc").remove(0).run;
    check(
        json(&["run", "confirm", "vpc", run.as_str(), "--reason", "reviewed"]).await,
        "run",
    );
    world.account.settle();
    check(json(&["run", "list", "vpc"]).await, "run_list");
    check(json(&["run", "show", "vpc", run.as_str()]).await, "run");
    check(
        json(&["context", "create", "shared", "--variable", "A=1"]).await,
        "context",
    );
    check(json(&["context", "delete", "shared", "--yes"]).await, "deletion");
    check(json(&["mock", "push", "--stack", "vpc"]).await, "mock_change");
    check(json(&["mock", "log"]).await, "mock_log_entry_list");
}

#[tokio::test]
async fn what_moves_is_as_the_schemas_say() {
    let account = MockSpacelift::new("acme");
    account.add_stack(NewStack::named("vpc"));
    account.add_stack(NewStack::named("db").native_dependency("vpc"));
    account.refer_to_output("db", "vpc", true);
    account.add_stack(NewStack::named("app").native_dependency("db").depends_on("gone"));
    let world = World::of(account).await;
    let migrate = ["migrate", "native", "--remove-native", "--apply", "-o", "json"];
    check(world.run(&migrate).await, "migration");
    let undo = ["migrate", "native", "--undo", "-o", "json"];
    check(world.run(&undo).await, "migration");
}

#[tokio::test]
async fn the_audit_log_is_as_the_schemas_say() {
    let world = crate::audit::world().await;
    check(
        world.run(&["audit", "verify", "-o", "json"]).await,
        "audit_verification",
    );
    let report = ["audit", "report", "--since", "2025-04-01", "-o", "json"];
    check(world.run(&report).await, "audit_report");
}

#[tokio::test]
async fn what_is_made_is_as_the_schemas_say() {
    let world = World::acme().await;
    let json = async |command: &[&str]| world.run(&[command, &["-o", "json"]].concat()).await;
    let create = ["stack", "create", "New", "--repository", "acme/new"];
    check(json(&create).await, "stack");
    check(json(&["stack", "delete", "new", "--yes"]).await, "deletion");
    let space = check(json(&["space", "create", "sandbox"]).await, "space");
    let id = space["id"].as_str().unwrap();
    check(json(&["space", "show", id]).await, "space");
    check(json(&["space", "delete", id, "--yes"]).await, "deletion");
    check(
        json(&["context", "create", "shared", "--variable", "A=1"]).await,
        "context",
    );
    check(json(&["context", "show", "shared"]).await, "context");
}
