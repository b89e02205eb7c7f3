//! Pages that say why there is no other one.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use temporal_client::TemporalError;

use super::frame::PAGES;
use crate::filters;

/// Why a page cannot be shown, or why an action was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Forbidden(String),
    /// It names the address of the dashboard.
    #[error("The action did not come from a page of this dashboard.")]
    FromElsewhere(String),
    #[error("The page took too long.")]
    TookTooLong,
    #[error("Spacelift did not say in time what the run waits for.")]
    TooSlowToAct,
    #[error("Temporal does not answer: {0:#}")]
    Temporal(anyhow::Error),
    #[error("Spacelift does not answer: {0}")]
    Spacelift(#[from] spacelift::Error),
    #[error("the dashboard cannot work: {0:#}")]
    NotOpened(anyhow::Error),
    #[error("the page cannot be written: {0}")]
    Template(#[from] askama::Error),
}

impl From<TemporalError> for PageError {
    fn from(error: TemporalError) -> Self {
        Self::Temporal(error.into())
    }
}

impl From<Arc<anyhow::Error>> for PageError {
    fn from(error: Arc<anyhow::Error>) -> Self {
        Self::Temporal(anyhow::anyhow!("{error:#}"))
    }
}

impl PageError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Forbidden(_) | Self::FromElsewhere(_) => StatusCode::FORBIDDEN,
            Self::Temporal(_)
            | Self::Spacelift(_)
            | Self::NotOpened(_)
            | Self::TookTooLong
            | Self::TooSlowToAct => StatusCode::BAD_GATEWAY,
            Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn advice(&self) -> String {
        let advice = match self {
            Self::FromElsewhere(url) => {
                return format!(
                    "Nothing was done. Open the dashboard at {url}, load the page again, and repeat the action there."
                );
            }
            Self::TookTooLong => {
                "Temporal or Spacelift is slow. An action may have been done: look before you repeat it."
            }
            Self::TooSlowToAct => "Nothing was done. Try again in a moment.",
            Self::NotFound(_) => "The list of chains has everything that Temporal still knows.",
            Self::Refused(_) => "Nothing was done. Go back, and look at the page again.",
            Self::Forbidden(_) => {
                "Nothing was done. Somebody who manages the identity provider can give you the role of an operator."
            }
            Self::Temporal(_) => "Chains go on without this page. `spillway doctor` says what is wrong.",
            Self::Spacelift(error) if matches!(error.kind, spacelift::ErrorKind::Ambiguous { .. }) => {
                "It may have been done: look before you repeat it."
            }
            Self::Spacelift(_) => "Try again in a moment. `spillway doctor` says what is wrong.",
            Self::NotOpened(_) => "Chains go on without this page. The log of the dashboard has more.",
            Self::Template(_) => "This is an error of Spillway. Its log has more.",
        };
        advice.to_owned()
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    /// The addresses of the pages, and their names.
    pages: Vec<(&'static str, &'static str)>,
    title: &'static str,
    message: String,
    advice: String,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::warn!("{self}");
        }
        let page = ProblemPage {
            pages: PAGES.iter().map(|(_, path, words)| (*path, *words)).collect(),
            title: status.canonical_reason().unwrap_or("Error"),
            message: self.to_string(),
            advice: self.advice(),
        };
        match page.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => (status, page.message).into_response(),
        }
    }
}

pub(crate) async fn not_found() -> PageError {
    PageError::NotFound("There is no such page.".to_owned())
}
