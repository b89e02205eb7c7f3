//! Secrets are not shown in `Debug`, errors or logs.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::json;
use spacelift::Settings;
use wiremock::MockServer;

use crate::server::{KEY_SECRET, client, data, operation, refusal, start};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn debug_shows_no_secret() {
    let client = client("https://acme.app.spacelift.io");
    let settings = Settings::from_lookup(|name| {
        Some(
            if name.contains("SECRET") {
                KEY_SECRET
            } else if name.contains("MINUTE") {
                "1"
            } else {
                "https://a.b"
            }
            .to_owned(),
        )
    });
    let text = format!("{client:?} {:?}", settings.unwrap());
    assert!(text.contains("key_id"), "{text}");
    assert!(!text.contains(KEY_SECRET), "{text}");
}

#[tokio::test]
async fn a_login_refused_with_the_secret_in_the_message_does_not_repeat_it() {
    let server = MockServer::start().await;
    let message = format!("variable $secret has the invalid value {KEY_SECRET}");
    operation("ApiKeyUser")
        .respond_with(refusal(&message))
        .mount(&server)
        .await;
    let error = client(&server.uri()).stacks().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ApiKeyUser: variable $secret has the invalid value ***"
    );
}

#[tokio::test]
async fn the_log_has_each_request_and_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Installed for all threads: a subscriber of one thread would miss events that another thread has disabled before.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let (server, _) = start().await;
    let name = data(&json!({"name": "acme"}));
    wiremock::Mock::given(wiremock::matchers::body_string_contains("Probe"))
        .respond_with(name)
        .mount(&server)
        .await;
    client(&server.uri())
        .execute("query Probe { name }", &json!({}))
        .await
        .unwrap();

    let text = log.text();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.contains("Spacelift answered `Probe`"))
        .collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(
        lines[0].contains("DEBUG") && lines[0].contains("duration_ms="),
        "{lines:?}"
    );
    assert!(text.contains("Spacelift answered `ApiKeyUser`"), "{text}");
    assert!(!text.contains(KEY_SECRET), "{text}");
    assert!(!text.contains("jwt-1"), "{text}");
}
