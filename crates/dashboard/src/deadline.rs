//! How long a request may take.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::page::PageError;

/// Lambda's limit in the template is 29 s, and the guard before this may have to read a secret.
pub(crate) const DEADLINE: Duration = Duration::from_secs(22);

/// When the request began, from which its deadline counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Began(pub(crate) Instant);

/// Without a deadline, a request begins with its handler.
impl<S: Sync> FromRequestParts<S> for Began {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let began = parts.extensions.get::<Self>().copied();
        Ok(began.unwrap_or_else(|| Self(Instant::now())))
    }
}

/// Answers before Lambda ends the function and API Gateway the request: then nobody would say what may have been done.
pub(crate) async fn within_deadline(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    request.extensions_mut().insert(Began(began));
    match tokio::time::timeout_at(began + DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => PageError::TookTooLong.into_response(),
    }
}
