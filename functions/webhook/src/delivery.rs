//! One delivery, from its bytes to its answer.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use chain::AccountName;
use chain::event::{self, Delivery, UnreadableBody};
use chain::event::{IrrelevantEvent, is_other_account, why_irrelevant};
use chain::signature;
use orchestrator::contract::{Received, Source};
use orchestrator::{Recorder, clock};
use queue::{Message, Queue, Unreadable};
use tracing::error;

use crate::answer::{Answer, Problem, Settled, Taken};
use crate::config::Config;
use crate::journal::{About, Journal};
use crate::openapi::WebhookBody;
use crate::secrets::{Disbelief, Secrets};

/// What takes deliveries.
pub(crate) struct Receiver {
    secrets: Secrets,
    account: Option<AccountName>,
    recorder: Recorder,
    buffer: Option<Queue>,
    quarantine: Option<Queue>,
    journal: Journal,
}

impl Receiver {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            secrets: Secrets::new(config.secrets),
            account: config.account,
            recorder: Recorder::new(config.temporal, config.settings),
            buffer: config.buffer,
            quarantine: config.quarantine,
            journal: Journal::new(config.audit, config.metrics),
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
/// The body is Spacelift's own run event, the input of a notification policy, or a request: for a run, or to look at a
/// run that is over. The signature is verified over its bytes before anything reads them. Spacelift sends again only
/// after 5xx.
#[utoipa::path(
    post, path = "/webhook", operation_id = "receive", tag = "webhook",
    params(("X-Signature-256" = String, Header, pattern = "^sha256=[0-9a-f]{64}$",
        description = "`sha256=` and, in lowercase hexadecimal digits, the HMAC-SHA256 of the body's bytes, keyed with \
            the webhook's secret. Two secrets are valid while they rotate.")),
    request_body = WebhookBody,
    responses(
        (status = 202, description = "The event is taken, by Temporal or by the queue in front of it.", body = Taken),
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
    let began = Instant::now();
    let (answer, about) = decide(&receiver, &headers, body).await;
    receiver.journal.tell(&answer, &about, began.elapsed()).await;
    answer
}

async fn decide(
    receiver: &Receiver,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> (Answer, About) {
    let body = match body {
        Ok(body) if is_json(headers) => body,
        Ok(body) => return (Answer::NotJson, About::bytes(&body)),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return (Answer::TooLarge, About::Nothing);
        }
        Err(_) => return (Answer::Broken, About::Nothing),
    };
    let signatures: Vec<&[u8]> = headers
        .get_all(signature::HEADER)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    match receiver.secrets.verify(&signatures, &body).await {
        Ok(()) => {}
        Err(Disbelief::Signature(error)) => {
            let bytes = body.len();
            return (Answer::Refused, About::Forgery { error, bytes });
        }
        Err(Disbelief::NoSecret) => return (Answer::Unavailable, About::bytes(&body)),
    }
    match event::parse(&body) {
        Ok(Delivery::Run(event)) => {
            let irrelevant = why_irrelevant(&event, receiver.account.as_ref(), clock::now_ms());
            receiver.take(irrelevant, Received::event(event)).await
        }
        Ok(Delivery::Request(request)) => match receiver.account_of(request.account.as_ref()) {
            Ok(account) => {
                let irrelevant = is_other_account(&account, receiver.account.as_ref());
                receiver
                    .take(irrelevant, Received::request(account, request))
                    .await
            }
            Err(incomplete) => (incomplete, About::bytes(&body)),
        },
        Ok(Delivery::RunEnded(ended)) => match receiver.account_of(ended.account.as_ref()) {
            Ok(account) => {
                let irrelevant = is_other_account(&account, receiver.account.as_ref());
                receiver
                    .take(irrelevant, Received::RunEnded { account, ended })
                    .await
            }
            Err(incomplete) => (incomplete, About::bytes(&body)),
        },
        Ok(Delivery::Ignored(ignored)) => {
            let answer = Answer::Ignored {
                code: ignored.code().to_owned(),
                reason: ignored.to_string(),
            };
            (answer, About::bytes(&body))
        }
        Err(unreadable) => {
            receiver.keep(&unreadable, &body).await;
            (Answer::Unreadable(unreadable), About::bytes(&body))
        }
    }
}

impl Receiver {
    /// The account that a request names, or the one that is configured.
    fn account_of(&self, named: Option<&AccountName>) -> Result<AccountName, Answer> {
        named
            .or(self.account.as_ref())
            .cloned()
            .ok_or(Answer::Incomplete {
                field: "account",
                reason: "`account` is missing, and this webhook is configured without SPILLWAY_ACCOUNT",
            })
    }

    /// Records what is relevant.
    async fn take(&self, irrelevant: Option<IrrelevantEvent>, received: Received) -> (Answer, About) {
        let answer = match irrelevant {
            Some(why) => Answer::Ignored {
                code: why.code().to_owned(),
                reason: why.to_string(),
            },
            None => self.record(&received).await,
        };
        (answer, About::Received(received))
    }

    /// In Temporal, or else in the queue.
    async fn record(&self, received: &Received) -> Answer {
        if let Some(recorded) = self.recorder.record(received, Source::Webhook).await {
            return Answer::Recorded(recorded);
        }
        let Some(buffer) = &self.buffer else {
            return Answer::Unavailable;
        };
        match buffer.send(&Message::Received(received.clone())).await {
            Ok(()) => Answer::Buffered,
            Err(error) => {
                error!("{:#}", anyhow::Error::new(error));
                Answer::Unavailable
            }
        }
    }

    /// Keeps an authentic body that could not be read: a newer version may read it.
    async fn keep(&self, unreadable: &UnreadableBody, body: &[u8]) {
        let Some(quarantine) = &self.quarantine else {
            return;
        };
        let (field, reason) = (&unreadable.field, unreadable.to_string());
        let kept = Message::Unreadable(Unreadable::new(field, &reason, clock::now_ms(), body));
        match quarantine.send(&kept).await {
            Ok(()) => self.journal.kept(),
            Err(error) => error!("{:#}", anyhow::Error::new(error)),
        }
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
