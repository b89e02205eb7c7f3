//! A receiver of webhooks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

#[derive(Clone, Default)]
pub(crate) struct Receiver {
    shared: Arc<Mutex<Shared>>,
    pub(crate) url: String,
}

#[derive(Default)]
struct Shared {
    /// Status codes for the next deliveries; 200 if there are none left.
    answers: VecDeque<StatusCode>,
    received: Vec<Received>,
}

#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        let receiver = Self {
            url,
            ..Self::default()
        };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Answers the next `times` deliveries with `status`.
    pub(crate) fn answer(&self, status: u16, times: usize) {
        let status = StatusCode::from_u16(status).unwrap();
        self.shared
            .lock()
            .unwrap()
            .answers
            .extend(std::iter::repeat_n(status, times));
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.lock().unwrap().received.clone()
    }

    /// The `state` of each default payload, in order of arrival.
    pub(crate) fn states(&self) -> Vec<String> {
        self.received()
            .iter()
            .map(|received| received.json()["state"].as_str().unwrap().to_owned())
            .collect()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut shared = receiver.shared.lock().unwrap();
    shared.received.push(Received {
        method,
        headers,
        body,
    });
    shared.answers.pop_front().unwrap_or(StatusCode::OK)
}
