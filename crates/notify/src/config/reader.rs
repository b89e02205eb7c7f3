//! Reads the table of one sink, and notes everything that is wrong with it.

use std::sync::OnceLock;

use chain::ChainResult;
use chain::notice::Rules;
use lettre::message::Mailbox;
use reqwest::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use settings::Problems;
use tokio::sync::OnceCell;
use toml::{Table, Value};

use crate::Sink;
use crate::filter::Filter;
use crate::sink::{Email, EventBridge, GitHub, Kind, SigningSecret, Slack, SlackWebhook, Teams, Webhook};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlackOptions {
    token: String,
    channel: String,
    #[serde(default = "slack_api")]
    api: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UrlOptions {
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookOptions {
    url: String,
    #[serde(default)]
    secrets: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailOptions {
    smtp: String,
    from: String,
    to: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GitHubOptions {
    token: String,
    #[serde(default)]
    pull_requests: bool,
    #[serde(default = "github_api")]
    api: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventBridgeOptions {
    #[serde(default = "default_bus")]
    bus: String,
}

fn slack_api() -> String {
    "https://slack.com/api".to_owned()
}

fn github_api() -> String {
    "https://api.github.com".to_owned()
}

fn default_bus() -> String {
    "default".to_owned()
}

/// Reads the table of a sink. `None` if anything is wrong with it.
pub(super) async fn sink(
    name: String,
    mut table: Table,
    lookup: &impl Fn(&str) -> Option<String>,
    http: &Client,
    problems: &mut Problems,
) -> Option<Sink> {
    let mut reader = Reader {
        sink: &name,
        problems,
    };
    reader.resolve(&mut table, lookup);
    let rules = reader.rules(&mut table);
    let filter = Filter {
        chains: reader.take(&mut table, "chains").unwrap_or(true),
        accounts: reader.take(&mut table, "accounts").unwrap_or_default(),
        stacks: reader.take(&mut table, "stacks").unwrap_or_default(),
    };
    let kind = reader.kind(table, http).await?;
    Some(Sink {
        name,
        filter,
        rules,
        kind,
    })
}

struct Reader<'a> {
    sink: &'a str,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn problem(&mut self, text: &str) {
        self.problems.add(format!("sink `{}`: {text}", self.sink));
    }

    /// Replaces each `$NAME` by the value of the variable.
    fn resolve(&mut self, table: &mut Table, lookup: &impl Fn(&str) -> Option<String>) {
        for (_, value) in table.iter_mut() {
            self.resolve_value(value, lookup);
        }
    }

    fn resolve_value(&mut self, value: &mut Value, lookup: &impl Fn(&str) -> Option<String>) {
        match value {
            Value::String(text) => {
                if let Some(name) = text.strip_prefix('$') {
                    match lookup(name) {
                        Some(held) => *text = held,
                        None => self.problem(&format!("the environment variable `{name}` is not set")),
                    }
                }
            }
            Value::Array(values) => {
                for value in values {
                    self.resolve_value(value, lookup);
                }
            }
            _ => {}
        }
    }

    fn rules(&mut self, table: &mut Table) -> Rules {
        let quiet_for: Option<String> = self.take(table, "quiet_for");
        let quiet_for = quiet_for.map(|text| text.parse::<jiff::SignedDuration>());
        let quiet_for_ms = match quiet_for {
            None => 0,
            Some(Ok(duration)) if !duration.is_negative() => {
                i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
            }
            Some(_) => {
                self.problem("`quiet_for` is not a duration, such as \"2m\"");
                0
            }
        };
        Rules {
            quiet_for_ms,
            results: self
                .take::<Vec<ChainResult>>(table, "results")
                .unwrap_or_default(),
        }
    }

    /// A setting that every kind has, if it is there.
    fn take<T: DeserializeOwned>(&mut self, table: &mut Table, key: &str) -> Option<T> {
        let value = table.remove(key)?;
        match value.try_into() {
            Ok(value) => Some(value),
            Err(error) => {
                let error: toml::de::Error = error;
                self.problem(&format!("`{key}`: {}", error.message()));
                None
            }
        }
    }

    /// The settings of the kind.
    fn options<T: DeserializeOwned>(&mut self, table: Table) -> Option<T> {
        match table.try_into() {
            Ok(options) => Some(options),
            Err(error) => {
                let error: toml::de::Error = error;
                self.problem(error.message());
                None
            }
        }
    }

    async fn kind(&mut self, mut table: Table, http: &Client) -> Option<Kind> {
        let Some(kind) = self.take::<String>(&mut table, "kind") else {
            self.problem("`kind` is missing");
            return None;
        };
        let http = http.clone();
        match kind.as_str() {
            "slack" => self.options(table).map(|options: SlackOptions| {
                Kind::Slack(Slack {
                    http,
                    api: options.api,
                    token: options.token.into(),
                    channel: options.channel,
                    channel_id: OnceLock::new(),
                })
            }),
            "slack-webhook" => self.options(table).map(|options: UrlOptions| {
                Kind::SlackWebhook(SlackWebhook {
                    http,
                    url: options.url.into(),
                })
            }),
            "teams" => self.options(table).map(|options: UrlOptions| {
                Kind::Teams(Teams {
                    http,
                    url: options.url.into(),
                })
            }),
            "github" => self.options(table).map(|options: GitHubOptions| {
                Kind::GitHub(GitHub {
                    http,
                    api: options.api,
                    token: options.token.into(),
                    pull_requests: options.pull_requests,
                    viewer: OnceCell::new(),
                })
            }),
            "webhook" => {
                let options: WebhookOptions = self.options(table)?;
                let secrets: Option<Vec<SigningSecret>> = options
                    .secrets
                    .iter()
                    .map(|text| SigningSecret::parse(text))
                    .collect();
                let Some(secrets) = secrets else {
                    self.problem("each of `secrets` must be `whsec_` and 24 to 64 bytes in Base64");
                    return None;
                };
                Some(Kind::Webhook(Webhook {
                    http,
                    url: options.url.into(),
                    secrets,
                }))
            }
            "email" => {
                let options: EmailOptions = self.options(table)?;
                self.email(&options)
            }
            "eventbridge" => {
                let options: EventBridgeOptions = self.options(table)?;
                let client = aws_sdk_eventbridge::Client::new(environment::aws::config().await);
                Some(Kind::EventBridge(EventBridge {
                    client,
                    bus: options.bus,
                }))
            }
            other => {
                self.problem(&format!(
                    "`{other}` is not a kind of sink; use slack, slack-webhook, teams, email, github, webhook or eventbridge"
                ));
                None
            }
        }
    }

    fn email(&mut self, options: &EmailOptions) -> Option<Kind> {
        let transport = Email::transport(&options.smtp);
        if transport.is_none() {
            self.problem("`smtp` is not a URL such as smtps://user:password@smtp.example.com");
        }
        let from: Option<Mailbox> = self.mailbox(&options.from);
        if options.to.is_empty() {
            self.problem("`to` is empty");
            return None;
        }
        let to: Option<Vec<Mailbox>> = options.to.iter().map(|text| self.mailbox(text)).collect();
        Some(Kind::Email(Box::new(Email {
            transport: transport?,
            from: from?,
            to: to?,
        })))
    }

    fn mailbox(&mut self, text: &str) -> Option<Mailbox> {
        let mailbox = text.parse().ok();
        if mailbox.is_none() {
            self.problem(&format!("`{text}` is not an e-mail address"));
        }
        mailbox
    }
}
