//! `spillway run`: asks for a run of a stack, and then its chain.

use std::process::ExitCode;

use chain::{AccountName, ChainResult, RequestId, RunRequest, StackId};
use clap::Args;
use orchestrator::Recorded;
use orchestrator::contract::{FollowResult, Received, Source};
use serde_json::json;

use crate::command::{Done, block_on, spacelift};
use crate::local::{Outcome, Picture};
use crate::{output, temporal};

const EXAMPLES: &str = "Examples:
  spillway run core-network
  spillway run core-network --wait
  spillway run core-network --request-id change-42    (a second time is no second run)";

/// Asks for a run of a stack, and then of everything that depends on it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArguments {
    stack: StackId,
    /// The Spacelift account; without it Spacelift is asked for its name.
    #[arg(long, env = "SPILLWAY_ACCOUNT")]
    account: Option<AccountName>,
    /// The same request twice is one.
    #[arg(long, value_name = "ID")]
    request_id: Option<RequestId>,
    /// Wait for the end of the chain and show it.
    #[arg(long)]
    wait: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: RunArguments) -> Done {
    block_on(async {
        let orchestrator = temporal::connect().await?;
        // The account is what Spacelift says of the key: another one would have chains of its own for the same stacks.
        let account = spacelift().await?.account_name().await?;
        if let Some(named) = arguments.account.filter(|named| *named != account) {
            anyhow::bail!("the API key belongs to the account `{account}`, not to `{named}`");
        }
        let request = RunRequest {
            account: None,
            stack: arguments.stack,
            request_id: arguments.request_id,
            requested_by: std::env::var("USER").ok(),
        };
        let recorded = orchestrator
            .record(&Received::request(account, request.clone()), Source::Operator)
            .await?;
        let (workflow_id, is_new) = match &recorded {
            Recorded::Accepted { workflow_id, .. } => (workflow_id, true),
            Recorded::Duplicate { workflow_id } => (workflow_id, false),
        };
        if !arguments.wait {
            if arguments.json {
                output::json(&json!({ "workflow_id": workflow_id, "duplicate": !is_new }))?;
            } else if is_new {
                output::line(&format!("Asked for a run of `{}`: {workflow_id}", request.stack));
            } else {
                output::line(&format!("This was asked for before: {workflow_id}"));
            }
            return Ok(ExitCode::SUCCESS);
        }
        output::progress(&format!("Waiting for the run of `{}`", request.stack));
        let chain = match orchestrator.end_of_request(workflow_id).await?.result {
            FollowResult::Requested { chain, .. } => chain,
            FollowResult::Ignored { reason } => anyhow::bail!("nothing runs: {reason}"),
            FollowResult::Told => anyhow::bail!("`{workflow_id}` is not a request"),
        };
        let mut picture = Picture::new(!arguments.json);
        let report = orchestrator
            .watch_chain(&chain, |report| picture.draw(report))
            .await?;
        if arguments.json {
            output::json(&Outcome::of(&report))?;
        }
        Ok(ExitCode::from(u8::from(report.result != ChainResult::Succeeded)))
    })
}
