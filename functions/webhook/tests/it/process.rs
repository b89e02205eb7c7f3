//! The program itself: settings from the environment, and its log lines.

use std::process::Stdio;
use std::time::Duration;

use aws_stand_ins::moto::Moto;
use chain::signature::sign;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::journal::refusals;
use crate::secrets_manager::create;
use crate::{NOWHERE, SECRET, secret};

struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_webhook"));
    command
        .env_clear()
        .args(["--listen", "127.0.0.1:0"])
        .env("TEMPORAL_ADDRESS", NOWHERE)
        .kill_on_drop(true);
    command.envs(variables.iter().copied());
    command
}

impl Program {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = command(variables).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that has a field, and every line up to it.
    async fn line_with(&mut self, field: &str) -> (Value, String) {
        let mut written = String::new();
        let found = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("another line");
                written.push_str(&line);
                let line: Value = serde_json::from_str(&line).unwrap();
                if line["fields"].get(field).is_some() {
                    return line["fields"].clone();
                }
            }
        });
        (found.await.expect("such a line"), written)
    }
}

#[tokio::test]
async fn one_log_line_has_everything_about_a_delivery_except_secrets() {
    let moto = Moto::start().await;
    create(&moto, "spillway/webhook", SECRET).await;
    let mut program = Program::start(&[
        ("WEBHOOK_SECRET_ID", "spillway/webhook"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto.endpoint()),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("RUST_LOG", "info"),
    ]);
    let (listening, _) = program.line_with("listen.address").await;
    let url = format!("http://{}/webhook", listening["listen.address"].as_str().unwrap());
    let body = json!({
        "account": {"name": "acme"},
        "run_updated": {
            "state": "FINISHED",
            "run": {"id": "01JSPXRQR2F3Y06HD85YYXRSZ7", "branch": "main", "type": "PROPOSED",
                "updated_at": 1_745_600_100_383_000_000_i64, "user_provided_metadata": ["not to be logged"],
                "commit": {"hash": "0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb"}},
            "stack": {"id": "network", "name": "Network", "space": {"id": "prod"}},
        },
    })
    .to_string();
    let signature = sign(body.as_bytes(), &secret(SECRET));
    let post = async |body: String| {
        let request = reqwest::Client::builder().no_proxy().build().unwrap().post(&url);
        let request = request
            .header("content-type", "application/json")
            .header("x-signature-256", &signature);
        request.body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(body.clone()).await, 200);
    let (line, written) = program.line_with("delivery.answer").await;
    for (field, value) in [
        ("delivery.answer", json!("ignored")),
        ("delivery.reason", json!("run_type")),
        ("account", json!("acme")),
        ("stack.id", json!("network")),
        ("stack.name", json!("Network")),
        ("space.id", json!("prod")),
        ("run.id", json!("01JSPXRQR2F3Y06HD85YYXRSZ7")),
        ("run.state", json!("FINISHED")),
        ("run.kind", json!("PROPOSED")),
        ("run.branch", json!("main")),
        ("run.commit", json!("0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb")),
        ("event.timestamp_ms", json!(1_745_600_100_383_i64)),
    ] {
        assert_eq!(line[field], value, "{field} in {line}");
    }
    assert_eq!(post(body.replace("acme", "acmf")).await, 401);
    let (line, written_then) = program.line_with("delivery.answer").await;
    assert_eq!(
        (&line["delivery.answer"], &line["signature.reason"]),
        (&json!("refused"), &json!("mismatch"))
    );
    for never in [SECRET, &signature[7..], "not to be logged"] {
        assert!(
            !written.contains(never) && !written_then.contains(never),
            "{never} in {written}{written_then}"
        );
    }
}

/// As the first process of a container, it would not end otherwise.
#[tokio::test]
async fn sigterm_stops_it_successfully_with_all_refusals_in_the_audit_log() {
    let audit = tempfile::tempdir().unwrap();
    let mut program = Program::start(&[
        ("WEBHOOK_SECRET", SECRET),
        ("SPILLWAY_AUDIT", audit.path().to_str().unwrap()),
        ("RUST_LOG", "info"),
    ]);
    let (listening, _) = program.line_with("listen.address").await;
    let url = format!("http://{}/webhook", listening["listen.address"].as_str().unwrap());
    for _ in 0..3 {
        let request = reqwest::Client::builder().no_proxy().build().unwrap().post(&url);
        let answered = request.header("content-type", "application/json").body("{}");
        assert_eq!(answered.send().await.unwrap().status(), 401);
    }
    let id = program.child.id().unwrap().to_string();
    let signalled = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
    assert!(signalled.success());
    let ended = tokio::time::timeout(Duration::from_secs(30), program.child.wait()).await;
    assert!(ended.expect("it ends").unwrap().success());
    let mut counts = refusals(audit.path()).await;
    counts.sort_unstable();
    assert_eq!(counts, [1, 2], "the first one at once, and the others at the end");
}

#[tokio::test]
async fn wrong_settings_stop_the_start_and_are_all_named() {
    let both = [
        ("WEBHOOK_SECRET", SECRET),
        ("WEBHOOK_SECRET_ID", "a"),
        ("SPILLWAY_ACCOUNT", ""),
    ];
    let output = command(&both).output().await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    for word in ["both set", "SPILLWAY_ACCOUNT"] {
        assert!(said.contains(word), "{word} in {said}");
    }
}
