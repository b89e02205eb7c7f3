//! What crosses Temporal for a halt.

use std::fmt;

use chain::reason::with_reason;
use serde::{Deserialize, Serialize};

/// Input of `HaltWorkflow`. Its query `state` returns it until the halt is lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Who halted the account.
    pub by: String,
    /// Why, as that person said.
    #[serde(default)]
    pub reason: Option<String>,
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_reason(&self.by, self.reason.as_deref()))
    }
}
