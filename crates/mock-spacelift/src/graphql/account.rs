//! The login, and the account itself.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::caller::{authorized, caller, mock, session};
use crate::model::api_key::{ApiKey, Session};
use crate::model::refusal::Refusal;

#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct User {
    id: ID,
    login: String,
    name: String,
    admin: bool,
    /// Only directly after a login.
    jwt: Option<String>,
    valid_until: Option<i64>,
}

impl User {
    fn of(session: &Session) -> Self {
        Self {
            id: ID::from(&session.login),
            login: session.login.clone(),
            name: session.name.clone(),
            admin: session.admin,
            jwt: None,
            valid_until: Some(session.valid_until),
        }
    }
}

/// Empty for the hosted service, which this account imitates.
#[derive(SimpleObject)]
struct DebugInfo {
    self_hosted_version: String,
}

#[derive(SimpleObject)]
struct LoggedOut {
    id: ID,
    login: String,
    r#type: String,
}

/// A key without its secret.
#[derive(SimpleObject)]
#[graphql(name = "ApiKey")]
struct ApiKeyNode {
    id: ID,
    name: String,
    admin: bool,
    r#type: String,
    deleted: bool,
}

impl From<&ApiKey> for ApiKeyNode {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: ID::from(&key.id),
            name: key.name.clone(),
            admin: key.admin,
            r#type: "SECRET".to_owned(),
            deleted: false,
        }
    }
}

#[derive(Default)]
pub(crate) struct AccountQuery;

#[Object]
impl AccountQuery {
    /// Null without a login.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<User> {
        caller(ctx).session.as_ref().map(User::of)
    }

    async fn debug_info(&self) -> Option<DebugInfo> {
        Some(DebugInfo {
            self_hosted_version: String::new(),
        })
    }

    async fn name(&self, ctx: &Context<'_>) -> Result<Option<String>, Refusal> {
        Ok(Some(authorized(ctx)?.read(|account| account.name.to_string())))
    }

    async fn api_keys(&self, ctx: &Context<'_>) -> Result<Vec<ApiKeyNode>, Refusal> {
        Ok(authorized(ctx)?.read(|account| account.sessions.api_keys.iter().map(ApiKeyNode::from).collect()))
    }

    async fn api_key(&self, ctx: &Context<'_>, id: ID) -> Result<Option<ApiKeyNode>, Refusal> {
        let fits = |key: &&ApiKey| key.id == *id;
        Ok(
            authorized(ctx)?
                .read(|account| account.sessions.api_keys.iter().find(fits).map(ApiKeyNode::from)),
        )
    }

    async fn tier(&self, ctx: &Context<'_>) -> Result<Option<String>, Refusal> {
        session(ctx)?;
        Ok(Some("ENTERPRISE".to_owned()))
    }

    async fn spacelift_aws_account_id(&self, ctx: &Context<'_>) -> Result<Option<String>, Refusal> {
        session(ctx)?;
        Ok(Some("000000000000".to_owned()))
    }

    #[graphql(name = "outgoingIPAddresses")]
    async fn outgoing_ip_addresses(&self, ctx: &Context<'_>) -> Result<Option<Vec<String>>, Refusal> {
        session(ctx)?;
        Ok(Some(vec!["192.0.2.1".to_owned()]))
    }
}

#[derive(Default)]
pub(crate) struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Null if the key does not exist or the secret is wrong.
    async fn api_key_user(&self, ctx: &Context<'_>, id: ID, secret: String) -> Option<User> {
        let base_url = &caller(ctx).base_url;
        let session = mock(ctx).write(|account| {
            let session = account.ids.ulid();
            account.sessions.log_in(session, &id, &secret, base_url)
        })?;
        Some(User {
            jwt: Some(session.token.clone()),
            ..User::of(&session)
        })
    }

    /// This account has no people, so none of their tokens is valid.
    async fn oauth_user(&self, #[graphql(name = "token")] _token: String) -> Option<User> {
        None
    }

    async fn logout(&self, ctx: &Context<'_>) -> Result<Option<LoggedOut>, Refusal> {
        let session = session(ctx)?;
        mock(ctx).write(|account| account.sessions.log_out(&session.token));
        Ok(Some(LoggedOut {
            id: ID::from(&session.login),
            login: session.login.clone(),
            r#type: "API_KEY".to_owned(),
        }))
    }
}
