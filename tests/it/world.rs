//! One Spacelift account with everything around it. Each test has its own account and task queue, so that tests share
//! only a Temporal server.

mod account;
mod by_force;
mod counts;
mod histories;
mod processes;
mod state;

pub(crate) use account::{add_graph, commit, freeze_window, is_ours, push_of, stacks_in_a_row};
pub(crate) use processes::{program, temporal_executable};

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chain::signature::{self, WebhookSecret, WebhookSecrets};
use chain::{AccountName, ChainId, RunId, RunState, StackProgress};
use environment::Variables;
use mock_spacelift::{MockSpacelift, NewWebhook, Pace, RunRecord, Server};
use settings::Settings;
use tempfile::TempDir;
use temporal_client::contract::{ChainReport, ScheduleMessage};
use temporal_client::{TemporalSettings, WorkflowClient};
use tokio::process::Child;

const SECRET: &str = "a secret of the whole-system tests";
/// How long anything can take on a busy machine. Only tests that fail wait that long.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(180);

/// Slow enough for a test to intervene, and fast enough for many tests.
pub(crate) const PACE: Duration = Duration::from_millis(40);

pub(crate) struct World {
    pub(crate) account: AccountName,
    pub(crate) spacelift: MockSpacelift,
    pub(crate) workflows: WorkflowClient,
    pub(crate) webhook: SocketAddr,
    /// Where the chains and the webhook write their audit log.
    pub(crate) audit: audit::Store,
    audit_directory: TempDir,
    server: Server,
    /// The address of Temporal, and its API key.
    temporal: Variables,
    worker: Option<Child>,
    /// The address of the worker's health check and metrics.
    pub(crate) endpoints: SocketAddr,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with_settings(|_| {}).await
    }

    /// A world with a sweep each second, which also restarts a lost schedule.
    pub(crate) async fn swept() -> Self {
        Self::with_settings(|settings| settings.sweep_every = Duration::from_secs(1)).await
    }

    /// A world whose webhook and worker have non-default settings.
    pub(crate) async fn with_settings(change: impl FnOnce(&mut Settings)) -> Self {
        Self::beside(&shared_temporal(), change).await
    }

    /// A world in which all clients of Temporal have these additional variables.
    pub(crate) async fn with_variables(variables: &[(&str, &str)]) -> Self {
        Self::with(variables, |_| {}).await
    }

    /// The same, with non-default settings.
    pub(crate) async fn with(variables: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> Self {
        let variables = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Self::new(&shared_temporal(), variables.collect(), change)
            .await
            .with_stack_webhooks()
    }

    /// A world with its own Temporal server.
    pub(crate) async fn beside(temporal: &str, change: impl FnOnce(&mut Settings)) -> Self {
        Self::new(temporal, Variables::new(), change)
            .await
            .with_stack_webhooks()
    }

    /// A world in which Spacelift sends no webhooks yet.
    pub(crate) async fn without_webhooks() -> Self {
        Self::new(&shared_temporal(), Variables::new(), |_| {}).await
    }

    fn with_stack_webhooks(self) -> Self {
        let url = format!("http://{}/webhook", self.webhook);
        self.spacelift
            .webhook(&NewWebhook::on_every_stack(url, SECRET).retrying());
        self
    }

    async fn new(address: &str, mut temporal: Variables, change: impl FnOnce(&mut Settings)) -> Self {
        temporal.insert("TEMPORAL_ADDRESS".to_owned(), address.to_owned());
        let name = format!("acme-{}", uuid::Uuid::new_v4());
        let account: AccountName = name.parse().unwrap();
        let spacelift = MockSpacelift::new(&name);
        spacelift.pace(Pace::Every(PACE));
        let server = spacelift.serve(any_port()).await.unwrap();

        let mut settings = Settings {
            task_queue: name.clone(),
            ..Settings::default()
        };
        // Retries happen at once in tests.
        settings.timing.trigger_backoff = Duration::from_millis(50);
        change(&mut settings);
        let audit_directory = tempfile::tempdir().unwrap();
        let audit = audit::Store::in_directory(audit_directory.path());
        let temporal_settings = TemporalSettings::from_variables(&temporal).unwrap();
        let client = temporal_settings.connect().await.unwrap();
        let workflows = WorkflowClient::new(client, settings.clone());

        // The worker needs to know its port: a free one, released before it starts.
        let endpoints = tokio::net::TcpListener::bind(any_port())
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
        let webhook = listener.local_addr().unwrap();
        let secrets = WebhookSecrets::from(WebhookSecret::parse(SECRET).unwrap());
        let config = webhook::Config {
            account: Some(account.clone()),
            audit: Some(audit.clone()),
            has_docs: true,
            ..webhook::Config::new(secrets, temporal_settings, settings)
        };
        tokio::spawn(webhook::serve(listener, config, std::future::pending()));

        let mut world = Self {
            account,
            spacelift,
            workflows,
            webhook,
            audit,
            audit_directory,
            server,
            temporal,
            worker: None,
            endpoints,
        };
        world.start_worker();
        if world.sweeps_often() {
            // Runs from before the first worker are ignored.
            world.wait_for_sweeps(1).await;
        }
        world
    }

    fn sweeps_often(&self) -> bool {
        self.workflows.settings().sweep_every < Duration::from_secs(60)
    }

    pub(crate) fn spacelift_url(&self) -> String {
        self.server.url()
    }

    /// The page of the webhook.
    pub(crate) fn docs_url(&self) -> String {
        format!("http://{}/docs", self.webhook)
    }

    /// Posts a body with Spacelift's signature.
    pub(crate) async fn post(&self, body: &str) -> reqwest::Response {
        self.post_signed(
            body,
            &signature::sign(body.as_bytes(), &WebhookSecret::parse(SECRET).unwrap()),
        )
        .await
    }

    pub(crate) async fn post_signed(&self, body: &str, signature: &str) -> reqwest::Response {
        http()
            .post(format!("http://{}/webhook", self.webhook))
            .header("content-type", "application/json")
            .header("x-signature-256", signature)
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
    }

    /// Waits until a chain has begun and its state meets a condition.
    pub(crate) async fn wait_for_chain(
        &self,
        root: &RunId,
        what: &str,
        condition: impl Fn(&ChainReport) -> bool,
    ) -> ChainReport {
        let chain = ChainId::of_root_run(&self.account, root);
        let held = tokio::time::timeout(WAIT_MAX, async {
            loop {
                if let Some(report) = self.workflows.chain(&chain).await.unwrap()
                    && condition(&report)
                {
                    return report;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let Ok(report) = held.await else {
            panic!("{chain}: {what} did not happen:\n{}", self.state().await)
        };
        report
    }

    /// Waits until the record of a chain shows this of one of its stacks.
    pub(crate) async fn wait_for_stack(
        &self,
        root: &RunId,
        stack: &str,
        what: &str,
        condition: impl Fn(&StackProgress) -> bool,
    ) -> ChainReport {
        let id = stack.parse().unwrap();
        let what = format!("{what} of {stack}");
        self.wait_for_chain(root, &what, |report| {
            let record = report.record.as_ref();
            record
                .and_then(|record| record.stack(&id))
                .is_some_and(&condition)
        })
        .await
    }

    /// Confirms the run of a stack once it waits for that.
    pub(crate) async fn confirm(&self, stack: &str) {
        let waits = |run: &RunRecord| run.state == RunState::Unconfirmed;
        self.spacelift
            .wait_until("a run to confirm", |spacelift| {
                spacelift.runs_of(stack).iter().any(waits)
            })
            .await;
        let runs = self.spacelift.runs_of(stack);
        let run = runs
            .iter()
            .find(|run| waits(run))
            .expect("it waited a moment ago");
        self.spacelift.confirm(&run.run, "bob");
    }

    pub(crate) fn audit_path(&self) -> &Path {
        self.audit_directory.path()
    }

    /// Signals the schedule, and starts it if needed.
    pub(crate) async fn signal_schedule(&self, message: &ScheduleMessage) {
        let signalled = self.workflows.signal_schedule(&self.account, message).await;
        signalled.unwrap();
    }

    /// Waits until the worker's metrics contain a line with this beginning.
    pub(crate) async fn wait_for_metric(&self, expected: &str) {
        let address = format!("http://{}/metrics", self.endpoints);
        // The worker may not have started yet.
        let read = async || http().get(&address).send().await?.text().await;
        let counted = tokio::time::timeout(WAIT_MAX, async {
            while !read()
                .await
                .is_ok_and(|metrics| metrics.lines().any(|line| line.starts_with(expected)))
            {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        counted
            .await
            .unwrap_or_else(|_| panic!("`{expected}` is not counted"));
    }

    /// The end of the chain that the end of a run started.
    pub(crate) async fn chain_of(&self, root: &RunId) -> ChainReport {
        let chain = ChainId::of_root_run(&self.account, root);
        self.spacelift
            .wait_until("the root run to finish", |spacelift| {
                spacelift
                    .run(root)
                    .is_some_and(|run| run.state == RunState::Finished)
            })
            .await;
        self.end_of(&chain).await
    }

    /// The end of a chain.
    pub(crate) async fn end_of(&self, chain: &ChainId) -> ChainReport {
        let ended = tokio::time::timeout(WAIT_MAX, self.workflows.end_of_chain(chain));
        let Ok(report) = ended.await else {
            panic!(
                "{chain} does not end: {:?}\n{}",
                self.runs_per_stack(),
                self.state().await
            )
        };
        report.unwrap()
    }

    /// The number of runs of each stack.
    pub(crate) fn runs_per_stack(&self) -> Vec<(&'static str, usize)> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for run in self.spacelift.runs() {
            *counts.entry(run.stack.to_string()).or_default() += 1;
        }
        counts
            .into_iter()
            .map(|(stack, count)| (&*stack.leak(), count))
            .collect()
    }

    /// The run of the first of each pair ended before the second one's was created.
    pub(crate) fn assert_order(&self, pairs: &[(&str, &str)]) {
        let only_run = |stack: &str| -> RunRecord {
            let runs = self.spacelift.runs_of(stack);
            assert_eq!(runs.len(), 1, "runs of {stack}");
            runs.into_iter().next().unwrap()
        };
        for (before, after) in pairs {
            let finished = only_run(before).reached(&RunState::Finished).unwrap();
            assert!(
                finished <= only_run(after).created_at,
                "{after} was triggered before {before} finished"
            );
        }
    }
}

/// The Temporal server that all tests share.
pub(crate) fn shared_temporal() -> String {
    std::env::var("SPILLWAY_TEST_TEMPORAL")
        .expect("SPILLWAY_TEST_TEMPORAL is not set: run these tests by `cargo xtask test`")
}

/// A client for plain HTTP.
pub(crate) fn http() -> reqwest::Client {
    // An error means that a provider is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}
