//! The proxy before moto: finds out the operation of each call, records it, and forwards it or not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const TARGET: &str = "x-amz-target";

/// A call as it was received.
#[derive(Debug, Clone)]
pub struct Call {
    /// AWS's name of it, such as `GetSecretValue` or `PutObject`. An unknown call of S3 has its method and its query.
    pub operation: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

/// What can happen to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFault {
    /// It is refused with a status that the SDK does not retry, so that one call is one request.
    Refused,
    /// It is executed, and the answer is lost, once.
    AnswerLost,
    /// It is executed, and the answer comes when the fault ends.
    AnswerHeld,
}

/// How often a held answer looks whether its fault has ended.
const HELD_PAUSE: Duration = Duration::from_millis(5);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) calls: Vec<Call>,
    pub(crate) is_away: bool,
    pub(crate) faults: HashMap<String, CallFault>,
}

pub(crate) struct Proxy {
    url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub(crate) async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let forward = Forward {
            target: target.to_owned(),
            client: http(),
            state: Arc::clone(&state),
        };
        let routes = Router::new()
            .fallback(async move |method, uri, headers, body| forward.call(method, uri, headers, body).await);
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, state, task }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

#[derive(Clone)]
struct Forward {
    target: String,
    client: reqwest::Client,
    state: Arc<Mutex<State>>,
}

impl Forward {
    async fn call(self, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
        let operation = operation(&method, &uri, &headers, &body);
        match self.note(&operation, &uri, &headers, &body) {
            Some(CallFault::Refused) => refusal(headers.contains_key(TARGET)),
            Some(CallFault::AnswerLost) => {
                self.forward(method, &uri, headers, body).await;
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
            Some(CallFault::AnswerHeld) => {
                let answer = self.forward(method, &uri, headers, body).await;
                while self.is_held(&operation) {
                    tokio::time::sleep(HELD_PAUSE).await;
                }
                answer
            }
            None => self.forward(method, &uri, headers, body).await,
        }
    }

    fn is_held(&self, operation: &str) -> bool {
        self.state.lock().unwrap().faults.get(operation) == Some(&CallFault::AnswerHeld)
    }

    fn note(&self, operation: &str, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Option<CallFault> {
        let mut state = self.state.lock().unwrap();
        state.calls.push(Call {
            operation: operation.to_owned(),
            path: uri.path().to_owned(),
            headers: headers.clone(),
            body: String::from_utf8_lossy(body).into_owned(),
        });
        if state.is_away {
            return Some(CallFault::Refused);
        }
        let fault = state.faults.get(operation).copied();
        if fault == Some(CallFault::AnswerLost) {
            state.faults.remove(operation);
        }
        fault
    }

    async fn forward(&self, method: Method, uri: &Uri, mut headers: HeaderMap, body: Bytes) -> Response {
        headers.remove(header::HOST);
        let request = self.client.request(method, format!("{}{uri}", self.target));
        let answer = request.headers(headers).body(body).send().await.unwrap();
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        // The body is sent on in a separate connection.
        for of_connection in [
            header::CONNECTION,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
        ] {
            headers.remove(of_connection);
        }
        (status, headers, answer.bytes().await.unwrap()).into_response()
    }
}

/// The refusal in the protocol of the call.
fn refusal(is_json: bool) -> Response {
    let body = if is_json {
        r#"{"__type": "AccessDeniedException", "message": "as the test wants it"}"#
    } else {
        "<Error><Code>AccessDenied</Code><Message>as the test wants it</Message></Error>"
    };
    (StatusCode::FORBIDDEN, body).into_response()
}

fn operation(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> String {
    let target = headers.get(TARGET).and_then(|target| target.to_str().ok());
    if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
        return operation.to_owned();
    }
    let form = std::str::from_utf8(body).unwrap_or_default().split('&');
    if let Some(action) = form.into_iter().find_map(|field| field.strip_prefix("Action=")) {
        return action.to_owned();
    }
    let query = uri.query().unwrap_or_default();
    if let Some(operation) = query.split('&').find_map(|field| field.strip_prefix("x-id=")) {
        return operation.to_owned();
    }
    let is_object = uri.path().trim_matches('/').contains('/');
    match (method.as_str(), is_object, query) {
        ("PUT", false, "") => "CreateBucket".to_owned(),
        ("HEAD", false, "") => "HeadBucket".to_owned(),
        ("PUT", true, "") => "PutObject".to_owned(),
        ("GET", true, "") => "GetObject".to_owned(),
        ("HEAD", true, "") => "HeadObject".to_owned(),
        ("DELETE", true, "") => "DeleteObject".to_owned(),
        ("GET", false, query) if query.contains("list-type=2") => "ListObjectsV2".to_owned(),
        (method, _, query) => format!("{method} ?{query}"),
    }
}

pub(crate) fn http() -> reqwest::Client {
    // An error means that a provider is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy();
    client
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}
