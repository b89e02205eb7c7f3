//! `spillway send`: signs a body and posts it to the webhook.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use chain::signature::{self, WebhookSecret};
use clap::Args;

use crate::command::{Done, block_on};
use crate::output;

/// Signs a body with the webhook's secret and posts it, as Spacelift would.
#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    /// The body: a file, or - for stdin.
    payload: PathBuf,
    /// Where the webhook is.
    #[arg(
        long,
        value_name = "URL",
        env = "WEBHOOK_URL",
        default_value = "http://127.0.0.1:8000/webhook"
    )]
    webhook: String,
    /// The secret that signs it.
    #[arg(long, value_name = "SECRET", env = "WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
}

pub(crate) fn send(arguments: &SendArguments) -> Done {
    let secret = WebhookSecret::parse(&arguments.secret)?;
    let body = if arguments.payload.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())?
    } else {
        std::fs::read_to_string(&arguments.payload)
            .with_context(|| format!("{} cannot be read", arguments.payload.display()))?
    };
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    block_on(async {
        let answer = reqwest::Client::new()
            .post(&arguments.webhook)
            .header("content-type", "application/json")
            .header(signature::HEADER, signature::sign(body.as_bytes(), &secret))
            .body(body)
            .send()
            .await
            .with_context(|| format!("the webhook at {} does not answer", arguments.webhook))?;
        let status = answer.status();
        output::line(&format!("{status}\n{}", answer.text().await?.trim_end()));
        Ok(ExitCode::from(if status.is_success() { 0 } else { 4 }))
    })
}
