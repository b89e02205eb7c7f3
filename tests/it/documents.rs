//! The documents of commands that need a worker, against their published JSON Schemas.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use chain::{ChainId, RunState};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::conforms::assert_conforms;
use crate::outage::Temporal;
use crate::world::{WAIT_MAX, World};

impl World {
    /// The document that a command prints, checked against the schema of its kind.
    pub(crate) async fn document(&self, kind: &str, arguments: &[&str]) -> Value {
        let text = self.says(&[arguments, &["-o", "json"]].concat()).await;
        document(kind, &text)
    }
}

fn document(kind: &str, text: &str) -> Value {
    let document = serde_json::from_str(text).unwrap();
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas");
    assert_conforms(&document, kind, &schemas);
    document
}

#[tokio::test]
async fn chains_and_orders_are_as_the_schemas_say() {
    let world = World::start().await;
    world.graph_confirming("network; database: network; apps: database", &["database"]);
    let requested = world.document("request", &["chain", "start", "network"]).await;
    let request = requested["id"].as_str().unwrap();
    let first = requested["chain"].as_str().unwrap();
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    world.document("request", &["request", "show", request]).await;
    world.document("chain", &["chain", "show", first]).await;
    world.document("schedule", &["schedule", "show"]).await;
    world
        .document("stack_status", &["stack", "why", "database"])
        .await;
    let pause = ["chain", "pause", first, "--reason", "a fire drill"];
    world.document("chain_order", &pause).await;
    world.document("chain_order", &["chain", "resume", first]).await;
    world.document("stack_order", &["stack", "release", "apps"]).await;
    let done = ["stack", "done", "apps", "--reason", "repaired"];
    world.document("stack_order", &done).await;
    // What waits is listed once the schedule has heard of it.
    let listed = tokio::time::timeout(WAIT_MAX, async {
        while world.document("waiting_list", &["waiting"]).await["items"] == Value::Array(Vec::new()) {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
    listed.await.expect("something waits");
    let cancelled = ["chain", "cancel", first, "--stop-runs"];
    let order = world.document("chain_order", &cancelled).await;
    assert_eq!(order["runs"][0]["done"], "discarded", "{order}");
    world.end_of(&ChainId::of_workflow(first)).await;
    let retry = ["chain", "retry", first, "--yes", "--reason", "again"];
    let retried = world.document("chain_retry", &retry).await;
    world.confirm("database").await;
    let retry = ChainId::of_workflow(retried["chain"].as_str().unwrap());
    world.end_of(&retry).await;
    let shown = world.document("chain", &["chain", "watch", retry.as_str()]).await;
    assert_eq!(shown["retry_of"], first);
    assert_eq!(shown["retry_reason"]["text"], "again");
    // Chains of other tests are on this server. Those whose worker has ended cannot be read, and fail the command.
    let listed = world.spillway(&["chain", "list", "-o", "json"]).await;
    let chains = document("chain_list", &String::from_utf8(listed.stdout).unwrap());
    assert!(!chains["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn orders_to_the_account_are_as_the_schemas_say() {
    let world = World::start().await;
    world.graph("network; database: network");
    world.document("halt", &["halt", "--reason", "incident 7"]).await;
    world.document("halt", &["go"]).await;
    let freeze = [
        "freeze",
        "now",
        "--for",
        "1h",
        "--reason",
        "incident 8",
        "--stack",
        "data*",
    ];
    world.document("freeze", &freeze).await;
    world.document("freeze", &["freeze", "show"]).await;
    world.document("thaw", &["thaw"]).await;
    world.document("schedule_rebuild", &["schedule", "rebuild"]).await;
    world.document("destroy_plan", &["destroy-plan", "network"]).await;
    world.document("plan", &["impact", "network"]).await;
    let body = tempfile::NamedTempFile::new().unwrap();
    let text = serde_json::json!({"event": "triggered", "stack_id": "network", "account": world.account});
    std::fs::write(body.path(), text.to_string()).unwrap();
    let url = format!("http://{}/webhook", world.webhook);
    let send = ["webhook", "send", body.path().to_str().unwrap(), "--url", &url];
    let answer = world.document("webhook_answer", &send).await;
    assert_eq!(answer["status"], 202, "{answer}");
}

#[tokio::test]
async fn a_schedule_is_watched_until_ctrl_c() {
    let world = World::start().await;
    world.graph_confirming("network; database: network", &["database"]);
    let mut watching = world.command(&["schedule", "watch"]);
    watching.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watching = watching.spawn().unwrap();
    let out = watching.stdout.take().unwrap();
    let mut lines = BufReader::new(out).lines();
    let mut wait_for = async |wanted: &str| {
        let said = tokio::time::timeout(WAIT_MAX, async {
            loop {
                let line = lines.next_line().await.unwrap().expect("it goes on");
                if line.contains(wanted) {
                    return;
                }
            }
        });
        said.await.unwrap_or_else(|_| panic!("`{wanted}` is not said"));
    };
    let root = world.push_to(1, &["network"]).remove(0);
    let chain = ChainId::of_root_run(&world.account, &root);
    wait_for(&format!("{chain}: open")).await;
    wait_for("database: ").await;
    world.confirm("database").await;
    wait_for(&format!("{chain}: over")).await;
    interrupt(&watching).await;
    assert_eq!(watching.wait().await.unwrap().code(), Some(130));
}

/// Ctrl-C.
async fn interrupt(process: &Child) {
    let process = process.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-INT", &process]).status();
    assert!(sent.await.unwrap().success());
}

#[tokio::test]
async fn a_chain_whose_stack_waits_for_a_person_is_listed_and_continues_after_ctrl_c() {
    // The list has the newest chains of all accounts, and other tests have chains, too.
    let temporal = Temporal::start().await;
    let world = World::beside(&temporal.address(), |_| {}).await;
    world.graph_confirming("network; database: network", &["database"]);
    let (root, chain) = world.begin_chain("network").await;
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    let listed = async {
        loop {
            let listed = world.says(&["chain", "list", "-o", "wide"]).await;
            let own = listed.lines().find(|line| line.contains(chain.as_str()));
            if own.is_some_and(|line| line.contains("database waits for a person")) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(WAIT_MAX, listed).await.unwrap();

    let mut watching = world.command(&["chain", "watch", chain.as_str()]);
    watching.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watching = watching.spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().unwrap().contains("database") {}
    interrupt(&watching).await;
    let output = tokio::time::timeout(WAIT_MAX, watching.wait_with_output());
    let output = output.await.expect("it ends").unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!("The chain continues. `spillway chain watch {chain}` follows it again.");
    assert!(said.contains(&expected), "{said}");
    world.confirm("database").await;
    world.all_succeed(&[root]).await;
}
