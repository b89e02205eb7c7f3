//! The pages. Each handler gathers what its page shows, and a template shows it.

pub(crate) mod chain;
pub(crate) mod chains;
mod check;
pub(crate) mod control;
mod drawing;
mod frame;
pub(crate) mod freeze;
pub(crate) mod graph;
pub(crate) mod halt;
pub(crate) mod health;
mod open;
mod problem;
mod queues;
pub(crate) mod retry;
pub(crate) mod run_action;
pub(crate) mod stack;
pub(crate) mod stack_action;
mod state;
pub(crate) mod waiting;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::sources::{AccountListing, ChainReports, Runs, now_ms};
pub(crate) use frame::{Frame, Section};
pub(crate) use problem::{PageError, not_found};
pub(crate) use state::State as ShownState;

/// Text that counts time changes this often, so that a page that nobody changes is sent once in that time.
const TICK_MS: i64 = 5_000;

/// What all handlers share.
pub(crate) struct Dashboard {
    pub(crate) config: Config,
    pub(crate) reports: ChainReports,
    pub(crate) runs: Runs,
    pub(crate) account: AccountListing,
}

pub(crate) type Shared = State<Arc<Dashboard>>;

impl Dashboard {
    pub(crate) fn new(config: Config) -> Self {
        let settings = config.workflows.settings().chain.clone();
        Self {
            reports: ChainReports::new(config.workflows.clone()),
            runs: Runs::new(config.spacelift.clone()),
            account: AccountListing::new(config.spacelift.clone(), settings),
            config,
        }
    }
}

/// The time that a page shows: durations are counted up to it.
pub(crate) fn shown_now_ms() -> i64 {
    let now = now_ms();
    now - now.rem_euclid(TICK_MS)
}

/// A page, or that it has not changed since the browser got it.
pub(crate) fn answer(headers: &HeaderMap, template: &impl Template) -> Result<Response, PageError> {
    let html = template.render()?;
    let digest = Sha256::digest(html.as_bytes());
    let etag = format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&digest[..18]));
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Html(html).into_response()
    };
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}
