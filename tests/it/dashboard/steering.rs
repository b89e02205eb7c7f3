//! Freezes, retries from a stack on, and what people ordered last, on the pages.

use chain::{ChainId, ChainResult, StackState};
use serde_json::json;
use temporal_client::contract::ScheduleMessage;

use super::actions::{act, ask, confirmation};
use super::browser::Setup;
use super::{Browser, PERSON, browser_with_shop, serve};
use crate::world::World;

async fn fill(browser: &Browser, field: &str, text: &str) {
    let input = browser.find(&format!("[name={field}]")).await;
    input.clear().await.unwrap();
    input.send_keys(text).await.unwrap();
}

#[tokio::test]
async fn a_part_of_the_account_is_frozen_and_the_freeze_is_lifted() {
    let Some((browser, world, url)) = browser_with_shop().await else {
        return;
    };
    world.spacelift.lock("database", "carol");
    let (root, chain) = world.begin_chain("network").await;
    browser.open(&format!("{url}/chains/{chain}")).await;
    browser.wait_for("#page", "the stack is locked by carol").await;

    // What was typed is kept where it is wrong.
    browser
        .open(&format!("{url}/freeze?for=soon&reason=incident&stacks=data*"))
        .await;
    browser
        .wait_for("main", "soon is not a duration such as 90m, 2h or 1d")
        .await;
    let kept = browser
        .evaluate("return document.querySelector('[name=stacks]').value")
        .await;
    assert_eq!(kept, "data*");

    browser.open(&format!("{url}/status")).await;
    browser.click_link("Freeze…").await;
    fill(&browser, "for", "90m").await;
    fill(&browser, "reason", "incident 7").await;
    fill(&browser, "stacks", "data*, none").await;
    browser.click("main form button").await;
    let says = [
        "For 90m",
        "It covers 1 stack: stacks data*, none",
        "The reason: incident 7",
        "Will not start: 1 stack",
        "database",
    ];
    let asked = confirmation(&browser, &says).await;
    assert!(!asked.contains("shop"), "{asked}");
    assert!(world.workflows.frozen(&world.account).await.unwrap().is_none());
    browser.click("main form[method=post] button").await;
    let banner = format!("{} is frozen by {PERSON} until", world.account);
    browser.wait_for("main", &banner).await;
    browser.wait_for("main", "incident 7").await;
    let frozen = world.workflows.frozen(&world.account).await.unwrap().unwrap();
    assert_eq!(frozen.coverage.stacks, ["data*", "none"]);

    world.spacelift.unlock("database");
    let released = ScheduleMessage::Released {
        stack: "database".parse().unwrap(),
        by: PERSON.to_owned(),
    };
    world.signal_schedule(&released).await;
    browser
        .open(&format!("{url}/chains/{chain}?stack=database"))
        .await;
    browser.wait_for("#stack", "incident 7").await;
    assert!(world.spacelift.runs_of("database").is_empty());

    act(
        &browser,
        "Lift the freeze…",
        &["May start: 1 stack", "incident 7", "database"],
    )
    .await;
    browser.find("h1").await;
    world.confirm("shop").await;
    world.all_succeed(&[root]).await;
    world.assert_once(&["database", "shop"]);
    browser.open(&format!("{url}/status")).await;
    browser.wait_for("main", "Freeze…").await;
    assert!(!browser.text("main").await.contains("is frozen"));
    for action in ["freeze_began", "freeze_lifted"] {
        let record = world.audit_record(action).await;
        assert_eq!(record["actor"], format!("operator:{PERSON}"), "{record}");
    }
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
async fn a_stack_of_a_chain_runs_again_with_what_depends_on_it() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let world = World::start().await;
    world.graph("network; database: network; dns: network; apps: database dns");
    let url = serve(&world).await;
    let root = world.push_to(1, &["network"]).remove(0);
    let first = world.all_succeed(&[root]).await.remove(0).id;
    browser
        .open(&format!("{url}/chains/{first}?stack=database"))
        .await;
    let says = ["Runs, in this order: 2 stacks", "database", "apps"];
    let asked = ask(&browser, "Run from here…", &says).await;
    assert!(!asked.contains("dns"), "{asked}");
    fill(&browser, "reason", "credentials renewed").await;
    browser.click("main form[method=post] button").await;
    browser.wait_for("main", "The retry was requested.").await;
    let retry = ChainId::of_retry(&first, 1);
    let report = world.end_of(&retry).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    assert_eq!(report.by.as_deref(), Some(PERSON));
    world.assert_once(&["network", "dns"]);
    for stack in ["database", "apps"] {
        assert_eq!(world.spacelift.runs_of(stack).len(), 2, "{stack}");
    }
    browser.open(&format!("{url}/chains/{retry}")).await;
    browser.wait_for(".facts", "credentials renewed").await;
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
async fn the_last_order_and_the_policies_are_on_the_pages() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let world = World::start().await;
    world.graph_with("admin; network: admin; other: admin", |name, stack| match name {
        "admin" => stack.label("spillway:downstream=changed"),
        "network" => stack.label("spillway:priority=10"),
        _ => stack,
    });
    let url = serve(&world).await;
    world.spacelift.lock("network", "carol");
    world
        .spacelift
        .changes_next("admin", &[("spacelift_stack.network", json!({"id": "network"}))]);
    let (root, chain) = world.begin_chain("admin").await;
    browser.open(&format!("{url}/chains/{chain}?stack=network")).await;
    browser
        .wait_for(".facts", "only the stacks that its run changed run")
        .await;
    browser.wait_for("#stack", "priority").await;
    browser.click_link("Pause…").await;
    fill(&browser, "reason", "a fire drill").await;
    browser.click("main form[method=post] button").await;
    let order = format!("the chain was paused by {PERSON}: a fire drill");
    browser.wait_for(".facts", &order).await;
    browser
        .open(&format!("{url}/stacks/{}/network", world.account))
        .await;
    browser.wait_for("main", &format!("Last order: {order}")).await;
    browser
        .open(&format!("{url}/stacks/{}/admin", world.account))
        .await;
    browser
        .wait_for(".facts", "only the stacks that the run changed run")
        .await;

    // A stack that was repaired by hand says so, and why.
    browser
        .open(&format!("{url}/stacks/{}/network/done", world.account))
        .await;
    fill(&browser, "reason", "repaired in the console").await;
    browser.click("main form[method=post] button").await;
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    let record = report.record.unwrap();
    let network = record.stack(&"network".parse().unwrap()).unwrap();
    assert_eq!(network.state, StackState::Succeeded);
    browser.open(&format!("{url}/chains/{chain}")).await;
    browser
        .wait_for(
            ".stacks",
            &format!("counted as done by {PERSON}: repaired in the console"),
        )
        .await;
    browser.assert_clean(&url).await;
    browser.stop().await;
}
