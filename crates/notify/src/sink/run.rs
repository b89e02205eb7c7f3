//! Messages about one run, in the format of each kind of sink.

use serde_json::{Value, json};

use super::github::{CONTEXT, DESCRIPTION_CHARACTERS_MAX};
use super::slack::{HEADER_CHARACTERS_MAX, escape, mark, section};
use super::{Kind, teams, webhook};
use crate::error::SinkError;
use crate::message::{Tone, cut};
use crate::run_message::RunText;

const EVENT_TYPE: &str = "io.spillway.run";
const DETAIL_TYPE: &str = "Spillway run";

impl Kind {
    /// Sends a message about a run. `channel` is the channel that a label names, for Slack.
    pub(crate) async fn send_run(
        &self,
        text: &RunText<'_>,
        channel: Option<&str>,
        name: &str,
    ) -> Result<(), SinkError> {
        match self {
            Self::Slack(slack) => {
                let channel = channel.unwrap_or(&slack.channel);
                slack.post_to(channel, slack_body(text)).await.map(|_| ())
            }
            Self::SlackWebhook(slack) => slack.post(&slack_body(text)).await,
            Self::Teams(teams) => teams.post(&teams_body(text)).await,
            Self::Email(email) => {
                let id = text.delivery_id(name);
                email.mail(&text.title(), text.plain(), &id, None).await
            }
            Self::GitHub(github) => match &text.notice.commit {
                Some(commit) => {
                    let status = status(text);
                    github.set_status(&text.notice.repository, commit, &status).await
                }
                None => Ok(()),
            },
            Self::Webhook(webhook) => webhook.post(text.delivery_id(name), &event(text, name)).await,
            Self::EventBridge(bus) => {
                let mut detail = json!(text.notice);
                detail["id"] = json!(text.delivery_id(name));
                bus.put(DETAIL_TYPE, &detail).await
            }
        }
    }
}

fn slack_body(text: &RunText<'_>) -> Value {
    let header = cut(
        &format!("{} {}", mark(text.tone()), text.title()),
        HEADER_CHARACTERS_MAX,
    );
    let origin = escape(&text.origin());
    let line = match text.url() {
        Some(url) => format!("{origin} · <{url}|Open the run>"),
        None => origin,
    };
    json!({
        "text": escape(&text.title()),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": header, "emoji": true } },
            section(&line),
        ],
    })
}

fn teams_body(text: &RunText<'_>) -> Value {
    let body = [
        teams::title(text.tone(), &text.title()),
        json!({ "type": "TextBlock", "isSubtle": true, "wrap": true, "text": teams::plain(&text.origin()) }),
    ];
    teams::card(&body, "Open the run", text.url())
}

/// A commit status of the stack, beside that of the chain.
fn status(text: &RunText<'_>) -> Value {
    let mut status = json!({
        "state": match text.tone() {
            Tone::Good => "success",
            Tone::Bad => "failure",
            _ if text.notice.state.is_terminal() => "error",
            _ => "pending",
        },
        "context": format!("{CONTEXT}/{}", text.notice.stack),
        "description": cut(&text.title(), DESCRIPTION_CHARACTERS_MAX),
    });
    if let Some(url) = text.url() {
        status["target_url"] = json!(url);
    }
    status
}

/// The notice in the envelope of CloudEvents 1.0.
fn event(text: &RunText<'_>, sink: &str) -> Value {
    let notice = text.notice;
    let mut event = json!({
        "specversion": "1.0",
        "id": text.delivery_id(sink),
        "source": format!("/spillway/{}", notice.account),
        "type": format!("{EVENT_TYPE}.{}", notice.state.as_str().to_lowercase()),
        "subject": notice.stack,
        "datacontenttype": "application/json",
        "data": notice,
    });
    webhook::set_time(&mut event, notice.at_ms);
    event
}
