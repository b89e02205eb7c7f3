//! Viewing pages: filters, no JavaScript, 2,000 stacks, hostile names, the keyboard.

use std::time::{Duration, Instant};

use chain::Change;
use chain::record::{Outcome, StackChange};
use fantoccini::key::Key;

use super::browser::Setup;
use super::pretended::{began, begin, change, ended, failed, skipped_after, stack, tell};
use super::{Browser, serve};
use crate::world::{WAIT_MAX, World};

/// Two chains: one that failed, and one that is open.
async fn two_chains(world: &World) {
    let failed_one = begin(
        world,
        "vpc",
        "bob",
        vec![stack("db", "db", &[]), stack("app", "app", &["db"])],
    )
    .await;
    let told = vec![
        began("db", "run-1", 60),
        failed("db", "run run-1 failed", 50),
        skipped_after("app", "db", 50),
        Change::Over { at_ms: 1 },
    ];
    tell(world, &failed_one, told).await;
    world.end_of(&failed_one).await;
    begin(world, "dns", "alice", vec![stack("mail", "mail", &[])]).await;
}

async fn roots(browser: &Browser) -> Vec<String> {
    let names = browser
        .evaluate("return [...document.querySelectorAll('.chain-name')].map((one) => one.textContent)")
        .await;
    serde_json::from_value(names).unwrap()
}

/// Opens a list of chains, and opens it again while a busy worker does not tell the page about a chain in time.
async fn open_list(browser: &Browser, address: &str, expected: &[&str]) {
    let until = Instant::now() + WAIT_MAX;
    loop {
        browser.open(address).await;
        let roots = roots(browser).await;
        if roots == expected {
            return;
        }
        assert!(
            Instant::now() < until,
            "{address} shows {roots:?}, not {expected:?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A world with both chains, the address of its dashboard, and the address of the list, which the browser shows.
async fn list_of_two_chains(browser: &Browser) -> (World, String, String) {
    let world = World::start().await;
    two_chains(&world).await;
    let url = serve(&world).await;
    let list = format!("{url}/?account={}", world.account);
    open_list(browser, &list, &["dns", "vpc"]).await;
    (world, url, list)
}

#[tokio::test]
async fn filters_are_part_of_the_address() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let (_world, url, list) = list_of_two_chains(&browser).await;
    for (query, expected) in [
        ("", vec!["dns", "vpc"]),
        ("&result=open", vec!["dns"]),
        ("&result=failed", vec!["vpc"]),
        ("&result=ended", vec!["vpc"]),
        ("&result=succeeded", vec![]),
        ("&stack=app", vec!["vpc"]),
        ("&stack=mail&result=failed", vec![]),
        ("&until=2001-01-01", vec![]),
        ("&from=2001-01-01", vec!["dns", "vpc"]),
    ] {
        open_list(&browser, &format!("{list}{query}"), &expected).await;
    }
    // After it was typed and submitted, the filter is in the address, and the form shows it.
    open_list(&browser, &list, &["dns", "vpc"]).await;
    browser.find("[name=stack]").await.send_keys("db").await.unwrap();
    browser.click(".filters button").await;
    browser.find(".filters a").await;
    assert!(browser.path().await.contains("stack=db"));
    assert_eq!(roots(&browser).await, ["vpc"]);
    browser.assert_clean(&url).await;
    browser.stop().await;
}

/// The page asks for itself again and again meanwhile.
#[tokio::test]
async fn a_filter_stays_as_it_is_filled_in() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let (world, url, _list) = list_of_two_chains(&browser).await;
    browser
        .find("[name=stack]")
        .await
        .send_keys("mail")
        .await
        .unwrap();
    browser
        .find("[name=result] [value=failed]")
        .await
        .click()
        .await
        .unwrap();
    browser.find("[name=from]").await.click().await.unwrap();
    begin(&world, "third", "bob", vec![stack("ftp", "ftp", &[])]).await;
    browser.wait_for("#chains", "third").await;
    let typed = browser
        .evaluate("return ['stack', 'result'].map((name) => document.querySelector(`[name=${name}]`).value)")
        .await;
    assert_eq!(typed, serde_json::json!(["mail", "failed"]));
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
async fn everything_works_without_javascript() {
    let setup = Setup {
        runs_scripts: false,
        ..Setup::default()
    };
    let Some(browser) = Browser::start(setup).await else {
        return;
    };
    let (_world, _url, list) = list_of_two_chains(&browser).await;
    browser.click_link("vpc").await;
    browser.wait_for("main", "Failed first").await;
    browser.click_link("db").await;
    browser.find("#stack").await;
    open_list(&browser, &list, &["dns", "vpc"]).await;
    browser.click_link("dns").await;
    browser.click_link("Pause…").await;
    browser.wait_for("main", "Will not start: 1 stack").await;
    browser.click("main form button").await;
    browser.wait_for("main", "Paused.").await;
    for page in ["Waiting for you", "Graph", "Health"] {
        browser.click_link(page).await;
        browser.wait_for("h1", page).await;
    }
    browser.stop().await;
}

#[tokio::test]
async fn everything_works_with_the_keyboard() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let (_world, url, _list) = list_of_two_chains(&browser).await;
    // The first tab stop skips the navigation.
    browser.press(Key::Tab).await;
    assert_eq!(
        browser
            .evaluate("return document.activeElement.textContent")
            .await,
        "Skip to the content"
    );
    browser.press(Key::Enter).await;
    let reached = |words: &'static str| {
        let browser = &browser;
        async move {
            for _ in 0..60 {
                browser.press(Key::Tab).await;
                let here = browser
                    .evaluate("return document.activeElement.textContent.trim()")
                    .await;
                let seen = "const style = getComputedStyle(document.activeElement); \
                            return style.outlineStyle !== 'none' || document.activeElement.closest('.node') !== null";
                assert_eq!(
                    browser.evaluate(seen).await,
                    true,
                    "{here} has the focus and does not show it"
                );
                if here == words {
                    return;
                }
            }
            panic!("the keyboard does not reach `{words}`");
        }
    };
    reached("dns").await;
    browser.press(Key::Enter).await;
    browser.wait_for("h1", "dns").await;
    reached("Cancel…").await;
    browser.press(Key::Enter).await;
    browser.wait_for("h1", "Cancel this chain?").await;
    reached("Cancel the chain").await;
    browser.press(Key::Enter).await;
    browser.wait_for("main", "Cancelled.").await;
    browser.assert_clean(&url).await;
    browser.stop().await;
}

const LOADS: usize = 20;

/// The page of a chain of two thousand stacks with one failure.
async fn page_of_two_thousand_stacks(world: &World) -> (String, String) {
    let name = |at: usize| format!("service-{at:04}");
    let stacks = (0..2_000)
        .map(|at| match at {
            0..50 => stack(&name(at), &name(at), &[]),
            _ => stack(
                &name(at),
                &name(at),
                &[name(at - 50).as_str(), name(at - 1 - at % 50).as_str()],
            ),
        })
        .collect();
    let chain = begin(world, "platform", "bob", stacks).await;
    let mut told = Vec::new();
    for at in 0..700 {
        told.push(began(&name(at), &format!("run-{at}"), 80));
        told.push(match at {
            699 => failed(&name(at), "run run-699 failed", 40),
            _ => ended(&name(at), Outcome::Succeeded, 60),
        });
    }
    tell(world, &chain, told).await;
    let url = serve(world).await;
    let page = format!("{url}/chains/{chain}");
    (url, page)
}

#[tokio::test]
async fn two_thousand_stacks_are_folded_until_they_are_unfolded() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let world = World::start().await;
    let (url, page) = page_of_two_thousand_stacks(&world).await;
    let count = async |selector: &str| {
        let script = format!("return document.querySelectorAll({selector:?}).length");
        browser.evaluate(&script).await.as_u64().unwrap()
    };
    browser.open(&page).await;
    // Everything important is above the folded levels.
    browser.wait_for("#stacks-title", "Failed and under way").await;
    // On a busy machine the page says first that the chain does not answer yet.
    browser.forget_logs().await;
    assert_eq!(count("svg.graph").await, 0);
    assert_eq!(count(".level tbody tr").await, 0);
    assert!(count("*").await < 1_000, "a folded page is a small page");
    browser.click_link("Unfold all").await;
    browser.find("#level-40 tbody tr").await;
    assert_eq!(count(".level tbody tr").await, 2_000);
    browser.open(&page).await;
    browser.click_link("Level 3").await;
    browser.find("#level-3 tbody tr").await;
    assert!(browser.path().await.ends_with("?level=3"));
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
#[ignore = "a measurement: `cargo xtask bench page`"]
async fn how_long_the_page_of_two_thousand_stacks_takes() {
    let browser = Browser::start(Setup::default()).await.unwrap();
    let world = World::start().await;
    let (_url, page) = page_of_two_thousand_stacks(&world).await;
    for (name, address) in [
        ("folded", page.clone()),
        ("unfolded", format!("{page}?level=all")),
    ] {
        let mut loads = Vec::new();
        for _ in 0..LOADS {
            browser.open(&address).await;
            let took = "return performance.getEntriesByType('navigation')[0].loadEventEnd";
            loads.push(browser.evaluate(took).await.as_f64().unwrap());
        }
        loads.sort_by(f64::total_cmp);
        println!(
            "the page of 2,000 stacks, {name}, {LOADS} loads: median {:.0} ms, slowest {:.0} ms",
            loads[LOADS / 2],
            loads[LOADS - 1]
        );
    }
    browser.stop().await;
}

#[tokio::test]
async fn hostile_names_are_escaped() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let world = World::start().await;
    let markup = "<img/src=x/onerror=window.harmed=1>\"'><script>window.harmed=1</script>";
    let id = "x\u{202e}\"><svg/onload=harmed=1>";
    let long = "n".repeat(300);
    let stacks = vec![
        stack(id, markup, &[]),
        stack("long", &long, &[id]),
        stack("mirrored", "\u{202e}\u{2066}abc", &[id]),
    ];
    let chain = begin(&world, "root<b>", markup, stacks).await;
    let told = vec![
        began(id, "run<i>", 30),
        failed(id, &format!("{markup} {long}"), 20),
        change(
            "long",
            StackChange::Waits {
                note: Some(markup.to_owned()),
            },
            10,
        ),
    ];
    tell(&world, &chain, told).await;
    let url = serve(&world).await;
    let chosen = format!(
        "{url}/chains/{}?stack=long",
        chain.as_str().replace('<', "%3C").replace('>', "%3E")
    );
    for page in [
        format!("{url}/?account={}", world.account),
        chosen,
        format!("{url}/waiting"),
    ] {
        browser.open(&page).await;
        browser.find("main h1").await;
        assert_eq!(browser.evaluate("return window.harmed === undefined").await, true);
        assert_eq!(
            browser
                .evaluate("return document.querySelectorAll('main img, main script, main i').length")
                .await,
            0
        );
        let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(
            browser.evaluate(overflow).await,
            0,
            "{page} is wider than the window"
        );
    }
    browser.assert_clean(&url).await;
    browser.stop().await;
}
