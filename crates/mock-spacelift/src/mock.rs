//! The handle that an account's tests, server and tasks share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chain::AccountName;
use tokio::sync::watch;

use crate::account::Account;
use crate::http::server::{self, Server};
use crate::model::record::{DeliveryRecord, RequestRecord, RunRecord};
use crate::runs::pace::{self, Pace};
use crate::webhooks::delivery::Deliverer;

/// How long [`MockSpacelift::wait_until`] waits: much longer than anything in memory takes, even on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// The default speed of runs.
const PACE: Pace = Pace::Every(Duration::from_millis(20));

/// A mock Spacelift account. Clones share the account.
#[derive(Debug, Clone)]
pub struct MockSpacelift {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    account: Mutex<Account>,
    /// Counts changes, so that tests can wait for conditions instead of times.
    changes: watch::Sender<u64>,
    pace: watch::Sender<Pace>,
    /// Whether a task advances the runs. It needs a tokio runtime, which may start later than the account.
    driven: AtomicBool,
    pub deliverer: Deliverer,
}

impl From<Arc<Shared>> for MockSpacelift {
    fn from(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl MockSpacelift {
    /// An account with only the root space and the API key [`crate::KEY_ID`].
    ///
    /// # Panics
    ///
    /// If `account` cannot be part of a host name.
    #[track_caller]
    pub fn new(account: &str) -> Self {
        let name: AccountName = account.parse().unwrap_or_else(|error| panic!("{error}"));
        Self::of(Account::new(name))
    }

    pub(crate) fn of(account: Account) -> Self {
        let shared = Arc::new(Shared {
            account: Mutex::new(account),
            changes: watch::Sender::new(0),
            pace: watch::Sender::new(PACE),
            driven: AtomicBool::new(false),
            deliverer: Deliverer::default(),
        });
        let mock = Self { shared };
        mock.wake();
        mock
    }

    /// Serves the account on an address; port 0 chooses a free one.
    pub async fn serve(&self, address: SocketAddr) -> std::io::Result<Server> {
        self.wake();
        // Sends what happened before there was a runtime.
        self.write(|_| ());
        server::serve(self.clone(), address).await
    }

    /// Sets how fast runs advance. New accounts take 20 ms for each state.
    pub fn pace(&self, pace: Pace) {
        self.wake();
        self.shared.pace.send_replace(pace);
    }

    /// Advances every run by one state, the oldest first. Returns whether any advanced.
    pub fn step(&self) -> bool {
        self.write(Account::step)
    }

    /// Advances runs until all are over or wait for a person, at any pace.
    pub fn settle(&self) {
        while self.step() {}
    }

    /// All runs, in order of creation.
    pub fn runs(&self) -> Vec<RunRecord> {
        self.read(|account| account.runs.iter().map(RunRecord::from).collect())
    }

    /// The runs of one stack, in order of creation.
    pub fn runs_of(&self, stack: &str) -> Vec<RunRecord> {
        self.read(|account| {
            account
                .runs
                .iter()
                .filter(|run| run.stack.as_str() == stack)
                .map(RunRecord::from)
                .collect()
        })
    }

    /// The current state of a run.
    pub fn run(&self, run: &chain::RunId) -> Option<RunRecord> {
        self.read(|account| account.run(run.as_str()).map(RunRecord::from))
    }

    /// Every request that the server received, in the order of the answers.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.read(|account| account.requests.clone())
    }

    /// Every attempt to deliver a webhook, in the order of the answers.
    pub fn deliveries(&self) -> Vec<DeliveryRecord> {
        self.read(|account| account.deliveries.clone())
    }

    /// Becomes ready at every change of the account.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Waits until a condition holds. `what` names it in a failure message.
    ///
    /// # Panics
    ///
    /// If it does not hold within two minutes; the message lists the runs.
    pub async fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.changed();
        let held = tokio::time::timeout(WAIT_MAX, async {
            while !condition(self) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        });
        if held.await.is_err() {
            let runs: Vec<String> = self
                .runs()
                .iter()
                .map(|run| format!("  {} {} {} {}", run.stack, run.run, run.run_type, run.state))
                .collect();
            panic!(
                "{what} did not happen within {WAIT_MAX:?}; runs:\n{}",
                runs.join("\n")
            );
        }
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&Account) -> T) -> T {
        look(&self.shared.account.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the account, sends the new deliveries in the outbox, and wakes those that wait for a change.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        let result = {
            let mut account = self.shared.account.lock().unwrap_or_else(PoisonError::into_inner);
            let result = change(&mut account);
            // Under the lock, so that deliveries are sent in the order of their transitions.
            let outbox = std::mem::take(&mut account.outbox);
            account.outbox = self.shared.deliverer.send(&Arc::downgrade(&self.shared), outbox);
            result
        };
        self.shared.changes.send_modify(|count| *count += 1);
        result
    }

    /// Starts the task that advances the runs, once there is a runtime for it.
    fn wake(&self) {
        if self.shared.driven.swap(true, Ordering::SeqCst) {
            return;
        }
        let started = pace::start(&Arc::downgrade(&self.shared), self.shared.pace.subscribe());
        self.shared.driven.store(started, Ordering::SeqCst);
    }
}
