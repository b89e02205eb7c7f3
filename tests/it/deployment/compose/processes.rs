//! The programs of the installation: they start, are waited for, and end.

use std::path::Path;
use std::time::Duration;

use chain::{ChainId, ChainResult, RunId, RunState};
use serde_json::Value;
use settings::Settings;
use temporal_client::{TemporalSettings, WorkflowClient};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::installation::Installation;
use crate::world::program;

const PATIENCE: Duration = Duration::from_secs(120);

/// The programs that go on until they are stopped.
pub(super) struct Running {
    pub(super) database: Child,
    pub(super) temporal: Child,
    pub(super) webhook: Child,
    pub(super) worker: Child,
}

impl Installation {
    pub(super) async fn start_database(&self) -> Child {
        let (data, port) = (self.path("postgresql"), self.database_port.to_string());
        let mut command = self.postgresql(
            "postgres",
            &[
                "-D",
                data.to_str().unwrap(),
                "-p",
                &port,
                "-c",
                "unix_socket_directories=",
            ],
        );
        let child = quietly(&mut command, &self.path("postgresql.log"));
        listens(self.database_port, "PostgreSQL").await;
        until("PostgreSQL accepts connections", async || {
            let output = self.client("pg_isready", &[]).output().await.unwrap();
            output.status.success()
        })
        .await;
        child
    }

    pub(super) async fn start_temporal(&self) -> Child {
        let dynamic = self.compose["configs"]["dynamic"]["content"].as_str().unwrap();
        std::fs::write(self.path("dynamic.yaml"), dynamic).unwrap();
        let mut command = Command::new(self.tools.join("temporal-server"));
        command
            .arg("start")
            .env_clear()
            .envs(self.environment("temporal"))
            .envs(&self.server_ports)
            .env("FRONTEND_GRPC_PORT", self.temporal_port.to_string())
            // The entry point of the image sets it.
            .env("TEMPORAL_BROADCAST_ADDRESS", "127.0.0.1")
            .env("LOG_LEVEL", "error")
            .current_dir(self.directory.path());
        let child = quietly(&mut command, &self.path("temporal.log"));
        listens(self.temporal_port, "Temporal").await;
        child
    }

    pub(super) async fn start_webhook(&self) -> Child {
        let mut command = Command::new(program("webhook"));
        command
            .args(["--listen", &format!("127.0.0.1:{}", self.webhook_port)])
            .args(strings(&self.compose["services"]["webhook"]["command"]))
            .env_clear()
            .envs(self.environment("webhook"));
        let child = quietly(&mut command, &self.path("webhook.log"));
        self.is_healthy("webhook", self.webhook_port).await;
        child
    }

    pub(super) async fn start_worker(&self) -> Child {
        let mut command = Command::new(program("spillway-worker"));
        command.env_clear().envs(self.environment("worker")).env(
            "SPILLWAY_HEALTH_ADDRESS",
            format!("127.0.0.1:{}", self.health_port),
        );
        let child = quietly(&mut command, &self.path("worker.log"));
        self.is_healthy("worker", self.health_port).await;
        child
    }

    /// The check of the compose file, with the port of this installation.
    pub(super) async fn is_healthy(&self, service: &str, port: u16) {
        let check = strings(&self.compose["services"][service]["healthcheck"]["test"]);
        let name = Path::new(check[1]).file_name().unwrap().to_str().unwrap();
        until(&format!("{service} is healthy"), async || {
            let mut command = Command::new(program(name));
            command.args(&check[2..]).env_clear();
            command.env("SPILLWAY_HEALTH_ADDRESS", format!("127.0.0.1:{port}"));
            command.output().await.unwrap().status.success()
        })
        .await;
    }

    pub(super) async fn start(&self) -> Running {
        let database = self.start_database().await;
        self.run("schema").await;
        let temporal = self.start_temporal().await;
        self.run("namespace").await;
        Running {
            database,
            temporal,
            webhook: self.start_webhook().await,
            worker: self.start_worker().await,
        }
    }

    pub(super) async fn workflows(&self) -> WorkflowClient {
        let environment = self.environment("worker");
        let temporal = TemporalSettings::new(
            &environment["TEMPORAL_ADDRESS"],
            &environment["TEMPORAL_NAMESPACE"],
        );
        let client = temporal.unwrap().connect().await.unwrap();
        WorkflowClient::new(client, Settings::default())
    }

    /// The result of the chain that a run starts.
    pub(super) async fn result(&self, root: &RunId) -> ChainResult {
        let workflows = self.workflows().await;
        let chain = ChainId::of_root_run(&self.account, root);
        let report = tokio::time::timeout(PATIENCE, workflows.end_of_chain(&chain)).await;
        report.expect("the chain ends").unwrap().result
    }

    /// Waits until the stack that waits for a person has a run.
    pub(super) async fn waits_for_a_person(&self, stack: &str) -> RunId {
        let unconfirmed = || {
            let runs = self.spacelift.runs_of(stack);
            runs.into_iter().find(|run| run.state == RunState::Unconfirmed)
        };
        let waits = async {
            loop {
                match unconfirmed() {
                    Some(run) => return run.run,
                    None => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        };
        let waiting = tokio::time::timeout(PATIENCE, waits).await;
        waiting.unwrap_or_else(|_| panic!("no run of {stack} waits for a person\n{}", self.logs()))
    }

    /// The end of the log of each program.
    fn logs(&self) -> String {
        const LINES: usize = 30;
        let end_of = |name: &str| {
            let log = std::fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            format!(
                "{name}:\n{}\n",
                lines[lines.len().saturating_sub(LINES)..].join("\n")
            )
        };
        ["postgresql", "temporal", "webhook", "worker"]
            .map(end_of)
            .concat()
    }
}

pub(super) fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item.as_str().unwrap())
        .collect()
}

/// Starts a program that writes to a file.
pub(super) fn quietly(command: &mut Command, log: &Path) -> Child {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(log)
        .unwrap();
    command
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

pub(super) async fn succeed(mut command: impl std::borrow::BorrowMut<Command>) {
    let output = command.borrow_mut().output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
}

pub(super) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let held = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, held)
        .await
        .unwrap_or_else(|_| panic!("it did not happen: {what}"));
}

pub(super) async fn listens(port: u16, what: &str) {
    until(&format!("{what} listens"), async || {
        TcpStream::connect(("127.0.0.1", port)).await.is_ok()
    })
    .await;
}

/// Ends a program as `docker compose stop` does, and waits for it.
pub(super) async fn stop(child: Child) {
    stop_with(child, "-TERM").await;
}

/// The same for the database, whose image has another stop signal: with SIGTERM it would wait for its clients.
pub(super) async fn stop_database(child: Child) {
    stop_with(child, "-INT").await;
}

async fn stop_with(mut child: Child, signal: &str) {
    let id = child.id().unwrap().to_string();
    succeed(Command::new("kill").args([signal, &id])).await;
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
    let status = ended.expect("it ends").unwrap();
    assert!(status.success(), "{status}");
}
