//! The worker's process, and what it is told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use mock_spacelift::{KEY_ID, KEY_SECRET};
use orchestrator::Settings;
use tokio::process::{Child, Command};

use super::{World, any_port};

impl World {
    pub(crate) fn start_worker(&mut self) {
        self.worker = Some(self.worker_at(self.endpoints));
    }

    /// One more worker, beside the one that the world knows. It is killed when it is dropped.
    pub(crate) fn another_worker(&self) -> Child {
        self.worker_at(any_port())
    }

    fn worker_at(&self, endpoints: SocketAddr) -> Child {
        // `SPILLWAY_TEST_LOG=info` shows the decisions of the schedule.
        let log = std::env::var("SPILLWAY_TEST_LOG").ok();
        Command::new(program("spillway-worker"))
            .envs(&self.temporal)
            .env("SPILLWAY_AUDIT", self.audit_directory.path())
            .env("SPACELIFT_BASE_URL", self.server.url())
            .env("SPACELIFT_KEY_ID", KEY_ID)
            .env("SPACELIFT_KEY_SECRET", KEY_SECRET)
            // The account in memory has more patience than the real one.
            .env("SPACELIFT_REQUESTS_PER_MINUTE", "60000")
            .envs(variables(self.orchestrator.settings()))
            .env("SPILLWAY_HEALTH_ADDRESS", endpoints.to_string())
            .env("RUST_LOG", log.as_deref().unwrap_or("warn"))
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// SIGKILL: no goodbye.
    pub(crate) async fn kill_worker(&mut self) {
        self.worker.take().expect("a worker runs").kill().await.unwrap();
    }

    /// SIGTERM, and then the exit status.
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
        tokio::time::timeout(Duration::from_secs(60), worker.wait())
            .await
            .expect("it stops")
            .unwrap()
    }
}

/// The variables that give a process these settings.
fn variables(settings: &Settings) -> Vec<(&'static str, String)> {
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
            "SPILLWAY_UNKNOWN_UPSTREAM",
            settings.chain.unknown_upstream.to_string(),
        ),
        ("SPILLWAY_SWEEP_EVERY", milliseconds(settings.sweep_every)),
        (
            "SPILLWAY_HISTORY_EVENTS",
            settings.timing.history_events.to_string(),
        ),
    ]
}

/// A program of this workspace, which `cargo xtask test` has built.
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
