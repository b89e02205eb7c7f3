//! The kinds of sinks. Each knows its own format, and how its receiver answers that it took a message.

mod email;
mod event_bridge;
mod github;
mod pull_request;
mod run;
mod slack;
mod slack_webhook;
mod teams;
mod webhook;

use chain::notice::{Delivery, News, Pace};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{SinkError, answered};
use crate::message::Message;

pub(crate) use email::Email;
pub(crate) use event_bridge::EventBridge;
pub(crate) use github::GitHub;
pub(crate) use slack::Slack;
pub(crate) use slack_webhook::SlackWebhook;
pub(crate) use teams::Teams;
pub(crate) use webhook::{SigningSecret, Webhook};

/// What became of a message. It may have been sent although the reply in its thread was not.
pub(crate) struct Sent {
    pub(crate) result: Result<(), SinkError>,
    /// How to find the message again, if the sink can update messages.
    pub(crate) handle: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Slack(Slack),
    SlackWebhook(SlackWebhook),
    Teams(Teams),
    Email(Box<Email>),
    GitHub(GitHub),
    Webhook(Webhook),
    EventBridge(EventBridge),
}

impl Kind {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Slack(_) => "slack",
            Self::SlackWebhook(_) => "slack-webhook",
            Self::Teams(_) => "teams",
            Self::Email(_) => "email",
            Self::GitHub(_) => "github",
            Self::Webhook(_) => "webhook",
            Self::EventBridge(_) => "eventbridge",
        }
    }

    pub(crate) fn pace(&self) -> Pace {
        match self {
            Self::Slack(_) | Self::Webhook(_) | Self::EventBridge(_) => Pace::Live,
            // GitHub takes a thousand statuses of one name for a commit.
            Self::GitHub(_) | Self::SlackWebhook(_) | Self::Teams(_) | Self::Email(_) => Pace::Milestones,
        }
    }

    pub(crate) async fn send(
        &self,
        message: &Message<'_>,
        delivery: &Delivery,
        news: &News,
        name: &str,
    ) -> Sent {
        let result = match self {
            Self::Slack(slack) => return slack.send(message, delivery, news).await,
            Self::SlackWebhook(slack) => slack.send(message).await,
            Self::Teams(teams) => teams.send(message).await,
            Self::Email(email) => email.send(message, name).await,
            Self::GitHub(github) => github.send(message).await,
            Self::Webhook(webhook) => webhook.send(message, name).await,
            Self::EventBridge(bus) => bus.send(message, name).await,
        };
        Sent { result, handle: None }
    }

    /// Asks whether the sink answers and accepts the credentials, and sends no message. Says what was found.
    pub(crate) async fn probe(&self) -> Result<String, SinkError> {
        match self {
            Self::Slack(slack) => slack.probe().await,
            Self::SlackWebhook(slack) => answers(&slack.http, &slack.url).await,
            Self::Teams(teams) => answers(&teams.http, &teams.url).await,
            Self::Email(email) => email.probe().await,
            Self::GitHub(github) => github.probe().await,
            Self::Webhook(webhook) => answers(&webhook.http, &webhook.url).await,
            Self::EventBridge(bus) => bus.probe().await,
        }
    }

    /// What it would send.
    pub(crate) fn preview(&self, message: &Message<'_>, name: &str) -> String {
        let json = match self {
            Self::Slack(_) | Self::SlackWebhook(_) => slack::body(message),
            Self::Teams(_) => teams::body(message),
            Self::GitHub(_) => github::body(message),
            Self::Webhook(_) => webhook::event(message, name),
            Self::EventBridge(_) => event_bridge::detail(message),
            Self::Email(_) => return message.plain(),
        };
        format!("{json:#}")
    }
}

/// Whether an address answers. A receiver of messages may refuse a HEAD request, which shows that it is there.
async fn answers(http: &Client, url: &SecretString) -> Result<String, SinkError> {
    let status = answered(http.head(url.expose_secret()).send().await?)?.status();
    if status.is_server_error() {
        return Err(SinkError::Refused {
            status: status.as_u16(),
            text: "it answers with a server error".to_owned(),
        });
    }
    Ok(format!("it answers {} to HEAD", status.as_u16()))
}
