//! The live page: a chain from start to end without a reload.

use super::browser::Setup;
use super::{Browser, serve, shop};
use crate::world::World;

/// A window so short that the page can be scrolled.
fn short() -> Setup {
    Setup {
        height: 480,
        ..Setup::default()
    }
}

#[tokio::test]
async fn a_chain_is_watched_from_start_to_end_without_a_reload() {
    let Some(browser) = Browser::start(short()).await else {
        return;
    };
    let world = World::start().await;
    shop(&world);
    world.graph("reports: shop");
    let url = serve(&world).await;
    let (_, chain) = world.begin_chain("network").await;

    browser.open(&format!("{url}/chains/{chain}")).await;
    browser
        .evaluate("window.loadedOnce = true; window.scrollTo(0, 120);")
        .await;
    // Pending stacks are drawn from the start.
    browser.find("svg.graph .waiting a[data-stack=reports]").await;
    browser.wait_for("#page", "waits for a confirmation").await;
    assert!(browser.text("#page").await.contains("waits for shop"));
    let scroll = browser
        .evaluate("return [window.scrollY, document.documentElement.scrollHeight]")
        .await;

    world.confirm("shop").await;
    browser.wait_for("h1", "succeeded").await;
    browser.find("svg.graph .succeeded a[data-stack=reports]").await;
    assert_eq!(browser.evaluate("return window.loadedOnce").await, true);
    assert_ne!(scroll[0], 0, "the page is too short to scroll");
    assert_eq!(browser.evaluate("return window.scrollY").await, scroll[0]);
    // The phases of the runs come from Spacelift.
    let bars = browser
        .evaluate("return document.querySelectorAll('.bars .person').length")
        .await;
    assert_eq!(bars, 1, "one stack waited for a person");
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
async fn opened_sections_and_selections_survive_updates() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let world = World::start().await;
    let stacks = vec![
        super::pretended::stack("a", "a", &[]),
        super::pretended::stack("b", "b", &["a"]),
        super::pretended::stack("c", "c", &[]),
    ];
    let chain = super::pretended::begin(&world, "root", "bob", stacks).await;
    let told = vec![
        super::pretended::began("a", "run-a", 30),
        super::pretended::failed("a", "run run-a failed", 20),
        super::pretended::skipped_after("b", "a", 20),
    ];
    super::pretended::tell(&world, &chain, told).await;
    let url = serve(&world).await;
    browser.open(&format!("{url}/chains/{chain}")).await;
    browser.wait_for("#page", "Failed first").await;
    browser.click(".failure summary").await;
    browser
        .evaluate(
            "const text = document.querySelector('.failure p bdi').firstChild; \
             getSelection().setBaseAndExtent(text, 0, text, 9); document.querySelector('.failure a').focus();",
        )
        .await;
    super::pretended::tell(&world, &chain, vec![super::pretended::began("c", "run-c", 1)]).await;
    browser.wait_for("#page", "1 running").await;
    assert_eq!(
        browser
            .evaluate("return document.querySelector('.failure details').open")
            .await,
        true
    );
    assert_eq!(
        browser.evaluate("return getSelection().toString()").await,
        "run run-a"
    );
    let focus = "return document.activeElement === document.querySelector('.failure a')";
    assert_eq!(browser.evaluate(focus).await, true);
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
async fn a_page_whose_chain_does_not_answer_appears_when_it_does() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let mut world = World::start().await;
    world.stop_worker().await;
    let chain = super::pretended::begin(
        &world,
        "root",
        "bob",
        vec![super::pretended::stack("a", "a", &[])],
    )
    .await;
    let url = serve(&world).await;
    browser.open(&format!("{url}/chains/{chain}")).await;
    browser.wait_for("main", "does not answer").await;
    world.start_worker();
    browser.find("#page h1").await;
    browser.stop().await;
}
