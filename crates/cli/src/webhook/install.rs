//! `spillway webhook install`.

use std::process::ExitCode;

use chain::SpaceId;
use chain::signature::WebhookSecret;
use clap::Args;
use serde_json::json;
use spacelift::{ErrorKind, NamedWebhook, NewNamedWebhook, NewPolicy, Policy, Spacelift};

use super::changes::{Action, Change};
use super::policy;
use crate::command::{Done, block_on, spacelift};
use crate::failure::{Failure, REFUSED};
use crate::output;
use crate::progress::during;

/// What the webhook is called unless one says otherwise. Its id is the same text.
pub(crate) const WEBHOOK_NAME: &str = "spillway";

const POLICY: &str = "NOTIFICATION";

/// What the client calls its login.
const LOGIN: &str = "ApiKeyUser";

#[derive(Debug, Args)]
pub(crate) struct InstallArguments {
    /// Where Spillway's webhook is, with its path.
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    endpoint: String,
    /// The space whose runs are told of, and those of the spaces that inherit from it.
    #[arg(long, value_name = "SPACE", default_value = "root")]
    space: SpaceId,
    /// What the webhook and the policy are called.
    #[arg(long, default_value = WEBHOOK_NAME)]
    name: String,
    /// The environment variable that holds the secret with which Spacelift signs.
    #[arg(long, value_name = "VARIABLE", default_value = "WEBHOOK_SECRET")]
    secret_env: String,
    /// Do it. Without this only what would change is shown.
    #[arg(long)]
    apply: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn endpoint(text: &str) -> Result<String, &'static str> {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !text.contains(char::is_whitespace) => Ok(text.to_owned()),
        _ => Err("not a URL that begins with https:// or http://"),
    }
}

impl InstallArguments {
    pub(super) fn run(self) -> Done {
        block_on(async {
            let (secret, spacelift) = match (self.secret(), spacelift().await) {
                (Ok(secret), Ok(spacelift)) => (secret, spacelift),
                (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
                (Err(one), Err(other)) => return Err(Failure::Setting(format!("{other:#}\n{one:#}")).into()),
            };
            let installed = self.install(&spacelift, secret.as_ref()).await;
            match installed {
                Err(error) if lacks_rights(&error) => {
                    output::error(&format!("{error:#}"));
                    self.explain_by_hand();
                    Ok(ExitCode::from(REFUSED))
                }
                other => other,
            }
        })
    }

    /// `None` where nothing is to be done yet: to see what would change one needs no secret.
    fn secret(&self) -> anyhow::Result<Option<WebhookSecret>> {
        match std::env::var(&self.secret_env) {
            Ok(text) => match WebhookSecret::parse(&text) {
                Ok(secret) => Ok(Some(secret)),
                Err(error) => Err(Failure::Setting(format!("{}: {error}", self.secret_env)).into()),
            },
            Err(_) if self.apply => Err(Failure::Setting(format!(
                "not set: {} (the secret with which Spacelift signs)",
                self.secret_env
            ))
            .into()),
            Err(_) => Ok(None),
        }
    }

    async fn install(&self, spacelift: &Spacelift, secret: Option<&WebhookSecret>) -> Done {
        let found = during("Reading webhooks and policies", Found::read(spacelift, self)).await?;
        let secret_text = secret.map(WebhookSecret::expose).unwrap_or_default();
        let webhook = self.webhook(found.webhook.as_ref(), secret_text);
        let webhook_id = found.webhook.as_ref().map_or(&self.name, |webhook| &webhook.id);
        let mut policy = self.policy(found.policy.as_ref(), webhook_id);
        let changes = [
            Change::of_webhook(found.webhook.as_ref(), &webhook),
            Change::of_policy(found.policy.as_ref(), &policy),
        ];
        if !self.json {
            for change in &changes {
                output::line(&(change.render() + "\n"));
            }
        }
        if self.apply {
            let webhook = match &found.webhook {
                Some(before) => spacelift.update_named_webhook(&before.id, &webhook).await?,
                None => spacelift.create_named_webhook(&webhook).await?,
            };
            // Spacelift makes the id, and the policy has to name it.
            policy.body = super::policy(&webhook.id);
            match (
                &found.policy,
                Change::of_policy(found.policy.as_ref(), &policy).action,
            ) {
                (_, Action::Keep) => {}
                (Some(before), _) => drop(spacelift.update_policy(&before.id, &policy).await?),
                (None, _) => drop(spacelift.create_notification_policy(&policy).await?),
            }
        }
        self.conclude(&changes, secret.is_some())?;
        Ok(ExitCode::SUCCESS)
    }

    fn conclude(&self, changes: &[Change], has_secret: bool) -> anyhow::Result<()> {
        if self.json {
            return output::json(&json!({"applied": self.apply, "changes": changes}));
        }
        if self.apply {
            output::line(&format!(
                "Done. Every change of a tracked run in the space `{}`, or in one that inherits from it, is sent to {}.",
                self.space, self.endpoint
            ));
            return Ok(());
        }
        output::line("Nothing was changed. Say --apply to do it.");
        if !has_secret {
            output::hint(&format!(
                "--apply needs the secret with which Spacelift signs, in {}",
                self.secret_env
            ));
        }
        Ok(())
    }

    fn webhook(&self, before: Option<&NamedWebhook>, secret: &str) -> NewNamedWebhook {
        NewNamedWebhook {
            name: self.name.clone(),
            enabled: true,
            endpoint: self.endpoint.clone(),
            space: self.space.clone(),
            secret: secret.into(),
            labels: before.map(|webhook| webhook.labels.clone()).unwrap_or_default(),
            retry_on_failure: true,
        }
    }

    fn policy(&self, before: Option<&Policy>, webhook_id: &str) -> NewPolicy {
        NewPolicy {
            name: self.name.clone(),
            description: Some("Tells Spillway of every change of a tracked run".to_owned()),
            body: policy(webhook_id),
            labels: before.map(|policy| policy.labels.clone()).unwrap_or_default(),
            space: self.space.clone(),
        }
    }

    /// What somebody with the rights can do in Spacelift's pages.
    fn explain_by_hand(&self) {
        let Self {
            name,
            space,
            endpoint,
            secret_env,
            ..
        } = self;
        output::progress(&format!(
            "
This key may not do it. Somebody who administrates the space `{space}` can:

1. Under Integrations, Webhooks, create a webhook:
     name              {name}
     endpoint URL      {endpoint}
     space             {space}
     secret            the value of {secret_env}
     enabled           yes
     retry on failure  yes
2. Under Policies, create a notification policy in the space `{space}`, called `{name}`. Its first rule has to name the
   webhook's id, which the list of webhooks shows. Its body follows on stdout.
"
        ));
        output::text(&policy(name));
    }
}

/// Whether the key is known and lacks the rights. A login that fails is another matter.
fn lacks_rights(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<spacelift::Error>()
        .is_some_and(|error| error.kind == ErrorKind::Unauthorized && error.operation != LOGIN)
}

/// What there is already under this name.
struct Found {
    webhook: Option<NamedWebhook>,
    policy: Option<Policy>,
}

impl Found {
    async fn read(spacelift: &Spacelift, wanted: &InstallArguments) -> anyhow::Result<Self> {
        if spacelift.space(&wanted.space).await?.is_none() {
            return Err(Failure::missing("space", &wanted.space).into());
        }
        let webhooks = spacelift.named_webhooks().await?;
        let policies = spacelift.policies().await?;
        let is_ours = |policy: &Policy| policy.policy_type == POLICY && policy.name == wanted.name;
        Ok(Self {
            webhook: webhooks.into_iter().find(|webhook| webhook.name == wanted.name),
            policy: policies.into_iter().find(is_ours),
        })
    }
}
