//! The result of `spillway webhook install` is enough: one named webhook, and the notification policy that feeds it.

use chain::ChainResult;
use mock_spacelift::WebhookKey;
use serde_json::Value;

use crate::chain::{EACH_ONCE, diamond};
use crate::world::{World, is_ours};

#[tokio::test]
async fn the_installed_webhook_alone_is_enough_for_a_chain() {
    let world = World::without_webhooks().await;
    diamond(&world);
    let endpoint = format!("http://{}/webhook", world.webhook);
    let install = ["webhook", "install", "--endpoint", &endpoint, "--apply"];
    for _ in 0..2 {
        let installed = world.spillway(&install).await;
        assert!(installed.status.success(), "{installed:?}");
    }
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);

    // The policy includes the metadata of our own runs, and they are not mistaken for those of another Spillway.
    let deliveries = world.spacelift.deliveries();
    let mut with_metadata = 0;
    for delivery in &deliveries {
        assert_eq!(delivery.webhook, WebhookKey::Named("spillway".to_owned()));
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        let run = &body["run_updated"]["run"];
        let made = world
            .spacelift
            .runs_of(body["run_updated"]["stack"]["id"].as_str().unwrap());
        assert_eq!(made[0].run.as_str(), run["id"]);
        let metadata = run["user_provided_metadata"].as_array().unwrap();
        assert_eq!(!metadata.is_empty(), is_ours(&made[0]), "{body}");
        with_metadata += usize::from(!metadata.is_empty());
    }
    assert!(with_metadata > 0);
    let report = world.workflows.schedule_report(&world.account).await.unwrap();
    assert_eq!(report.unwrap().conflict, None);
}
