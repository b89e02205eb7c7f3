//! One POST within the request budget, the time limit and the size limit.

use std::time::{Duration, SystemTime};

use chain::error_text::with_causes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use tracing::debug;

use super::answer;
use super::budget::Budget;
use super::effect::Effect;
use crate::error::ErrorKind;
use crate::settings::{ConfigError, Limits};

/// Below the idle timeout of common load balancers: if the other side is about to close the connection, the answer to a
/// mutation is lost.
const IDLE_CONNECTION_MAX: Duration = Duration::from_secs(30);

/// The header that carries a run's metadata into policies and notifications.
const RUN_METADATA: &str = "spacelift-user-provided-run-metadata";

/// A request that can be sent any number of times. It may hold secrets, so it has no `Debug`.
pub(crate) struct Request {
    pub(crate) operation: String,
    pub(crate) body: Vec<u8>,
    pub(crate) effect: Effect,
    pub(crate) run_metadata: Option<HeaderValue>,
}

/// The data of an answer, and its time by the server's clock.
pub(crate) struct Answer {
    pub(crate) data: Value,
    pub(crate) server_time: SystemTime,
}

pub(crate) struct Http {
    client: Client,
    endpoint: Url,
    budget: Budget,
    response_bytes_max: usize,
}

impl Http {
    pub(crate) fn new(endpoint: Url, limits: &Limits) -> Result<Self, ConfigError> {
        // This fails if another part of the program has installed a provider. That one is used then.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("spillway/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect_timeout)
            .timeout(limits.request_timeout)
            .pool_idle_timeout(IDLE_CONNECTION_MAX)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| ConfigError::Tls(with_causes(&error)))?;
        Ok(Self {
            client,
            endpoint,
            budget: Budget::new(limits.requests_per_minute),
            response_bytes_max: limits.response_bytes_max,
        })
    }

    /// Waits until the budget allows a request.
    pub(crate) async fn reserve(&self) {
        self.budget.take().await;
    }

    pub(crate) async fn post(
        &self,
        request: &Request,
        bearer: Option<&SecretString>,
    ) -> Result<Answer, ErrorKind> {
        self.reserve().await;
        self.post_reserved(request, bearer).await
    }

    /// Sends a request for which the budget was reserved.
    pub(crate) async fn post_reserved(
        &self,
        request: &Request,
        bearer: Option<&SecretString>,
    ) -> Result<Answer, ErrorKind> {
        let start = Instant::now();
        let result = self.exchange(request, bearer).await;
        let outcome = result.as_ref().map_or_else(ErrorKind::name, |_| "ok");
        debug!(
            operation = request.operation,
            duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome,
            "Spacelift answered `{}`",
            request.operation
        );
        result
    }

    async fn exchange(&self, request: &Request, bearer: Option<&SecretString>) -> Result<Answer, ErrorKind> {
        let mut message = self
            .client
            .post(self.endpoint.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(request.body.clone());
        if let Some(token) = bearer {
            message = message.header(AUTHORIZATION, bearer_header(token)?);
        }
        if let Some(metadata) = &request.run_metadata {
            message = message.header(RUN_METADATA, metadata.clone());
        }
        let mut response = message
            .send()
            .await
            .map_err(|error| failure(&error, request.effect))?;
        let status = response.status();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| failure(&error, request.effect))?
        {
            if body.len() + chunk.len() > self.response_bytes_max {
                let detail = format!("longer than {} bytes", self.response_bytes_max);
                return Err(request.effect.not_graphql(status.as_u16(), detail));
            }
            body.extend_from_slice(&chunk);
        }
        let data = answer::read(status, &headers, &body, request.effect)?;
        Ok(Answer {
            data,
            server_time: answer::server_time(&headers),
        })
    }
}

pub(crate) fn bearer_header(token: &SecretString) -> Result<HeaderValue, ErrorKind> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| ErrorKind::BadToken)?;
    value.set_sensitive(true);
    Ok(value)
}

fn failure(error: &reqwest::Error, effect: Effect) -> ErrorKind {
    // reqwest's own text is only "error sending request".
    let detail = with_causes(error);
    // Without a connection, nothing was sent.
    if error.is_connect() || error.is_builder() {
        ErrorKind::Unreachable { detail }
    } else {
        effect.lost(detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_not_in_the_debug_text_of_its_header() {
        let header = bearer_header(&SecretString::from("jwt-1")).unwrap();
        assert_eq!(header, "Bearer jwt-1");
        assert_eq!(format!("{header:?}"), "Sensitive");
    }
}
