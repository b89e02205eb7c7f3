//! `spillway webhook`: connects Spacelift to Spillway, and sends what it did not deliver.

mod changes;
mod install;
mod replay;
mod send;

use clap::{Args, Subcommand};

use settings::WEBHOOK_NAME;

use crate::command::Done;
use crate::exit::Exit;
use crate::output;
use install::InstallArguments;

pub(crate) use install::{Installation, install};
pub(crate) use replay::{ReplayArguments, ReplayedMessage};
pub(crate) use send::{Answer, SendArguments};

const EXAMPLES: &str = "Examples:
  spillway webhook install --endpoint https://hooks.acme.example/webhook
  spillway webhook install --endpoint https://hooks.acme.example/webhook --apply
  spillway webhook policy > spillway.rego
  spillway webhook send payload.json
  spillway webhook replay --queue $DEAD_LETTERS";

/// Connect Spacelift to Spillway, and send or replay events.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WebhookArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create or update the named webhook and the notification policy in Spacelift. Without --apply, show the changes.
    Install(InstallArguments),
    /// Print the notification policy, to install it by other means.
    Policy {
        /// The id of the named webhook.
        #[arg(long, value_name = "ID", default_value = WEBHOOK_NAME)]
        webhook: String,
    },
    Send(SendArguments),
    Replay(ReplayArguments),
}

pub(crate) fn webhook(arguments: WebhookArguments) -> Done {
    match arguments.action {
        Action::Install(install) => install.run(),
        Action::Policy { webhook } => {
            output::text(&policy(&webhook))?;
            Ok(Exit::Success)
        }
        Action::Send(send) => send.run(),
        Action::Replay(replay) => replay.run(),
    }
}

/// The policy that sends the events of tracked runs to a named webhook.
fn policy(endpoint_id: &str) -> String {
    include_str!("webhook/policy.rego").replace("@ENDPOINT_ID@", endpoint_id)
}

/// The same policy, which also sends the ends of proposed runs.
fn policy_with_proposed(endpoint_id: &str) -> String {
    policy(endpoint_id) + &include_str!("webhook/proposed.rego").replace("@ENDPOINT_ID@", endpoint_id)
}
