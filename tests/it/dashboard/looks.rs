//! Accessibility of every page, checked with axe-core: light and dark, wide and narrow.

use serde_json::Value;

use super::browser::Setup;
use super::pretended::{began, begin, change, failed, skipped_after, stack, tell};
use super::{Browser, serve};
use crate::world::{WAIT_MAX, World};

/// A world with content for every page, and the pages.
pub(super) async fn world_with_pages() -> (World, String, Vec<String>) {
    let world = World::start().await;
    world.graph("vpc; db: vpc; app: db missing");
    let stacks = vec![
        stack("db", "The database", &[]),
        stack("queue", "queue", &[]),
        stack("app", "app", &["db", "queue"]),
        stack("web", "web", &["queue"]),
    ];
    let chain = begin(&world, "vpc", "bob", stacks).await;
    let waits = chain::record::StackChange::Waits {
        note: Some("waits for a confirmation".to_owned()),
    };
    let told = vec![
        began("db", "run-1", 60),
        failed("db", "run run-1 failed", 50),
        skipped_after("app", "db", 50),
        began("queue", "run-2", 60),
        change("queue", waits, 40),
    ];
    tell(&world, &chain, told).await;
    let url = serve(&world).await;
    let account = &world.account;
    let pages = [
        format!("/?account={account}"),
        format!("/chains/{chain}?stack=queue"),
        "/waiting".to_owned(),
        format!("/stacks/{account}/app"),
        "/graph".to_owned(),
        "/status".to_owned(),
        format!("/chains/{chain}/cancel"),
        format!("/stacks/{account}/vpc/run"),
        "/freeze".to_owned(),
        "/freeze?for=2h&reason=audit&stacks=db".to_owned(),
        "/nowhere".to_owned(),
    ];
    let pages = pages.iter().map(|page| format!("{url}{page}")).collect();
    (world, url, pages)
}

#[tokio::test]
async fn axe_finds_no_violation() {
    let Some(axe) = std::env::var_os("SPILLWAY_TEST_AXE") else {
        eprintln!("skipped: SPILLWAY_TEST_AXE is not set, so there is no axe-core");
        return;
    };
    let axe = std::fs::read_to_string(axe).unwrap();
    for (is_dark, width) in [(false, 1280), (true, 1280), (true, 390)] {
        let setup = Setup {
            is_dark,
            width,
            ..Setup::default()
        };
        let Some(browser) = Browser::start(setup).await else {
            return;
        };
        let (_world, _, pages) = world_with_pages().await;
        for page in pages {
            browser.open(&page).await;
            let found = violations(&browser, &axe).await;
            assert!(
                found.is_empty(),
                "{page} (dark: {is_dark}, {width} wide):\n{}",
                found.join("\n")
            );
        }
        browser.stop().await;
    }
}

/// What axe-core finds on the open page. A page that could not be shown loads itself again, perhaps while it is
/// examined; then it is examined again.
async fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    const EXAMINE: &str = "const done = arguments[0]; axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', \
                           'wcag21aa', 'wcag22aa', 'best-practice'] }).then((found) => done(found.violations.map((one) \
                           => `${one.id}: ${one.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | \
                           ')}`)))";
    let examine = async || {
        browser.client.execute(axe, Vec::new()).await?;
        browser.client.execute_async(EXAMINE, Vec::new()).await
    };
    let examined = tokio::time::timeout(WAIT_MAX, async {
        loop {
            browser.find("main h1").await;
            match examine().await {
                Ok(Value::Array(found)) => return found.iter().map(ToString::to_string).collect(),
                Ok(other) => panic!("axe answered {other}"),
                Err(error) => eprintln!("the page is examined again: {error}"),
            }
        }
    });
    examined.await.expect("axe examines the page")
}
