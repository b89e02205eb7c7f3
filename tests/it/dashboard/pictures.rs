//! The screenshots in `docs/`, which are made only if `SPILLWAY_PICTURES` names a directory.

use std::path::PathBuf;
use std::time::Duration;

use chain::ChainId;
use mock_spacelift::Pace;
use serde_json::json;

use super::browser::Setup;
use super::{Browser, serve};
use crate::world::World;

/// The largest size of a screenshot in the repository.
const BYTES_MAX: usize = 150_000;

#[tokio::test]
async fn pictures_of_a_chain() {
    let Some(directory) = std::env::var_os("SPILLWAY_PICTURES").map(PathBuf::from) else {
        eprintln!("skipped: SPILLWAY_PICTURES names no directory");
        return;
    };
    let world = World::start().await;
    let spacelift = &world.spacelift;
    world.graph_confirming(
        "core-network; cluster: core-network; database: core-network; cluster-addons: cluster; \
         monitoring: cluster; platform-api: cluster database; search: platform-api database; \
         storefront: platform-api cluster-addons; recommendations: search; backoffice: platform-api; \
         reports: backoffice",
        &["backoffice"],
    );
    spacelift.pace(Pace::Every(Duration::from_millis(900)));
    spacelift.fail_next("search");
    let url = serve(&world).await;
    let root = spacelift.push("core-network");
    let chain = ChainId::of_root_run(&world.account, &root);
    world
        .wait_for_chain(&root, "its failure and its question", |report| {
            report.record.as_ref().is_some_and(|record| {
                let ended = record
                    .stack(&"storefront".parse().unwrap())
                    .is_some_and(|stack| stack.state.is_over());
                let asks = record
                    .stack(&"backoffice".parse().unwrap())
                    .is_some_and(|stack| stack.note.is_some());
                ended && asks && record.counts().failed == 1
            })
        })
        .await;
    for (name, is_dark, width, height) in [
        ("dashboard-light", false, 1200, 900),
        ("dashboard-dark", true, 1200, 900),
        ("dashboard-phone", false, 390, 844),
    ] {
        let setup = Setup {
            is_dark,
            width,
            height,
            ..Setup::default()
        };
        let Some(browser) = Browser::start(setup).await else {
            return;
        };
        browser.open(&format!("{url}/chains/{chain}")).await;
        browser.wait_for("#page", "waits for a confirmation").await;
        browser
            .cdp(
                "Runtime.evaluate",
                json!({ "expression": "document.activeElement.blur()" }),
            )
            .await;
        let picture = browser.picture().await;
        assert!(picture.len() < BYTES_MAX, "{name} has {} bytes", picture.len());
        std::fs::write(directory.join(format!("{name}.png")), picture).unwrap();
        browser.stop().await;
    }
}
