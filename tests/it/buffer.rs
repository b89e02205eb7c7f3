//! During an outage of Temporal, events wait in SQS, and each is recorded once afterwards. If SQS is down too, the
//! sender gets an error, and the sweep finds what was lost.

use std::time::Duration;

use aws_stand_ins::moto::Moto;
use chain::ChainResult;
use chain::signature::{self, WebhookSecret, WebhookSecrets};
use environment::Variables;
use mock_spacelift::{DeliveryOutcome, MockSpacelift, NewWebhook, WebhookFault};
use queue::{Queue, Received};
use redeliver::Redeliverer;
use serde_json::{Value, json};
use settings::Settings;
use temporal_client::TemporalSettings;
use temporalio_client::{Client, UntypedWorkflow, WorkflowCountOptions, WorkflowDescribeOptions};
use tokio::task::JoinSet;

use crate::outage::Temporal;
use crate::world::{WAIT_MAX, World, http, now_s};

const SECRET: &str = "a secret of the tests of the buffer";

/// The number of deliveries per second.
const RATE: u32 = 20;
/// The number of deliveries before, during and at the end of the outage. The test was also run with 3,000 during the
/// outage, which takes a minute, over eight queues: a single full queue of moto's is too slow.
const BEFORE: u32 = 20;
const AWAY: u32 = 100;
const AFTER: u32 = 20;
/// One in this many is sent twice.
const TWICE: u32 = 10;
/// How often a delivery is retried, and by how much each pause is longer than the one before. This is more often than
/// Spacelift does, since on a busy machine each answer can come too late.
const SENT_AGAIN: u32 = 15;
const LONGER_EACH_TIME: Duration = Duration::from_secs(1);
/// How soon everything is in Temporal after the outage.
const REDELIVERED_WITHIN: Duration = Duration::from_secs(120);

/// A webhook with a buffer.
struct Receiver {
    url: String,
    /// The test's own access to the buffer.
    buffer: Queue,
    variables: Variables,
    answers: JoinSet<(u16, Value)>,
    sent: u32,
}

impl Receiver {
    async fn start(moto: &Moto, temporal: &Temporal) -> Self {
        let made = aws_sdk_sqs::Client::new(&moto.own_aws())
            .create_queue()
            .queue_name("buffer");
        let queue = made.send().await.unwrap().queue_url.unwrap();
        let variables = Variables::from([
            ("TEMPORAL_ADDRESS".to_owned(), temporal.address()),
            (
                "SPILLWAY_TASK_QUEUE".to_owned(),
                format!("acme-{}", uuid::Uuid::new_v4()),
            ),
        ]);
        let config = webhook::Config {
            buffer: Some(Queue::with(&queue, &moto.aws())),
            ..webhook::Config::new(
                WebhookSecrets::from(WebhookSecret::parse(SECRET).unwrap()),
                TemporalSettings::from_variables(&variables).unwrap(),
                Settings::from_lookup(|name| variables.get(name).cloned()).unwrap(),
            )
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        tokio::spawn(webhook::serve(listener, config, std::future::pending()));
        Self {
            url,
            buffer: Queue::with(queue, &moto.own_aws()),
            variables,
            answers: JoinSet::new(),
            sent: 0,
        }
    }

    /// Sends this many deliveries at [`RATE`], without waiting for answers.
    async fn send(&mut self, deliveries: u32) {
        let client = http();
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
        for run in self.sent..self.sent + deliveries {
            ticks.tick().await;
            for _ in 0..=u32::from(run % TWICE == 0) {
                self.answers.spawn(deliver(client.clone(), self.url.clone(), run));
            }
        }
        self.sent += deliveries;
    }

    fn workflow_id(run: u32) -> String {
        format!("run:acme:{}", run_id(run))
    }

    async fn redeliverer(&self) -> Redeliverer {
        Redeliverer::from_variables(&self.variables).await.unwrap()
    }

    fn task_queue(&self) -> &str {
        &self.variables["SPILLWAY_TASK_QUEUE"]
    }
}

fn run_id(run: u32) -> String {
    format!("01J{run:06}")
}

/// Sends a delivery as Spacelift does, with retries after a 5xx. On a busy machine SQS is sometimes too slow for the
/// webhook, so only the last answer counts.
async fn deliver(client: reqwest::Client, url: String, run: u32) -> (u16, Value) {
    let mut answer = deliver_once(&client, &url, run).await;
    for time in 1..=SENT_AGAIN {
        if answer.0 < 500 {
            break;
        }
        tokio::time::sleep(LONGER_EACH_TIME * time).await;
        answer = deliver_once(&client, &url, run).await;
    }
    answer
}

async fn deliver_once(client: &reqwest::Client, url: &str, run: u32) -> (u16, Value) {
    let body = json!({
        "account": "acme", "state": "FINISHED", "timestamp": now_s(),
        "run": {"id": run_id(run), "branch": "main", "type": "TRACKED"},
        "stack": {"id": "network", "name": "Network"},
    })
    .to_string();
    let signature = signature::sign(body.as_bytes(), &WebhookSecret::parse(SECRET).unwrap());
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("x-signature-256", signature);
    let answer = request.body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Passes messages to the function as SQS does: failed ones stay in the queue. Returns how many failed.
async fn pass_batch(redeliverer: &Redeliverer, buffer: &Queue, messages: &[Received]) -> usize {
    let record = |message: &Received| {
        json!({"messageId": message.id, "body": message.text, "attributes": {},
        "messageAttributes": {}, "eventSource": "aws:sqs"})
    };
    let event = json!({"Records": messages.iter().map(record).collect::<Vec<_>>()});
    let response = redeliverer
        .redeliver(
            serde_json::from_value(event).unwrap(),
            tokio::time::Instant::now() + Duration::from_secs(15),
        )
        .await;
    let failures = response.batch_item_failures;
    for message in messages {
        if failures
            .iter()
            .any(|failure| failure.item_identifier == message.id)
        {
            buffer.give_back(message).await.unwrap();
        } else {
            buffer.delete(message).await.unwrap();
        }
    }
    failures.len()
}

/// Passes all waiting messages. SQS calls several functions at once, each with its own batches.
async fn drain(redeliverer: &Redeliverer, buffer: &Queue) {
    loop {
        let messages = buffer.receive().await.unwrap();
        if messages.is_empty() {
            break;
        }
        pass_batch(redeliverer, buffer, &messages).await;
    }
}

#[tokio::test]
async fn deliveries_during_an_outage_of_temporal_are_recorded_once() {
    let moto = Moto::start().await;
    let mut temporal = Temporal::start().await;
    let mut receiver = Receiver::start(&moto, &temporal).await;
    receiver.send(BEFORE).await;
    temporal.kill().await;
    receiver.send(AWAY).await;

    let redeliverer = receiver.redeliverer().await;
    let waiting = receiver.buffer.receive().await.unwrap();
    assert!(!waiting.is_empty());
    let stayed = pass_batch(&redeliverer, &receiver.buffer, &waiting).await;
    assert_eq!(stayed, waiting.len(), "Temporal is down");

    tokio::join!(temporal.start_again(), receiver.send(AFTER));
    let mut buffered = 0;
    while let Some(answered) = receiver.answers.join_next().await {
        let (status, said) = answered.unwrap();
        assert!(matches!(status, 200 | 202), "{status} {said}");
        buffered += u32::from(said["result"] == "buffered");
    }
    assert!(buffered >= AWAY / 2, "{buffered} were buffered");

    let drained = Box::pin(async {
        let drain = || drain(&redeliverer, &receiver.buffer);
        tokio::join!(drain(), drain(), drain(), drain())
    });
    let in_time = tokio::time::timeout(REDELIVERED_WITHIN, drained).await;
    in_time.expect("everything is passed on in time");

    let client = temporal.client().await;
    wait_for_workflows(&client, receiver.task_queue(), receiver.sent).await;
    for run in 0..receiver.sent {
        let handle = client.get_workflow_handle::<UntypedWorkflow>(Receiver::workflow_id(run));
        handle.describe(WorkflowDescribeOptions::default()).await.unwrap();
    }
}

/// As many executions as runs, and each run has exactly one.
async fn wait_for_workflows(client: &Client, task_queue: &str, expected: u32) {
    let query = format!("TaskQueue = '{task_queue}'");
    let mut count = 0;
    let counted = tokio::time::timeout(WAIT_MAX, async {
        while count != expected as usize {
            let counting = client.count_workflows(&query, WorkflowCountOptions::default());
            count = counting.await.unwrap().count();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(counted.await.is_ok(), "{count} workflows, not {expected}");
}

#[tokio::test]
async fn deliveries_lost_in_an_outage_of_temporal_and_the_queue_are_found_by_the_sweep() {
    let moto = Moto::start().await;
    let mut temporal = Temporal::start().await;
    let receiver = Receiver::start(&moto, &temporal).await;
    let world = World::beside(&temporal.address(), |settings| {
        settings.sweep_every = Duration::from_secs(1);
        settings.timing.poll_first = Duration::from_millis(500);
    })
    .await;
    world.graph("network; database: network");
    world
        .spacelift
        .webhook(&NewWebhook::on_every_stack(&receiver.url, SECRET));

    temporal.kill().await;
    moto.go_away(true);
    let root = world.spacelift.push("network");
    // The webhook of this world has no queue, and is called four times.
    let was_refused = |spacelift: &MockSpacelift, url: &str, attempt: u32| {
        spacelift.deliveries().iter().any(|delivery| {
            let is_end = delivery
                .about
                .as_ref()
                .is_some_and(|about| about.run == root && about.state.is_terminal());
            is_end
                && delivery.url == url
                && delivery.attempt == attempt
                && delivery.outcome == DeliveryOutcome::Answered(503)
        })
    };
    let plain = format!("http://{}/webhook", world.webhook);
    world
        .spacelift
        .wait_until("the end of the run to be refused", |spacelift| {
            was_refused(spacelift, &receiver.url, 1) && was_refused(spacelift, &plain, 4)
        })
        .await;
    assert_eq!(receiver.buffer.receive().await.unwrap().len(), 0);

    world.spacelift.webhook_fault(WebhookFault::lost().always());
    temporal.start_again().await;
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), [("database", 1), ("network", 1)]);
}
