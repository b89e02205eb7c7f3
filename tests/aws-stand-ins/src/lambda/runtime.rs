//! The runtime API: a function polls for the next event, and posts its answer. An extension registers, and gets no event.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// The deadline that a function is given. It is not enforced.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a function posts: its answer or its error.
type Outcome = Result<Value, Value>;

pub(crate) struct Runtime {
    address: SocketAddr,
    shared: Arc<Shared>,
    events: mpsc::UnboundedSender<Event>,
    task: JoinHandle<()>,
}

struct Event {
    id: String,
    payload: Value,
}

struct Shared {
    waiting: AsyncMutex<mpsc::UnboundedReceiver<Event>>,
    outcomes: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    polls: watch::Sender<u64>,
    has_extension: AtomicBool,
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Runtime {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (events, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            waiting: AsyncMutex::new(waiting),
            outcomes: Mutex::default(),
            polls: watch::Sender::new(0),
            has_extension: AtomicBool::new(false),
        });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2020-01-01/extension/register", post(register))
            .route("/2020-01-01/extension/event/next", get(nothing))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            address,
            shared,
            events,
            task,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often the function polled for work.
    pub(crate) fn polls(&self) -> watch::Receiver<u64> {
        self.shared.polls.subscribe()
    }

    /// Whether an extension registered, which is what makes Lambda announce the end of a function.
    pub(crate) fn has_extension(&self) -> bool {
        self.shared.has_extension.load(Ordering::SeqCst)
    }

    /// The function's result for an event.
    pub(crate) async fn invoke(&self, payload: Value) -> Outcome {
        let id = Uuid::new_v4().to_string();
        let (sender, outcome) = oneshot::channel();
        self.shared.outcomes.lock().unwrap().insert(id.clone(), sender);
        assert!(self.events.send(Event { id, payload }).is_ok(), "the runtime API");
        outcome.await.unwrap()
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    shared.polls.send_modify(|polls| *polls += 1);
    let event = shared.waiting.lock().await.recv().await.unwrap();
    let ends_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + DEADLINE;
    let headers = [
        ("lambda-runtime-aws-request-id", event.id),
        ("lambda-runtime-deadline-ms", ends_at.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:under-test".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned(),
        ),
    ];
    (headers, Json(event.payload))
}

async fn register(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    shared.has_extension.store(true, Ordering::SeqCst);
    let function =
        json!({"functionName": "under-test", "functionVersion": "$LATEST", "handler": "bootstrap"});
    (
        [("lambda-extension-identifier", Uuid::new_v4().to_string())],
        Json(function),
    )
}

/// An extension that subscribes to nothing waits for its next event until the end.
async fn nothing() -> StatusCode {
    std::future::pending().await
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: String) -> StatusCode {
    shared.complete(&id, Ok(serde_json::from_str(&body).unwrap()))
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: String) -> StatusCode {
    shared.complete(&id, Err(serde_json::from_str(&body).unwrap()))
}

impl Shared {
    fn complete(&self, id: &str, outcome: Outcome) -> StatusCode {
        let Some(sender) = self.outcomes.lock().unwrap().remove(id) else {
            return StatusCode::NOT_FOUND;
        };
        // The caller may have gone.
        let _ = sender.send(outcome);
        StatusCode::ACCEPTED
    }
}
