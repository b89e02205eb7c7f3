//! The state of requests for runs.

use chain::{AccountName, ChainId, StackId};
use temporalio_client::WorkflowExecutionStatus;

use crate::contract::FollowResult;
use crate::id;
use crate::record::REQUEST_SUMMARY;
use crate::{TemporalError, WorkflowClient};

/// A request and its state.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestReport {
    pub stack: StackId,
    pub status: RequestStatus,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestStatus {
    /// No worker has passed it to the schedule yet.
    Pending,
    /// It has a chain.
    Accepted { chain: ChainId },
    /// It needs no action, for this reason.
    Ignored { reason: String },
}

impl WorkflowClient {
    /// The state of a request; `None` if there is none with this id.
    pub async fn request_report(
        &self,
        account: &AccountName,
        request: &str,
    ) -> Result<Option<RequestReport>, TemporalError> {
        let workflow_id = id::follow_request(account, request);
        let Some(described) = self.describe(&workflow_id).await? else {
            return Ok(None);
        };
        if described.status == WorkflowExecutionStatus::Running {
            // The input is not in the description.
            let stack = described
                .summary
                .as_deref()
                .and_then(|summary| summary.strip_suffix(REQUEST_SUMMARY))
                .and_then(|stack| stack.parse().ok());
            return Ok(stack.map(|stack| RequestReport {
                stack,
                status: RequestStatus::Pending,
            }));
        }
        let Some(outcome) = self.end_of_follower(&workflow_id).await? else {
            return Ok(None);
        };
        Ok(Some(RequestReport {
            stack: outcome.stack,
            status: match outcome.result {
                FollowResult::Requested { chain, .. } => RequestStatus::Accepted { chain },
                FollowResult::Ignored { reason } => RequestStatus::Ignored {
                    reason: reason.to_string(),
                },
                FollowResult::Reported => RequestStatus::Ignored {
                    reason: "it is not a request".to_owned(),
                },
            },
        }))
    }
}
