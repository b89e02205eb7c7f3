//! The only place that decides which failures of activities may be retried.

use audit::StoreError;
use temporalio_sdk::activities::ActivityError;
use temporalio_sdk::{ActivityExecutionError, ApplicationFailure};

/// A failed read from Spacelift: it is always retried. A revoked key may be restored, and today's answer says nothing
/// about tomorrow's. Retry-After is obeyed.
pub(crate) fn activity_error(error: spacelift::Error) -> ActivityError {
    let delay = error.retry_after();
    ActivityError::application(
        ApplicationFailure::builder(error)
            .maybe_next_retry_delay(delay)
            .build(),
    )
}

/// A failed call to Temporal itself: it may be retried.
pub(crate) fn temporal_error(error: temporal_client::TemporalError) -> ActivityError {
    ActivityError::application(ApplicationFailure::new(error))
}

/// A chain's audit log could not be written.
pub(crate) fn audit_error(error: StoreError) -> ActivityError {
    let is_final = error.is_final();
    ActivityError::application(ApplicationFailure::builder(error).non_retryable(is_final).build())
}

/// The innermost message of a failed activity: Spacelift's message without the layers around it.
pub(crate) fn root_cause(error: &ActivityExecutionError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
