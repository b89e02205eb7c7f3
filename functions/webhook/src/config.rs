//! What the webhook needs to know, read once at its start.

use chain::AccountName;
use chain::signature::{WebhookSecret, WebhookSecrets};
use orchestrator::{Settings, TemporalSettings};

use crate::secrets::SecretSource;

/// Everything that the webhook needs to know. Who has the secrets in hand gives them as they are.
pub struct Config<S = SecretSource> {
    pub secrets: S,
    /// The account whose events are ours, and to which requests belong that name none. Any, where it is not set.
    pub account: Option<AccountName>,
    pub temporal: TemporalSettings,
    pub settings: Settings,
}

/// All that is wrong with the configuration, in one message.
#[derive(Debug, thiserror::Error)]
#[error("the webhook cannot start:\n{}", problems.join("\n"))]
pub struct ConfigError {
    problems: Vec<String>,
}

impl Config {
    pub fn from_environment() -> Result<Self, ConfigError> {
        let variable = |name: &str| std::env::var(name).ok();
        let mut problems = Vec::new();
        let mut noted = |problem: String| problems.push(problem);
        let secrets = secrets(&variable).map_err(&mut noted).ok();
        let account = variable("SPILLWAY_ACCOUNT").and_then(|text| {
            text.parse()
                .map_err(|error| noted(format!("`SPILLWAY_ACCOUNT`: {error}")))
                .ok()
        });
        let temporal = TemporalSettings::from_environment()
            .map_err(|error| noted(format!("{:#}", anyhow::Error::new(error))))
            .ok();
        let settings = Settings::from_environment()
            .map_err(|error| noted(error.to_string()))
            .ok();
        match (secrets, temporal, settings) {
            (Some(secrets), Some(temporal), Some(settings)) if problems.is_empty() => Ok(Self {
                secrets,
                account,
                temporal,
                settings,
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
