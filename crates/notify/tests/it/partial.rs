//! Messages of which a sink takes only a part, or that it lost.

use std::collections::BTreeMap;

use chain::ChainResult;
use notify::SinkError;
use serde_json::json;

use crate::receiver::{Receiver, Smtp};
use crate::{START_MS, failing, notice, notifier, posted, slack};

#[tokio::test]
async fn a_slack_message_is_posted_once_although_its_reply_is_refused() {
    let receiver = Receiver::start().await;
    let notifier = slack(&receiver).await;
    let mut deliveries = BTreeMap::new();
    receiver.answer("/chat.postMessage", 200, &posted());
    receiver.answer("/chat.update", 200, &posted());
    receiver.answer_with(
        "/chat.postMessage#thread",
        429,
        &json!({}),
        &[("retry-after", "30")],
    );
    let round = notifier.deliver(&failing(1), &mut deliveries, START_MS).await;
    assert!(round.attempts[0].result.is_err());
    receiver.answer("/chat.postMessage#thread", 200, &posted());
    let round = notifier
        .deliver(&failing(1), &mut deliveries, START_MS + 30_000)
        .await;
    assert!(round.attempts[0].result.is_ok());
    let calls = receiver.calls();
    let calls: Vec<_> = calls
        .iter()
        .map(|call| (call.path.as_str(), call.json()["thread_ts"].is_string()))
        .collect();
    assert_eq!(
        calls,
        [
            ("/chat.postMessage", false),
            ("/chat.postMessage", true),
            ("/chat.update", false),
            ("/chat.postMessage", true),
        ]
    );
}

#[tokio::test]
async fn a_slack_message_that_somebody_deleted_is_posted_again() {
    let receiver = Receiver::start().await;
    let notifier = slack(&receiver).await;
    let mut deliveries = BTreeMap::new();
    receiver.answer("/chat.postMessage", 200, &posted());
    receiver.answer(
        "/chat.update",
        200,
        &json!({ "ok": false, "error": "message_not_found" }),
    );
    for notice in [notice(ChainResult::Running, 1), notice(ChainResult::Succeeded, 2)] {
        let round = notifier.deliver(&notice, &mut deliveries, START_MS).await;
        assert!(round.attempts[0].result.is_ok());
    }
    let calls = receiver.calls();
    let paths: Vec<&str> = calls.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(paths, ["/chat.postMessage", "/chat.update", "/chat.postMessage"]);
}

#[tokio::test]
async fn a_slack_message_that_must_not_be_changed_is_posted_again_only_if_there_is_news() {
    for error in ["edit_window_closed", "cant_update_message"] {
        let receiver = Receiver::start().await;
        let notifier = slack(&receiver).await;
        let mut deliveries = BTreeMap::new();
        receiver.answer("/chat.postMessage", 200, &posted());
        receiver.answer("/chat.update", 200, &json!({ "ok": false, "error": error }));
        for notice in [
            notice(ChainResult::Running, 1),
            notice(ChainResult::Running, 2),
            notice(ChainResult::Running, 3),
            notice(ChainResult::Succeeded, 4),
        ] {
            let round = notifier.deliver(&notice, &mut deliveries, START_MS).await;
            assert!(round.attempts[0].result.is_ok());
        }
        let calls = receiver.calls();
        let posts = calls.iter().filter(|call| call.path == "/chat.postMessage");
        assert_eq!(posts.count(), 2, "the start and the end");
    }
}

#[tokio::test]
async fn slack_is_asked_for_the_messages_of_a_channel_by_its_id() {
    let receiver = Receiver::start().await;
    let notifier = slack(&receiver).await;
    receiver.answer("/chat.postMessage", 200, &posted());
    let first = notice(ChainResult::Running, 1);
    notifier.deliver(&first, &mut BTreeMap::new(), START_MS).await;
    // The answer about another chain is lost.
    let mut deliveries = BTreeMap::new();
    receiver.answer("/chat.postMessage", 502, &json!({}));
    notifier.deliver(&first, &mut deliveries, START_MS).await;
    notifier.deliver(&first, &mut deliveries, START_MS + 5_000).await;
    let calls = receiver.calls();
    let asked = calls.iter().find(|call| call.path == "/conversations.history");
    assert_eq!(asked.unwrap().json()["channel"], "C1");
}

#[tokio::test]
async fn a_repository_that_github_does_not_know_is_no_failure() {
    let path = "/repos/acme/network/statuses/abcdef1234567890abcdef1234567890abcdef12";
    for status in [404, 422] {
        let receiver = Receiver::start().await;
        let settings = format!(
            "[g]\nkind = 'github'\ntoken = '$TOKEN'\napi = '{}'",
            receiver.url()
        );
        let notifier = notifier(&settings).await;
        let mut deliveries = BTreeMap::new();
        receiver.answer(path, status, &json!({ "message": "Not Found" }));
        let round = notifier
            .deliver(&notice(ChainResult::Running, 1), &mut deliveries, START_MS)
            .await;
        let attempt = &round.attempts[0];
        assert!(
            matches!(attempt.result, Err(SinkError::Unknown(_))),
            "{attempt:?}"
        );
        assert_eq!((round.next_at_ms, attempt.is_late), (None, false));
        assert_eq!(
            deliveries["g"].failing_since_ms, None,
            "`doctor` does not name it"
        );
        let end = notice(ChainResult::Succeeded, 2);
        let round = notifier.deliver(&end, &mut deliveries, START_MS).await;
        assert!(round.attempts.is_empty(), "it is said once");
    }
}

#[tokio::test]
async fn github_says_with_a_403_that_there_were_too_many_requests() {
    let receiver = Receiver::start().await;
    let path = "/repos/acme/network/statuses/abcdef1234567890abcdef1234567890abcdef12";
    let settings = format!(
        "[g]\nkind = 'github'\ntoken = '$TOKEN'\napi = '{}'",
        receiver.url()
    );
    let notifier = notifier(&settings).await;
    for (headers, is_limit) in [
        (&[("retry-after", "60")][..], true),
        (&[("x-ratelimit-remaining", "0")], true),
        (&[], false),
    ] {
        receiver.answer_with(path, 403, &json!({}), headers);
        let round = notifier
            .deliver(&notice(ChainResult::Succeeded, 1), &mut BTreeMap::new(), START_MS)
            .await;
        let result = round.attempts[0].result.as_ref();
        assert_eq!(
            matches!(result, Err(SinkError::Limited { .. })),
            is_limit,
            "{headers:?}: {result:?}"
        );
    }
}

#[tokio::test]
async fn a_recipient_that_is_gone_does_not_keep_the_mail_from_the_others() {
    let server = Smtp::start().await;
    let mail = |to: &str| {
        format!(
            "[m]\nkind = 'email'\nsmtp = 'smtp://{}'\nfrom = 'spillway@example.com'\nto = [{to}]",
            server.address()
        )
    };
    let notifier = notifier(&mail("'gone@example.com', 'ops@example.com'")).await;
    let round = notifier
        .deliver(&failing(5), &mut BTreeMap::new(), START_MS)
        .await;
    assert!(round.attempts[0].result.is_ok(), "{:?}", round.attempts[0].result);
    assert_eq!(server.mail().matches("Subject: ").count(), 1);
    let gone = crate::notifier(&mail("'gone@example.com'")).await;
    let round = gone.deliver(&failing(5), &mut BTreeMap::new(), START_MS).await;
    assert!(round.attempts[0].result.is_err());
}
