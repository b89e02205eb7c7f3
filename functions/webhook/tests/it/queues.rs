//! The queues of one test, and a webhook that uses them.

use aws_sdk_sqs::Client;
use aws_stand_ins::moto::Moto;
use axum::Router;
use queue::{Message, Queue};
use webhook::{Config, SecretSource, router};

use crate::config_with;

/// The test's own access to the webhook's queues.
pub(crate) struct Queues {
    pub(crate) buffer: Queue,
    pub(crate) quarantine: Queue,
}

impl Queues {
    pub(crate) async fn create(moto: &Moto) -> Self {
        let create = async |name: &str| {
            let made = Client::new(&moto.own_aws()).create_queue().queue_name(name);
            let url = made.send().await.unwrap().queue_url.unwrap();
            Queue::with(url, &moto.own_aws())
        };
        Self {
            buffer: create("buffer").await,
            quarantine: create("quarantine").await,
        }
    }
}

/// The webhook without Temporal, with a buffer and a quarantine.
pub(crate) async fn router_with_queues(moto: &Moto, secrets: impl Into<SecretSource>) -> (Router, Queues) {
    let queues = Queues::create(moto).await;
    let config = Config {
        buffer: Some(Queue::with(queues.buffer.url(), &moto.aws())),
        quarantine: Some(Queue::with(queues.quarantine.url(), &moto.aws())),
        ..config_with(secrets)
    };
    (router(config), queues)
}

pub(crate) async fn receive_all(queue: &Queue) -> Vec<Message> {
    let mut all = Vec::new();
    loop {
        let some = queue.receive().await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some.iter().map(|message| Message::parse(&message.text).unwrap()));
    }
}
