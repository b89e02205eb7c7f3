//! The account behind its lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::account::state::Account;

/// An account that tests, server and tasks share.
#[derive(Debug)]
pub(crate) struct SharedAccount {
    account: Mutex<Account>,
    /// Counts changes, so that tests can wait for conditions instead of times.
    changes: watch::Sender<u64>,
}

impl SharedAccount {
    pub(crate) fn new(account: Account) -> Self {
        Self {
            account: Mutex::new(account),
            changes: watch::Sender::new(0),
        }
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&Account) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the account, and wakes those that wait for a change.
    ///
    /// `after` also has the lock. It does what must happen in the order of the changes.
    pub(crate) fn write<T>(
        &self,
        change: impl FnOnce(&mut Account) -> T,
        after: impl FnOnce(&mut Account),
    ) -> T {
        let result = {
            let mut account = self.lock();
            let result = change(&mut account);
            after(&mut account);
            result
        };
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Becomes ready at every change.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
