//! One delivery, from its bytes to its answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use chain::event::{self, Delivery};
use chain::signature;
use chain::{AccountName, CommitSha, RunEvent, RunRequest, RunType};
use tracing::{info, warn};

use crate::answer::{Answer, Problem, Settled, Taken};
use crate::config::Config;
use crate::openapi::WebhookBody;
use crate::recorder::{Record, Recorder};
use crate::secrets::{Disbelief, SecretSource, Secrets};

/// How old an event may be. A delivery carries no proof of when it was sent, so an older one may be a replay of a
/// run whose workflow Temporal has forgotten. Spacelift gives up retrying long before; the sweep finds what was lost.
const EVENT_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How far an event may be ahead of our clock: an event of the future would stay replayable until then.
const EVENT_AHEAD_MAX: Duration = Duration::from_secs(600);

pub(crate) struct Receiver {
    secrets: Secrets,
    account: Option<AccountName>,
    recorder: Recorder,
}

impl Receiver {
    pub(crate) fn new(config: Config<impl Into<SecretSource>>) -> Self {
        Self {
            secrets: Secrets::new(config.secrets.into()),
            account: config.account,
            recorder: Recorder::new(config.temporal, config.settings),
        }
    }

    /// Does what the first delivery would have to wait for. What fails here is tried again by that delivery.
    pub(crate) async fn warm_up(&self) {
        // On the heap: connecting has many states, and they would lie in every future that waits for this one.
        Box::pin(async { tokio::join!(self.secrets.warm_up(), self.recorder.warm_up()) }).await;
    }
}

/// Takes a delivery.
///
/// The body is Spacelift's own run event, the input of a notification policy, or a request for a run. The signature
/// is verified over its bytes before anything reads them. Spacelift sends again only after 5xx.
#[utoipa::path(
    post, path = "/webhook", operation_id = "receive", tag = "webhook",
    params(("X-Signature-256" = String, Header, pattern = "^sha256=[0-9a-f]{64}$",
        description = "`sha256=` and, in lowercase hexadecimal digits, the HMAC-SHA256 of the body's bytes, keyed with \
            the webhook's secret. Two secrets are valid while they rotate.")),
    request_body = WebhookBody,
    responses(
        (status = 202, description = "The event is taken.", body = Taken),
        (status = 200, description = "Authentic, and nothing is to be done.", body = Settled),
        (status = 401, description = "The signature is missing, malformed, doubled or wrong.", body = Problem),
        (status = 413, description = "The body is larger than 1 MiB.", body = Problem),
        (status = 415, description = "The body is not `application/json`.", body = Problem),
        (status = 422, description = "Authentic and unreadable: the field and the reason.", body = Problem),
        (status = 503, description = "The event could not be recorded.", body = Problem,
            headers(("Retry-After" = u16, description = "When to send it again, in seconds."))),
    )
)]
pub(crate) async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let body = match body {
        Ok(body) if is_json(&headers) => body,
        Ok(_) => return said(Answer::NotJson, None),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return said(Answer::TooLarge, None);
        }
        Err(_) => return said(Answer::Broken, None),
    };
    let signatures: Vec<&[u8]> = headers
        .get_all(signature::HEADER)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    match receiver.secrets.verify(&signatures, &body).await {
        Ok(()) => {}
        Err(Disbelief::Signature(reason)) => {
            let answer = Answer::Refused;
            warn!(
                delivery.answer = answer.code(),
                signature.reason = reason.code(),
                body.bytes = body.len(),
                "Refused a delivery: {reason}"
            );
            return answer;
        }
        Err(Disbelief::NoSecret) => return said(Answer::Unavailable, Some(body.len())),
    }
    match event::parse(&body) {
        Ok(Delivery::Run(event)) => receive_event(&receiver, event).await,
        Ok(Delivery::Request(request)) => receive_request(&receiver, request).await,
        Ok(Delivery::Ignored(ignored)) => {
            let answer = Answer::Ignored {
                code: ignored.code().to_owned(),
                reason: ignored.to_string(),
            };
            said(answer, Some(body.len()))
        }
        Err(unreadable) => said(Answer::Unreadable(unreadable), Some(body.len())),
    }
}

/// The line of a delivery of which nothing is known but its size. The reason of an unreadable one quotes the body, so
/// it is not logged: the field is.
fn said(answer: Answer, bytes: Option<usize>) -> Answer {
    let (code, reason) = (answer.code(), answer.reason());
    if matches!(answer, Answer::Ignored { .. }) {
        info!(
            delivery.answer = code,
            delivery.reason = reason,
            body.bytes = bytes,
            "A delivery is {code}"
        );
    } else {
        warn!(
            delivery.answer = code,
            delivery.reason = reason,
            body.bytes = bytes,
            "A delivery is {code}"
        );
    }
    answer
}

async fn receive_request(receiver: &Receiver, request: RunRequest) -> Answer {
    let account = request.account.clone().or_else(|| receiver.account.clone());
    let (stack, request_id) = (request.stack.clone(), request.request_id.clone());
    let answer = match account.clone() {
        Some(account) => record(receiver, Record::Request { account, request }).await,
        None => Answer::Incomplete {
            field: "account",
            reason: "`account` is missing, and this webhook is configured without SPILLWAY_ACCOUNT",
        },
    };
    info!(
        delivery.answer = answer.code(),
        delivery.reason = answer.reason(),
        workflow.id = answer.workflow_id(),
        account = account.as_ref().map(AsRef::<str>::as_ref),
        stack.id = %stack, request.id = request_id.as_ref().map(AsRef::<str>::as_ref),
        "A run of `{stack}` is asked for: {}", answer.code()
    );
    answer
}

async fn receive_event(receiver: &Receiver, event: Box<RunEvent>) -> Answer {
    let answer = match why_ignored(&event, receiver.account.as_ref(), now_ms()) {
        Some((code, reason)) => Answer::Ignored {
            code: code.to_owned(),
            reason,
        },
        None => record(receiver, Record::Event(event.clone())).await,
    };
    info!(
        delivery.answer = answer.code(),
        delivery.reason = answer.reason(),
        workflow.id = answer.workflow_id(),
        account = %event.account, stack.id = %event.stack, stack.name = event.stack_name,
        space.id = event.space.as_ref().map(AsRef::<str>::as_ref),
        run.id = %event.run, run.state = %event.state, run.kind = %event.run_type,
        run.branch = event.branch, run.commit = event.commit.as_ref().map(CommitSha::as_str),
        event.timestamp_ms = event.timestamp_ms,
        "Run {} of `{}` is {}: {}", event.run, event.stack, event.state, answer.code()
    );
    answer
}

async fn record(receiver: &Receiver, record: Record) -> Answer {
    match receiver.recorder.record(&record).await {
        Some(recorded) => Answer::Recorded(recorded),
        None => Answer::Unavailable,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        })
}

/// Why an authentic event is not ours to act on.
fn why_ignored(
    event: &RunEvent,
    account: Option<&AccountName>,
    now_ms: i64,
) -> Option<(&'static str, String)> {
    if account.is_some_and(|account| *account != event.account) {
        return Some((
            "other_account",
            format!("it is about the account `{}`", event.account),
        ));
    }
    if event.run_type != RunType::Tracked {
        return Some(("run_type", format!("a {} run starts no chain", event.run_type)));
    }
    let age_ms = now_ms.saturating_sub(event.timestamp_ms);
    if age_ms > milliseconds(EVENT_AGE_MAX) {
        return Some(("too_old", format!("it is {} hours old", age_ms / 3_600_000)));
    }
    if age_ms < -milliseconds(EVENT_AHEAD_MAX) {
        return Some((
            "from_the_future",
            format!("it is {} minutes ahead of this clock", -age_ms / 60_000),
        ));
    }
    None
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, milliseconds)
}
