//! `spillway request show`: what became of a request.

use chain::{ChainId, StackId};
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use temporal_client::RequestStatus;

use crate::command::{Done, with_clients};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Shape;
use crate::output::Output;

/// Show what became of a request.
#[derive(Debug, Args)]
pub(crate) struct RequestArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show a request: whether it was accepted, and its chain.
    Show {
        /// The id of the request, as `spillway chain start` or the webhook returned it.
        #[arg(value_name = "REQUEST")]
        id: String,
        #[command(flatten)]
        output: Output,
    },
}

/// A request for a run of a stack and its dependents.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Request")]
pub(crate) struct View {
    id: String,
    stack: StackId,
    state: State,
    /// The chain that it starts, or would start.
    chain: ChainId,
    /// Why nothing follows from it.
    reason: Option<String>,
    /// The same request was recorded before.
    duplicate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Recorded. No worker has taken it yet.
    Pending,
    Accepted,
    Ignored,
}

impl Shape for View {
    const KIND: &'static str = "request";
}

impl View {
    pub(crate) fn new(
        id: String,
        stack: StackId,
        chain: ChainId,
        status: RequestStatus,
        duplicate: bool,
    ) -> Self {
        let (state, reason) = match status {
            RequestStatus::Pending => (State::Pending, None),
            RequestStatus::Accepted { .. } => (State::Accepted, None),
            RequestStatus::Ignored { reason } => (State::Ignored, Some(reason)),
        };
        Self {
            id,
            stack,
            state,
            chain,
            reason,
            duplicate,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        Exit::of(self.state != State::Ignored)
    }

    pub(crate) fn text(&self) -> String {
        let Self { id, stack, chain, .. } = self;
        match (&self.reason, self.duplicate, self.state) {
            (Some(reason), ..) => format!("Request {id} for `{stack}` started no chain: {reason}"),
            (None, true, _) => format!("The request {id} for `{stack}` was recorded before.\nChain: {chain}"),
            (None, false, State::Accepted) => {
                format!("Request {id} for `{stack}` was accepted.\nChain: {chain}")
            }
            (None, false, _) => format!("Requested `{stack}`.\nChain: {chain}"),
        }
    }
}

pub(crate) fn request(arguments: RequestArguments) -> Done {
    let Action::Show { id, output } = arguments.action;
    with_clients(async |clients| {
        // The webhook answers with the id of the workflow.
        let prefix = temporal_client::id::follow_request(&clients.account, "");
        let id = id.strip_prefix(&prefix).unwrap_or(&id).to_owned();
        let Some(report) = clients.workflows.request_report(&clients.account, &id).await? else {
            return Err(Failure::rejected(format!("request `{id}` not found"))
                .meaning("It does not exist, or Temporal has deleted it after its retention period.")
                .into());
        };
        let chain = ChainId::of_request(&clients.account, &id);
        let view = View::new(id, report.stack, chain, report.status, false);
        output.show(&view, || view.text())?;
        Ok(view.exit())
    })
}
