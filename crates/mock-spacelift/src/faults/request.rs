//! Faults of requests: failures of networks and services.

use std::time::Duration;

/// How a request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FaultEffect {
    /// Answers with this status, and does nothing; `retry_after_s` sets `Retry-After`.
    Status { status: u16, retry_after_s: Option<u64> },
    /// Answers with an HTML page and status 200, as some proxies do.
    Html,
    /// The answer is cut off in the middle.
    Truncated,
    /// The request is executed late.
    Slow(Duration),
    /// Everything is done at once, and the answer comes late.
    SlowAfter(Duration),
    /// The connection is reset before anything is done.
    ResetBefore,
    /// The connection is reset after everything is done, before the answer.
    ResetAfter,
    /// Everything is done, and the answer is a 500.
    ErrorAfter,
    /// Status 200 with this error and without data.
    GraphQlError { message: String, is_done: bool },
    /// Every token issued so far expires.
    ExpiredTokens,
}

/// A fault of the API. Without limits it affects the next request of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub(super) effect: FaultEffect,
    operation: Option<String>,
    pub(super) skip: usize,
    pub(super) times: usize,
}

impl Fault {
    fn of(effect: FaultEffect) -> Self {
        Self {
            effect,
            operation: None,
            skip: 0,
            times: 1,
        }
    }

    /// 429 with `Retry-After` in whole seconds.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        Self::of(FaultEffect::Status {
            status: 429,
            retry_after_s: Some(retry_after.as_secs()),
        })
    }

    /// This status; nothing is done.
    pub fn status(status: u16) -> Self {
        Self::of(FaultEffect::Status {
            status,
            retry_after_s: None,
        })
    }

    /// 401; nothing is done.
    pub fn unauthorized() -> Self {
        Self::status(401)
    }

    /// 403; nothing is done.
    pub fn forbidden() -> Self {
        Self::status(403)
    }

    /// 200 with this GraphQL error and without data; nothing is done.
    pub fn graphql_error(message: &str) -> Self {
        Self::of(FaultEffect::GraphQlError {
            message: message.to_owned(),
            is_done: false,
        })
    }

    /// 200 with this GraphQL error and without data; everything is done.
    pub fn graphql_error_after(message: &str) -> Self {
        Self::of(FaultEffect::GraphQlError {
            message: message.to_owned(),
            is_done: true,
        })
    }

    /// 500; nothing is done.
    pub fn internal_error() -> Self {
        Self::status(500)
    }

    /// 500; everything is done.
    pub fn internal_error_after() -> Self {
        Self::of(FaultEffect::ErrorAfter)
    }

    /// Delays what is done, and the answer, by this time.
    pub fn slow(by: Duration) -> Self {
        Self::of(FaultEffect::Slow(by))
    }

    /// Delays the answer by this time; everything is done at once.
    pub fn slow_after(by: Duration) -> Self {
        Self::of(FaultEffect::SlowAfter(by))
    }

    /// HTML instead of JSON.
    pub fn html() -> Self {
        Self::of(FaultEffect::Html)
    }

    /// JSON that is cut off in the middle; everything is done.
    pub fn truncated() -> Self {
        Self::of(FaultEffect::Truncated)
    }

    /// The connection is reset; nothing is done.
    pub fn reset_before() -> Self {
        Self::of(FaultEffect::ResetBefore)
    }

    /// The connection is reset after the operation took effect.
    pub fn reset_after() -> Self {
        Self::of(FaultEffect::ResetAfter)
    }

    /// All tokens expire, also that of this request.
    pub fn expired_tokens() -> Self {
        Self::of(FaultEffect::ExpiredTokens)
    }

    /// Whether it applies to an operation, by its name and root fields.
    pub(crate) fn is_for(&self, operation: Option<&str>, fields: &[String]) -> bool {
        let wanted = self.operation.as_deref();
        wanted.is_none_or(|wanted| operation == Some(wanted) || fields.iter().any(|field| field == wanted))
    }

    /// Only for operations with this name, or with this root field.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Skips the first requests that it applies to.
    #[must_use]
    pub fn after(mut self, requests: usize) -> Self {
        self.skip = requests;
        self
    }

    /// Affects this many requests, then no more.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Affects requests until [`crate::MockSpacelift::clear_faults`].
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }
}
