//! Real HTTP and SMTP to sinks of the test's own.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod alerts;
mod cards;
mod partial;
mod probes;
mod pull_requests;
mod receiver;
mod runs;

use std::collections::BTreeMap;

use chain::notice::{Notice, NoticedStack};
use chain::{ChainId, ChainResult, Counts, Root};
use notify::Notifier;
use receiver::Receiver;
use serde_json::{Value, json};

const START_MS: i64 = 1_764_000_000_000;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn notice(result: ChainResult, revision: u64) -> Notice {
    let mut root = Root::requested("acme".parse().unwrap(), "network".parse().unwrap(), "main");
    root.run = Some("01ROOT".parse().unwrap());
    root.commit = Some("abcdef1234567890abcdef1234567890abcdef12".parse().unwrap());
    Notice {
        chain: ChainId::of_workflow("chain:acme:01ROOT"),
        root,
        repository: Some("acme/network".to_owned()),
        by: Some("alice".to_owned()),
        result,
        reason: None,
        counts: Counts {
            succeeded: 2,
            ..Counts::default()
        },
        failed: Vec::new(),
        held: Vec::new(),
        started_at_ms: START_MS,
        ended_at_ms: result.is_over().then_some(START_MS + 61_000),
        at_ms: START_MS + 61_000,
        revision,
    }
}

fn failing(revision: u64) -> Notice {
    Notice {
        failed: vec![NoticedStack {
            stack: "apps".parse().unwrap(),
            run: Some("01APPS".parse().unwrap()),
            commit: None,
            text: "run 01APPS failed <script> & *bold* [link](x)".to_owned(),
        }],
        counts: Counts {
            succeeded: 1,
            failed: 1,
            skipped: 12,
            ..Counts::default()
        },
        ..notice(ChainResult::Running, revision)
    }
}

async fn notifier(sinks: &str) -> Notifier {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let lookup = |name: &str| match name {
        "SPILLWAY_SINKS" => Some(sinks.to_owned()),
        "TOKEN" => Some("xoxb-secret".to_owned()),
        _ => None,
    };
    Notifier::from_lookup(lookup, Some("https://acme.app.spacelift.io".to_owned()))
        .await
        .unwrap()
}

async fn slack(receiver: &Receiver) -> Notifier {
    notifier(&format!(
        "[s]\nkind = 'slack'\ntoken = '$TOKEN'\nchannel = '#platform'\napi = '{}'",
        receiver.url()
    ))
    .await
}

/// What Slack answers when it took a message.
fn posted() -> Value {
    json!({ "ok": true, "channel": "C1", "ts": "1.2" })
}

#[tokio::test]
async fn slack_gets_one_message_that_is_updated_and_replies_for_failures() {
    let receiver = Receiver::start().await;
    let notifier = slack(&receiver).await;
    let mut deliveries = BTreeMap::new();
    receiver.answer("/chat.postMessage", 200, &posted());
    receiver.answer("/chat.update", 200, &posted());
    for notice in [
        notice(ChainResult::Running, 1),
        failing(2),
        notice(ChainResult::Failed, 3),
    ] {
        let round = notifier.deliver(&notice, &mut deliveries, START_MS).await;
        assert!(round.attempts.iter().all(|attempt| attempt.result.is_ok()));
        // The same notice again is not sent again.
        let again = notifier.deliver(&notice, &mut deliveries, START_MS).await;
        assert!(again.attempts.is_empty());
    }
    let calls = receiver.calls();
    let paths: Vec<&str> = calls.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/chat.postMessage",
            "/chat.update",
            "/chat.postMessage",
            "/chat.update"
        ]
    );
    assert_eq!(calls[0].header("authorization"), "Bearer xoxb-secret");
    assert_eq!(calls[2].json()["thread_ts"], "1.2");
    let text = calls[2].json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("&lt;script&gt; &amp;"), "{text}");
    for call in &calls {
        let body = call.json();
        assert!(body["text"].as_str().is_some_and(|text| !text.is_empty()));
        assert!(body["blocks"].as_array().is_none_or(|blocks| blocks.len() <= 50));
    }
}

#[tokio::test]
async fn a_slack_message_whose_answer_was_lost_is_found_again() {
    let receiver = Receiver::start().await;
    let notifier = slack(&receiver).await;
    let mut deliveries = BTreeMap::new();
    // It was posted, and the answer was lost.
    receiver.answer("/chat.postMessage", 502, &json!({}));
    let first = notice(ChainResult::Running, 1);
    let round = notifier.deliver(&first, &mut deliveries, START_MS).await;
    assert!(round.attempts[0].result.is_err());
    assert_eq!(round.next_at_ms, Some(START_MS + 5_000));
    receiver.answer(
        "/conversations.history",
        200,
        &json!({ "ok": true, "messages": [
            { "ts": "8.8", "metadata": { "event_type": "spillway_chain", "event_payload": { "chain": "chain:acme:01OTHER" } } },
            { "ts": "9.9", "metadata": { "event_type": "spillway_chain", "event_payload": { "chain": "chain:acme:01ROOT" } } },
        ] }),
    );
    receiver.answer(
        "/chat.update",
        200,
        &json!({ "ok": true, "channel": "C1", "ts": "9.9" }),
    );
    let round = notifier.deliver(&first, &mut deliveries, START_MS + 5_000).await;
    assert!(round.attempts[0].result.is_ok());
    let last = receiver.calls().pop().unwrap();
    assert_eq!(
        (last.path.as_str(), last.json()["ts"].as_str()),
        ("/chat.update", Some("9.9"))
    );
}

#[tokio::test]
async fn a_sink_that_asks_for_a_pause_gets_it_and_holds_up_no_other() {
    let (slow, well) = (Receiver::start().await, Receiver::start().await);
    slow.answer_with("/hook", 429, &json!({}), &[("retry-after", "90")]);
    well.answer("/hook", 204, &json!({}));
    let notifier = notifier(&format!(
        "[a]\nkind = 'slack-webhook'\nurl = '{}/hook'\n[b]\nkind = 'teams'\nurl = '{}/hook'",
        slow.url(),
        well.url()
    ))
    .await;
    let mut deliveries = BTreeMap::new();
    let round = notifier
        .deliver(&notice(ChainResult::Succeeded, 4), &mut deliveries, START_MS)
        .await;
    assert_eq!(round.next_at_ms, Some(START_MS + 90_000));
    assert_eq!(well.calls().len(), 1);
    // Before that nothing is tried; then the one that is behind is tried alone.
    let end = notice(ChainResult::Succeeded, 4);
    assert!(
        notifier
            .deliver(&end, &mut deliveries, START_MS + 89_000)
            .await
            .attempts
            .is_empty()
    );
    slow.answer("/hook", 200, &json!({}));
    let round = notifier.deliver(&end, &mut deliveries, START_MS + 90_000).await;
    assert_eq!((round.attempts.len(), round.next_at_ms), (1, None));
    assert_eq!((slow.calls().len(), well.calls().len()), (2, 1));
}

#[tokio::test]
async fn no_sink_gets_a_pause_of_more_than_an_hour() {
    let receiver = Receiver::start().await;
    let sink = format!("[a]\nkind = 'slack-webhook'\nurl = '{}/hook'", receiver.url());
    let notifier = notifier(&sink).await;
    for asked in [
        "1764003600",
        "18446744073709551615",
        "Thu, 31 Dec 2099 23:59:59 GMT",
    ] {
        receiver.answer_with("/hook", 429, &json!({}), &[("retry-after", asked)]);
        let end = notice(ChainResult::Succeeded, 4);
        let round = notifier.deliver(&end, &mut BTreeMap::new(), START_MS).await;
        assert_eq!(round.next_at_ms, Some(START_MS + 3_600_000), "{asked}");
    }
}

#[tokio::test]
async fn errors_never_show_the_url_of_a_sink() {
    let notifier = notifier("[a]\nkind = 'slack-webhook'\nurl = 'http://127.0.0.1:1/T0/B0/s3cret'").await;
    let round = notifier
        .deliver(&notice(ChainResult::Succeeded, 4), &mut BTreeMap::new(), START_MS)
        .await;
    let error = round.attempts[0].result.as_ref().unwrap_err();
    assert!(!format!("{error} {error:?} {notifier:?}").contains("s3cret"));
}

#[tokio::test]
async fn webhooks_are_signed_as_standard_webhooks_says() {
    let receiver = Receiver::start().await;
    receiver.answer("/hook", 200, &json!({}));
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let notifier = notifier(&format!(
        "[w]\nkind = 'webhook'\nurl = '{}/hook'\nsecrets = ['{other}', '{SECRET}']",
        receiver.url()
    ))
    .await;
    let round = notifier
        .deliver(&failing(7), &mut BTreeMap::new(), START_MS)
        .await;
    assert!(round.attempts[0].result.is_ok());
    let call = receiver.calls().pop().unwrap();
    for secret in [SECRET, other] {
        standardwebhooks::Webhook::new(secret)
            .unwrap()
            .verify(&call.body, &call.headers)
            .unwrap();
    }
    let event: Value = call.json();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "io.spillway.chain.running");
    assert_eq!(event["id"], "chain:acme:01ROOT/w/7");
    assert_eq!(call.header("webhook-id"), "chain:acme:01ROOT/w/7");
    assert_eq!(event["data"]["failed"][0]["stack"], "apps");
}

#[tokio::test]
async fn github_gets_a_status_on_the_commit_of_the_root() {
    let receiver = Receiver::start().await;
    let path = "/repos/acme/network/statuses/abcdef1234567890abcdef1234567890abcdef12";
    receiver.answer(path, 201, &json!({}));
    let notifier = notifier(&format!(
        "[g]\nkind = 'github'\ntoken = '$TOKEN'\napi = '{}'",
        receiver.url()
    ))
    .await;
    let mut deliveries = BTreeMap::new();
    for (result, state, revision) in [
        (ChainResult::Running, "pending", 1),
        (ChainResult::Failed, "failure", 2),
    ] {
        notifier
            .deliver(&notice(result, revision), &mut deliveries, START_MS)
            .await;
        let call = receiver.calls().pop().unwrap();
        assert_eq!(
            (call.path.as_str(), call.json()["state"].as_str()),
            (path, Some(state))
        );
    }
}

#[tokio::test]
async fn an_e_mail_is_one_of_a_conversation() {
    let server = receiver::Smtp::start().await;
    let notifier = notifier(&format!(
        "[m]\nkind = 'email'\nsmtp = 'smtp://{}'\nfrom = 'Spillway <spillway@example.com>'\nto = ['ops@example.com']",
        server.address()
    ))
    .await;
    let round = notifier
        .deliver(&failing(5), &mut BTreeMap::new(), START_MS)
        .await;
    assert!(round.attempts[0].result.is_ok(), "{:?}", round.attempts[0].result);
    let mail = server.mail();
    for part in [
        "Subject: [spillway] network is failing",
        "To: ops@example.com",
        "Message-ID: <chain.acme.01ROOT.m.5@example.com>",
        "References: <chain.acme.01ROOT.m.chain@example.com>",
        "apps: run 01APPS failed",
        "https://acme.app.spacelift.io/stack/apps/run/01APPS",
    ] {
        assert!(mail.contains(part), "{part} is not in:\n{mail}");
    }
}

#[tokio::test]
async fn every_sink_can_be_previewed() {
    let notifier = notifier(
        "[a]\nkind = 'slack-webhook'\nurl = 'http://x/'\n[b]\nkind = 'teams'\nurl = 'http://x/'\n[c]\nkind = 'email'\nsmtp = 'smtp://localhost'\nfrom = 'a@example.com'\nto = ['b@example.com']",
    )
    .await;
    let mut shown = String::new();
    for (name, kind, text) in notifier.preview(&failing(5), START_MS + 61_000) {
        shown += &format!("--- {name} ({kind})\n{text}\n");
    }
    insta::assert_snapshot!(shown);
}

#[tokio::test]
async fn a_link_to_the_page_survives_an_id_with_escapes() {
    let receiver = Receiver::start().await;
    receiver.answer("/hook", 200, &json!({}));
    let settings = format!("[a]\nkind = 'slack-webhook'\nurl = '{}/hook'", receiver.url());
    let lookup = |name: &str| match name {
        "SPILLWAY_SINKS" => Some(settings.clone()),
        "SPILLWAY_DASHBOARD_URL" => Some("https://spillway.example.com/".to_owned()),
        _ => None,
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let notifier = Notifier::from_lookup(lookup, None).await.unwrap();
    let notice = Notice {
        chain: ChainId::of_workflow("chain:acme%3Aeu:01ROOT"),
        ..notice(ChainResult::Succeeded, 1)
    };
    notifier.deliver(&notice, &mut BTreeMap::new(), START_MS).await;
    let said = receiver.calls().pop().unwrap().json().to_string();
    assert!(
        said.contains("https://spillway.example.com/chains/chain:acme%253Aeu:01ROOT"),
        "{said}"
    );
}
