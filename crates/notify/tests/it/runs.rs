//! Messages about runs, which labels of stacks ask for.

use chain::binding::Target;
use chain::notice::{RunMessage, RunNotice};
use chain::{ChainResult, RunState};
use notify::SinkError;
use serde_json::json;

use crate::receiver::{Receiver, Smtp};
use crate::{SECRET, START_MS, notice, notifier, posted};

pub(crate) fn message(state: RunState, target: Target) -> RunMessage {
    RunMessage {
        notice: RunNotice {
            account: "acme".parse().unwrap(),
            stack: "apps".parse().unwrap(),
            name: "Apps".to_owned(),
            space: None,
            repository: "acme/apps".to_owned(),
            run: "01APPS".parse().unwrap(),
            state,
            branch: "main".to_owned(),
            commit: Some("abcdef1234567890abcdef1234567890abcdef12".parse().unwrap()),
            by: Some("alice & <bob>".to_owned()),
            at_ms: START_MS,
            impact: None,
        },
        target,
        delivery: Default::default(),
    }
}

fn to(sink: &str) -> Target {
    Target::Sink {
        sink: sink.to_owned(),
    }
}

#[tokio::test]
async fn each_kind_gets_the_end_of_a_run_in_its_own_format() {
    let (receiver, mail) = (Receiver::start().await, Smtp::start().await);
    let url = receiver.url();
    receiver.answer("/hook", 200, &json!({}));
    receiver.answer("/teams", 202, &json!({}));
    receiver.answer("/incoming", 200, &json!({}));
    receiver.answer("/slack/chat.postMessage", 200, &posted());
    let status = "/github/repos/acme/apps/statuses/abcdef1234567890abcdef1234567890abcdef12";
    receiver.answer(status, 201, &json!({}));
    let sinks = format!(
        r##"
        [bot]
        kind = "slack"
        token = "$TOKEN"
        channel = "#all"
        api = "{url}/slack"
        [code]
        kind = "github"
        token = "$TOKEN"
        api = "{url}/github"
        [incoming]
        kind = "slack-webhook"
        url = "{url}/incoming"
        [mail]
        kind = "email"
        smtp = "smtp://{}"
        from = "a@example.com"
        to = ["b@example.com"]
        [t]
        kind = "teams"
        url = "{url}/teams"
        [w]
        kind = "webhook"
        url = "{url}/hook"
        secrets = ["{SECRET}"]
        "##,
        mail.address()
    );
    let notifier = notifier(&sinks).await;
    let channel = Target::SlackChannel {
        channel: "#infra".to_owned(),
    };
    let targets = ["bot", "code", "incoming", "mail", "t", "w"].map(to);
    let messages = targets.into_iter().chain([channel]);
    let messages = messages.map(|target| message(RunState::Failed, target));
    let sent = notifier.deliver_runs(messages.collect(), START_MS).await;
    for attempt in &sent.round.attempts {
        assert!(attempt.result.is_ok(), "{attempt:?}");
    }
    assert_eq!((sent.left.len(), sent.round.next_at_ms), (0, None));
    let calls = receiver.calls();
    let bodies = |path: &str| -> Vec<_> {
        let calls = calls.iter().filter(|call| call.path == path);
        calls.map(crate::receiver::Call::json).collect()
    };
    let mut channels: Vec<String> = bodies("/slack/chat.postMessage")
        .iter()
        .map(|body| body["channel"].as_str().unwrap().to_owned())
        .collect();
    channels.sort();
    assert_eq!(channels, ["#all", "#infra"]);
    let slack = &bodies("/incoming")[0];
    assert_eq!(slack["text"], "apps failed");
    let line = slack["blocks"][1]["text"]["text"].as_str().unwrap();
    assert_eq!(
        line,
        "run 01APPS of abcdef1 on main by alice &amp; &lt;bob&gt; · <https://acme.app.spacelift.io/stack/apps/run/01APPS|Open the run>"
    );
    let set = &bodies(status)[0];
    assert_eq!(
        (&set["state"], &set["context"]),
        (&json!("failure"), &json!("spillway/apps"))
    );
    crate::cards::check(&bodies("/teams")[0]["attachments"][0]["content"]);
    let event = &bodies("/hook")[0];
    assert_eq!(event["type"], "io.spillway.run.failed");
    assert_eq!(event["id"], "run:acme:01APPS/w/FAILED");
    assert_eq!(event["data"]["stack"], "apps");
    let call = calls.iter().find(|call| call.path == "/hook").unwrap();
    standardwebhooks::Webhook::new(SECRET)
        .unwrap()
        .verify(&call.body, &call.headers)
        .unwrap();
    let mail = mail.mail();
    assert!(mail.contains("Subject: [spillway] apps failed"), "{mail}");
    assert!(
        mail.contains("Message-ID: <run.acme.01APPS.mail.FAILED@example.com>"),
        "{mail}"
    );
}

#[tokio::test]
async fn a_message_waits_for_its_sink_alone_and_one_without_a_sink_is_dropped() {
    let (down, well) = (Receiver::start().await, Receiver::start().await);
    down.answer("/hook", 500, &json!({}));
    well.answer("/hook", 200, &json!({}));
    let notifier = notifier(&format!(
        "[down]\nkind = 'webhook'\nurl = '{}/hook'\n[well]\nkind = 'webhook'\nurl = '{}/hook'",
        down.url(),
        well.url()
    ))
    .await;
    let channel = Target::SlackChannel {
        channel: "#infra".to_owned(),
    };
    let targets = [to("down"), to("well"), to("nobody"), channel];
    let messages = targets.map(|target| message(RunState::Finished, target));
    let sent = notifier.deliver_runs(messages.into(), START_MS).await;
    let dropped = sent
        .round
        .attempts
        .iter()
        .filter(|attempt| matches!(attempt.result, Err(SinkError::NoSuchSink)) && !attempt.is_late);
    assert_eq!(dropped.count(), 2);
    let left: Vec<String> = sent.left.iter().map(|left| left.target.to_string()).collect();
    assert_eq!(
        (left.as_slice(), sent.round.next_at_ms),
        (&["down".to_owned()][..], Some(START_MS + 5_000))
    );
    // Too early.
    let again = notifier.deliver_runs(sent.left, START_MS + 4_000).await;
    assert_eq!((again.round.attempts.len(), again.left.len()), (0, 1));
    down.answer("/hook", 200, &json!({}));
    let again = notifier.deliver_runs(again.left, START_MS + 5_000).await;
    assert_eq!((again.left.len(), again.round.next_at_ms), (0, None));
    assert_eq!((down.calls().len(), well.calls().len()), (2, 1));
}

#[tokio::test]
async fn a_sink_for_labels_alone_gets_no_messages_about_chains() {
    let receiver = Receiver::start().await;
    receiver.answer("/hook", 200, &json!({}));
    let notifier = notifier(&format!(
        "[w]\nkind = 'webhook'\nurl = '{}/hook'\nchains = false",
        receiver.url()
    ))
    .await;
    assert!(!notifier.is_empty() && !notifier.has_chain_sinks());
    let end = notice(ChainResult::Failed, 1);
    let round = notifier.deliver(&end, &mut Default::default(), START_MS).await;
    assert!(round.attempts.is_empty() && receiver.calls().is_empty());
}
