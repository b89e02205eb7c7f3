//! `spillway sink`: messages are tried and previewed.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::World;

const SECRET: &str = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cy0wMTIzNDU2Nzg5";

/// A world with a webhook of messages at a port, and a mailbox.
async fn world(port: u16) -> World {
    World::acme().await.with(
        "SPILLWAY_SINKS",
        &format!(
            r#"
            [receiver]
            kind = "webhook"
            url = "http://127.0.0.1:{port}/messages"
            secrets = ["{SECRET}"]

            [on-call]
            kind = "email"
            smtp = "smtp://127.0.0.1:9"
            from = "Spillway <spillway@example.com>"
            to = ["on-call@example.com"]
            "#
        ),
    )
}

#[tokio::test]
async fn sinks_are_listed() {
    let listed = world(9).await.run(&["sink", "list", "-o", "json"]).await;
    let listed = crate::schemas::check(listed, "sink_list");
    let items = &listed["items"];
    assert_eq!(items[0]["name"], "on-call");
    assert_eq!(
        (&items[1]["name"], &items[1]["kind"]),
        (&"receiver".into(), &"webhook".into())
    );
    let none = World::acme().await.run(&["sink", "list"]).await;
    assert_eq!(
        (none.status, none.stderr.trim()),
        (0, "No sinks are set: see docs/messages.md.")
    );
}

#[tokio::test]
async fn a_test_message_arrives_signed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = world(listener.local_addr().unwrap().port()).await;
    let receive = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = String::new();
        while !received.contains("\r\n\r\n") || !received.ends_with('}') {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).await.unwrap();
            assert!(read > 0, "{received}");
            received += std::str::from_utf8(&bytes[..read]).unwrap();
        }
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        received
    };
    let receive = tokio::time::timeout(Duration::from_secs(30), receive);
    let (sent, received) = tokio::join!(world.run(&["sink", "test", "receiver"]), receive);
    let received = received.unwrap();
    assert_eq!(sent.ok().trim(), "Sent a test message to `receiver`.");
    assert!(received.starts_with("POST /messages "), "{received}");
    assert!(received.contains("webhook-signature: v1,"), "{received}");
    assert!(
        received.contains("this is a test message: no run failed"),
        "{received}"
    );
}

#[tokio::test]
async fn a_sink_that_is_unknown_or_down_is_an_error_that_says_what_to_do() {
    let world = world(9).await;
    let unknown = world.run(&["sink", "test", "recever"]).await;
    assert_eq!(unknown.status, 4, "{unknown:?}");
    assert!(
        unknown.stderr.contains("there is no sink `recever`"),
        "{unknown:?}"
    );
    assert!(unknown.stderr.contains("`receiver`"), "{unknown:?}");
    let down = world.run(&["sink", "test", "receiver"]).await;
    assert_eq!(down.status, 5, "{down:?}");
    assert!(
        down.stderr
            .contains("was not delivered: the sink cannot be reached"),
        "{down:?}"
    );
    let wrong = World::acme()
        .await
        .with("SPILLWAY_SINKS", "[x]\nkind = \"pager\"");
    let wrong = wrong.run(&["sink", "list"]).await;
    assert_eq!(wrong.status, 3, "{wrong:?}");
}

#[tokio::test]
async fn a_preview_shows_each_message_and_sends_nothing() {
    let preview = world(9).await.run(&["sink", "preview", "-o", "json"]).await;
    let preview = crate::schemas::check(preview, "sink_message_list");
    assert_eq!(preview["items"].as_array().unwrap().len(), 2);
    assert_eq!(preview["items"][0]["kind"], "email");
    let event: serde_json::Value =
        serde_json::from_str(preview["items"][1]["message"].as_str().unwrap()).unwrap();
    assert_eq!(event["specversion"], "1.0");
    let text = world(9).await.run(&["sink", "preview"]).await.ok();
    assert!(text.starts_with("on-call (email)"), "{text}");
}
