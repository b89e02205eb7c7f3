//! The worker's process, and its variables.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use environment::Variables;
use mock_spacelift::{KEY_ID, KEY_SECRET};
use settings::Settings;
use tokio::process::{Child, Command};

use super::{SECRET, WAIT_MAX, World, any_port};

impl World {
    pub(crate) fn start_worker(&mut self) {
        self.worker = Some(self.worker_at(self.endpoints));
    }

    /// One more worker, in addition to the world's own. It is killed when it is dropped.
    pub(crate) fn another_worker(&self) -> Child {
        self.worker_at(any_port())
    }

    /// A command with the settings of this world.
    pub(crate) async fn spillway(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }

    /// The same command, not started yet. It is killed when it is dropped.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("spillway");
        command
            .env("WEBHOOK_SECRET", SECRET)
            .env("USER", "carol")
            .args(arguments)
            .kill_on_drop(true);
        command
    }

    /// A program with Temporal, the account and the settings of this world.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        command.envs(self.variables());
        command
    }

    fn worker_at(&self, endpoints: SocketAddr) -> Child {
        // `SPILLWAY_TEST_LOG=info` shows the decisions of the schedule.
        let log = std::env::var("SPILLWAY_TEST_LOG").ok();
        self.program("spillway-worker")
            .env("SPILLWAY_HEALTH_ADDRESS", endpoints.to_string())
            .env("RUST_LOG", log.as_deref().unwrap_or("warn"))
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// The variables that tell a process the addresses and settings of this world.
    pub(crate) fn variables(&self) -> Variables {
        let own = [
            (
                "SPILLWAY_AUDIT",
                self.audit_directory.path().display().to_string(),
            ),
            ("SPACELIFT_BASE_URL", self.server.url().clone()),
            ("SPACELIFT_KEY_ID", KEY_ID.to_owned()),
            ("SPACELIFT_KEY_SECRET", KEY_SECRET.to_owned()),
            ("WEBHOOK_SECRET", SECRET.to_owned()),
            // The mock account has a larger request budget than the real one.
            ("SPACELIFT_REQUESTS_PER_MINUTE", "60000".to_owned()),
        ];
        let mut variables = self.temporal.clone();
        let all = own.into_iter().chain(variables_of(self.workflows.settings()));
        variables.extend(all.map(|(name, value)| (name.to_owned(), value)));
        variables
    }

    /// SIGKILL.
    pub(crate) async fn kill_worker(&mut self) {
        self.worker.take().expect("a worker runs").kill().await.unwrap();
    }

    /// Sends SIGTERM, and returns the exit status.
    pub(crate) async fn stop_worker(&mut self) -> std::process::ExitStatus {
        let mut worker = self.worker.take().expect("a worker runs");
        let id = worker.id().expect("it has not been waited for").to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .await
                .unwrap()
                .success()
        );
        tokio::time::timeout(WAIT_MAX, worker.wait())
            .await
            .expect("it stops")
            .unwrap()
    }
}

/// The schedule of frequent sweeps would keep the shared server busy until all tests have ended.
impl Drop for World {
    fn drop(&mut self) {
        if self.sweeps_often() {
            let schedule = format!("reconcile:{}", self.workflows.settings().task_queue);
            let deleted = std::process::Command::new(temporal_executable())
                .args(["schedule", "delete", "--schedule-id", &schedule])
                .args(["--address", &self.temporal["TEMPORAL_ADDRESS"]])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            drop(deleted);
        }
    }
}

/// The variables for these settings.
fn variables_of(settings: &Settings) -> Vec<(&'static str, String)> {
    let milliseconds = |duration: Duration| format!("{}ms", duration.as_millis());
    vec![
        ("SPILLWAY_TASK_QUEUE", settings.task_queue.clone()),
        ("SPILLWAY_PARALLEL_RUNS", settings.chain.parallel_runs.to_string()),
        ("SPILLWAY_ON_FAILURE", settings.chain.on_failure.to_string()),
        (
            "SPILLWAY_TRIGGER_ATTEMPTS",
            settings.timing.trigger_attempts.to_string(),
        ),
        (
            "SPILLWAY_TRIGGER_BACKOFF",
            milliseconds(settings.timing.trigger_backoff),
        ),
        ("SPILLWAY_RUN_TIMEOUT", milliseconds(settings.timing.run_timeout)),
        ("SPILLWAY_STUCK_AFTER", milliseconds(settings.timing.stuck_after)),
        (
            "SPILLWAY_RUN_RETRY_PAUSE",
            milliseconds(settings.timing.run_retry_pause),
        ),
        ("SPILLWAY_POLL_FIRST", milliseconds(settings.timing.poll_first)),
        (
            "SPILLWAY_POLL_LONGEST",
            milliseconds(settings.timing.poll_longest),
        ),
        ("SPILLWAY_JOIN_WAIT", milliseconds(settings.timing.join_wait)),
        (
            "SPILLWAY_TRIGGER_PATIENCE",
            milliseconds(settings.timing.trigger_patience),
        ),
        (
            "SPILLWAY_PARALLEL_RUNS_OF_ACCOUNT",
            settings.parallel_runs_of_account.to_string(),
        ),
        (
            "SPILLWAY_FREEZE",
            serde_json::to_string(&settings.freezes).unwrap(),
        ),
        ("SPILLWAY_CONFIRM", settings.chain.confirm.to_string()),
        ("SPILLWAY_ASK_ABOVE", settings.chain.ask_above.to_string()),
        ("SPILLWAY_NO_CHANGE", settings.chain.no_change.to_string()),
        ("SPILLWAY_RUN_RETRIES", settings.chain.run_retries.to_string()),
        (
            "SPILLWAY_UNKNOWN_UPSTREAM",
            settings.chain.unknown_upstream.to_string(),
        ),
        ("SPILLWAY_SWEEP_EVERY", milliseconds(settings.sweep_every)),
        ("SPILLWAY_PULL_REQUESTS", settings.pull_requests.to_string()),
        (
            "SPILLWAY_HISTORY_EVENTS",
            settings.timing.history_events.to_string(),
        ),
    ]
}

/// A program of this workspace, built by `cargo xtask test`.
pub(crate) fn program(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(name);
    assert!(
        path.is_file(),
        "{} is missing: run these tests by `cargo xtask test`",
        path.display()
    );
    path
}

/// Temporal's command, which is also the server.
pub(crate) fn temporal_executable() -> PathBuf {
    std::env::var_os("SPILLWAY_TEST_TEMPORAL_EXECUTABLE")
        .expect("SPILLWAY_TEST_TEMPORAL_EXECUTABLE is not set: run these tests by `cargo xtask test`")
        .into()
}
