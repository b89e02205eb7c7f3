//! Connections that fail before and after the request is sent.

use std::time::Duration;

use spacelift::{ErrorKind, TriggerRun};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{client, client_within};

/// Reads one whole request: its headers and a body of the announced length.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")
                    .map(|n| n.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap() {
                return text;
            }
        }
        assert!(count > 0, "the request ended early: {text}");
    }
}

async fn log_in(stream: &mut TcpStream) {
    let body = r#"{"data":{"apiKeyUser":{"jwt":"jwt","validUntil":9999999999}}}"#;
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
}

/// Answers logins, and closes the connection after reading any other request. Returns the base URL.
async fn hangs_up(partial_answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            if read_request(&mut stream).await.contains("ApiKeyUser") {
                log_in(&mut stream).await;
            } else {
                stream.write_all(partial_answer.as_bytes()).await.unwrap();
                // Resets the connection. Without it, the connection would close properly.
                stream.set_zero_linger().unwrap();
            }
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_reset_after_the_request_is_ambiguous_for_a_mutation() {
    for partial_answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\""] {
        let client = client(&hangs_up(partial_answer).await);
        let id = "vpc".parse().unwrap();
        let query = client.stack(&id).await.unwrap_err();
        assert!(matches!(query.kind, ErrorKind::Unreachable { .. }), "{query}");
        let mutation = client.trigger_run(&id, &TriggerRun::default()).await.unwrap_err();
        assert!(matches!(mutation.kind, ErrorKind::Ambiguous { .. }), "{mutation}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_unreachable_even_for_a_mutation() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&url)
        .trigger_run(&"vpc".parse().unwrap(), &TriggerRun::default())
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unreachable { .. }), "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = client_within(&url, |limits| limits.request_timeout = Duration::from_millis(200));
    let answer = tokio::time::timeout(Duration::from_secs(10), client.stacks())
        .await
        .unwrap();
    let error = answer.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_mutation_without_a_connection_did_not_happen() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // It answers one login and then stops.
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(listener);
        read_request(&mut stream).await;
        log_in(&mut stream).await;
    });
    let trigger = TriggerRun::default();
    let error = client(&url)
        .trigger_run(&"vpc".parse().unwrap(), &trigger)
        .await
        .unwrap_err();
    assert_eq!(error.operation, "RunTrigger");
    assert!(matches!(error.kind, ErrorKind::Unreachable { .. }), "{error}");
}
