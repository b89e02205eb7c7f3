//! The sinks, from TOML: a table for each.

mod reader;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Client;
use settings::Problems;
use toml::{Table, Value};

use crate::{Links, Notifier};

/// The variable that names the file, and the one that holds the text itself.
const FILE: &str = "SPILLWAY_SINKS_FILE";
const TEXT: &str = "SPILLWAY_SINKS";
const DASHBOARD_URL: &str = "SPILLWAY_DASHBOARD_URL";

/// A sink that takes longer is retried later.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything that is wrong with the sinks, in one message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub Problems);

impl ConfigError {
    fn of(problem: String) -> Self {
        Self(problem.into())
    }
}

/// The text of the sinks, from `SPILLWAY_SINKS` or the file that `SPILLWAY_SINKS_FILE` names. `None` if neither is set.
fn text(lookup: &impl Fn(&str) -> Option<String>) -> Result<Option<String>, ConfigError> {
    let set = |name: &str| lookup(name).filter(|text| !text.trim().is_empty());
    match (set(TEXT), set(FILE)) {
        (Some(text), _) => Ok(Some(text)),
        (None, Some(path)) => std::fs::read_to_string(&path).map(Some).map_err(|error| {
            ConfigError::of(format!("`{FILE}` names {path}, which cannot be read: {error}"))
        }),
        (None, None) => Ok(None),
    }
}

fn tables(text: &str) -> Result<Table, ConfigError> {
    // The error would quote the line, which may contain a secret.
    text.parse().map_err(|error: toml::de::Error| {
        ConfigError::of(format!("the sinks are not valid TOML: {}", error.message()))
    })
}

/// The names of the sinks and their kinds, without their secrets, which may be on another machine. `None` if no sinks are
/// set here.
pub fn sink_kinds(
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Option<BTreeMap<String, String>>, ConfigError> {
    let Some(text) = text(&lookup)? else {
        return Ok(None);
    };
    let kinds = tables(&text)?.into_iter().map(|(name, table)| {
        let kind = table.get("kind").and_then(Value::as_str).unwrap_or_default();
        (name, kind.to_owned())
    });
    Ok(Some(kinds.collect()))
}

impl Notifier {
    /// From `SPILLWAY_SINKS` or `SPILLWAY_SINKS_FILE`; if neither is set, there are no sinks. `spacelift` is the URL of the
    /// account, for links.
    pub async fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        spacelift: Option<String>,
    ) -> Result<Self, ConfigError> {
        let text = text(&lookup)?.unwrap_or_default();
        let dashboard = lookup(DASHBOARD_URL).filter(|url| !url.trim().is_empty());
        if dashboard
            .as_deref()
            .is_some_and(|text| url::Url::parse(text).is_err())
        {
            return Err(ConfigError::of(format!(
                "`{DASHBOARD_URL}` is not a URL, such as https://spillway.example.com"
            )));
        }
        let links = Links { spacelift, dashboard };
        Self::parse(&text, lookup, links).await
    }

    async fn parse(
        text: &str,
        lookup: impl Fn(&str) -> Option<String>,
        links: Links,
    ) -> Result<Self, ConfigError> {
        let tables = tables(text)?;
        // An error means that a provider is installed already, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| ConfigError::of("no HTTP client can be made for the sinks".to_owned()))?;
        let mut problems = Problems::default();
        let mut sinks = Vec::new();
        for (name, table) in tables {
            let Value::Table(table) = table else {
                problems.add(format!("sink `{name}` is not a table, such as `[{name}]`"));
                continue;
            };
            sinks.extend(reader::sink(name, table, &lookup, &http, &mut problems).await);
        }
        if problems.is_empty() {
            Ok(Self { sinks, links })
        } else {
            Err(ConfigError(problems))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parse(text: &str) -> Result<Notifier, ConfigError> {
        let lookup = |name: &str| (name == "TOKEN").then(|| "xoxb-1".to_owned());
        Notifier::parse(text, lookup, Links::default()).await
    }

    #[tokio::test]
    async fn each_kind_is_read() {
        let notifier = parse(
            r##"
            [a]
            kind = "slack"
            token = "$TOKEN"
            channel = "#platform"
            quiet_for = "2m"
            results = ["failed", "refused"]
            stacks = ["prod-*"]
            [b]
            kind = "slack-webhook"
            url = "https://hooks.example.com/x"
            [c]
            kind = "teams"
            url = "https://flow.example.com/x"
            [d]
            kind = "email"
            smtp = "smtp://localhost:25"
            from = "Spillway <spillway@example.com>"
            to = ["ops@example.com"]
            [e]
            kind = "github"
            token = "$TOKEN"
            [f]
            kind = "webhook"
            url = "https://example.com/x"
            secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
            [g]
            kind = "eventbridge"
            "##,
        )
        .await
        .unwrap();
        let kinds: Vec<_> = notifier.sinks().map(|(_, kind)| kind).collect();
        assert_eq!(
            kinds,
            [
                "slack",
                "slack-webhook",
                "teams",
                "email",
                "github",
                "webhook",
                "eventbridge"
            ]
        );
        assert_eq!(notifier.sinks[0].rules.quiet_for_ms, 120_000);
        assert!(!format!("{notifier:?}").contains("xoxb"));
    }

    #[tokio::test]
    async fn all_that_is_wrong_is_said_at_once_without_secrets() {
        let error = parse(
            r#"
            loose = 1
            [a]
            kind = "slack"
            token = "$MISSING"
            channel = "x"
            [b]
            kind = "pager"
            [c]
            kind = "webhook"
            url = "https://example.com"
            secrets = ["s3cret"]
            [d]
            kind = "teams"
            url = "https://example.com"
            quiet_for = "soon"
            results = ["broken"]
            colour = "red"
            [e]
            url = "x"
            "#,
        )
        .await
        .unwrap_err();
        let said = error.to_string();
        for part in [
            "sink `a`: the environment variable `MISSING` is not set",
            "sink `b`: `pager` is not a kind of sink",
            "sink `c`: each of `secrets` must be `whsec_`",
            "sink `d`: `quiet_for` is not a duration",
            "sink `d`: `results`: unknown variant `broken`",
            "sink `d`: unknown field `colour`",
            "sink `e`: `kind` is missing",
            "sink `loose` is not a table",
        ] {
            assert!(said.contains(part), "{part} is not in:\n{said}");
        }
        assert!(!said.contains("s3cret"));
    }
}
