//! The only place that decides which failures of activities may be retried.

use audit::StoreError;
use temporalio_sdk::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

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
