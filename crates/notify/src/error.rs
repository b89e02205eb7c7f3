//! Why a sink did not take a message.

use std::time::{Duration, SystemTime};

use chain::error_text::root_cause;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};

/// The part of an answer that is shown.
const ANSWER_CHARACTERS_MAX: usize = 200;
/// The longest answer that is read. A page of comments of GitHub can have megabytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The longest `Retry-After` that is obeyed: a longer one is a mistake, such as a time in seconds since 1970.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
/// The header with which GitHub says how many requests are left.
const REMAINING: &str = "x-ratelimit-remaining";

/// Why a sink did not take a message. No text names a secret: URLs are left out, since some of them are secrets.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    #[error("the sink cannot be reached: {0}")]
    Unreachable(String),
    #[error("the sink asks for a pause{}", match .retry_after { Some(pause) => format!(" of {} s", pause.as_secs()), None => String::new() })]
    Limited { retry_after: Option<Duration> },
    #[error("the sink answered {status}: {text}")]
    Refused { status: u16, text: String },
    #[error("the sink refused: {0}")]
    Rejected(String),
    #[error("the message cannot be built: {0}")]
    Message(String),
    #[error("the sink does not know what the message is about: {0}")]
    Unknown(String),
    #[error("there is no such sink; the settings of the worker name the sinks")]
    NoSuchSink,
}

impl SinkError {
    /// Whether another attempt cannot work either.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::NoSuchSink | Self::Unknown(_))
    }

    /// The pause that the sink asked for.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::Limited { retry_after } => retry_after.map(chain::milliseconds),
            _ => None,
        }
    }
}

impl From<reqwest::Error> for SinkError {
    fn from(error: reqwest::Error) -> Self {
        // The URL of an incoming webhook is its secret.
        Self::Unreachable(root_cause(&error.without_url()))
    }
}

/// An answer, unless it asks for a pause.
pub(crate) fn answered(response: Response) -> Result<Response, SinkError> {
    let is_limited = match response.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => true,
        // GitHub's rate limits.
        StatusCode::FORBIDDEN => {
            let headers = response.headers();
            headers.contains_key(RETRY_AFTER) || headers.get(REMAINING).is_some_and(|left| left == "0")
        }
        _ => false,
    };
    if is_limited {
        let retry_after = retry_after(&response);
        return Err(SinkError::Limited { retry_after });
    }
    Ok(response)
}

/// The body of an answer that says that the sink took the message.
pub(crate) async fn accepted(response: Response) -> Result<Vec<u8>, SinkError> {
    let mut response = answered(response)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(SinkError::Rejected(format!(
                "its answer is longer than {ANSWER_BYTES_MAX} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return Ok(body);
    }
    let text: String = String::from_utf8_lossy(&body)
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(ANSWER_CHARACTERS_MAX)
        .collect();
    Err(SinkError::Refused {
        status: status.as_u16(),
        text: text.trim().to_owned(),
    })
}

/// Seconds, or a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let pause = match text.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(SystemTime::now())
            .ok()?,
    };
    Some(pause.min(RETRY_AFTER_MAX))
}
