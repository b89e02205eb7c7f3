//! How the identity provider is asked: with limits, and without following redirects.

use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::{Client, redirect};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// Descriptions, keys and tokens are a few kilobytes.
const RESPONSE_BYTES_MAX: usize = 1024 * 1024;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("the identity provider does not answer")]
    Call(#[from] reqwest::Error),
    #[error("the identity provider's answer has more than {RESPONSE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the identity provider's answer is not HTTP")]
    Answer(#[from] axum::http::Error),
}

pub(super) struct Http(Client);

impl Http {
    pub(super) fn new() -> anyhow::Result<Self> {
        // This fails if another part of the program has installed a provider. That one is used then.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("spillway/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self(client))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let mut response = self.0.execute(request.try_into()?).await?;
            let mut answer = axum::http::Response::builder().status(response.status());
            if let Some(headers) = answer.headers_mut() {
                headers.clone_from(response.headers());
            }
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                if body.len() + chunk.len() > RESPONSE_BYTES_MAX {
                    return Err(HttpError::TooLarge);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(answer.body(body)?)
        })
    }
}
