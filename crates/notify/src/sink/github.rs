//! GitHub: a status on the commit of the root.

use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::error::{SinkError, accepted};
use crate::message::{Message, cut};
use chain::{ChainResult, CommitSha};

pub(crate) const CONTEXT: &str = "spillway";
/// GitHub refuses longer ones.
pub(crate) const DESCRIPTION_CHARACTERS_MAX: usize = 140;

#[derive(Debug)]
pub(crate) struct GitHub {
    pub(crate) http: Client,
    pub(crate) api: String,
    pub(crate) token: SecretString,
    /// Whether it comments on pull requests.
    pub(crate) pull_requests: bool,
    /// The user or app of the token, by its id, once GitHub has said it.
    pub(crate) viewer: OnceCell<u64>,
}

impl GitHub {
    /// Whether GitHub accepts the token, and how many requests are left.
    pub(crate) async fn probe(&self) -> Result<String, SinkError> {
        let url = self.url(&["rate_limit"])?;
        let answer = accepted(self.request(self.http.get(url)).send().await?).await?;
        let answer: Value = serde_json::from_slice(&answer)
            .map_err(|_| SinkError::Rejected("GitHub's answer is not what GitHub documents".to_owned()))?;
        match answer
            .pointer("/resources/core/remaining")
            .and_then(Value::as_u64)
        {
            Some(0) => Err(SinkError::Limited { retry_after: None }),
            Some(left) => Ok(format!(
                "GitHub accepts the token; {left} requests are left in this hour"
            )),
            None => Ok("GitHub accepts the token".to_owned()),
        }
    }

    /// Nothing is sent for a chain whose repository or commit is unknown.
    pub(crate) async fn send(&self, message: &Message<'_>) -> Result<(), SinkError> {
        let notice = message.notice;
        match (&notice.repository, &notice.root.commit) {
            (Some(repository), Some(commit)) => self.set_status(repository, commit, &body(message)).await,
            _ => Ok(()),
        }
    }

    /// Sets a status of a commit. Nothing is sent if the repository has no owner, so that it cannot be GitHub's.
    pub(crate) async fn set_status(
        &self,
        repository: &str,
        commit: &CommitSha,
        status: &Value,
    ) -> Result<(), SinkError> {
        let Some((owner, name)) = repository.split_once('/') else {
            return Ok(());
        };
        let url = self.url(&["repos", owner, name, "statuses", commit.as_str()])?;
        let request = self.request(self.http.post(url)).json(status);
        let answer = accepted(request.send().await?).await;
        answer.map(|_| ()).map_err(unknown)
    }

    pub(super) fn url(&self, path: &[&str]) -> Result<url::Url, SinkError> {
        let mut url = url::Url::parse(&self.api).map_err(|error| SinkError::Message(error.to_string()))?;
        url.path_segments_mut()
            .map_err(|()| SinkError::Message("the API's URL has no path".to_owned()))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    pub(super) fn request(&self, request: RequestBuilder) -> RequestBuilder {
        request
            .bearer_auth(self.token.expose_secret())
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .header("user-agent", CONTEXT)
    }
}

/// GitHub has no such repository or commit, or does not show it to the token. A root's code may be in GitLab.
pub(super) fn unknown(error: SinkError) -> SinkError {
    match error {
        SinkError::Refused {
            status: status @ (404 | 422),
            text,
        } => SinkError::Unknown(format!("GitHub answered {status}: {text}")),
        other => other,
    }
}

pub(crate) fn body(message: &Message<'_>) -> Value {
    let state = match message.notice.result {
        ChainResult::Succeeded => "success",
        ChainResult::Failed => "failure",
        ChainResult::Refused | ChainResult::Cancelled => "error",
        ChainResult::Planning | ChainResult::Running | ChainResult::Paused => "pending",
    };
    let description = format!("The chain {}: {}", message.word(), message.notice.counts);
    let mut body = json!({
        "state": state,
        // Several chains can begin with the same commit.
        "context": format!("{CONTEXT}: {}", message.notice.root.stack),
        "description": cut(&description, DESCRIPTION_CHARACTERS_MAX),
    });
    if let Some(url) = message.url() {
        body["target_url"] = json!(url);
    }
    body
}
