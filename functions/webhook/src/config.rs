//! The configuration of the webhook, read once at its start.

use audit::Store;
use chain::AccountName;
use chain::signature::{WebhookSecret, WebhookSecrets};
use environment::Variables;
use queue::Queue;
use settings::{Problems, Settings};
use telemetry::Namespace;
use temporal_client::TemporalSource;

use crate::secrets::SecretSource;

/// The configuration of the webhook.
pub struct Config {
    pub secrets: SecretSource,
    pub temporal: TemporalSource,
    pub settings: Settings,
    /// The account whose events are accepted, and the default account of requests. If it is not set, all are accepted.
    pub account: Option<AccountName>,
    /// The queue of events that wait while Temporal cannot be reached.
    pub buffer: Option<Queue>,
    /// The queue of authentic bodies that could not be read.
    pub quarantine: Option<Queue>,
    /// The audit log of every decision.
    pub audit: Option<Store>,
    pub metrics: Namespace,
    /// Whether `/docs` and `/openapi.json` are served.
    pub has_docs: bool,
    /// Whether `X-Forwarded-For` names the sender.
    pub is_behind_proxy: bool,
}

/// All problems of the configuration, in one message.
#[derive(Debug, thiserror::Error)]
#[error("the webhook cannot start:\n{0}")]
pub struct ConfigError(Problems);

impl Config {
    /// A configuration with the required parts only.
    pub fn new(
        secrets: impl Into<SecretSource>,
        temporal: impl Into<TemporalSource>,
        settings: Settings,
    ) -> Self {
        Self {
            secrets: secrets.into(),
            temporal: temporal.into(),
            settings,
            account: None,
            buffer: None,
            quarantine: None,
            audit: None,
            metrics: Namespace::default(),
            has_docs: false,
            is_behind_proxy: false,
        }
    }

    /// Reads variables, and reports all problems in one message. Secrets are read later and refreshed.
    pub async fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        let variable = |name: &str| variables.get(name).cloned();
        let mut problems = Problems::default();
        let secrets = problems.check(secrets(&variable));
        let account = variable("SPILLWAY_ACCOUNT").and_then(|text| {
            let account = text.parse::<AccountName>();
            problems.check(account.map_err(|error| format!("`SPILLWAY_ACCOUNT`: {error}")))
        });
        let temporal = problems.check(TemporalSource::from_variables(variables));
        let settings = problems.check(Settings::from_lookup(variable));
        let audit = problems.check(Store::from_lookup(variable).await);
        let queue = |name| {
            variable(name)
                .filter(|url| !url.trim().is_empty())
                .map(Queue::new)
        };
        match (secrets, temporal, settings, audit) {
            (Some(secrets), Some(temporal), Some(settings), Some(audit)) if problems.is_empty() => Ok(Self {
                account,
                buffer: queue("SPILLWAY_BUFFER_QUEUE_URL"),
                quarantine: queue("SPILLWAY_QUARANTINE_QUEUE_URL"),
                audit,
                metrics: Namespace::from_lookup(variable),
                ..Self::new(secrets, temporal, settings)
            }),
            _ => Err(ConfigError(problems)),
        }
    }
}

fn secrets(variable: &impl Fn(&str) -> Option<String>) -> Result<SecretSource, String> {
    let parsed =
        |name: &str, text: String| WebhookSecret::parse(&text).map_err(|error| format!("`{name}`: {error}"));
    let previous = variable("WEBHOOK_SECRET_PREVIOUS");
    match (variable("WEBHOOK_SECRET"), variable("WEBHOOK_SECRET_ID")) {
        (Some(_), Some(_)) => Err("`WEBHOOK_SECRET` and `WEBHOOK_SECRET_ID` are both set: \
            the signing secret is either in the environment or in Secrets Manager"
            .to_owned()),
        (None, None) => Err(
            "neither `WEBHOOK_SECRET` (the signing secret) nor `WEBHOOK_SECRET_ID` (where Secrets \
            Manager holds it) is set"
                .to_owned(),
        ),
        (None, Some(id)) if id.trim().is_empty() => Err("`WEBHOOK_SECRET_ID` is empty".to_owned()),
        (None, Some(_)) if previous.is_some() => {
            Err("`WEBHOOK_SECRET_PREVIOUS` goes with `WEBHOOK_SECRET`; \
            Secrets Manager keeps the previous version of `WEBHOOK_SECRET_ID` itself"
                .to_owned())
        }
        (None, Some(id)) => Ok(SecretSource::secrets_manager(id)),
        (Some(current), None) => {
            let current = parsed("WEBHOOK_SECRET", current)?;
            let previous = previous
                .map(|text| parsed("WEBHOOK_SECRET_PREVIOUS", text))
                .transpose()?;
            Ok(WebhookSecrets { current, previous }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "long enough to be a secret";

    #[track_caller]
    fn check(variables: &[(&str, &str)], problem: Option<&str>) {
        let variable = |key: &str| {
            variables
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| (*value).to_owned())
        };
        match (secrets(&variable), problem) {
            (Ok(_), None) => {}
            (Err(said), Some(problem)) => assert!(said.contains(problem), "{said}"),
            (Ok(_), Some(problem)) => panic!("{variables:?} is accepted, without `{problem}`"),
            (Err(said), None) => panic!("{variables:?} is refused: {said}"),
        }
    }

    #[test]
    fn the_secret_has_one_place() {
        check(&[("WEBHOOK_SECRET", LONG)], None);
        check(
            &[("WEBHOOK_SECRET", LONG), ("WEBHOOK_SECRET_PREVIOUS", LONG)],
            None,
        );
        check(&[("WEBHOOK_SECRET_ID", "spillway/webhook")], None);
        check(&[], Some("neither `WEBHOOK_SECRET`"));
        check(
            &[
                ("WEBHOOK_SECRET", LONG),
                ("WEBHOOK_SECRET_ID", "spillway/webhook"),
            ],
            Some("both set"),
        );
        check(&[("WEBHOOK_SECRET_ID", " ")], Some("is empty"));
        check(
            &[("WEBHOOK_SECRET_ID", "a"), ("WEBHOOK_SECRET_PREVIOUS", LONG)],
            Some("goes with"),
        );
        check(
            &[("WEBHOOK_SECRET", "short")],
            Some("`WEBHOOK_SECRET`: the webhook secret is 5 bytes"),
        );
        check(
            &[("WEBHOOK_SECRET", LONG), ("WEBHOOK_SECRET_PREVIOUS", "")],
            Some("`WEBHOOK_SECRET_PREVIOUS`: "),
        );
    }
}
