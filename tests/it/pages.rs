//! The webhook's page and the HTML report, in a real browser.

use serde_json::json;

use crate::dashboard::{Browser, Setup};
use crate::world::World;

#[tokio::test]
async fn the_page_of_the_webhook_keeps_what_was_written_for_each_kind() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let world = World::start().await;
    browser.open(&world.docs_url()).await;
    let choose = async |kind: &str| {
        let script = "const kind = document.getElementById('kind'); kind.value = arguments[0]; \
                      kind.dispatchEvent(new Event('change'));";
        browser.client.execute(script, vec![json!(kind)]).await.unwrap();
    };
    let body = async || {
        browser
            .evaluate("return document.getElementById('body').value")
            .await
    };
    // The kinds are loaded after the page.
    browser.find("#kind option:nth-child(2)").await;
    let first = body().await;
    browser
        .evaluate("document.getElementById('body').value = '{\"mine\": true}'")
        .await;
    choose("1").await;
    let second = body().await;
    assert_ne!(first, second);
    assert_ne!(second, json!("{\"mine\": true}"));
    choose("0").await;
    assert_eq!(body().await, json!("{\"mine\": true}"));
    browser.stop().await;
}

#[tokio::test]
async fn an_html_report_breaks_no_state() {
    const BROKEN: &str = "
        const states = ['succeeded', 'failed', 'skipped', 'cancelled'];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const found = { broken: [], seen: 0 };
        while (walker.nextNode()) {
            const text = walker.currentNode.data.trim();
            if (!states.includes(text)) continue;
            found.seen += 1;
            const range = document.createRange();
            range.selectNodeContents(walker.currentNode);
            if (range.getClientRects().length > 1) found.broken.push(text);
        }
        return found;";
    let world = World::start().await;
    world.graph("network; a-database-with-a-very-long-name: network; apps: a-database-with-a-very-long-name");
    world.spacelift.fail_next("a-database-with-a-very-long-name");
    let root = world.push_to(1, &["network"]).remove(0);
    world.chain_of(&root).await;
    world.wait_for_quiet().await;
    let audit = world.audit_path().to_str().unwrap().to_owned();
    let page = world
        .says(&["audit", "report", "-o", "html", "--audit", &audit])
        .await;
    let file = tempfile::NamedTempFile::with_suffix(".html").unwrap();
    std::fs::write(file.path(), page).unwrap();
    for width in [1280, 390] {
        let setup = Setup {
            width,
            ..Setup::default()
        };
        let Some(browser) = Browser::start(setup).await else {
            return;
        };
        browser.open(&format!("file://{}", file.path().display())).await;
        let found = browser.evaluate(BROKEN).await;
        assert_eq!(found["broken"], json!([]), "{width} wide: {found}");
        assert!(found["seen"].as_u64().is_some_and(|seen| seen >= 2), "{found}");
        browser.stop().await;
    }
}
