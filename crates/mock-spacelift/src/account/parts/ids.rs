//! The ids of everything that the account creates without a name.

use ulid::Ulid;

/// Makes ULIDs, each greater than all earlier ones, so that ids sort by time even within a millisecond.
#[derive(Debug)]
pub(crate) struct Ids {
    last: Ulid,
}

impl Default for Ids {
    fn default() -> Self {
        Self { last: Ulid::nil() }
    }
}

impl Ids {
    pub(crate) fn ulid(&mut self) -> String {
        let random = Ulid::new();
        self.last = if random > self.last {
            random
        } else {
            self.last.increment().unwrap_or(random)
        };
        self.last.to_string()
    }
}
