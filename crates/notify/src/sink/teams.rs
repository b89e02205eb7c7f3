//! Microsoft Teams, by the URL of a workflow that posts an Adaptive Card.

use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::error::{SinkError, accepted};
use crate::message::{Message, Tone, cut, more};

/// A card of more than 28 kB is refused.
const TEXT_CHARACTERS_MAX: usize = 500;

#[derive(Debug)]
pub(crate) struct Teams {
    pub(crate) http: Client,
    /// Whoever knows it can post.
    pub(crate) url: SecretString,
}

impl Teams {
    pub(crate) async fn send(&self, message: &Message<'_>) -> Result<(), SinkError> {
        self.post(&body(message)).await
    }

    pub(crate) async fn post(&self, body: &Value) -> Result<(), SinkError> {
        let request = self.http.post(self.url.expose_secret()).json(body);
        accepted(request.send().await?).await.map(|_| ())
    }
}

pub(crate) fn body(message: &Message<'_>) -> Value {
    let notice = message.notice;
    let mut body = vec![
        title(message.tone(), &message.title()),
        json!({ "type": "TextBlock", "wrap": true, "text": plain(&message.summary()) }),
        json!({ "type": "TextBlock", "isSubtle": true, "wrap": true, "spacing": "none", "text": plain(&message.origin()) }),
    ];
    if let Some(reason) = &notice.reason {
        body.push(json!({ "type": "TextBlock", "wrap": true, "text": plain(&reason.text) }));
    }
    let lists = [
        ("Failed", &notice.failed, notice.counts.failed),
        ("Waiting", &notice.held, notice.held.len()),
    ];
    for (heading, stacks, count) in lists {
        if stacks.is_empty() {
            continue;
        }
        let facts: Vec<Value> = stacks
            .iter()
            .map(|stack| json!({ "title": stack.stack.as_str(), "value": plain(&stack.text) }))
            .collect();
        body.push(json!({ "type": "TextBlock", "weight": "bolder", "text": heading }));
        body.push(json!({ "type": "FactSet", "facts": facts }));
        if let Some(more) = more(stacks.len(), count) {
            body.push(json!({ "type": "TextBlock", "isSubtle": true, "text": more }));
        }
    }
    card(&body, "Open the chain", message.url())
}

/// The first line of a card, in the colour of the result.
pub(crate) fn title(tone: Tone, text: &str) -> Value {
    let color = match tone {
        Tone::Neutral => "default",
        Tone::Good => "good",
        Tone::Attention => "warning",
        Tone::Bad => "attention",
    };
    json!({ "type": "TextBlock", "size": "large", "weight": "bolder", "color": color, "wrap": true, "text": plain(text) })
}

/// The message with a card, as a Workflows webhook takes it.
pub(crate) fn card(body: &[Value], button: &str, url: Option<String>) -> Value {
    let actions: Vec<Value> = url
        .map(|url| json!({ "type": "Action.OpenUrl", "title": button, "url": url }))
        .into_iter()
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "actions": actions,
            },
        }],
    })
}

/// Cards contain Markdown, so characters that could begin a link or emphasis are escaped.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    for character in cut(text, TEXT_CHARACTERS_MAX).chars() {
        if matches!(character, '\\' | '*' | '_' | '[' | ']' | '`') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
