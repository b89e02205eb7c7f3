//! Who acts: the owner of the API key, as Spacelift names it. The name of the local user is only a claim beside it.

use std::fmt;

use spacelift::Spacelift;

/// The longest name of a local user that is passed on.
const CLAIM_CHARACTERS_MAX: usize = 64;

/// The person who gives an order, for the audit log and everywhere else that the order is shown.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// The user of the API key, such as `api::01JSMHTFM9TXWW1XK4AZN1SA8K`.
    key: String,
    /// The user of this machine, as the environment says.
    claimed: Option<String>,
    /// Whether Spacelift accepted the key.
    verified: bool,
}

impl Actor {
    pub(crate) async fn of(spacelift: &Spacelift) -> Result<Self, spacelift::Error> {
        Ok(Self {
            key: spacelift.viewer().await?.id,
            claimed: Self::claim(),
            verified: true,
        })
    }

    /// Who acts while Spacelift does not answer.
    pub(crate) fn unverified(spacelift: &Spacelift) -> Self {
        Self {
            key: format!("api::{}", spacelift.key_id()),
            claimed: Self::claim(),
            verified: false,
        }
    }

    /// Who the environment says the local user is.
    pub(crate) fn claim() -> Option<String> {
        let name = std::env::var("USER").ok()?;
        let harmless = name.chars().filter(|c| !c.is_control());
        let name: String = harmless.take(CLAIM_CHARACTERS_MAX).collect();
        (!name.is_empty()).then_some(name)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unverified = if self.verified {
            ""
        } else {
            " (not verified by Spacelift)"
        };
        write!(f, "{}{unverified}", self.key)?;
        match &self.claimed {
            Some(claimed) => write!(f, " (claims to be {claimed})"),
            None => Ok(()),
        }
    }
}
