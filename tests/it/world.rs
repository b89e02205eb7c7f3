//! One Spacelift account with everything around it. Each test has its own account and task queue, so that they share
//! a Temporal server and nothing else.

mod account;
mod processes;

pub(crate) use account::{commit, is_ours, push_of};
pub(crate) use processes::program;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chain::signature::{self, WebhookSecret, WebhookSecrets};
use chain::{AccountName, ChainId, RunId, RunState};
use environment::Variables;
use mock_spacelift::{MockSpacelift, NewWebhook, Pace, RunRecord, Server};
use orchestrator::contract::ChainReport;
use orchestrator::{Orchestrator, Settings, TemporalSettings, id};
use tempfile::TempDir;
use temporalio_client::{UntypedWorkflow, WorkflowCountOptions, WorkflowTerminateOptions};
use tokio::process::Child;

const SECRET: &str = "a secret of the whole-system tests";
/// Slow enough for a test to step in between, fast enough for many tests.
const PACE: Duration = Duration::from_millis(40);

pub(crate) struct World {
    pub(crate) account: AccountName,
    pub(crate) spacelift: MockSpacelift,
    pub(crate) orchestrator: Orchestrator,
    pub(crate) webhook: SocketAddr,
    /// Where the chains and the webhook write their audit log.
    pub(crate) audit: audit::Store,
    audit_directory: TempDir,
    server: Server,
    /// Where Temporal is, and with which key it is spoken to.
    temporal: Variables,
    worker: Option<Child>,
    /// Where the worker answers for itself.
    pub(crate) endpoints: SocketAddr,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with_settings(|_| {}).await
    }

    /// A world whose webhook and worker have other settings than the default.
    pub(crate) async fn with_settings(change: impl FnOnce(&mut Settings)) -> Self {
        let temporal = std::env::var("SPILLWAY_TEST_TEMPORAL")
            .expect("SPILLWAY_TEST_TEMPORAL is not set: run these tests by `cargo xtask test`");
        Self::beside(&temporal, change).await
    }

    /// A world in which everybody who speaks to Temporal has these variables too.
    pub(crate) async fn with_variables(variables: &[(&str, &str)]) -> Self {
        let temporal = std::env::var("SPILLWAY_TEST_TEMPORAL")
            .expect("SPILLWAY_TEST_TEMPORAL is not set: run these tests by `cargo xtask test`");
        let variables = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Self::new(&temporal, variables.collect(), |_| {}).await
    }

    /// A world with a Temporal server of the test's own.
    pub(crate) async fn beside(temporal: &str, change: impl FnOnce(&mut Settings)) -> Self {
        Self::new(temporal, Variables::new(), change).await
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
        // What is tried again in a test is tried again at once.
        settings.timing.trigger_backoff = Duration::from_millis(50);
        change(&mut settings);
        let audit_directory = tempfile::tempdir().unwrap();
        let audit = audit::Store::in_directory(audit_directory.path());
        let temporal_settings = TemporalSettings::from_variables(&temporal).unwrap();
        let client = temporal_settings.connect().await.unwrap();
        let orchestrator = Orchestrator::new(client, settings.clone());

        // The worker wants to be told its port: a free one, given back before it starts.
        let endpoints = tokio::net::TcpListener::bind(any_port())
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
        let webhook = listener.local_addr().unwrap();
        let secrets = WebhookSecrets::from(WebhookSecret::parse(SECRET).unwrap());
        let router = webhook::router(webhook::Config {
            account: Some(account.clone()),
            audit: Some(audit.clone()),
            ..webhook::Config::new(secrets, temporal_settings, settings)
        });
        tokio::spawn(webhook::serve(listener, router, std::future::pending()));
        spacelift
            .webhook(&NewWebhook::on_every_stack(format!("http://{webhook}/webhook"), SECRET).retrying());

        let mut world = Self {
            account,
            spacelift,
            orchestrator,
            webhook,
            audit,
            audit_directory,
            server,
            temporal,
            worker: None,
            endpoints,
        };
        world.start_worker();
        world
    }

    /// Posts a body, signed as Spacelift signs.
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

    /// Waits until a chain has begun and says something.
    pub(crate) async fn wait_for_chain(
        &self,
        root: &RunId,
        what: &str,
        condition: impl Fn(&ChainReport) -> bool,
    ) -> ChainReport {
        let chain = ChainId::of_root_run(&self.account, root);
        let held = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                if let Some(report) = self.orchestrator.chain(&chain).await.unwrap()
                    && condition(&report)
                {
                    return report;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        held.await
            .unwrap_or_else(|_| panic!("{chain}: {what} did not happen"))
    }

    /// How many workflows of a type this account has.
    pub(crate) async fn workflows(&self, kind: &str) -> usize {
        let query = format!(
            "WorkflowType = '{kind}' AND TaskQueue = '{}'",
            self.orchestrator.settings().task_queue
        );
        self.count(&query).await
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

    /// Ends the schedule by force, as an operator might.
    pub(crate) async fn terminate_schedule(&self) {
        let schedule = id::schedule(&self.account);
        let client = self.orchestrator.client();
        let handle = client.get_workflow_handle::<UntypedWorkflow>(&schedule);
        // An error says that there is none at this moment.
        let _ = handle.terminate(WorkflowTerminateOptions::default()).await;
    }

    /// Waits until nothing is under way: no run, and no workflow that could still start something.
    pub(crate) async fn wait_for_quiet(&self) {
        self.spacelift
            .wait_until("all runs to end", |spacelift| {
                spacelift.runs().iter().all(|run| run.state.is_terminal())
            })
            .await;
        // The schedule stays for a while when it has nothing to do.
        let running = "ExecutionStatus = 'Running' AND WorkflowType != 'StackScheduleWorkflow'";
        self.wait_for_count("no workflow to run", running, |count| count == 0)
            .await;
    }

    pub(crate) async fn wait_for_a_sweep(&self) {
        let done = "WorkflowType = 'ReconcileWorkflow' AND ExecutionStatus = 'Completed'";
        self.wait_for_count("a sweep", done, |count| count > 0).await;
    }

    async fn wait_for_count(&self, what: &str, query: &str, condition: impl Fn(usize) -> bool) {
        let query = format!(
            "{query} AND TaskQueue = '{}'",
            self.orchestrator.settings().task_queue
        );
        let held = tokio::time::timeout(Duration::from_secs(60), async {
            while !condition(self.count(&query).await) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        held.await.unwrap_or_else(|_| panic!("{what} did not happen"));
    }

    async fn count(&self, query: &str) -> usize {
        self.orchestrator
            .client()
            .count_workflows(query, WorkflowCountOptions::default())
            .await
            .unwrap()
            .count()
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
        tokio::time::timeout(Duration::from_secs(60), self.orchestrator.end_of_chain(chain))
            .await
            .unwrap_or_else(|_| panic!("{chain} does not end: {:#?}", self.runs_per_stack()))
            .unwrap()
    }

    /// How many runs each stack had.
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

    /// The first of each pair was over before the second one's run was made.
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

/// A client for plain HTTP.
pub(crate) fn http() -> reqwest::Client {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}
