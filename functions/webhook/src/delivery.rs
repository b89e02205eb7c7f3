//! Handles one delivery, from its bytes to its answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chain::AccountName;
use chain::event::{self, Delivery, UnreadableBody};
use chain::event::{IrrelevantEvent, is_other_account, why_irrelevant};
use chain::signature;
use queue::{Message, Queue, QueueErrorKind, Unreadable};
use temporal_client::contract::{Received, Source};
use temporal_client::{Recorder, clock};
use tracing::{error, warn};

use crate::answer::{AcceptedResponse, Answer, NoActionResponse, Problem};
use crate::config::Config;
use crate::journal::{DeliveryDetails, Journal, SUMMARY_EVERY};
use crate::limit::Authentic;
use crate::openapi::WebhookBody;
use crate::secrets::{Secrets, VerifyError};

/// Handles deliveries.
pub(crate) struct Receiver {
    secrets: Arc<Secrets>,
    account: Option<AccountName>,
    recorder: Recorder,
    buffer: Option<Queue>,
    quarantine: Option<Queue>,
    journal: Journal,
    /// Whether ends of proposed runs are recorded.
    pull_requests: bool,
}

impl Receiver {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            secrets: Secrets::new(config.secrets),
            account: config.account,
            pull_requests: config.settings.pull_requests,
            recorder: Recorder::new(config.temporal, config.settings),
            buffer: config.buffer,
            quarantine: config.quarantine,
            journal: Journal::new(config.audit, config.metrics),
        }
    }

    /// Reads the secrets and connects, so that the first delivery need not wait for it. Failures are retried with that
    /// delivery.
    pub(crate) async fn warm_up(&self) {
        // On the heap: the connecting future is large, and would be part of every future that awaits this one.
        Box::pin(async { tokio::join!(self.secrets.warm_up(), self.recorder.warm_up()) }).await;
    }

    /// Writes what is only counted so far. To be called before the process ends.
    pub(crate) async fn finish(&self) {
        self.journal.write_rest().await;
    }

    /// Writes what is only counted so far, whenever it is due. Never ends.
    pub(crate) async fn write_on_schedule(&self) -> Infallible {
        let mut due = tokio::time::interval(SUMMARY_EVERY);
        loop {
            due.tick().await;
            self.journal.write_due().await;
        }
    }
}

/// Receives a delivery.
///
/// The body is Spacelift's own run event, the input of a notification policy, or a request: to run a stack, or to look
/// up a run that is over. The signature is verified over the raw bytes before anything parses them. Spacelift retries
/// only after 5xx.
#[utoipa::path(
    post, path = "/webhook", operation_id = "receive", tag = "webhook",
    params(("X-Signature-256" = String, Header, pattern = "^sha256=[0-9a-f]{64}$",
        description = "`sha256=` and, in lowercase hexadecimal digits, the HMAC-SHA256 of the body's bytes, keyed with \
            the webhook's secret. Two secrets are valid while they rotate.")),
    request_body = WebhookBody,
    responses(
        (status = 202, description = "The event is taken, by Temporal or by the queue in front of it; or it cannot be \
            read, and is kept.", body = AcceptedResponse),
        (status = 200, description = "Authentic, and nothing is to be done.", body = NoActionResponse),
        (status = 401, description = "The signature is missing, malformed, doubled or wrong.", body = Problem),
        (status = 413, description = "The body is larger than 1 MiB.", body = Problem),
        (status = 415, description = "The body is not `application/json`.", body = Problem),
        (status = 422, description = "Authentic and unreadable, or a request for a run that could be a replay: the field \
            and the reason.", body = Problem),
        (status = 429, description = "Too many requests from there were refused.", body = Problem,
            headers(("Retry-After" = u16, description = "When to come again, in seconds."))),
        (status = 503, description = "The event could not be recorded, its signature could not be verified, or there are too \
            many requests.", body = Problem,
            headers(("Retry-After" = u16, description = "When to send it again, in seconds."))),
    )
)]
pub(crate) async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let began = Instant::now();
    let (answer, details) = decide(&receiver, &headers, body).await;
    receiver.journal.report(&answer, &details, began.elapsed()).await;
    let is_proof = answer.is_authentic() && details.is_timely();
    let mut response = answer.into_response();
    if is_proof {
        response.extensions_mut().insert(Authentic);
    }
    response
}

async fn decide(
    receiver: &Receiver,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> (Answer, DeliveryDetails) {
    let body = match body {
        Ok(body) if is_json(headers) => body,
        Ok(body) => return (Answer::NotJson, DeliveryDetails::bytes(&body)),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return (Answer::TooLarge, DeliveryDetails::Nothing);
        }
        Err(_) => return (Answer::Broken, DeliveryDetails::Nothing),
    };
    let signatures: Vec<&[u8]> = headers
        .get_all(signature::HEADER)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    match receiver.secrets.verify(&signatures, &body).await {
        Ok(()) => {}
        Err(VerifyError::Signature(error)) => {
            let bytes = body.len();
            return (Answer::Refused, DeliveryDetails::Forgery { error, bytes });
        }
        Err(VerifyError::NoSecret) => return (Answer::Unverified, DeliveryDetails::bytes(&body)),
    }
    match event::parse(&body) {
        Ok(Delivery::Run(event)) => {
            let account = receiver.account.as_ref();
            let irrelevant = why_irrelevant(&event, account, receiver.pull_requests, clock::now_ms());
            receiver
                .record_if_relevant(irrelevant, Received::event(event))
                .await
        }
        Ok(Delivery::Request(signed)) => {
            if let Some(why) = signed.why_replayable(clock::now_ms()) {
                let answer = Answer::Incomplete {
                    field: why.field(),
                    reason: why.to_string(),
                };
                return (answer, DeliveryDetails::bytes(&body));
            }
            match receiver.account_of(signed.request.account.as_ref()) {
                Ok(account) => {
                    let irrelevant = is_other_account(&account, receiver.account.as_ref());
                    receiver
                        .record_if_relevant(irrelevant, Received::request(account, signed.request))
                        .await
                }
                Err(incomplete) => (incomplete, DeliveryDetails::bytes(&body)),
            }
        }
        Ok(Delivery::RunEnded(ended)) => match receiver.account_of(ended.account.as_ref()) {
            Ok(account) => {
                let irrelevant = is_other_account(&account, receiver.account.as_ref());
                receiver
                    .record_if_relevant(irrelevant, Received::RunEnded { account, ended })
                    .await
            }
            Err(incomplete) => (incomplete, DeliveryDetails::bytes(&body)),
        },
        Ok(Delivery::Ignored(ignored)) => {
            let answer = Answer::Ignored {
                code: ignored.code().to_owned(),
                reason: ignored.to_string(),
            };
            (answer, DeliveryDetails::bytes(&body))
        }
        Err(unreadable) => {
            let answer = receiver.keep(unreadable, &body).await;
            (answer, DeliveryDetails::bytes(&body))
        }
    }
}

impl Receiver {
    /// The account that a request names, or the configured one.
    fn account_of(&self, named: Option<&AccountName>) -> Result<AccountName, Answer> {
        named
            .or(self.account.as_ref())
            .cloned()
            .ok_or(Answer::Incomplete {
                field: "account",
                reason: "`account` is missing, and this webhook is configured without SPILLWAY_ACCOUNT"
                    .to_owned(),
            })
    }

    /// Records the delivery unless it is irrelevant.
    async fn record_if_relevant(
        &self,
        irrelevant: Option<IrrelevantEvent>,
        received: Received,
    ) -> (Answer, DeliveryDetails) {
        let answer = match irrelevant {
            Some(why) => Answer::Ignored {
                code: why.code().to_owned(),
                reason: why.to_string(),
            },
            None => self.record(&received).await,
        };
        (answer, DeliveryDetails::Received(received))
    }

    /// Records the delivery in Temporal, or in the queue if Temporal cannot be reached or refuses it.
    async fn record(&self, received: &Received) -> Answer {
        let why = match self.recorder.record(received, Source::Webhook).await {
            Ok(recorded) => return Answer::Recorded(recorded),
            Err(why) => why,
        };
        let Some(buffer) = &self.buffer else {
            error!("A delivery could not be recorded, and there is no queue: {why}");
            return Answer::Unavailable;
        };
        let message = Message::Received(received.clone());
        // On the heap: the future of a request to AWS is large, and every delivery would have room for it.
        match Box::pin(buffer.send(&message)).await {
            Ok(()) => {
                warn!("A delivery waits in the queue: {why}");
                Answer::Buffered
            }
            Err(error) => {
                error!("{:#}", anyhow::Error::new(error));
                Answer::Unavailable
            }
        }
    }

    /// Keeps an authentic body that could not be read: a newer version may read it.
    async fn keep(&self, unreadable: UnreadableBody, body: &[u8]) -> Answer {
        let sent = match &self.quarantine {
            None => None,
            Some(quarantine) => {
                let (field, reason) = (&unreadable.field, unreadable.to_string());
                let kept = Message::Unreadable(Unreadable::new(field, &reason, clock::now_ms(), body));
                Some(Box::pin(quarantine.send(&kept)).await)
            }
        };
        let is_kept = match sent {
            None => false,
            Some(Ok(())) => {
                self.journal.count_quarantined();
                true
            }
            Some(Err(error)) => {
                let is_refused = matches!(error.kind, QueueErrorKind::Rejected { .. });
                error!("{:#}", anyhow::Error::new(error));
                if !is_refused {
                    return Answer::Unavailable;
                }
                false
            }
        };
        Answer::Unreadable {
            body: unreadable,
            is_kept,
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
