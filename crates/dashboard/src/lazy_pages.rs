//! The pages of a function. They need connections, which are made when somebody opens the first page.

use std::pin::Pin;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::Mutex;
use tower::ServiceExt;

use crate::page::PageError;

/// Pages that cannot reach Temporal or Spacelift are opened anew, since a secret may have changed. Not more often than
/// this, because a new connection does not help while the other side is down.
const ANEW_AFTER: Duration = Duration::from_secs(10);

type Opening = Pin<Box<dyn Future<Output = anyhow::Result<Router>> + Send>>;

pub(crate) struct LazyPages {
    open: Box<dyn Fn() -> Opening + Send + Sync>,
    opened: Mutex<Option<(Router, Instant)>>,
}

impl LazyPages {
    pub(crate) fn new(open: impl Fn() -> Opening + Send + Sync + 'static) -> Self {
        Self {
            open: Box::new(open),
            opened: Mutex::new(None),
        }
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        let (router, since) = match self.router().await {
            Ok(opened) => opened,
            Err(error) => return PageError::NotOpened(error).into_response(),
        };
        let response = match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if response.status() == StatusCode::BAD_GATEWAY && since.elapsed() >= ANEW_AFTER {
            self.close(since).await;
        }
        response
    }

    /// Whoever comes while the pages are being opened waits for that.
    async fn router(&self) -> anyhow::Result<(Router, Instant)> {
        let mut opened = self.opened.lock().await;
        if let Some(opened) = &*opened {
            return Ok(opened.clone());
        }
        let fresh = ((self.open)().await?, Instant::now());
        *opened = Some(fresh.clone());
        Ok(fresh)
    }

    async fn close(&self, since: Instant) {
        let mut opened = self.opened.lock().await;
        // Somebody else may have opened them anew already.
        if opened.as_ref().is_some_and(|(_, at)| *at == since) {
            *opened = None;
        }
    }
}
