//! The audit trail's webhook.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::caller::{authorized, session};
use super::webhook::KeyValuePair;
use crate::model::audit_trail::AuditTrail;
use crate::model::refusal::Refusal;
use crate::model::webhook::Target;
use crate::webhooks::audit_trail;

#[derive(Debug, SimpleObject)]
struct AuditTrailWebhook {
    enabled: bool,
    endpoint: String,
    include_runs: bool,
    secret: String,
    retry_on_failure: Option<bool>,
}

impl From<&AuditTrail> for AuditTrailWebhook {
    fn from(trail: &AuditTrail) -> Self {
        Self {
            enabled: trail.target.enabled,
            endpoint: trail.target.url.clone(),
            include_runs: trail.include_runs,
            secret: trail.target.secret.clone(),
            retry_on_failure: Some(trail.target.retry_on_failure),
        }
    }
}

#[derive(Debug, InputObject)]
struct AuditTrailWebhookInput {
    enabled: bool,
    endpoint: String,
    include_runs: bool,
    secret: String,
    custom_headers: Option<StringMapInput>,
    retry_on_failure: Option<bool>,
}

#[derive(Debug, InputObject)]
struct StringMapInput {
    entries: Vec<KeyValuePair>,
}

impl From<AuditTrailWebhookInput> for AuditTrail {
    fn from(input: AuditTrailWebhookInput) -> Self {
        let headers = input.custom_headers.map_or_else(Vec::new, |map| map.entries);
        let target = Target::new(&input.endpoint, &input.secret);
        // Clients that ask for no retries leave it out.
        let retry_on_failure = input.retry_on_failure.unwrap_or(false);
        Self {
            target: Target {
                enabled: input.enabled,
                retry_on_failure,
                ..target
            },
            include_runs: input.include_runs,
            headers: headers
                .into_iter()
                .map(|header| (header.key, header.value))
                .collect(),
        }
    }
}

#[derive(Default)]
pub(crate) struct AuditTrailQuery;

#[Object]
impl AuditTrailQuery {
    async fn audit_trail_webhook(&self, ctx: &Context<'_>) -> Result<Option<AuditTrailWebhook>, Refusal> {
        Ok(authorized(ctx)?.read(|account| account.audit_trail.as_ref().map(AuditTrailWebhook::from)))
    }
}

#[derive(Default)]
pub(crate) struct AuditTrailMutation;

#[Object]
impl AuditTrailMutation {
    async fn audit_trail_set_webhook(
        &self,
        ctx: &Context<'_>,
        input: AuditTrailWebhookInput,
    ) -> Result<AuditTrailWebhook, Refusal> {
        let login = &session(ctx)?.login;
        let trail = AuditTrail::from(input);
        let node = AuditTrailWebhook::from(&trail);
        authorized(ctx)?.write(|account| audit_trail::set(account, trail, login));
        Ok(node)
    }

    /// Null if there was none.
    async fn audit_trail_delete_webhook(
        &self,
        ctx: &Context<'_>,
    ) -> Result<Option<AuditTrailWebhook>, Refusal> {
        let login = &session(ctx)?.login;
        let deleted = authorized(ctx)?.write(|account| audit_trail::delete(account, login));
        Ok(deleted.as_ref().map(AuditTrailWebhook::from))
    }
}
