//! Slack, by a bot: one message for each chain, updated in place, with replies in its thread.

use std::sync::OnceLock;

use chain::notice::{Alert, AlertKind, Delivery, News, NoticedStack};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Sent;
use crate::error::{SinkError, accepted};
use crate::message::{Message, Tone, cut, more};

/// Slack refuses longer texts in a section.
const SECTION_CHARACTERS_MAX: usize = 3_000;
pub(crate) const HEADER_CHARACTERS_MAX: usize = 150;
/// A reason is a line in a list of up to ten.
const REASON_CHARACTERS_MAX: usize = 200;

/// The metadata that mark a message as ours.
const EVENT_TYPE: &str = "spillway_chain";
/// Slack's words for a message that is not there any more.
const LOST: [&str; 2] = ["message_not_found", "channel_not_found"];
/// Slack's words for a message that must not be changed any more.
const CLOSED: [&str; 2] = ["cant_update_message", "edit_window_closed"];
/// How many messages are searched for one whose answer was lost.
const LOOKS_BACK: u32 = 100;

#[derive(Debug)]
pub(crate) struct Slack {
    pub(crate) http: Client,
    pub(crate) api: String,
    pub(crate) token: SecretString,
    /// Its id or its name.
    pub(crate) channel: String,
    /// The id of the channel, once Slack has said it.
    pub(crate) channel_id: OnceLock<String>,
}

/// Where a message is. An update names both.
struct Place {
    channel: String,
    ts: String,
}

impl Place {
    fn parse(handle: &str) -> Option<Self> {
        let (channel, ts) = handle.split_once('/')?;
        Some(Self {
            channel: channel.to_owned(),
            ts: ts.to_owned(),
        })
    }

    fn handle(&self) -> String {
        format!("{}/{}", self.channel, self.ts)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    channel: Option<Value>,
    #[serde(default)]
    ts: Option<String>,
    #[serde(default)]
    messages: Vec<Found>,
    /// For whom the token is.
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    team: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Found {
    ts: String,
    #[serde(default)]
    metadata: Option<Value>,
}

impl Slack {
    pub(crate) async fn send(&self, message: &Message<'_>, delivery: &Delivery, news: &News) -> Sent {
        let place = match self.show(message, delivery, news).await {
            Ok(place) => place,
            Err(error) => {
                return Sent {
                    result: Err(error),
                    handle: None,
                };
            }
        };
        let result = match reply(message, news) {
            Some(text) => self.reply(&place, &text).await,
            None => Ok(()),
        };
        Sent {
            result,
            handle: Some(place.handle()),
        }
    }

    /// Updates the message about the chain, or posts it.
    async fn show(
        &self,
        message: &Message<'_>,
        delivery: &Delivery,
        news: &News,
    ) -> Result<Place, SinkError> {
        let known = delivery.handle.as_deref().and_then(Place::parse);
        let place = match known {
            Some(place) => Some(place),
            // The last attempt may have worked although its answer was lost.
            None if delivery.failures > 0 => self.find(message).await,
            None => None,
        };
        let Some(place) = place else {
            return self.post(message).await;
        };
        match self.update(message, &place).await {
            Err(SinkError::Rejected(why)) if LOST.contains(&why.as_str()) => self.post(message).await,
            // A new message for each change would be too many.
            Err(SinkError::Rejected(why)) if CLOSED.contains(&why.as_str()) && news.is_empty() => Ok(place),
            Err(SinkError::Rejected(why)) if CLOSED.contains(&why.as_str()) => self.post(message).await,
            updated => updated.map(|()| place),
        }
    }

    /// Whether Slack accepts the token. It also says for whom.
    pub(crate) async fn probe(&self) -> Result<String, SinkError> {
        let answer = self.call("auth.test", &json!({})).await?;
        let named = |name: Option<String>| name.unwrap_or_else(|| "?".to_owned());
        Ok(format!(
            "Slack accepts the token of {} in {}",
            named(answer.user),
            named(answer.team)
        ))
    }

    async fn post(&self, message: &Message<'_>) -> Result<Place, SinkError> {
        let mut body = body(message);
        body["metadata"] = metadata(message);
        let answer = self.post_to(&self.channel, body).await?;
        let channel = answer.channel.as_ref().and_then(Value::as_str);
        match (channel, answer.ts) {
            (Some(channel), Some(ts)) => {
                let channel = channel.to_owned();
                self.channel_id.get_or_init(|| channel.clone());
                Ok(Place { channel, ts })
            }
            _ => Err(SinkError::Rejected("Slack's answer names no message".to_owned())),
        }
    }

    /// Posts a message of its own to a channel.
    pub(crate) async fn post_to(&self, channel: &str, mut body: Value) -> Result<Answer, SinkError> {
        body["channel"] = json!(channel);
        body["unfurl_links"] = json!(false);
        self.call("chat.postMessage", &body).await
    }

    async fn update(&self, message: &Message<'_>, place: &Place) -> Result<(), SinkError> {
        let mut body = body(message);
        body["channel"] = json!(place.channel);
        body["ts"] = json!(place.ts);
        body["metadata"] = metadata(message);
        self.call("chat.update", &body).await.map(|_| ())
    }

    async fn reply(&self, place: &Place, text: &str) -> Result<(), SinkError> {
        let body = json!({
            "channel": place.channel,
            "thread_ts": place.ts,
            "text": text,
            "unfurl_links": false,
        });
        self.call("chat.postMessage", &body).await.map(|_| ())
    }

    /// The message about this chain, among the newest of the channel. `None` also if the bot may not read them.
    async fn find(&self, message: &Message<'_>) -> Option<Place> {
        // Slack posts to a channel by its name, but reads it only by its id.
        let channel = self.channel_id.get().unwrap_or(&self.channel);
        let body = json!({
            "channel": channel,
            "limit": LOOKS_BACK,
            "include_all_metadata": true,
        });
        let answer = self.call("conversations.history", &body).await.ok()?;
        let wanted = metadata(message);
        let found = answer.messages.into_iter().find(|found| {
            let metadata = found.metadata.as_ref();
            metadata.is_some_and(|metadata| metadata["event_payload"] == wanted["event_payload"])
        })?;
        Some(Place {
            channel: channel.clone(),
            ts: found.ts,
        })
    }

    async fn call(&self, method: &str, body: &Value) -> Result<Answer, SinkError> {
        let response = self
            .http
            .post(format!("{}/{method}", self.api))
            .bearer_auth(self.token.expose_secret())
            .json(body)
            .send()
            .await?;
        let answer = accepted(response).await?;
        let answer: Answer = serde_json::from_slice(&answer)
            .map_err(|_| SinkError::Rejected("Slack's answer is not what Slack documents".to_owned()))?;
        if answer.ok {
            Ok(answer)
        } else {
            Err(SinkError::Rejected(answer.error.unwrap_or_default()))
        }
    }
}

fn metadata(message: &Message<'_>) -> Value {
    json!({
        "event_type": EVENT_TYPE,
        "event_payload": { "chain": message.notice.chain.to_string() },
    })
}

/// A reply in the thread about new alerts, for those who muted the other messages of the channel.
fn reply(message: &Message<'_>, news: &News) -> Option<String> {
    let new = Alert::all(message.notice).filter(|(alert, _)| news.alerts.contains(alert));
    let lines: Vec<String> = new
        .map(|(alert, stack)| {
            let text = escape(&cut(&stack.text, REASON_CHARACTERS_MAX));
            match alert.kind {
                AlertKind::Failed => format!("{} failed: {text}", named(message, stack)),
                AlertKind::WaitsForPerson => format!("{} {text}", named(message, stack)),
            }
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The name of a stack, with a link if there is one.
fn named(message: &Message<'_>, stack: &NoticedStack) -> String {
    let name = escape(stack.stack.as_str());
    match message.url_of(stack) {
        Some(url) => format!("<{url}|{name}>"),
        None => format!("*{name}*"),
    }
}

/// The message in Block Kit. It has fewer than the 50 blocks that Slack allows.
pub(crate) fn body(message: &Message<'_>) -> Value {
    let notice = message.notice;
    let header = cut(
        &format!("{} {}", mark(message.tone()), message.title()),
        HEADER_CHARACTERS_MAX,
    );
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": header, "emoji": true } }),
        section(&escape(&message.summary())),
    ];
    if let Some(reason) = &notice.reason {
        blocks.push(section(&escape(&reason.text)));
    }
    let lists = [
        ("Failed", &notice.failed, notice.counts.failed),
        ("Waiting", &notice.held, notice.held.len()),
    ];
    for (heading, stacks, count) in lists {
        if stacks.is_empty() {
            continue;
        }
        let mut lines = vec![format!("*{heading}*")];
        for stack in stacks {
            let text = escape(&cut(&stack.text, REASON_CHARACTERS_MAX));
            lines.push(format!("• {}: {text}", named(message, stack)));
        }
        lines.extend(more(stacks.len(), count));
        blocks.push(section(&lines.join("\n")));
    }
    let origin = escape(&message.origin());
    let context = match message.url() {
        Some(url) => format!("{origin} · <{url}|Open the chain>"),
        None => origin,
    };
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": cut(&context, SECTION_CHARACTERS_MAX) }] }));
    // Notifications and screen readers show this text alone.
    json!({ "text": escape(&format!("{} ({})", message.title(), message.summary())), "blocks": blocks })
}

pub(crate) fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, SECTION_CHARACTERS_MAX) } })
}

pub(crate) fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => ":hourglass_flowing_sand:",
        Tone::Good => ":white_check_mark:",
        Tone::Attention => ":raised_hand:",
        Tone::Bad => ":x:",
    }
}

/// Slack reads three characters as markup.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
