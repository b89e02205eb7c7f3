//! The rate limits of a plain HTTP server.

use std::net::SocketAddr;
use std::time::Duration;

use chain::signature::{WebhookSecrets, sign};
use reqwest::{Client, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use webhook::{Config, serve};

use crate::{SECRET, config_with, old_bodies, proposed_run, secret};

/// More refusals than one address is allowed in a minute.
const MANY: usize = 50;

const HALF_A_REQUEST: &str =
    "POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";

fn http() -> Client {
    // An error means that a provider is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

struct Listening {
    url: String,
    client: Client,
}

impl Listening {
    async fn start() -> Self {
        let config = Config {
            is_behind_proxy: true,
            ..config_with(WebhookSecrets::from(secret(SECRET)))
        };
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, config, std::future::pending()));
        Self { url, client: http() }
    }

    async fn post(&self, sender: &str, signature: &str) -> reqwest::Response {
        self.post_body(sender, signature, proposed_run()).await
    }

    async fn post_body(&self, sender: &str, signature: &str, body: String) -> reqwest::Response {
        let request = self
            .client
            .post(format!("{}/webhook", self.url))
            .header("content-type", "application/json")
            .header("x-forwarded-for", format!("203.0.113.9, {sender}"))
            .header("x-signature-256", signature);
        request.body(body).send().await.unwrap()
    }

    async fn signed(&self, sender: &str) -> StatusCode {
        self.signed_body(sender, proposed_run()).await
    }

    async fn signed_body(&self, sender: &str, body: String) -> StatusCode {
        let signature = sign(body.as_bytes(), &secret(SECRET));
        self.post_body(sender, &signature, body).await.status()
    }
}

#[tokio::test]
async fn only_a_sender_with_many_refusals_is_rejected() {
    let listening = Listening::start().await;
    let mut answers = Vec::new();
    for _ in 0..MANY {
        let answer = listening.post("192.0.2.1", "sha256=0").await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            let after: u64 = answer.headers()[header::RETRY_AFTER]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            assert!((1..=61).contains(&after), "{after}");
        }
        answers.push(answer.status().as_u16());
    }
    assert_eq!(answers[0], 401);
    assert_eq!(answers[MANY - 1], 429);
    assert_eq!(listening.signed("192.0.2.2").await, StatusCode::OK, "Spacelift");
    let health = listening.client.get(format!("{}/health", listening.url));
    assert_eq!(
        health
            .header("x-forwarded-for", "192.0.2.1")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = config_with(WebhookSecrets::from(secret(SECRET)));
    tokio::spawn(serve(listener, config, std::future::pending()));
    let mut stranger = TcpStream::connect(address).await.unwrap();
    stranger.write_all(b"P").await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), stranger.read_u8()).await;
    ended.expect("it is closed").unwrap_err();
}

/// A stranger's requests that are never complete.
#[tokio::test]
async fn a_stranger_who_sends_slowly_keeps_no_known_sender_waiting() {
    let listening = Listening::start().await;
    assert_eq!(listening.signed("192.0.2.2").await, StatusCode::OK);
    let address = listening.url.strip_prefix("http://").unwrap();
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(HALF_A_REQUEST.as_bytes()).await.unwrap();
        slow.push(half);
    }
    let known = tokio::time::timeout(Duration::from_secs(20), listening.signed("192.0.2.2"));
    assert_eq!(known.await.expect("an answer at once"), StatusCode::OK);
}

/// Docker kills a container ten seconds after the stop signal.
#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_server_from_stopping() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let config = config_with(WebhookSecrets::from(secret(SECRET)));
    let served = tokio::spawn(serve(listener, config, async { drop(stopped.await) }));
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(HALF_A_REQUEST.as_bytes()).await.unwrap();
    let health = http()
        .get(format!("http://{address}/health"))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), 200, "the half request is being read");
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), served).await;
    ended.expect("it stops").unwrap();
    drop(half);
}

/// While a secret is rotated, Spacelift's signatures may fail for a time: that must not lock it out.
#[tokio::test]
async fn authentic_deliveries_are_never_counted() {
    let listening = Listening::start().await;
    for _ in 0..MANY {
        assert_eq!(listening.signed("192.0.2.1").await, StatusCode::OK);
    }
    for _ in 0..MANY {
        assert_eq!(listening.post("192.0.2.1", "sha256=0").await.status(), 401);
    }
    assert_eq!(listening.signed("192.0.2.1").await, StatusCode::OK);
}

/// Whoever saw a signed body can send it again.
#[tokio::test]
async fn an_old_body_makes_no_sender_known_and_is_no_refusal() {
    let listening = Listening::start().await;
    for body in old_bodies() {
        for _ in 0..MANY {
            let status = listening.signed_body("192.0.2.1", body.clone()).await.as_u16();
            assert!([200, 422].contains(&status), "{status} {body}");
        }
    }
    let mut last = 0;
    for _ in 0..MANY {
        last = listening.post("192.0.2.1", "sha256=0").await.status().as_u16();
    }
    assert_eq!(last, 429, "it is not known");
}
