//! `spillway webhook send`: signs a body and posts it to the webhook. A request for a run gets an id and the time if it has
//! none, because the webhook rejects what could be a replay.

use std::path::PathBuf;

use anyhow::Context;
use chain::signature::{self, WebhookSecret};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use temporal_client::clock;

use crate::command::{Done, block_on};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Shape;
use crate::output::Output;

/// Sign a body with the secret of the webhook and post it, as Spacelift does.
#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    /// The body: a file, or - for stdin.
    #[arg(value_name = "FILE")]
    payload: PathBuf,
    /// The URL of the webhook.
    #[arg(
        long = "url",
        alias = "webhook",
        value_name = "URL",
        env = "WEBHOOK_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8000/webhook"
    )]
    url: String,
    /// The secret. The environment variable keeps it out of the shell history.
    #[arg(long, value_name = "SECRET", env = "WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
    #[command(flatten)]
    output: Output,
}

/// What the webhook answered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookAnswer")]
pub(crate) struct Answer {
    /// The HTTP status.
    status: u16,
    /// The answer, or its text if it is not JSON.
    body: Value,
}

impl Shape for Answer {
    const KIND: &'static str = "webhook_answer";
}

impl SendArguments {
    pub(crate) fn run(self) -> Done {
        let secret = WebhookSecret::parse(&self.secret).map_err(|error| {
            Failure::setting(error.to_string())
                .hint("Set WEBHOOK_SECRET to the secret that the webhook was started with.")
        })?;
        let body = with_id_and_time(self.body()?);
        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        block_on(async {
            let answer = reqwest::Client::new()
                .post(&self.url)
                .header("content-type", "application/json")
                .header(signature::HEADER, signature::sign(body.as_bytes(), &secret))
                .body(body)
                .send()
                .await
                .map_err(|error| self.unreachable(&error))?;
            let status = answer.status();
            let text = answer.text().await.map_err(|error| self.unreachable(&error))?;
            let answer = Answer {
                status: status.as_u16(),
                body: serde_json::from_str(&text).unwrap_or(Value::String(text.clone())),
            };
            self.output
                .show(&answer, || format!("{status}\n{}", text.trim_end()))?;
            Ok(if status.is_success() {
                Exit::Success
            } else if status.is_server_error() {
                Exit::Unreachable
            } else {
                Exit::Rejected
            })
        })
    }

    fn body(&self) -> anyhow::Result<String> {
        if self.payload.as_os_str() == "-" {
            return std::io::read_to_string(std::io::stdin()).context("stdin could not be read");
        }
        std::fs::read_to_string(&self.payload)
            .map_err(|error| Failure::unreadable(&self.payload.display().to_string(), &error).into())
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        if error.is_builder() {
            return Failure::usage(format!("`{}` is not a URL", self.url));
        }
        Failure::unreachable(format!("the webhook at {} could not be reached", self.url))
            .hint("Check --url and whether the webhook is running. `spillway dev` starts one.")
    }
}

/// Anything but a request for a run is sent as it is, byte for byte.
fn with_id_and_time(body: String) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(&body) else {
        return body;
    };
    let is_whole = ["request_id", "requested_at"]
        .iter()
        .all(|name| fields.contains_key(*name));
    if is_whole || fields.get("event").and_then(Value::as_str) != Some("triggered") {
        return body;
    }
    let now_ms = clock::now_ms();
    fields
        .entry("request_id")
        .or_insert_with(|| format!("send-{now_ms}-{}", std::process::id()).into());
    fields
        .entry("requested_at")
        .or_insert_with(|| (now_ms / 1000).into());
    Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_gets_what_it_lacks_and_nothing_else_is_touched() {
        let sent: Value = serde_json::from_str(&with_id_and_time(
            r#"{"event": "triggered", "stack_id": "a"}"#.to_owned(),
        ))
        .unwrap();
        assert_eq!(
            (&sent["event"], &sent["stack_id"]),
            (&"triggered".into(), &"a".into())
        );
        assert!(
            sent["request_id"].is_string() && sent["requested_at"].is_i64(),
            "{sent}"
        );
        let own = r#"{"event": "triggered", "stack_id": "a", "request_id": "b", "requested_at": 1}"#;
        for body in [own, r#"{ "event": "completed" }"#, "{ }", "[1,  2]", "no JSON"] {
            assert_eq!(with_id_and_time(body.to_owned()), body);
        }
    }
}
