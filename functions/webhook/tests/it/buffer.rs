//! The queues: events while Temporal cannot be reached, and authentic bodies that could not be read.

use std::collections::BTreeSet;

use aws_stand_ins::moto::{CallFault, Moto};
use axum::body::Body;
use axum::http::Request;
use chain::Delivery;
use chain::event;
use chain::signature::{WebhookSecrets, sign};
use futures::future::join_all;
use queue::Message;
use serde_json::json;
use temporal_client::contract::Received;
use tower::ServiceExt;

use crate::forged::event_of_now;
use crate::queues::{receive_all, router_with_queues};
use crate::{SECRET, answer, delivery, request_of_now, secret};

fn secrets() -> WebhookSecrets {
    secret(SECRET).into()
}

fn signed(body: &str) -> Request<Body> {
    delivery(body, &sign(body.as_bytes(), &secret(SECRET)))
}

#[tokio::test]
async fn without_temporal_an_event_is_queued_unchanged() {
    let moto = Moto::start().await;
    let (router, queues) = router_with_queues(&moto, secrets()).await;
    let body = event_of_now();
    let (status, said) = answer(&router, signed(&body)).await;
    assert_eq!((status.as_u16(), said), (202, json!({"result": "buffered"})));
    let [Message::Received(Received::Event { event: received })] = &receive_all(&queues.buffer).await[..]
    else {
        panic!("one event waits");
    };
    let Ok(Delivery::Run(event)) = event::parse(body.as_bytes()) else {
        panic!("it is an event");
    };
    assert_eq!(received.event, event);
    assert!(received.received_at_ms.is_some());
}

#[tokio::test]
async fn without_temporal_a_request_is_queued_with_its_id() {
    let moto = Moto::start().await;
    let (router, queues) = router_with_queues(&moto, secrets()).await;
    assert_eq!(answer(&router, signed(&request_of_now())).await.0, 202);
    let [
        Message::Received(Received::Request {
            account,
            id,
            request,
            received_at_ms,
        }),
    ] = &receive_all(&queues.buffer).await[..]
    else {
        panic!("one request waits");
    };
    assert_eq!((account.as_str(), id.as_str()), ("acme", "change-42"));
    assert_eq!(request.stack.as_str(), "network");
    assert!(received_at_ms.is_some());
}

#[tokio::test]
async fn many_concurrent_events_are_all_queued() {
    let moto = Moto::start().await;
    let (router, queues) = router_with_queues(&moto, secrets()).await;
    let ids: BTreeSet<String> = (0..40).map(|number| format!("change-{number}")).collect();
    let bodies = ids.iter().map(|id| request_of_now().replace("change-42", id));
    let answers = join_all(bodies.map(async |body| answer(&router, signed(&body)).await)).await;
    assert!(answers.iter().all(|(status, _)| *status == 202), "{answers:?}");
    // If the queue answers late, a message is sent twice.
    let queued = receive_all(&queues.buffer).await;
    let queued = queued.into_iter().map(|message| match message {
        Message::Received(Received::Request { id, .. }) => id,
        other => panic!("{other:?} is no request"),
    });
    assert_eq!(queued.collect::<BTreeSet<_>>(), ids);
}

#[tokio::test]
async fn without_temporal_and_the_queue_the_sender_has_to_retry() {
    let moto = Moto::start().await;
    let (router, queues) = router_with_queues(&moto, secrets()).await;
    moto.go_away(true);
    let response = router.clone().oneshot(signed(&event_of_now())).await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "30");
    moto.go_away(false);
    assert_eq!(answer(&router, signed(&event_of_now())).await.0, 202);
    assert_eq!(
        receive_all(&queues.buffer).await.len(),
        1,
        "the one of before is not there"
    );
}

#[tokio::test]
async fn a_lost_answer_of_the_queue_loses_no_event() {
    let moto = Moto::start().await;
    let (router, queues) = router_with_queues(&moto, secrets()).await;
    moto.fault("SendMessage", CallFault::AnswerLost);
    assert_eq!(answer(&router, signed(&event_of_now())).await.0, 202);
    let waiting = receive_all(&queues.buffer).await;
    assert!(
        !waiting.is_empty(),
        "twice is fine: the ids are the duplicate check"
    );
}

#[tokio::test]
async fn an_unreadable_body_is_answered_even_if_the_quarantine_fails() {
    let moto = Moto::start().await;
    let (router, queues) = router_with_queues(&moto, secrets()).await;
    // More than fits into an SQS message.
    let large = format!("[\"{}\"]", "x".repeat(1_000_000));
    assert_eq!(answer(&router, signed(&large)).await.0, 422);
    moto.go_away(true);
    assert_eq!(answer(&router, signed("{}x")).await.0, 422);
    assert_eq!(receive_all(&queues.quarantine).await, []);
}
