//! Ends a run that has not been confirmed.

use chain::{ReasonCode, RunState};
use spacelift::RunEnd;
use temporal_client::contract::RunStop;
use temporalio_sdk::activities::ActivityError;
use tracing::{info, warn};

use super::Activities;
use crate::failure::activity_error;
use crate::metrics::{self, Alarm};

impl Activities {
    /// Discards, cancels or stops a run, as its state allows. Never ends a run that applies or that a person has
    /// confirmed.
    pub(super) async fn end_run(&self, stop: &RunStop) -> Result<(), ActivityError> {
        if *self.account().await? != stop.account {
            return Ok(());
        }
        let (stack, id) = (&stop.stack, &stop.run);
        // Waits for the request budget first, so that nothing takes long between the look and the end: a run that was
        // planning could be applying by then.
        let reserved = self.spacelift.reserve().await.map_err(activity_error)?;
        let Some(run) = self.spacelift.run(stack, id).await.map_err(activity_error)? else {
            return Ok(());
        };
        let how = match run.state {
            RunState::Unconfirmed | RunState::PendingReview => RunEnd::Discard,
            RunState::Queued | RunState::Pending => RunEnd::Cancel,
            RunState::Ready
            | RunState::Preparing
            | RunState::Initializing
            | RunState::Planning
            | RunState::PreparingReplan
            | RunState::ReplanRequested => RunEnd::Stop,
            // The schedule had not heard of the confirmation.
            state @ (RunState::Confirmed | RunState::PreparingApply | RunState::Applying)
                if stop.why.code == ReasonCode::Timeout =>
            {
                metrics::alarm(Alarm::LateRun);
                warn!(stack.id = %stack, run.id = %id, "Run {id} of `{stack}` is late, and is {state}: it is not stopped");
                return Ok(());
            }
            state => {
                info!(stack.id = %stack, run.id = %id, "Run {id} of `{stack}` is {state} and is not stopped");
                return Ok(());
            }
        };
        // If its state has changed since it was read, the next attempt reads it again.
        let note = Some(stop.why.text.as_str());
        let ended = self
            .spacelift
            .end_reserved_run(reserved, stack, id, how, note)
            .await;
        ended.map_err(activity_error)?;
        info!(stack.id = %stack, run.id = %id, "Ended run {id} of `{stack}`: {}", stop.why);
        Ok(())
    }
}
