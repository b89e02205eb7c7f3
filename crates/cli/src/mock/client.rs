//! A client of the control endpoint of an account in memory.

use mock_spacelift::{ControlAnswer, ControlRequest, LogEntry};
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::Failure;

pub(super) struct Client {
    http: reqwest::Client,
    /// Without a path.
    base: Url,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

#[derive(Deserialize)]
struct Log {
    log: Vec<LogEntry>,
}

impl Client {
    /// Refuses every address but this machine's, so that no real account ever gets such a request.
    pub(super) fn of(url: &str) -> anyhow::Result<Self> {
        let wrong = |why: &str| {
            Failure::setting(format!("`{url}` {why}"))
                .hint("Name the account in memory with --url, for example --url http://127.0.0.1:8010")
        };
        let mut base: Url = url.parse().map_err(|_| wrong("is not a URL"))?;
        let host = base.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        if host != "localhost" && !address.is_ok_and(|address| address.is_loopback()) {
            return Err(wrong("is not on this machine").into());
        }
        base.set_path("");
        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, base })
    }

    pub(super) async fn send(&self, request: &ControlRequest) -> anyhow::Result<ControlAnswer> {
        let (verb, body) = verb_and_body(request)?;
        let url = self.base.join(&format!("control/{verb}"))?;
        self.answer(self.http.post(url).json(&body)).await
    }

    pub(super) async fn log(&self) -> anyhow::Result<Vec<LogEntry>> {
        let url = self.base.join("control/log")?;
        let answer: Log = self.answer(self.http.get(url)).await?;
        Ok(answer.log)
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let at = self.base.as_str().trim_end_matches('/');
        let unreachable = |_| {
            Failure::unreachable(format!("no account in memory answers at {at}"))
                .hint("Start one with `spillway dev` or `spillway mock serve`, or name another with --url.")
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        if status.is_success()
            && let Ok(answer) = serde_json::from_slice(&body)
        {
            return Ok(answer);
        }
        let refused: Refused = serde_json::from_slice(&body).map_err(|_| {
            Failure::unreachable(format!(
                "the server at {at} is not an account in memory ({status})"
            ))
            .hint("Name the account in memory with --url.")
        })?;
        let is_stack = refused.error.starts_with("stack `") && refused.error.ends_with("not found");
        let failure = Failure::rejected(refused.error);
        if is_stack {
            let hint = "`spillway stack list` lists the stacks of the account in memory.";
            return Err(failure.hint(hint).into());
        }
        Err(failure.into())
    }
}

/// The only key of the request's JSON is the verb, what it holds is the body.
fn verb_and_body(request: &ControlRequest) -> anyhow::Result<(String, Value)> {
    match serde_json::to_value(request)? {
        Value::Object(fields) if fields.len() == 1 => fields
            .into_iter()
            .next()
            .ok_or_else(|| anyhow::anyhow!("a request has a verb")),
        other => anyhow::bail!("{other} is not a request"),
    }
}
