//! What the two cookies hold.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::SignInError;
use crate::action_token::ActionToken;
use crate::sources::now_ms;
use crate::visitor::{Role, Visitor};

/// How long a person may take at the identity provider.
pub(super) const ATTEMPT_S: u64 = 600;

/// A sign-in that has begun.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) state: ActionToken,
    pub(super) nonce: String,
    /// The PKCE code verifier.
    pub(super) verifier: String,
    /// The page that the person wanted to see.
    pub(super) back: String,
    pub(super) until_ms: i64,
}

impl Attempt {
    pub(super) fn is_of(&self, state: &str) -> bool {
        self.state.is(state)
    }
}

/// A person who has signed in.
#[derive(Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) name: String,
    pub(super) role: Role,
    /// What each form of this session carries.
    pub(super) token: ActionToken,
    pub(super) until_ms: i64,
}

impl Session {
    pub(super) fn begin(name: String, role: Role, lifetime: Duration) -> Result<Self, SignInError> {
        Ok(Self {
            name,
            role,
            token: ActionToken::new().map_err(SignInError::Invalid)?,
            until_ms: after(lifetime),
        })
    }

    pub(super) fn visitor(self) -> Visitor {
        Visitor {
            name: self.name,
            role: self.role,
            token: self.token,
            has_signed_in: true,
        }
    }
}

pub(super) fn after(time: Duration) -> i64 {
    now_ms().saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
