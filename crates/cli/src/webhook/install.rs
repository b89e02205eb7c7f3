//! `spillway webhook install`.

use chain::SpaceId;
use chain::signature::WebhookSecret;
use clap::Args;
use reqwest::Url;
use schemars::JsonSchema;
use serde::Serialize;
use settings::WEBHOOK_NAME;
use spacelift::{ErrorKind, NamedWebhook, NewNamedWebhook, NewPolicy, Policy, Spacelift};

use super::changes::{Action, Change};
use super::{policy, policy_with_proposed};
use crate::apply::Apply;
use crate::command::{Done, block_on, spacelift};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Shape;
use crate::output::{self, Format, Output};
use crate::progress::during;

const POLICY: &str = "NOTIFICATION";

/// What the client calls its login.
const LOGIN: &str = "ApiKeyUser";

#[derive(Debug, Args)]
pub(crate) struct InstallArguments {
    /// The URL of Spillway's webhook: https, with its path.
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    endpoint: String,
    /// The space whose runs are reported, with the spaces that inherit from it.
    #[arg(long, value_name = "SPACE", default_value = "root")]
    space: SpaceId,
    /// The name of the webhook and the policy.
    #[arg(long, default_value = WEBHOOK_NAME)]
    name: String,
    /// The environment variable with the secret that Spacelift signs with.
    #[arg(long, value_name = "VARIABLE", default_value = "WEBHOOK_SECRET")]
    secret_env: String,
    /// Also report the ends of proposed runs, for comments on pull requests.
    #[arg(long)]
    pull_requests: bool,
    #[command(flatten)]
    apply: Apply,
    #[command(flatten)]
    output: Output,
}

/// Spacelift signs what it sends and does not encrypt it: only on one machine or network may it go over http.
fn endpoint(text: &str) -> Result<String, &'static str> {
    let url: Url = text
        .parse()
        .map_err(|_| "expected a URL such as https://hooks.example.com/webhook")?;
    let host = url.host_str().unwrap_or_default();
    let is_local = spacelift::is_private_address(host).unwrap_or(host == "localhost");
    match url.scheme() {
        "https" => {}
        "http" if is_local => {}
        "http" => return Err("use https://: http:// is accepted only for private addresses"),
        _ => return Err("expected a URL that begins with https://"),
    }
    if url.path() == "/" {
        return Err("the path is missing: the webhook listens at /webhook");
    }
    Ok(text.to_owned())
}

/// What was changed in Spacelift, or would be.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Installation {
    applied: bool,
    changes: Vec<Change>,
}

impl Shape for Installation {
    const KIND: &'static str = "webhook_installation";
}

impl InstallArguments {
    pub(super) fn run(self) -> Done {
        block_on(async {
            let (secret, spacelift) = match (self.secret(), spacelift().await) {
                (Ok(secret), Ok(spacelift)) => (secret, spacelift),
                (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
                (Err(one), Err(other)) => {
                    return Err(Failure::setting(format!(
                        "{}\n{}",
                        crate::failure::in_one_line(&other),
                        crate::failure::in_one_line(&one)
                    ))
                    .into());
                }
            };
            let installed = self.install(&spacelift, secret.as_ref()).await;
            match installed {
                Err(error) if lacks_rights(&error) => {
                    output::error(&crate::failure::in_one_line(&error));
                    self.explain_by_hand()?;
                    Ok(Exit::Rejected)
                }
                other => other,
            }
        })
    }

    /// `None` where the changes are only shown: that needs no secret.
    fn secret(&self) -> anyhow::Result<Option<WebhookSecret>> {
        match std::env::var(&self.secret_env) {
            Ok(text) => match WebhookSecret::parse(&text) {
                Ok(secret) => Ok(Some(secret)),
                Err(error) => Err(Failure::setting(format!("{}: {error}", self.secret_env)).into()),
            },
            Err(_) if self.apply.is_on() => Err(Failure::setting(format!("{} is not set", self.secret_env))
                .meaning("It holds the secret that Spacelift signs with.")
                .hint("Set it to the secret of the webhook, for example 32 random characters.")
                .into()),
            Err(_) => Ok(None),
        }
    }

    async fn install(&self, spacelift: &Spacelift, secret: Option<&WebhookSecret>) -> Done {
        let found = during("Reading webhooks and policies", Found::read(spacelift, self)).await?;
        let secret_text = secret.map(WebhookSecret::expose).unwrap_or_default();
        let webhook = self.webhook(found.webhook.as_ref(), secret_text);
        let webhook_id = found.webhook.as_ref().map_or(&self.name, |webhook| &webhook.id);
        let policy = self.policy(found.policy.as_ref(), webhook_id);
        let changes = [
            Change::of_webhook(found.webhook.as_ref(), &webhook),
            Change::of_policy(found.policy.as_ref(), &policy),
        ];
        if self.output.is_text() {
            for change in &changes {
                output::line(&(change.render() + "\n"))?;
            }
        }
        if self.apply.is_on() {
            found.replace(spacelift, self, &webhook, policy).await?;
        }
        self.conclude(changes.into(), secret.is_some())?;
        Ok(Exit::Success)
    }

    fn conclude(&self, changes: Vec<Change>, has_secret: bool) -> anyhow::Result<()> {
        let installation = Installation {
            applied: self.apply.is_on(),
            changes,
        };
        self.output.show(&installation, || {
            if self.apply.is_on() {
                format!(
                    "Installed. Spacelift sends every change of a tracked run in the space `{}`, and in the spaces \
                     that inherit from it, to {}.",
                    self.space, self.endpoint
                )
            } else {
                "Nothing was changed. Run with --apply to make these changes.".to_owned()
            }
        })?;
        if !self.apply.is_on() && !has_secret {
            output::hint(&format!(
                "--apply needs the secret that Spacelift signs with, in {}.",
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
            description: Some("Sends every change of a tracked run to Spillway".to_owned()),
            body: self.policy_body(webhook_id),
            labels: before.map(|policy| policy.labels.clone()).unwrap_or_default(),
            space: self.space.clone(),
        }
    }

    fn policy_body(&self, webhook_id: &str) -> String {
        if self.pull_requests {
            policy_with_proposed(webhook_id)
        } else {
            policy(webhook_id)
        }
    }

    /// What an administrator can do in Spacelift's UI.
    fn explain_by_hand(&self) -> Result<(), output::WriteError> {
        let Self {
            name,
            space,
            endpoint,
            secret_env,
            ..
        } = self;
        output::note(&format!(
            "
The API key is not allowed to do this. An administrator of the space `{space}` can do it in Spacelift:

1. Under Integrations, Webhooks, create a webhook:
     name              {name}
     endpoint URL      {endpoint}
     space             {space}
     secret            the value of {secret_env}
     enabled           yes
     retry on failure  yes
2. Under Policies, create a notification policy named `{name}` in the space `{space}`. The first rule must name the
   id of the webhook, which the list of webhooks shows. The body of the policy is printed on stdout.
"
        ));
        output::text(&self.policy_body(name))
    }
}

/// Creates the webhook and the policy in the root space, as `spillway webhook install --apply` does, and prints nothing.
pub(crate) async fn install(spacelift: &Spacelift, endpoint: String, secret: &str) -> anyhow::Result<()> {
    let arguments = InstallArguments {
        endpoint,
        space: "root".parse()?,
        name: WEBHOOK_NAME.to_owned(),
        secret_env: String::new(),
        pull_requests: false,
        apply: Apply::YES,
        output: Output::from(Format::Table),
    };
    let found = Found::read(spacelift, &arguments).await?;
    let webhook = arguments.webhook(found.webhook.as_ref(), secret);
    let policy = arguments.policy(found.policy.as_ref(), WEBHOOK_NAME);
    Ok(found.replace(spacelift, &arguments, &webhook, policy).await?)
}

/// Whether the key is known and lacks the rights. A login that fails is another matter.
fn lacks_rights(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<spacelift::Error>()
        .is_some_and(|error| error.kind == ErrorKind::Unauthorized && error.operation != LOGIN)
}

/// What exists already with this name.
struct Found {
    webhook: Option<NamedWebhook>,
    policy: Option<Policy>,
}

impl Found {
    /// Makes the webhook and the policy, or updates them.
    async fn replace(
        &self,
        spacelift: &Spacelift,
        wanted: &InstallArguments,
        webhook: &NewNamedWebhook,
        mut policy: NewPolicy,
    ) -> Result<(), spacelift::Error> {
        let webhook = match &self.webhook {
            Some(before) => spacelift.update_named_webhook(&before.id, webhook).await?,
            None => spacelift.create_named_webhook(webhook).await?,
        };
        // Spacelift makes the id, and the policy has to name it.
        policy.body = wanted.policy_body(&webhook.id);
        let action = Change::of_policy(self.policy.as_ref(), &policy).action;
        match (&self.policy, action) {
            (_, Action::Keep) => {}
            (Some(before), _) => drop(spacelift.update_policy(&before.id, &policy).await?),
            (None, _) => drop(spacelift.create_notification_policy(&policy).await?),
        }
        Ok(())
    }

    async fn read(spacelift: &Spacelift, wanted: &InstallArguments) -> anyhow::Result<Self> {
        if spacelift.space(&wanted.space).await?.is_none() {
            return Err(Failure::not_found("space", &wanted.space).into());
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

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn an_endpoint_is_encrypted_and_has_a_path() {
        for (text, expected) in [
            ("https://hooks.acme.example/webhook", Ok(())),
            ("http://127.0.0.1:8000/webhook", Ok(())),
            ("http://10.0.0.7/webhook", Ok(())),
            ("http://hooks.acme.example/webhook", Err("https://")),
            ("https://hooks.acme.example", Err("path is missing")),
            ("https://hooks.acme.example/", Err("path is missing")),
            ("hooks.acme.example/webhook", Err("expected a URL")),
            ("ftp://hooks.acme.example/webhook", Err("https://")),
        ] {
            match (endpoint(text), expected) {
                (Ok(_), Ok(())) => {}
                (Err(said), Err(part)) => assert!(said.contains(part), "{text}: {said}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }
}
