//! Sinks are asked whether they answer, and get no message.

use std::time::Duration;

use notify::SinkError;
use serde_json::json;

use crate::notifier;
use crate::receiver::{Receiver, Smtp};

#[tokio::test]
async fn each_kind_says_whether_it_answers() {
    let (receiver, mail) = (Receiver::start().await, Smtp::start().await);
    let url = receiver.url();
    receiver.answer("/hook", 405, &json!({}));
    receiver.answer_with("/busy", 429, &json!({}), &[("retry-after", "7")]);
    receiver.answer("/broken", 500, &json!({}));
    let identity = json!({ "ok": true, "user": "spillway", "team": "Acme" });
    receiver.answer("/slack/auth.test", 200, &identity);
    let limits = json!({ "resources": { "core": { "remaining": 42 } } });
    receiver.answer("/github/rate_limit", 200, &limits);
    let sinks = format!(
        r##"
        [bot]
        kind = "slack"
        token = "$TOKEN"
        channel = "#x"
        api = "{url}/slack"
        [broken]
        kind = "webhook"
        url = "{url}/broken"
        [busy]
        kind = "slack-webhook"
        url = "{url}/busy"
        [code]
        kind = "github"
        token = "$TOKEN"
        api = "{url}/github"
        [gone]
        kind = "teams"
        url = "http://127.0.0.1:1/s3cret"
        [mail]
        kind = "email"
        smtp = "smtp://{}"
        from = "a@example.com"
        to = ["b@example.com"]
        [well]
        kind = "webhook"
        url = "{url}/hook"
        "##,
        mail.address()
    );
    let notifier = notifier(&sinks).await;
    let probed = notifier.probe().await;
    let found = |name: &str| &probed.iter().find(|(sink, ..)| *sink == name).unwrap().2;
    assert_eq!(
        found("bot").as_ref().unwrap(),
        "Slack accepts the token of spillway in Acme"
    );
    assert!(found("code").as_ref().unwrap().contains("42 requests are left"));
    assert!(found("mail").as_ref().unwrap().contains("takes a connection"));
    assert!(found("well").as_ref().unwrap().contains("405"));
    assert!(matches!(
        found("broken"),
        Err(SinkError::Refused { status: 500, .. })
    ));
    assert!(matches!(
        found("busy"),
        Err(SinkError::Limited { retry_after: Some(pause) }) if *pause == Duration::from_secs(7)
    ));
    let gone = found("gone").as_ref().unwrap_err();
    assert!(matches!(gone, SinkError::Unreachable(_)));
    assert!(!gone.to_string().contains("s3cret"));
    // Nothing was posted, and no mail was sent.
    let posted = receiver.calls().into_iter().filter(|call| call.method == "POST");
    assert_eq!(
        posted.map(|call| call.path).collect::<Vec<_>>(),
        ["/slack/auth.test"]
    );
    assert_eq!(mail.mail(), "");
}
