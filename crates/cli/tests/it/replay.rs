//! `spillway webhook replay`, on a queue of moto and the tests' Temporal.

use aws_sdk_sqs::Client;
use aws_stand_ins::moto::Moto;
use queue::{Message, Queue, Unreadable};
use serde_json::{Value, json};
use temporal_client::contract::Received;

use crate::world::World;

struct Waiting {
    moto: Moto,
    url: String,
    /// An account of its own, so that its runs are in Temporal for the first time.
    account: String,
}

impl Waiting {
    async fn start() -> Self {
        let moto = Moto::start().await;
        let client = Client::new(&moto.aws());
        let made = client.create_queue().queue_name("dead-letters").send().await;
        Self {
            url: made.unwrap().queue_url.unwrap(),
            account: format!("acme-{}", uuid::Uuid::new_v4()),
            moto,
        }
    }

    fn queue(&self) -> Queue {
        Queue::with(&self.url, &self.moto.aws())
    }

    fn body(&self, run: &str) -> Value {
        json!({
            "account": self.account, "state": "FINISHED", "timestamp": 1_745_600_100,
            "run": {"id": run, "branch": "main", "type": "TRACKED"},
            "stack": {"id": "network", "name": "Network"},
        })
    }

    /// An event that came in, one that this version can read and an earlier one could not, and two that nobody can.
    async fn fill(&self) {
        let queue = self.queue();
        let Ok(chain::event::Delivery::Run(event)) =
            chain::event::parse(self.body("01JHEARD").to_string().as_bytes())
        else {
            panic!("the body is a run's")
        };
        queue
            .send(&Message::Received(Received::event(event)))
            .await
            .unwrap();
        let readable = Unreadable::new(
            "run",
            "an older version",
            0,
            self.body("01JKEPT").to_string().as_bytes(),
        );
        queue.send(&Message::Unreadable(readable)).await.unwrap();
        let unreadable = Unreadable::new("", "no JSON", 0, b"{");
        queue.send(&Message::Unreadable(unreadable)).await.unwrap();
        let client = Client::new(&self.moto.aws());
        let poison = client.send_message().queue_url(&self.url).message_body("poison");
        poison.send().await.unwrap();
    }

    async fn world(&self) -> World {
        let mut world = World::acme()
            .await
            .with(
                "TEMPORAL_ADDRESS",
                &std::env::var("SPILLWAY_TEST_TEMPORAL").unwrap(),
            )
            .with("SPILLWAY_TASK_QUEUE", &self.account);
        for (name, value) in self.moto.variables() {
            world = world.with(name, &value);
        }
        world.with("SPILLWAY_AUDIT", "audit").with("USER", "alice")
    }

    async fn left(&self) -> usize {
        let queue = self.queue();
        let mut left = Vec::new();
        loop {
            let more = queue.receive().await.unwrap();
            if more.is_empty() {
                break;
            }
            left.extend(more);
        }
        for message in &left {
            queue.give_back(message).await.unwrap();
        }
        left.len()
    }
}

fn results(looked: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let messages = looked["items"].as_array().unwrap().iter();
    let mut results: Vec<_> = messages
        .map(|message| (text(&message["about"]["run"]), text(&message["result"])))
        .collect();
    results.sort();
    results
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|&(run, result)| (run.to_owned(), result.to_owned()))
        .collect()
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let waiting = Waiting::start().await;
    waiting.fill().await;
    let world = waiting.world().await;
    let ran = world
        .run(&["webhook", "replay", "--queue", &waiting.url, "--json"])
        .await;
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(
        results(&crate::schemas::check(ran, "replayed_message_list")),
        pairs(&[
            ("", "stays"),
            ("", "stays"),
            ("01JHEARD", "would_record"),
            ("01JKEPT", "would_record"),
        ])
    );
    assert_eq!(waiting.left().await, 4);
    assert!(!world.path("audit").exists());
    let ran = world.run(&["webhook", "replay", "--queue", &waiting.url]).await;
    let shown = ran.stdout + &ran.stderr;
    assert!(
        shown.contains("would be recorded") && shown.contains("--apply"),
        "{shown}"
    );
}

#[tokio::test]
async fn what_is_recorded_leaves_the_queue_and_is_recorded_once() {
    let waiting = Waiting::start().await;
    waiting.fill().await;
    let world = waiting.world().await;
    let apply = ["webhook", "replay", "--queue", &waiting.url, "--apply", "--json"];
    let ran = world.run(&apply).await;
    assert_eq!(ran.status, 1, "two messages stay: {}", ran.stderr);
    assert_eq!(
        results(&ran.json()),
        pairs(&[
            ("", "stays"),
            ("", "stays"),
            ("01JHEARD", "recorded"),
            ("01JKEPT", "recorded"),
        ])
    );
    assert_eq!(waiting.left().await, 2);
    let log = audit::Store::in_directory(world.path("audit"));
    let records = log.deliveries().await.unwrap();
    assert_eq!(records.len(), 2);
    let record = String::from_utf8(log.read(&records[0].key).await.unwrap()).unwrap();
    assert!(
        record.contains("operator:api::")
            && record.contains("(claims to be alice)")
            && record.contains("delivery_redelivered"),
        "{record}"
    );
}

#[tokio::test]
async fn an_empty_queue_is_said_to_be_empty() {
    let waiting = Waiting::start().await;
    let world = waiting.world().await;
    let shown = world
        .run(&["webhook", "replay", "--queue", &waiting.url])
        .await
        .stderr;
    assert!(shown.contains("is empty"), "{shown}");
}

#[tokio::test]
async fn while_temporal_is_away_nothing_is_taken_out_of_the_queue() {
    let waiting = Waiting::start().await;
    waiting.fill().await;
    let world = waiting.world().await.with("TEMPORAL_ADDRESS", "127.0.0.1:9");
    let said = world
        .run(&["webhook", "replay", "--queue", &waiting.url, "--apply"])
        .await
        .failed(5);
    assert!(said.contains("Temporal"), "{said}");
    assert_eq!(waiting.moto.count("ReceiveMessage"), 0);
}
