//! A command that waits for hours does not fail because a worker is replaced or Temporal is away for a while.

use std::time::Duration;

use temporal_client::{TemporalError, TemporalErrorKind};
use tokio::time::Instant;

use crate::output;

/// How long there may be no answer until the command fails.
const LIMIT: Duration = Duration::from_mins(10);

/// Since when there has been no answer.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    since: Option<Instant>,
}

impl Patience {
    /// What was read; `None` if there was no answer, and the caller should ask again. Fails if there has been none for ten
    /// minutes, and at once if an error will not pass.
    pub(crate) fn allow<T>(&mut self, read: Result<T, TemporalError>) -> Result<Option<T>, TemporalError> {
        let error = match read {
            Ok(read) => {
                self.since = None;
                return Ok(Some(read));
            }
            Err(error) => error,
        };
        let what = match error.kind() {
            TemporalErrorKind::Unreachable => "Temporal did not answer",
            TemporalErrorKind::NoWorker => "no worker answered",
            TemporalErrorKind::Denied | TemporalErrorKind::NoResult | TemporalErrorKind::Other => {
                return Err(error);
            }
        };
        match self.since {
            None => {
                self.since = Some(Instant::now());
                let minutes = LIMIT.as_secs() / 60;
                output::warning(&format!("{what}; the command tries again for {minutes} minutes"));
                Ok(None)
            }
            Some(since) if since.elapsed() < LIMIT => Ok(None),
            Some(_) => Err(error),
        }
    }
}
