//! Passes a request for a retry of a chain to the schedule.

use chain::follow::{self, IgnoredBecause};
use chain::retry;
use temporal_client::contract::{FollowResult, RetryRequest, ScheduleMessage};
use temporalio_sdk::activities::ActivityError;

use super::Activities;
use crate::failure::temporal_error;

impl Activities {
    pub(super) async fn request_retry(&self, request: &RetryRequest) -> Result<FollowResult, ActivityError> {
        let message = self.message_of_retry(request).await?;
        let passed_on = FollowResult::Requested {
            chain: request.chain.clone(),
            by: request.by.clone(),
            retry: Some(request.clone()),
            follow: false,
        };
        self.pass_on(&request.account, message, passed_on).await
    }

    /// What is reported to the schedule of a retry, or why it is ignored.
    pub(super) async fn message_of_retry(
        &self,
        request: &RetryRequest,
    ) -> Result<Result<ScheduleMessage, IgnoredBecause>, ActivityError> {
        if let Err(other) = follow::check_account(&request.account, self.account().await?) {
            return Ok(Err(other));
        }
        let Some(before) = self.workflows.chain(&request.of).await.map_err(temporal_error)? else {
            let chain = request.of.clone();
            return Ok(Err(IgnoredBecause::NoChain { chain }));
        };
        let only = match before
            .record
            .as_ref()
            .map(|record| retry::stacks(record, &request.scope))
        {
            Some(Ok(stacks)) => Some(stacks),
            Some(Err(error)) => return Ok(Err(IgnoredBecause::NotRetried { error })),
            // The chain was refused, and is planned again as a whole.
            None => None,
        };
        Ok(Ok(ScheduleMessage::Requested {
            chain: request.chain.clone(),
            root: retry::root(
                &before.root,
                before.record.as_ref(),
                &request.of,
                only.as_deref(),
                request.reason.as_deref(),
            ),
            by: request.by.clone(),
            only,
        }))
    }
}
