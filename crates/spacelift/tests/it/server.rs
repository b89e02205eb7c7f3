//! A whole mock account, and a bare server that accepts every login and otherwise answers as the test says.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use mock_spacelift::{MockSpacelift, Server};
use secrecy::SecretString;
use serde_json::{Value, json};
use spacelift::{Limits, Settings, Spacelift};
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, MockBuilder, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const KEY_ID: &str = "01JSMHTFM9TXWW1XK4AZN1SA8K";
pub(crate) const KEY_SECRET: &str = "hunter2-key-secret";

/// `jwt-1`, `jwt-2` …
#[derive(Clone)]
pub(crate) struct Logins {
    pub(crate) count: Arc<AtomicU64>,
    lifetime: Duration,
    delay: Duration,
}

impl Respond for Logins {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        let until = SystemTime::now() + self.lifetime;
        let until = until.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let user = json!({"jwt": format!("jwt-{number}"), "validUntil": until});
        ResponseTemplate::new(200)
            .set_body_json(json!({"data": {"apiKeyUser": user}}))
            .set_delay(self.delay)
    }
}

pub(crate) async fn logins(server: &MockServer, lifetime: Duration, delay: Duration) -> Logins {
    let logins = Logins {
        count: Arc::default(),
        lifetime,
        delay,
    };
    operation("ApiKeyUser")
        .respond_with(logins.clone())
        .mount(server)
        .await;
    logins
}

/// A server with logins that last an hour.
pub(crate) async fn start() -> (MockServer, Logins) {
    let server = MockServer::start().await;
    let logins = logins(&server, Duration::from_hours(1), Duration::ZERO).await;
    (server, logins)
}

pub(crate) fn operation(name: &str) -> MockBuilder {
    Mock::given(method("POST"))
        .and(path("/graphql"))
        .and(body_partial_json(json!({"operationName": name})))
}

pub(crate) fn data(data: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"data": data}))
}

pub(crate) fn refusal(message: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"data": null, "errors": [{"message": message}]}))
}

pub(crate) fn client(base_url: &str) -> Spacelift {
    client_within(base_url, |_| {})
}

pub(crate) fn client_within(base_url: &str, change: impl FnOnce(&mut Limits)) -> Spacelift {
    let mut limits = Limits {
        requests_per_minute: NonZeroU32::new(100_000).unwrap(),
        ..Limits::default()
    };
    change(&mut limits);
    let (base_url, key_id) = (base_url.to_owned(), KEY_ID.to_owned());
    Spacelift::with_settings(Settings {
        base_url,
        key_id,
        key_secret: SecretString::from(KEY_SECRET),
        limits,
    })
    .unwrap()
}

/// A stack as in Spacelift's answers.
pub(crate) fn stack(id: &str) -> Value {
    json!({
        "id": id, "name": id, "description": null, "space": "root", "labels": [], "repository": "infra",
        "namespace": "acme", "branch": "main", "administrative": false, "autodeploy": true, "isDisabled": false,
        "state": "NONE", "lockedBy": null, "lockedAt": null, "lockNote": null, "trackedCommit": null,
        "dependsOn": [], "vendorConfig": {"__typename": "StackConfigVendorOpenTofu"}
    })
}

pub(crate) fn run(id: &str) -> Value {
    json!({
        "id": id, "type": "TRACKED", "state": "QUEUED", "branch": "main", "triggeredBy": null, "createdAt": 1,
        "updatedAt": 2, "driftDetection": false, "finished": false, "needsApproval": false, "delta": null,
        "commit": {"hash": "abc", "message": "m", "authorName": "a", "timestamp": 1, "url": null}, "history": []
    })
}

/// A mock account and a client of it. The server stops when it is dropped.
pub(crate) async fn account() -> (MockSpacelift, Server, Spacelift) {
    let mock = MockSpacelift::new("acme");
    let server = mock.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (key_id, secret) = (
        mock_spacelift::KEY_ID,
        SecretString::from(mock_spacelift::KEY_SECRET),
    );
    let client = Spacelift::new(&server.url(), key_id, secret).unwrap();
    (mock, server, client)
}
