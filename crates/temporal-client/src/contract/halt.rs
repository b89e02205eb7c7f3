//! What crosses Temporal for a halt.

use std::fmt;

use chain::reason::with_reason;
use serde::{Deserialize, Serialize};

/// Input of `HaltWorkflow`. Its query `state` returns it until the halt is lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Halt {
    /// Who halted the account.
    pub by: String,
    /// Why, as that person said.
    pub reason: Option<String>,
}

/// The forms of a halt.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    /// At first it was only the person's name. Such a halt may still be open.
    Name(String),
    Halt {
        by: String,
        #[serde(default)]
        reason: Option<String>,
    },
}

impl From<Written> for Halt {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(by) => Self { by, reason: None },
            Written::Halt { by, reason } => Self { by, reason },
        }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_reason(&self.by, self.reason.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::Halt;

    #[test]
    fn a_halt_that_is_only_a_name_is_read() {
        let halt: Halt = serde_json::from_str("\"alice\"").unwrap();
        assert_eq!(halt.to_string(), "alice");
    }
}
