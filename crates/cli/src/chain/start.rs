//! `spillway chain start`: triggers a stack and then its dependents.

use std::time::Duration;

use chain::{ChainId, RequestId, RunRequest, StackId};
use clap::Args;
use temporal_client::contract::{Received, Source};
use temporal_client::{Recorded, RequestStatus, clock};
use uuid::Uuid;

use super::wait::wait;
use crate::clients::Clients;
use crate::command::{Done, with_clients};
use crate::completion;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::patience::Patience;
use crate::request;

const EXAMPLES: &str = "Examples:
  spillway chain start core-network
  spillway chain start core-network --wait
  spillway chain start core-network --request-id change-42    (the same id twice starts one chain)
  spillway chain start core-network --follow-commit           (the dependents go back with it)";

/// How often it is looked whether a worker has accepted the request.
const PAUSE: Duration = Duration::from_millis(300);
/// After so long without an answer, a person is told that no worker may be running.
const PATIENCE: Duration = Duration::from_secs(10);

/// Trigger a stack, and then its dependents in order.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StartArguments {
    /// The id of the stack.
    #[arg(add = completion::stacks())]
    stack: StackId,
    /// An idempotency key: a second request with the same id starts no second chain.
    #[arg(long, value_name = "ID")]
    request_id: Option<RequestId>,
    /// Let the dependents run the commit of the stack even where it is older than their own, as after a rollback.
    #[arg(long)]
    follow_commit: bool,
    /// Wait for the chain to end. The exit code is 1 if it does not succeed.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    output: Output,
}

impl StartArguments {
    pub(crate) fn run(self) -> Done {
        with_clients(async |clients| {
            self.check(&clients).await?;
            let id = self
                .request_id
                .as_ref()
                .map_or_else(|| Uuid::new_v4().to_string(), ToString::to_string);
            let before = self.record(&clients, &id).await?;
            let chain = ChainId::of_request(&clients.account, &id);
            if self.wait {
                if self.output.is_text() {
                    output::note(&format!("Requested `{}`: {chain}", self.stack));
                }
                accepted(&clients, &id).await?;
                return wait(&clients.workflows, &chain, self.output).await;
            }
            let is_duplicate = before.is_some();
            let status = before.unwrap_or(RequestStatus::Pending);
            let view = request::View::new(id, self.stack.clone(), chain, status, is_duplicate);
            self.output.show(&view, || view.text())?;
            Ok(view.exit())
        })
    }

    /// Finds out before anything is recorded that nothing would run.
    async fn check(&self, clients: &Clients) -> anyhow::Result<()> {
        let Some(stack) = clients.spacelift.stack(&self.stack).await? else {
            return Err(crate::command::no_stack(&clients.spacelift, &self.stack).await);
        };
        if stack.is_disabled {
            return Err(
                Failure::rejected(format!("the stack `{}` is disabled", self.stack))
                    .meaning("A disabled stack never runs. Nothing was requested.")
                    .hint("Enable the stack in Spacelift first.")
                    .into(),
            );
        }
        Ok(())
    }

    /// Records the request. If it was recorded before, its status is returned. Fails if its id was used for another stack.
    async fn record(&self, clients: &Clients, id: &str) -> anyhow::Result<Option<RequestStatus>> {
        let request = RunRequest {
            account: None,
            stack: self.stack.clone(),
            request_id: self.request_id.clone(),
            requested_by: Some(clients.actor().await?.to_string()),
            follow: self.follow_commit,
        };
        let received = Received::Request {
            account: clients.account.clone(),
            id: id.to_owned(),
            request,
            received_at_ms: Some(clock::now_ms()),
        };
        match clients.workflows.record(&received, Source::Operator).await? {
            Recorded::Accepted { .. } => Ok(None),
            Recorded::Duplicate { .. } => {
                let report = clients.workflows.request_report(&clients.account, id).await?;
                match report {
                    Some(report) if report.stack != self.stack => Err(Failure::rejected(format!(
                        "the request id `{id}` was used before, for the stack `{}`",
                        report.stack
                    ))
                    .meaning("Nothing was requested.")
                    .hint("Choose another --request-id.")
                    .into()),
                    report => Ok(Some(
                        report.map_or(RequestStatus::Pending, |report| report.status),
                    )),
                }
            }
        }
    }
}

/// Waits until a worker has accepted the request. Fails if nothing follows from it.
async fn accepted(clients: &Clients, id: &str) -> anyhow::Result<()> {
    let mut waited = Duration::ZERO;
    let mut patience = Patience::default();
    loop {
        let read = clients.workflows.request_report(&clients.account, id).await;
        let report = patience.allow(read)?.flatten();
        match report.map(|report| report.status) {
            Some(RequestStatus::Accepted { .. }) => return Ok(()),
            Some(RequestStatus::Ignored { reason }) => {
                return Err(Failure::rejected(format!("no chain was started: {reason}")).into());
            }
            Some(RequestStatus::Pending) | None => {}
        }
        tokio::time::sleep(PAUSE).await;
        let was_patient = waited < PATIENCE;
        waited += PAUSE;
        if was_patient && waited >= PATIENCE {
            output::note(
                "No worker has accepted the request yet. `spillway doctor` shows whether one is connected.",
            );
        }
    }
}
