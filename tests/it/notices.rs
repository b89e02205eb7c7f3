//! Messages about chains are sent, and no sink delays a chain.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use chain::ChainResult;
use serde_json::{Value, json};
use temporal_client::SinkBehind;

use crate::chain::diamond;
use crate::world::{WAIT_MAX, World, any_port, stacks_in_a_row};

/// A sink that stores what it receives, and can be made to fail.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    events: Vec<Value>,
    refused: usize,
    mood: Mood,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Mood {
    #[default]
    Well,
    Down,
    /// It accepts a connection and never answers.
    Silent,
}

impl Sink {
    /// A sink, and the settings that tell a worker its address.
    async fn start() -> (Self, String) {
        let sink = Self::default();
        let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .fallback(
                |State(sink): State<Self>, Json(event): Json<Value>| async move { sink.take(event).await },
            )
            .with_state(sink.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let settings = format!("[people]\nkind = 'webhook'\nurl = 'http://{address}/'");
        (sink, settings)
    }

    async fn take(&self, event: Value) -> (StatusCode, Json<Value>) {
        let mood = {
            let mut kept = self.kept();
            match kept.mood {
                Mood::Well => kept.events.push(event),
                Mood::Down | Mood::Silent => kept.refused += 1,
            }
            kept.mood
        };
        let status = match mood {
            Mood::Well => StatusCode::OK,
            Mood::Down => StatusCode::INTERNAL_SERVER_ERROR,
            Mood::Silent => std::future::pending().await,
        };
        // As Slack answers; the others read only the status.
        (status, Json(json!({ "ok": true, "channel": "C1", "ts": "1.1" })))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn be(&self, mood: Mood) {
        self.kept().mood = mood;
    }

    async fn wait_until(&self, what: &str, condition: impl Fn(&Kept) -> bool) {
        let held = tokio::time::timeout(WAIT_MAX, async {
            while !condition(&self.kept()) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        held.await.unwrap_or_else(|_| panic!("{what} did not happen"));
    }

    async fn wait_for_the_end(&self) {
        self.wait_until("the message about the end", |kept| {
            kept.events.last().is_some_and(|event| {
                event["data"]["result"] != "running" && event["data"]["result"] != "paused"
            })
        })
        .await;
    }
}

/// A sink that takes everything, and its address.
pub(crate) async fn taker() -> (tokio::task::JoinHandle<()>, SocketAddr) {
    let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(async || StatusCode::NO_CONTENT);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (serving, address)
}

#[tokio::test]
async fn the_messages_of_a_chain_arrive_in_order() {
    let (sink, settings) = Sink::start().await;
    let world = World::with_variables(&[("SPILLWAY_SINKS", &settings)]).await;
    diamond(&world);
    world.graph("apps: platform");
    world.spacelift.fail_next("database");
    let root = world.push_to(1, &["network"]).remove(0);
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Failed);
    sink.wait_for_the_end().await;
    world.wait_for_quiet().await;
    let kept = sink.kept();
    let revisions: Vec<u64> = kept
        .events
        .iter()
        .map(|event| event["data"]["revision"].as_u64().unwrap())
        .collect();
    assert!(
        revisions.is_sorted_by(|earlier, later| earlier < later),
        "{revisions:?}"
    );
    let last = kept.events.last().unwrap();
    assert_eq!(last["type"], "io.spillway.chain.failed");
    let failed = last["data"]["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "what only followed is counted, not named");
    assert_eq!(failed[0]["stack"], "database");
    assert_eq!(last["data"]["counts"]["skipped"], 2);
}

#[tokio::test]
async fn a_sink_that_was_down_gets_the_final_message_and_delays_nothing() {
    let (sink, settings) = Sink::start().await;
    let mut world = World::with_variables(&[("SPILLWAY_SINKS", &settings)]).await;
    diamond(&world);
    sink.be(Mood::Silent);
    let root = world.push_to(1, &["network"]).remove(0);
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    sink.be(Mood::Down);
    sink.wait_until("an attempt", |kept| kept.refused > 1).await;
    let (name, behind) = the_sink_behind(&world).await;
    assert_eq!((name.as_str(), behind.messages), ("people", 1));
    assert!(behind.again_at_ms.is_some(), "{behind:?}");
    // Nor is it lost with the worker.
    world.kill_worker().await;
    world.start_worker();
    sink.be(Mood::Well);
    sink.wait_for_the_end().await;
    world.wait_for_quiet().await;
    let ends = |kept: &Kept| {
        let events = kept.events.iter();
        events
            .filter(|event| event["type"] == "io.spillway.chain.succeeded")
            .count()
    };
    assert_eq!(ends(&sink.kept()), 1);
}

async fn the_sink_behind(world: &World) -> (String, SinkBehind) {
    let found = tokio::time::timeout(WAIT_MAX, async {
        loop {
            let behind = world.workflows.sinks_behind(&world.account).await.unwrap();
            if let Some(found) = behind.into_iter().next() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    found.await.expect("no sink is behind")
}

#[tokio::test]
async fn messages_continue_when_the_histories_are_full() {
    const STACKS: usize = 30;
    let (sink, settings) = Sink::start().await;
    let world = World::with(&[("SPILLWAY_SINKS", &settings)], |settings| {
        settings.timing.history_events = 100;
    })
    .await;
    world.graph(&format!(
        "network; {}",
        stacks_in_a_row("stack", "network", STACKS)
    ));
    let root = world.push_to(1, &["network"]).remove(0);
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    sink.wait_for_the_end().await;
    world.wait_for_quiet().await;
    assert!(
        world.workflows("StackDependencyChainWorkflow").await > 1,
        "the chain had one history alone"
    );
    let kept = sink.kept();
    let revision = |event: &Value| event["data"]["revision"].as_u64().unwrap();
    let events = &kept.events;
    assert!(events.is_sorted_by(|earlier, later| revision(earlier) < revision(later)));
    let last = events.last().unwrap();
    assert_eq!(last["type"], "io.spillway.chain.succeeded");
    assert_eq!(last["data"]["counts"]["succeeded"], STACKS);
    let started = |event: &Value| event["data"]["started_at_ms"].as_i64();
    assert!(events.iter().all(|event| started(event) == started(&events[0])));
}

#[tokio::test]
async fn labels_send_the_end_of_a_stack_to_a_sink_and_to_a_channel() {
    let (sink, settings) = Sink::start().await;
    let url = settings.split('\'').nth(3).unwrap();
    let bot =
        format!("[bot]\nkind = 'slack'\ntoken = 'x'\nchannel = '#all'\napi = '{url}slack'\nchains = false");
    let sinks = format!("{settings}\nchains = false\n{bot}");
    let world = World::with_variables(&[("SPILLWAY_SINKS", &sinks)]).await;
    world.graph_with(
        "network; database: network; apps: network",
        |name, stack| match name {
            "network" => stack
                .label("spillway:on-completed=people")
                .label("spillway:on-failed=people"),
            "database" => stack
                .label("spillway:on-failed=people")
                .label("spillway:on-failed=nobody")
                .label("slack:#infra:failed,stopped"),
            _ => stack,
        },
    );
    world.spacelift.fail_next("database");
    let root = world.push_to(1, &["network"]).remove(0);
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Failed);
    sink.wait_until("the messages", |kept| kept.events.len() >= 3)
        .await;
    world.wait_for_quiet().await;
    let kept = sink.kept();
    let mut told: Vec<(&str, &str)> = kept
        .events
        .iter()
        .filter_map(|event| Some((event["type"].as_str()?, event["subject"].as_str()?)))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("io.spillway.run.failed", "database"),
            ("io.spillway.run.finished", "network")
        ]
    );
    let failed = kept
        .events
        .iter()
        .find(|event| event["subject"] == "database")
        .unwrap();
    let run = &world.spacelift.runs_of("database")[0].run;
    assert_eq!(
        (&failed["data"]["run"], &failed["data"]["state"]),
        (&json!(run), &json!("FAILED"))
    );
    let posted: Vec<&Value> = kept
        .events
        .iter()
        .filter(|event| event.get("channel").is_some())
        .collect();
    assert_eq!(posted.len(), 1, "{posted:?}");
    assert_eq!(posted[0]["channel"], "#infra");
    assert_eq!(posted[0]["text"], "database failed");
    assert_eq!(kept.events.len(), 3);
}

#[tokio::test]
async fn a_proposed_run_comments_its_impact_on_the_pull_request_and_starts_nothing() {
    let comments = Comments::default();
    let viewer = json!({ "data": { "viewer": { "databaseId": 41 } } });
    let router = Router::new()
        .route("/graphql", post(async move || Json(viewer.clone())))
        .route(
            "/repos/{owner}/{name}/commits/{sha}/pulls",
            get(async || Json(json!([{ "number": 7, "state": "open" }]))),
        )
        .route("/repos/{owner}/{name}/issues/7/comments", get(list).post(create))
        .with_state(comments.clone());
    let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let sinks = format!(
        "[code]\nkind = 'github'\ntoken = 'x'\napi = 'http://{address}'\npull_requests = true\nchains = false"
    );
    let world = World::with(&[("SPILLWAY_SINKS", &sinks)], |settings| {
        settings.pull_requests = true;
    })
    .await;
    diamond(&world);
    world.spacelift.propose("network");
    let written = tokio::time::timeout(WAIT_MAX, async {
        loop {
            if let Some(body) = comments.bodies().pop() {
                return body;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let body = written.await.expect("no comment was written");
    assert!(body.contains("**3 stacks run after `network`:**"), "{body}");
    world.wait_for_quiet().await;
    assert_eq!(world.spacelift.runs().len(), 1, "a proposed run starts no chain");
    assert_eq!(world.workflows("StackScheduleWorkflow").await, 0);
}

async fn list(State(comments): State<Comments>) -> Json<Value> {
    Json(Value::Array(comments.lock().clone()))
}

async fn create(State(comments): State<Comments>, Json(mut comment): Json<Value>) -> Json<Value> {
    comment["id"] = json!(1);
    comment["user"] = json!({ "id": 41 });
    comments.lock().push(comment.clone());
    Json(comment)
}

/// The comments on a pull request.
#[derive(Clone, Default)]
struct Comments(Arc<Mutex<Vec<Value>>>);

impl Comments {
    fn bodies(&self) -> Vec<String> {
        let comments = self.lock();
        let bodies = comments.iter().map(|comment| comment["body"].as_str().unwrap());
        bodies.map(str::to_owned).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
