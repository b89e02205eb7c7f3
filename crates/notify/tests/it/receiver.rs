//! Sinks that keep what they are sent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// One request to the sink.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    body: String,
    headers: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, Default)]
struct Kept {
    calls: Vec<Call>,
    answers: HashMap<String, Answer>,
}

type Shared = Arc<Mutex<Kept>>;

/// An HTTP server that answers as it is told.
pub(crate) struct Receiver {
    address: SocketAddr,
    kept: Shared,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let kept = Shared::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(keep).with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, kept }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn answer(&self, path: &str, status: u16, body: &Value) {
        self.answer_with(path, status, body, &[]);
    }

    pub(crate) fn answer_with(
        &self,
        path: &str,
        status: u16,
        body: &Value,
        headers: &[(&'static str, &'static str)],
    ) {
        let answer = Answer {
            status,
            body: body.to_string(),
            headers: headers.to_vec(),
        };
        lock(&self.kept).answers.insert(path.to_owned(), answer);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.kept).calls.clone()
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn keep(
    State(kept): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut kept = lock(&kept);
    let path = uri.path().to_owned();
    // A reply in a thread can have an answer of its own.
    let is_reply = serde_json::from_slice::<Value>(&body).is_ok_and(|body| body["thread_ts"].is_string());
    let of_reply = kept.answers.get(&format!("{path}#thread")).filter(|_| is_reply);
    let answer = of_reply.or_else(|| kept.answers.get(&path)).cloned();
    let method = method.to_string();
    kept.calls.push(Call {
        method,
        path,
        headers,
        body,
    });
    let Some(Answer {
        status,
        body,
        headers,
    }) = answer
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// A mail server that keeps what it is sent.
pub(crate) struct Smtp {
    address: SocketAddr,
    mail: Arc<Mutex<String>>,
}

impl Smtp {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mail = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&mail);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                write.write_all(b"220 test ESMTP\r\n").await.unwrap();
                let mut in_data = false;
                while let Ok(Some(line)) = lines.next_line().await {
                    if in_data {
                        if line == "." {
                            in_data = false;
                            write.write_all(b"250 kept\r\n").await.unwrap();
                        } else {
                            let mut kept = lock(&kept);
                            kept.push_str(&line);
                            kept.push('\n');
                        }
                        continue;
                    }
                    in_data = line == "DATA";
                    let answer: &[u8] = match line.as_str() {
                        "DATA" => b"354 go on\r\n",
                        "QUIT" => b"221 bye\r\n",
                        line if line.starts_with("RCPT TO:<gone@") => b"550 no such user\r\n",
                        _ => b"250 fine\r\n",
                    };
                    write.write_all(answer).await.unwrap();
                }
            }
        });
        Self { address, mail }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn mail(&self) -> String {
        lock(&self.mail).clone()
    }
}
