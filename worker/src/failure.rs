//! Which failures of activities may be tried again: decided here, and nowhere else.

use audit::StoreError;
use temporalio_sdk::activities::ActivityError;
use temporalio_sdk::{ActivityExecutionError, ApplicationFailure};

/// What Temporal is told of a failed look at Spacelift: it is tried again, whatever came back. A key that was revoked is
/// given back one day, and no answer of today says anything about tomorrow's. Retry-After is honoured.
pub(crate) fn activity_error(error: spacelift::Error) -> ActivityError {
    let delay = error.retry_after();
    ActivityError::application(
        ApplicationFailure::builder(error)
            .maybe_next_retry_delay(delay)
            .build(),
    )
}

/// What Temporal is told of a call to itself that failed: it may be tried again.
pub(crate) fn temporal_error(error: orchestrator::TemporalError) -> ActivityError {
    ActivityError::application(ApplicationFailure::new(error))
}

/// What Temporal is told where a chain's audit log could not be written.
pub(crate) fn audit_error(error: StoreError) -> ActivityError {
    let is_final = error.is_final();
    ActivityError::application(ApplicationFailure::builder(error).non_retryable(is_final).build())
}

/// The innermost message of a failed activity: what Spacelift said, without the layers around it.
pub(crate) fn root_cause(error: &ActivityExecutionError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
