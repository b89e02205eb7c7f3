//! Who opens a page, and what they may do.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::action_token::ActionToken;
use crate::page::PageError;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees every page, but no action.
    Viewer,
    /// May act too.
    Operator,
}

/// The person who opens a page. The layer in front of the routes adds it to each request that it lets through.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// The name under which actions are recorded.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// What the forms of this person carry.
    pub(crate) token: ActionToken,
    /// Whether the person has signed in, and so can sign out.
    pub(crate) has_signed_in: bool,
}

impl Visitor {
    pub(crate) fn may_act(&self) -> bool {
        self.role == Role::Operator
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        let visitor = parts.extensions.get::<Self>().cloned();
        visitor.ok_or_else(|| PageError::Forbidden("Nobody is signed in.".to_owned()))
    }
}

/// A person who may act. A handler that acts, or offers an action, takes this, so a viewer cannot reach it.
#[derive(Clone)]
pub(crate) struct Operator(pub(crate) Visitor);

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        if visitor.may_act() {
            return Ok(Self(visitor));
        }
        let text = format!("{} may see every page, but may not act.", visitor.name);
        Err(PageError::Forbidden(text))
    }
}
