//! Slack, by an incoming webhook. It cannot update a message, so it gets few.

use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::slack;
use crate::error::{SinkError, accepted};
use crate::message::Message;

#[derive(Debug)]
pub(crate) struct SlackWebhook {
    pub(crate) http: Client,
    /// Whoever knows it can post.
    pub(crate) url: SecretString,
}

impl SlackWebhook {
    pub(crate) async fn send(&self, message: &Message<'_>) -> Result<(), SinkError> {
        self.post(&slack::body(message)).await
    }

    pub(crate) async fn post(&self, body: &Value) -> Result<(), SinkError> {
        let request = self.http.post(self.url.expose_secret()).json(body);
        accepted(request.send().await?).await.map(|_| ())
    }
}
