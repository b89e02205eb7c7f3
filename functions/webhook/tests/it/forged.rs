//! Malformed and forged requests: each gets its answer, over HTTP and from API Gateway, and none starts anything.

mod bodies;
mod case;
mod contents;
mod places;
mod signatures;

use std::collections::BTreeSet;

use aws_stand_ins::moto::Moto;
use chain::signature::WebhookSecrets;
use queue::Message;

use crate::queues::{receive_all, router_with_queues};
use crate::{SECRET, answer, lambda, router_here, secret};
pub(crate) use case::Case;

fn table() -> Vec<Case> {
    let mut table = signatures::cases();
    table.extend(bodies::cases());
    table.extend(contents::cases());
    table.extend(places::cases());
    table
}

#[tokio::test]
async fn forged_deliveries_are_refused_and_not_recorded() {
    let moto = Moto::start().await;
    let (router, queues) = router_with_queues(&moto, WebhookSecrets::from(secret(SECRET))).await;
    let mut wrong = Vec::new();
    for case in table() {
        let (status, said) = answer(&router, case.http()).await;
        if (status.as_u16(), said.clone()) != case.answer_where_it_is_kept() {
            wrong.push(format!("{}: {status} {said}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(receive_all(&queues.buffer).await, []);

    // Authentic bodies that could not be read are kept, byte for byte, and nothing else is.
    let unreadable = table().into_iter().filter(|case| case.status == 422);
    let mut unreadable: Vec<Vec<u8>> = unreadable.map(|case| case.body).collect();
    let kept = receive_all(&queues.quarantine).await;
    let mut kept: Vec<Vec<u8>> = kept
        .into_iter()
        .map(|message| match message {
            Message::Unreadable(unreadable) => unreadable.body().unwrap(),
            Message::Received(received) => panic!("{received:?}"),
        })
        .collect();
    unreadable.sort();
    kept.sort();
    assert!(
        unreadable == kept,
        "{} of {} bodies are kept",
        kept.len(),
        unreadable.len()
    );
    assert_eq!(moto.count("SendMessage"), kept.len());
}

#[tokio::test]
async fn forged_deliveries_get_the_same_answers_through_api_gateway() {
    let router = router_here();
    for case in table() {
        let Some(event) = case.v2() else { continue };
        let (status, said) = lambda::invoke(&router, event).await;
        assert_eq!(
            (status, said),
            (u64::from(case.status), case.said),
            "{}",
            case.name
        );
    }
}

#[test]
fn forged_deliveries_have_unique_names() {
    let table = table();
    let names: BTreeSet<_> = table.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), table.len());
    assert!(table.len() >= 60, "{}", table.len());
}

/// An authentic event that would start a workflow.
pub(crate) fn event_of_now() -> String {
    case::event()
}

/// Authentic events whose texts would corrupt a careless log.
pub(crate) fn deceptive_texts() -> Vec<Case> {
    contents::texts()
}
