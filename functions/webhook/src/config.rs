//! What the webhook needs to know, read once at its start.

use audit::Store;
use chain::AccountName;
use chain::signature::{WebhookSecret, WebhookSecrets};
use environment::Variables;
use orchestrator::{Settings, TemporalSource};
use queue::Queue;
use telemetry::Namespace;

use crate::secrets::SecretSource;

/// Everything that the webhook needs to know.
pub struct Config {
    pub secrets: SecretSource,
    pub temporal: TemporalSource,
    pub settings: Settings,
    /// The account whose events are ours, and to which requests belong that name none. Any, where it is not set.
    pub account: Option<AccountName>,
    /// Where events wait while Temporal is away.
    pub buffer: Option<Queue>,
    /// Where authentic bodies are kept that could not be read.
    pub quarantine: Option<Queue>,
    /// Where every decision is written down.
    pub audit: Option<Store>,
    pub metrics: Namespace,
}

/// All that is wrong with the configuration, in one message.
#[derive(Debug, thiserror::Error)]
#[error("the webhook cannot start:\n{}", problems.join("\n"))]
pub struct ConfigError {
    problems: Vec<String>,
}

impl Config {
    /// What nothing works without.
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
        }
    }

    /// From variables, with everything that is wrong in one message. Secrets are read later, and again and again.
    pub async fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        let variable = |name: &str| variables.get(name).cloned();
        let mut problems = Vec::new();
        let mut noted = |problem: String| problems.push(problem);
        let secrets = secrets(&variable).map_err(&mut noted).ok();
        let account = variable("SPILLWAY_ACCOUNT").and_then(|text| {
            text.parse()
                .map_err(|error| noted(format!("`SPILLWAY_ACCOUNT`: {error}")))
                .ok()
        });
        let temporal = TemporalSource::from_variables(variables)
            .map_err(|error| noted(format!("{:#}", anyhow::Error::new(error))))
            .ok();
        let settings = Settings::from_lookup(variable)
            .map_err(|error| noted(error.to_string()))
            .ok();
        let audit = Store::from_lookup(variable)
            .await
            .map_err(|error| noted(format!("{:#}", anyhow::Error::new(error))))
            .ok();
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
            _ => Err(ConfigError { problems }),
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
        let variable = |wanted: &str| {
            variables
                .iter()
                .find(|(name, _)| *name == wanted)
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
