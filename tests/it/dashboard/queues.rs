//! The page about health shows what the queues of the webhook hold.

use aws_stand_ins::moto::Moto;
use dashboard::Queues;
use queue::{Message, Queue, Unreadable};

use super::serve_beside;
use crate::world::{World, http};

#[tokio::test]
async fn what_is_buffered_and_what_could_not_be_recorded_is_shown() {
    let moto = Moto::start().await;
    let sqs = aws_sdk_sqs::Client::new(&moto.own_aws());
    let mut urls = Vec::new();
    for name in ["buffer", "dead-letters"] {
        let made = sqs.create_queue().queue_name(name).send().await.unwrap();
        urls.push(made.queue_url.unwrap());
    }
    let queue = |url: &str| Some(Queue::with(url, &moto.aws()));
    for url in [&urls[0], &urls[0], &urls[1]] {
        let message = Message::Unreadable(Unreadable::new("", "an example", 0, b"{}"));
        queue(url).unwrap().send(&message).await.unwrap();
    }
    let queues = Queues {
        buffer: queue(&urls[0]),
        dead_letters: queue(&urls[1]),
        quarantine: queue(&urls[1].replace("dead-letters", "gone")),
    };
    let world = World::start().await;
    let url = serve_beside(&world, world.workflows.clone(), queues).await;
    let page = http()
        .get(format!("{url}/status"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for text in [
        "2 events wait for Temporal",
        "1 event could not be recorded",
        "<code>spillway webhook replay</code> shows and repeats them: see the runbook.",
        "Not known: the queue",
    ] {
        assert!(page.contains(text), "`{text}` is not in:\n{page}");
    }
}
