//! Webhooks of stacks and of spaces.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};

use super::caller::{authorized, caller, mock};
use super::search::{Page, SearchInput, Searchable, search};
use super::space::SpaceNode;
use crate::account::state::Account;
use crate::model::named_webhook::NewNamedWebhook;
use crate::model::refusal::Refusal;
use crate::model::webhook::{NamedWebhook, StackWebhook, Target};

#[derive(Debug, Clone, SimpleObject)]
pub(super) struct WebhooksIntegration {
    id: ID,
    deleted: bool,
    enabled: bool,
    endpoint: String,
    secret: String,
    retry_on_failure: bool,
}

impl From<&StackWebhook> for WebhooksIntegration {
    fn from(webhook: &StackWebhook) -> Self {
        Self {
            id: ID::from(&webhook.id),
            deleted: false,
            enabled: webhook.target.enabled,
            endpoint: webhook.target.url.clone(),
            secret: webhook.target.secret.clone(),
            retry_on_failure: webhook.target.retry_on_failure,
        }
    }
}

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "NamedWebhooksIntegration", complex)]
pub(crate) struct NamedWebhookNode {
    id: ID,
    name: String,
    enabled: bool,
    endpoint: String,
    secret: Option<String>,
    secret_headers: Option<Vec<String>>,
    labels: Vec<String>,
    retry_on_failure: Option<bool>,
    created_at: i64,
    #[graphql(skip)]
    space_id: String,
}

impl From<&NamedWebhook> for NamedWebhookNode {
    fn from(webhook: &NamedWebhook) -> Self {
        Self {
            id: ID::from(&webhook.id),
            name: webhook.name.clone(),
            enabled: webhook.target.enabled,
            endpoint: webhook.target.url.clone(),
            secret: Some(webhook.target.secret.clone()),
            secret_headers: Some(webhook.headers.keys().cloned().collect()),
            labels: webhook.labels.clone(),
            retry_on_failure: Some(webhook.target.retry_on_failure),
            created_at: webhook.created_at.seconds(),
            space_id: webhook.space.to_string(),
        }
    }
}

#[ComplexObject]
impl NamedWebhookNode {
    async fn space(&self, ctx: &Context<'_>) -> Result<SpaceNode, Refusal> {
        mock(ctx)
            .read(|account| account.spaces.get(&self.space_id).map(SpaceNode::from))
            .ok_or(Refusal::NotFound)
    }
}

#[derive(Debug, InputObject)]
struct WebhooksIntegrationInput {
    enabled: bool,
    endpoint: String,
    secret: String,
    retry_on_failure: Option<bool>,
}

impl From<WebhooksIntegrationInput> for Target {
    fn from(input: WebhooksIntegrationInput) -> Self {
        Self {
            enabled: input.enabled,
            retry_on_failure: input.retry_on_failure.unwrap_or(false),
            ..Self::new(&input.endpoint, &input.secret)
        }
    }
}

#[derive(Debug, InputObject)]
struct NamedWebhooksIntegrationInput {
    enabled: bool,
    endpoint: String,
    space: ID,
    name: String,
    secret: Option<String>,
    labels: Option<Vec<String>>,
    retry_on_failure: Option<bool>,
}

impl From<NamedWebhooksIntegrationInput> for NewNamedWebhook {
    fn from(input: NamedWebhooksIntegrationInput) -> Self {
        Self {
            space: input.space.to_string(),
            labels: input.labels.unwrap_or_default(),
            enabled: input.enabled,
            retry_on_failure: input.retry_on_failure.unwrap_or(false),
            ..Self::named(&input.name, &input.endpoint, &input.secret.unwrap_or_default())
        }
    }
}

#[derive(Debug, InputObject)]
struct NamedWebhookHeaderInput {
    entries: Vec<KeyValuePair>,
}

#[derive(Debug, InputObject)]
pub(super) struct KeyValuePair {
    pub key: String,
    pub value: String,
}

#[derive(Default)]
pub(crate) struct WebhookQuery;

#[Object]
impl WebhookQuery {
    async fn named_webhooks_integration(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<NamedWebhookNode>, Refusal> {
        let found = |account: &Account| {
            account
                .named_webhooks
                .get(id.as_str())
                .map(NamedWebhookNode::from)
        };
        Ok(authorized(ctx)?.read(found))
    }

    /// Null without a login.
    async fn search_named_webhooks_integrations(
        &self,
        ctx: &Context<'_>,
        input: SearchInput,
    ) -> Option<Page<NamedWebhookNode>> {
        caller(ctx).session.as_ref()?;
        Some(search(mock(ctx).read(all), &input))
    }
}

fn all(account: &Account) -> Vec<NamedWebhookNode> {
    account.named_webhooks.all().map(NamedWebhookNode::from).collect()
}

#[derive(Default)]
pub(crate) struct WebhookMutation;

#[Object]
impl WebhookMutation {
    async fn webhooks_integration_create(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        input: WebhooksIntegrationInput,
    ) -> Result<WebhooksIntegration, Refusal> {
        let created = authorized(ctx)?.write(|account| {
            let webhook = account.ids.ulid();
            Ok(account
                .stacks
                .existing_mut(&stack)?
                .add_webhook(webhook, input.into()))
        })?;
        Ok(WebhooksIntegration::from(&created))
    }

    async fn webhooks_integration_update(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        id: ID,
        input: WebhooksIntegrationInput,
    ) -> Result<WebhooksIntegration, Refusal> {
        authorized(ctx)?.write(|account| {
            let webhook = account.stacks.existing_mut(&stack)?.webhook_mut(&id)?;
            webhook.target = input.into();
            Ok(WebhooksIntegration::from(&*webhook))
        })
    }

    async fn webhooks_integration_delete(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        id: ID,
    ) -> Result<WebhooksIntegration, Refusal> {
        authorized(ctx)?.write(|account| {
            let deleted = account.stacks.existing_mut(&stack)?.remove_webhook(&id)?;
            Ok(WebhooksIntegration {
                deleted: true,
                ..WebhooksIntegration::from(&deleted)
            })
        })
    }

    async fn named_webhooks_integration_create(
        &self,
        ctx: &Context<'_>,
        input: NamedWebhooksIntegrationInput,
    ) -> Result<NamedWebhookNode, Refusal> {
        let created =
            authorized(ctx)?.write(|account| account.named_webhooks.create(input.into(), &account.spaces))?;
        Ok(NamedWebhookNode::from(&created))
    }

    async fn named_webhooks_integration_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: NamedWebhooksIntegrationInput,
    ) -> Result<NamedWebhookNode, Refusal> {
        let updated = authorized(ctx)?
            .write(|account| account.named_webhooks.update(&id, input.into(), &account.spaces))?;
        Ok(NamedWebhookNode::from(&updated))
    }

    /// Null if the webhook does not exist.
    async fn named_webhooks_integration_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<NamedWebhookNode>, Refusal> {
        let deleted = authorized(ctx)?.write(|account| account.named_webhooks.remove(&id));
        Ok(deleted.as_ref().map(NamedWebhookNode::from))
    }

    async fn named_webhooks_integration_set_headers(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: NamedWebhookHeaderInput,
    ) -> Result<NamedWebhookNode, Refusal> {
        authorized(ctx)?.write(|account| {
            let webhook = account.named_webhooks.existing_mut(&id)?;
            webhook
                .headers
                .extend(input.entries.into_iter().map(|entry| (entry.key, entry.value)));
            Ok(NamedWebhookNode::from(&*webhook))
        })
    }

    async fn named_webhooks_integration_delete_headers(
        &self,
        ctx: &Context<'_>,
        id: ID,
        header_keys: Vec<String>,
    ) -> Result<NamedWebhookNode, Refusal> {
        authorized(ctx)?.write(|account| {
            let webhook = account.named_webhooks.existing_mut(&id)?;
            webhook.headers.retain(|key, _| !header_keys.contains(key));
            Ok(NamedWebhookNode::from(&*webhook))
        })
    }
}

impl Searchable for NamedWebhookNode {
    const OUTPUT: &'static str = "SearchNamedWebhooksIntegrationsOutput";

    fn values(&self, field: &str) -> Vec<String> {
        match field {
            "name" => vec![self.name.clone()],
            "label" => self.labels.clone(),
            "space" => vec![self.space_id.clone()],
            "enabled" => vec![self.enabled.to_string()],
            _ => Vec::new(),
        }
    }

    fn text(&self) -> String {
        format!("{} {} {}", *self.id, self.name, self.labels.join(" "))
    }
}
