//! `spillway webhook`: how Spacelift comes to tell Spillway of its runs.

mod changes;
mod install;

use clap::{Args, Subcommand};

use crate::command::Done;
use crate::output;
use install::InstallArguments;

pub(crate) use install::WEBHOOK_NAME;

const EXAMPLES: &str = "Examples:
  spillway webhook install --endpoint https://hooks.acme.example/webhook
  spillway webhook install --endpoint https://hooks.acme.example/webhook --apply
  spillway webhook policy > spillway.rego";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WebhookArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes or updates the named webhook and the notification policy that feeds it. Shows first what would change.
    Install(InstallArguments),
    /// Prints the notification policy, for those who install it by other means.
    Policy {
        /// The id of the named webhook that it feeds.
        #[arg(long, value_name = "ID", default_value = WEBHOOK_NAME)]
        webhook: String,
    },
}

pub(crate) fn webhook(arguments: WebhookArguments) -> Done {
    match arguments.action {
        Action::Install(install) => install.run(),
        Action::Policy { webhook } => {
            output::text(&policy(&webhook));
            Ok(std::process::ExitCode::SUCCESS)
        }
    }
}

/// The policy that sends the events of tracked runs to a named webhook.
fn policy(endpoint_id: &str) -> String {
    include_str!("webhook/policy.rego").replace("@ENDPOINT_ID@", endpoint_id)
}
