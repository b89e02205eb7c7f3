//! Each failure and each wait for a person is told, also after an earlier one and after a lock.

use std::collections::BTreeMap;

use chain::ChainResult;
use chain::notice::{Notice, NoticedStack};
use serde_json::json;

use crate::receiver::Receiver;
use crate::{START_MS, notice, notifier, posted};

fn stack(id: &str, run: &str, text: &str) -> NoticedStack {
    NoticedStack {
        stack: id.parse().unwrap(),
        run: run.parse().ok(),
        commit: None,
        text: text.to_owned(),
    }
}

#[tokio::test]
async fn slack_gets_a_reply_and_a_channel_gets_a_message_about_each() {
    let receiver = Receiver::start().await;
    receiver.answer("/chat.postMessage", 200, &posted());
    receiver.answer("/chat.update", 200, &posted());
    receiver.answer("/hook", 200, &json!({}));
    let notifier = notifier(&format!(
        "[bot]\nkind = 'slack'\ntoken = '$TOKEN'\nchannel = '#all'\napi = '{0}'\n[hook]\nkind = 'slack-webhook'\nurl = '{0}/hook'",
        receiver.url()
    ))
    .await;
    let failed = |id: &str| stack(id, "01RUN", "exit status 1");
    let confirmation = |id: &str| stack(id, "01RUN", "waits for a confirmation");
    let steps = [
        (vec![], vec![stack("a", "", "is locked by alice")]),
        (vec![], vec![]),
        (vec![], vec![confirmation("b")]),
        (vec![failed("c")], vec![confirmation("b")]),
        (vec![failed("c"), failed("d")], vec![confirmation("e")]),
        (vec![failed("c"), failed("d")], vec![confirmation("e")]),
    ];
    let mut deliveries = BTreeMap::new();
    for (minute, (failed, held)) in (1..).zip(steps) {
        let notice = Notice {
            failed,
            held,
            ..notice(ChainResult::Running, minute)
        };
        let now_ms = START_MS + i64::try_from(minute).unwrap() * 60_000;
        let round = notifier.deliver(&notice, &mut deliveries, now_ms).await;
        assert!(round.attempts.iter().all(|attempt| attempt.result.is_ok()));
    }
    let calls = receiver.calls();
    let replies: Vec<String> = calls
        .iter()
        .filter(|call| call.path == "/chat.postMessage" && call.json()["thread_ts"].is_string())
        .map(|call| call.json()["text"].as_str().unwrap().to_owned())
        .collect();
    let link = |id: &str| format!("<https://acme.app.spacelift.io/stack/{id}/run/01RUN|{id}>");
    assert_eq!(
        replies,
        [
            format!("{} waits for a confirmation", link("b")),
            format!("{} failed: exit status 1", link("c")),
            format!(
                "{} failed: exit status 1\n{} waits for a confirmation",
                link("d"),
                link("e")
            ),
        ]
    );
    let messages = calls.iter().filter(|call| call.path == "/hook");
    assert_eq!(messages.count(), 4, "the lock, and three with something new");
}
