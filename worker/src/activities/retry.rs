//! Passes a request for a retry of a chain to the schedule.

use chain::retry;
use temporal_client::contract::{FollowResult, RetryRequest, ScheduleMessage};
use temporalio_sdk::activities::ActivityError;

use super::Activities;
use crate::failure::temporal_error;

impl Activities {
    pub(super) async fn request_retry(&self, request: &RetryRequest) -> Result<FollowResult, ActivityError> {
        let ignored = |reason: String| Ok(FollowResult::Ignored { reason });
        let ours = self.account().await?;
        if *ours != request.account {
            return ignored(format!(
                "our key belongs to the account `{ours}`, not to `{}`",
                request.account
            ));
        }
        let Some(before) = self.workflows.chain(&request.of).await.map_err(temporal_error)? else {
            return ignored(format!("there is no chain `{}`", request.of));
        };
        let only = match before.record.map(|record| retry::stacks(&record, &request.scope)) {
            Some(Ok(stacks)) => Some(stacks),
            Some(Err(error)) => return ignored(error.to_string()),
            // The chain was refused, and is planned again as a whole.
            None => None,
        };
        let message = ScheduleMessage::Requested {
            chain: request.chain.clone(),
            root: retry::root(
                &before.root,
                &request.of,
                only.as_deref(),
                request.reason.as_deref(),
            ),
            by: request.by.clone(),
            only,
        };
        self.signal_schedule(&request.account, message).await?;
        Ok(FollowResult::Requested {
            chain: request.chain.clone(),
            by: request.by.clone(),
            retry: Some(request.clone()),
            follow: false,
        })
    }
}
