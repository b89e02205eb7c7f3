//! Who sends a request, and what this caller may use.

use async_graphql::Context;

use crate::mock::MockSpacelift;
use crate::model::api_key::Session;
use crate::model::refusal::Refusal;

/// The sender of a request, and its headers.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub session: Option<Session>,
    pub metadata: Option<String>,
    pub base_url: String,
}

pub(super) fn caller<'a>(ctx: &Context<'a>) -> &'a Caller {
    ctx.data_unchecked()
}

/// The caller's session. Everything that needs a login calls this first.
pub(super) fn session<'a>(ctx: &Context<'a>) -> Result<&'a Session, Refusal> {
    caller(ctx).session.as_ref().ok_or(Refusal::Unauthorized)
}

/// The account, for resolvers below a root field that has checked the session.
pub(super) fn mock<'a>(ctx: &Context<'a>) -> &'a MockSpacelift {
    ctx.data_unchecked()
}

/// The account, for root fields: refused without a login.
pub(super) fn authorized<'a>(ctx: &Context<'a>) -> Result<&'a MockSpacelift, Refusal> {
    session(ctx)?;
    Ok(mock(ctx))
}
