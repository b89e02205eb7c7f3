//! Messages in Teams are checked against the schema that Microsoft publishes.

use chain::notice::{Notice, NoticedStack};
use chain::{ChainResult, Reason};
use serde_json::{Value, json};

use crate::{START_MS, failing, notice, notifier};

fn schema() -> jsonschema::Validator {
    let schema = include_str!("../fixtures/adaptive-card/schema-1.4.json");
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
}

#[track_caller]
pub(crate) fn check(card: &Value) {
    let problems: Vec<String> = schema()
        .iter_errors(card)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}\n{card:#}");
}

#[tokio::test]
async fn every_card_about_a_chain_fits_the_schema() {
    let notifier = notifier("[t]\nkind = 'teams'\nurl = 'http://127.0.0.1:9/hook'").await;
    let waiting = NoticedStack {
        stack: "dns".parse().unwrap(),
        run: None,
        commit: None,
        text: "waits for a confirmation".to_owned(),
    };
    let refused = Notice {
        reason: Some(Reason::new(
            "cycle".to_owned(),
            "dependency cycle: `a` -> `b` -> `a`",
        )),
        ..notice(ChainResult::Refused, 1)
    };
    let held = Notice {
        held: vec![waiting; 10],
        ..failing(3)
    };
    for notice in [notice(ChainResult::Running, 1), failing(2), held, refused] {
        let (_, _, text) = notifier.preview(&notice, START_MS).remove(0);
        let message: Value = serde_json::from_str(&text).unwrap();
        let attachment = &message["attachments"][0];
        assert_eq!(
            attachment["contentType"],
            "application/vnd.microsoft.card.adaptive"
        );
        check(&attachment["content"]);
    }
}

#[test]
fn the_schema_finds_a_wrong_card() {
    let card = |block: Value| json!({ "type": "AdaptiveCard", "version": "1.4", "body": [block] });
    check(&card(
        json!({ "type": "TextBlock", "text": "x", "color": "attention" }),
    ));
    for wrong in [
        json!({ "type": "TextBlock", "text": "x", "color": "red" }),
        json!({ "type": "TextBlock" }),
        json!({ "type": "NoSuchBlock", "text": "x" }),
    ] {
        assert!(!schema().is_valid(&card(wrong.clone())), "{wrong}");
    }
}
