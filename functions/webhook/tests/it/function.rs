//! The program as Lambda runs it: API Gateway events, and the logs and records of each.

use std::path::Path;

use aws_stand_ins::lambda::Function;
use aws_stand_ins::moto::Moto;
use serde_json::{Value, json};

use crate::forged::{deceptive_texts, event_of_now};
use crate::journal::{entries, refusals};
use crate::lambda::{read, signed};
use crate::queues::{Queues, receive_all};
use crate::{NOWHERE, OTHER_SECRET, SECRET, proposed_run};

/// The function without Temporal, and with everything else.
async fn start(moto: &Moto, queues: &Queues, audit: &Path) -> Function {
    let variables = [
        ("TEMPORAL_ADDRESS", NOWHERE.to_owned()),
        ("WEBHOOK_SECRET", SECRET.to_owned()),
        ("SPILLWAY_ACCOUNT", "acme".to_owned()),
        ("SPILLWAY_BUFFER_QUEUE_URL", queues.buffer.url().to_owned()),
        (
            "SPILLWAY_QUARANTINE_QUEUE_URL",
            queues.quarantine.url().to_owned(),
        ),
        ("SPILLWAY_METRICS_NAMESPACE", "Spillway".to_owned()),
        ("SPILLWAY_AUDIT", audit.display().to_string()),
    ];
    let variables = variables.into_iter().chain(moto.variables());
    Function::start(env!("CARGO_BIN_EXE_webhook"), variables).await
}

#[tokio::test]
async fn each_kind_of_answer_is_counted_and_logged() {
    let moto = Moto::start().await;
    let queues = Queues::create(&moto).await;
    let audit = tempfile::tempdir().unwrap();
    let function = start(&moto, &queues, audit.path()).await;
    let answer = async |body: &str, secret: &str| {
        let answered = function.invoke(signed(body, secret).v2("$default", true)).await;
        read(&answered.unwrap())
    };
    assert_eq!(
        answer(&event_of_now(), SECRET).await,
        (202, json!({"result": "buffered"}))
    );
    assert_eq!(answer(&proposed_run(), SECRET).await.0, 200);
    assert_eq!(answer("{}x", SECRET).await.0, 202);
    for _ in 0..3 {
        assert_eq!(answer(&event_of_now(), OTHER_SECRET).await.0, 401);
    }
    moto.go_away(true);
    let away = function.invoke(signed(&event_of_now(), SECRET).v2("$default", false));
    let away = away.await.unwrap();
    assert_eq!(
        (&away["statusCode"], &away["headers"]["retry-after"]),
        (&json!(503), &json!("30"))
    );

    // A scanner, which sends no well-formed signature, raises no alarm.
    let mut unsigned = signed(&event_of_now(), SECRET).v2("$default", false);
    unsigned["headers"]["x-signature-256"] = json!("sha256=0");
    assert_eq!(function.invoke(unsigned).await.unwrap()["statusCode"], 401);
    let written = function
        .wait_for_lines("a line of metrics for each", |lines| metrics(lines).len() == 8)
        .await;
    let metrics = metrics(&written);
    for (at, answer, reason, [authentic, failed, forged, buffered]) in [
        (0, "buffered", "none", [1, 0, 0, 1]),
        (1, "ignored", "run_type", [1, 0, 0, 0]),
        (2, "kept", "none", [1, 0, 0, 0]),
        (3, "refused", "mismatch", [0, 1, 1, 0]),
        (5, "refused", "mismatch", [0, 1, 1, 0]),
        (6, "unavailable", "none", [0, 1, 0, 0]),
    ] {
        let line = &metrics[at];
        for (name, value) in [
            ("Answer", json!(answer)),
            ("Reason", json!(reason)),
            ("Deliveries", json!(1)),
            ("AuthenticDeliveries", json!(authentic)),
            ("FailedDeliveries", json!(failed)),
            ("SignatureFailures", json!(forged)),
            ("Buffered", json!(buffered)),
        ] {
            assert_eq!(line[name], value, "{name} in {line}");
        }
        assert!(line["LatencyMs"].is_number(), "{line}");
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Spillway");
    }
    let scan = &metrics[7];
    assert_eq!(
        (&scan["Answer"], &scan["Reason"]),
        (&json!("refused"), &json!("hex"))
    );
    assert!(
        scan["FailedDeliveries"].is_null() && scan["SignatureFailures"] == 0,
        "{scan}"
    );
    assert!(written.iter().any(|line| line.contains("\"Quarantined\":1")));

    // Only the first refusal has its own record; the others are counted in the next record.
    let records = entries(audit.path()).await;
    let of = |expected: &str| {
        let mut such = records.iter().filter(|record| record["action"] == expected);
        let record = such.next().unwrap_or_else(|| panic!("{expected} in {records:?}"));
        assert!(such.next().is_none(), "one record of {expected}: {records:?}");
        record.clone()
    };
    assert_eq!(of("delivery_buffered")["run"], "01J");
    assert_eq!(of("delivery_ignored")["reason"]["code"], "run_type");
    assert!(of("delivery_unreadable")["run"].is_null());
    assert_eq!(of("delivery_refused")["reason"]["code"], "mismatch");
    assert_eq!(of("delivery_refused")["count"], 1);
    assert_eq!(of("delivery_unavailable")["stack"], "network");
    assert_eq!(records.len(), 5);

    // The others are written when Lambda ends the function.
    function.end().await;
    let mut counts = refusals(audit.path()).await;
    counts.sort_unstable();
    assert_eq!(counts, [1, 3]);
}

#[tokio::test]
async fn an_invalid_gateway_event_fails_and_the_next_one_is_answered() {
    let moto = Moto::start().await;
    let queues = Queues::create(&moto).await;
    let audit = tempfile::tempdir().unwrap();
    let function = start(&moto, &queues, audit.path()).await;
    let mut not_encoded = signed(&event_of_now(), SECRET).v2("$default", true);
    not_encoded["body"] = json!("{ this is no Base64 }");
    for event in [not_encoded, json!({}), json!({"Records": []}), json!([1])] {
        let failure = function.invoke(event.clone()).await;
        assert!(failure.is_err(), "{event}: {failure:?}");
    }
    let answered = function
        .invoke(signed(&event_of_now(), SECRET).v2("$default", true))
        .await;
    assert_eq!(read(&answered.unwrap()).0, 202);
    assert_eq!(receive_all(&queues.buffer).await.len(), 1);
}

#[tokio::test]
async fn every_delivery_is_one_log_line() {
    let variables = [
        ("TEMPORAL_ADDRESS", NOWHERE.to_owned()),
        ("WEBHOOK_SECRET", SECRET.to_owned()),
    ];
    let function = Function::start(env!("CARGO_BIN_EXE_webhook"), variables).await;
    let deceptive = deceptive_texts();
    for case in &deceptive {
        let answered = function.invoke(case.v2().unwrap()).await.unwrap();
        assert_eq!(
            read(&answered),
            (u64::from(case.status), case.said.clone()),
            "{}",
            case.name
        );
    }
    let is_of_delivery = |line: &&String| line.contains("delivery.answer");
    let written = function
        .wait_for_lines("a line for each", |lines| {
            lines.iter().filter(is_of_delivery).count() == deceptive.len()
        })
        .await;
    for line in &written {
        let read: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(
            ["INFO", "WARN", "ERROR"].contains(&read["level"].as_str().unwrap()),
            "{line}"
        );
        assert!(
            !line.contains(|character: char| character.is_ascii_control()),
            "{line}"
        );
    }
}

/// The lines about deliveries in CloudWatch's metric format.
fn metrics(lines: &[String]) -> Vec<Value> {
    let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| line["_aws"].is_object() && line["Deliveries"].is_number())
        .collect()
}
