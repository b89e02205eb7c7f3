//! Errors of requests to Temporal.

use temporalio_client::errors::{
    ClientError, WorkflowGetResultError, WorkflowInteractionError, WorkflowQueryError, WorkflowStartError,
};
use temporalio_client::tonic::{Code, Status};
use temporalio_common::data_converters::PayloadConversionError;

/// A call that records something failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRecorded {
    #[error(transparent)]
    Conversion(#[from] PayloadConversionError),
    #[error(transparent)]
    Call(#[from] Status),
}

/// A failed request to Temporal.
#[derive(Debug, thiserror::Error)]
#[error("Temporal could not {wanted}")]
pub struct TemporalError {
    wanted: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Why it failed, as far as the caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemporalErrorKind {
    /// No answer in time, or no connection.
    #[error("Temporal cannot be reached")]
    Unreachable,
    /// The API key or the certificate is wrong or lacks a right.
    #[error("Temporal refuses our API key or certificate")]
    Denied,
    /// No worker answers the query of a workflow.
    #[error("no worker answers")]
    NoWorker,
    /// The workflow failed, was terminated or timed out, and left no result.
    #[error("the workflow left no result")]
    NoResult,
    #[error("Temporal did not do what we asked")]
    Other,
}

impl TemporalError {
    pub(crate) fn new(
        wanted: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            wanted: wanted.into(),
            source: source.into(),
        }
    }

    pub fn kind(&self) -> TemporalErrorKind {
        let source = self.source.as_ref();
        if let Some(WorkflowQueryError::Rpc(status)) = source.downcast_ref() {
            return match status.code() {
                Code::FailedPrecondition | Code::DeadlineExceeded => TemporalErrorKind::NoWorker,
                _ => kind_of_status(status),
            };
        }
        let status = match source.downcast_ref() {
            Some(WorkflowGetResultError::Rpc(status)) => Some(status),
            Some(
                WorkflowGetResultError::Failed(_)
                | WorkflowGetResultError::Cancelled { .. }
                | WorkflowGetResultError::Terminated { .. }
                | WorkflowGetResultError::TimedOut,
            ) => return TemporalErrorKind::NoResult,
            _ => None,
        };
        let status = status.or_else(|| match source.downcast_ref()? {
            WorkflowInteractionError::Rpc(status) => Some(status),
            _ => None,
        });
        let status = status.or_else(|| match source.downcast_ref()? {
            WorkflowStartError::Rpc(status) => Some(status),
            _ => None,
        });
        let status = status.or_else(|| match source.downcast_ref()? {
            ClientError::Rpc(status) => Some(status),
            _ => None,
        });
        let status = status.or_else(|| match source.downcast_ref()? {
            NotRecorded::Call(status) => Some(status),
            NotRecorded::Conversion(_) => None,
        });
        let status = status.or_else(|| source.downcast_ref::<Status>());
        status.map_or(TemporalErrorKind::Other, kind_of_status)
    }
}

pub(crate) fn kind_of_status(status: &Status) -> TemporalErrorKind {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => {
            TemporalErrorKind::Unreachable
        }
        Code::PermissionDenied | Code::Unauthenticated => TemporalErrorKind::Denied,
        _ => TemporalErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_found_in_every_error_with_a_status() {
        let unavailable = || Status::unavailable("gone");
        for (source, kind) in [
            (
                Box::<dyn std::error::Error + Send + Sync>::from(ClientError::Rpc(unavailable())),
                TemporalErrorKind::Unreachable,
            ),
            (
                WorkflowQueryError::Rpc(Status::deadline_exceeded("no poller")).into(),
                TemporalErrorKind::NoWorker,
            ),
            (
                WorkflowGetResultError::TimedOut.into(),
                TemporalErrorKind::NoResult,
            ),
            (
                WorkflowInteractionError::Rpc(Status::permission_denied("no")).into(),
                TemporalErrorKind::Denied,
            ),
            (unavailable().into(), TemporalErrorKind::Unreachable),
            (
                NotRecorded::Call(unavailable()).into(),
                TemporalErrorKind::Unreachable,
            ),
            (
                WorkflowInteractionError::Rpc(Status::invalid_argument("no")).into(),
                TemporalErrorKind::Other,
            ),
        ] {
            let error = TemporalError::new("do it", source);
            assert_eq!(error.kind(), kind, "{:?}", error.source);
        }
    }
}
