//! The handle that an account's tests, server and tasks share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use chain::AccountName;
use tokio::sync::watch;

use crate::account::shared::SharedAccount;
use crate::account::state::Account;
use crate::model::log::LogEntry;
use crate::model::pace::Pace;
use crate::model::record::{DeliveryRecord, RequestRecord, RunRecord};
use crate::model::webhook::WebhookKey;
use crate::runs::advance;
use crate::runs::pace::{self, Stepped};
use crate::webhooks::delivery::{Deliverer, DeliveryResults};

/// How long [`MockSpacelift::wait_until`] waits for a change of any run: much longer than anything in memory takes, even on
/// a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(120);
/// How often it waits that long, so that runs without end fail a test.
const WAITS_MAX: u32 = 5;

/// The default speed of runs.
const PACE: Pace = Pace::Every(Duration::from_millis(20));

/// A mock Spacelift account. Clones share the account.
#[derive(Debug, Clone)]
pub struct MockSpacelift {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    account: SharedAccount,
    pace: watch::Sender<Pace>,
    /// Whether a task advances the runs. It needs a tokio runtime, which may start later than the account.
    driven: AtomicBool,
    deliverer: Deliverer,
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
            account: SharedAccount::new(account),
            pace: watch::Sender::new(PACE),
            driven: AtomicBool::new(false),
            deliverer: Deliverer::default(),
        });
        let mock = Self { shared };
        mock.wake();
        mock
    }

    /// Sets how fast runs advance. New accounts take 20 ms for each state.
    pub fn pace(&self, pace: Pace) {
        self.wake();
        self.shared.pace.send_replace(pace);
    }

    /// Advances every run by one state, the oldest first. Returns whether any advanced.
    pub fn step(&self) -> bool {
        self.write(advance::step)
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
        self.read(|account| account.runs.get(run.as_str()).map(RunRecord::from))
    }

    /// Every request that the server received, in the order of the answers.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.read(|account| account.requests.clone())
    }

    /// Every attempt to deliver a webhook, in the order of the answers.
    pub fn deliveries(&self) -> Vec<DeliveryRecord> {
        self.read(|account| account.deliveries.records.clone())
    }

    /// The actions of people, pushes, policies and API keys, in order.
    pub fn log(&self) -> Vec<LogEntry> {
        self.read(|account| account.log.entries().to_vec())
    }

    /// Waits until a condition holds. `what` names it in a failure message.
    ///
    /// # Panics
    ///
    /// If it does not hold, and no run changes for two minutes, or after ten minutes. On a busy machine many runs take longer
    /// than two minutes. The message lists the runs.
    pub async fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.shared.account.changed();
        let held = async { while !condition(self) && changes.changed().await.is_ok() {} };
        tokio::pin!(held);
        let mut runs = self.run_lines();
        for wait in 1.. {
            if tokio::time::timeout(WAIT_MAX, &mut held).await.is_ok() {
                return;
            }
            let before = std::mem::replace(&mut runs, self.run_lines());
            let runs_move = before != runs && wait < WAITS_MAX;
            assert!(
                runs_move,
                "{what} did not happen within {:?}; runs:\n{}",
                WAIT_MAX * wait,
                runs.join("\n")
            );
        }
    }

    /// Each run, for the message of a failed test.
    fn run_lines(&self) -> Vec<String> {
        let runs = self.runs();
        runs.iter()
            .map(|run| format!("  {} {} {} {}", run.stack, run.run, run.run_type, run.state))
            .collect()
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&Account) -> T) -> T {
        self.shared.account.read(look)
    }

    /// Changes the account, sends the new deliveries, and wakes those that wait for a change.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        self.shared.write(change)
    }

    /// Starts the task that advances the runs, once there is a runtime for it.
    pub(crate) fn wake(&self) {
        if self.shared.driven.swap(true, Ordering::SeqCst) {
            return;
        }
        let shared = Arc::downgrade(&self.shared);
        let step = move || match shared.upgrade() {
            Some(shared) => {
                shared.write(advance::step);
                Stepped::Yes
            }
            None => Stepped::AccountGone,
        };
        let started = pace::start(self.shared.pace.subscribe(), step);
        self.shared.driven.store(started, Ordering::SeqCst);
    }
}

impl Shared {
    fn write<T>(self: &Arc<Self>, change: impl FnOnce(&mut Account) -> T) -> T {
        // Under the lock, so that deliveries are sent in the order of their transitions.
        self.account.write(change, |account| {
            let unsent = std::mem::take(&mut account.deliveries.unsent);
            let results: Weak<dyn DeliveryResults> = Arc::<Self>::downgrade(self);
            account.deliveries.unsent = self.deliverer.send(&results, unsent);
        })
    }
}

impl DeliveryResults for Shared {
    fn attempted(self: Arc<Self>, record: DeliveryRecord) {
        self.write(|account| account.deliveries.records.push(record));
    }

    fn ended(self: Arc<Self>, webhook: &WebhookKey, succeeded: bool) {
        self.write(|account| account.note_delivery(webhook, succeeded));
    }
}
