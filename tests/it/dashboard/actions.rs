//! Every action of the dashboard: it shows what it will do, does it, and is recorded with the person's name.

use chain::{ChainId, ChainResult, Confirm, RunId, RunState};
use mock_spacelift::RunRecord;

use super::browser::Setup;
use super::{Browser, PERSON, browser_with_shop, serve};
use crate::world::World;

/// Reads the confirmation page of an action.
pub(super) async fn confirmation(browser: &Browser, says: &[&str]) -> String {
    browser.find("main form[method=post]").await;
    let asked = browser.text("main").await;
    for words in says {
        assert!(asked.contains(words), "`{words}` is not in:\n{asked}");
    }
    asked
}

/// Starts an action, and reads the confirmation page.
pub(super) async fn ask(browser: &Browser, link: &str, says: &[&str]) -> String {
    browser.click_link(link).await;
    confirmation(browser, says).await
}

/// Starts an action, reads the confirmation page, and confirms.
pub(super) async fn act(browser: &Browser, link: &str, says: &[&str]) {
    ask(browser, link, says).await;
    browser.click("main form[method=post] button").await;
}

#[tokio::test]
async fn a_chain_is_paused_resumed_and_cancelled() {
    let Some((browser, world, url)) = browser_with_shop().await else {
        return;
    };
    world.spacelift.lock("database", "carol");
    let (root, chain) = world.begin_chain("network").await;
    browser.open(&format!("{url}/chains/{chain}")).await;
    browser.wait_for("#page", "the stack is locked by carol").await;

    act(
        &browser,
        "Pause…",
        &["Will not start: 2 stacks", "database", "shop", "runs continue"],
    )
    .await;
    browser.wait_for("main", "Paused.").await;
    world
        .wait_for_chain(&root, "the pause", |report| report.result == ChainResult::Paused)
        .await;
    browser.wait_for("h1", "paused").await;
    act(&browser, "Resume…", &["Will start: 2 stacks"]).await;
    world
        .wait_for_chain(&root, "the end of the pause", |report| {
            report.result == ChainResult::Running
        })
        .await;
    browser.wait_for("h1", "running").await;
    act(
        &browser,
        "Cancel…",
        &["Will be skipped: 2 stacks", "cannot be undone"],
    )
    .await;
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Cancelled);
    browser.wait_for("h1", "cancelled").await;
    // The record, and so the audit log, contains the person's name.
    browser
        .wait_for("main", &format!("the chain was cancelled by {PERSON}"))
        .await;
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
async fn a_chain_is_cancelled_together_with_its_runs() {
    let Some((browser, world, url)) = browser_with_shop().await else {
        return;
    };
    let (_, chain) = world.begin_chain("network").await;
    let run = world.wait_for_run("shop", &RunState::Unconfirmed).await.run;
    browser.open(&format!("{url}/chains/{chain}")).await;
    act(
        &browser,
        "Cancel with its runs…",
        &["Will be ended unless confirmed: 1 stack", "shop"],
    )
    .await;
    browser.wait_for("main", "Cancelled, with its runs.").await;
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Cancelled);
    let runs = world.spacelift.runs_of("shop");
    assert_eq!((&runs[0].run, &runs[0].state), (&run, &RunState::Discarded));
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
async fn a_chain_that_waits_for_approval_is_approved() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let world = World::with_settings(|settings| settings.chain.confirm = Confirm::Chain).await;
    world.graph("network; database: network");
    let url = serve(&world).await;
    let (root, chain) = world.begin_chain("network").await;
    browser.open(&format!("{url}/waiting")).await;
    browser.wait_for("main", "Chains that wait for an approval").await;
    browser.open(&format!("{url}/chains/{chain}")).await;
    act(
        &browser,
        "Approve…",
        &["Let this chain begin?", "Will start: 1 stack", "database"],
    )
    .await;
    browser.wait_for("main", "Approved.").await;
    let report = world.all_succeed(std::slice::from_ref(&root)).await.remove(0);
    let approved = report.record.unwrap().ordered().unwrap().clone();
    assert_eq!(approved.text, format!("the chain was approved by {PERSON}"));
    world.assert_once(&["database"]);
    browser.assert_clean(&url).await;
    browser.stop().await;
}

/// The run of `shop` that waits for a person now.
async fn run_to_decide_on(world: &World) -> RunId {
    let waits = |run: &RunRecord| run.state == RunState::Unconfirmed;
    world
        .spacelift
        .wait_until("a run to decide on", |spacelift| {
            spacelift.runs_of("shop").iter().any(waits)
        })
        .await;
    world
        .spacelift
        .runs_of("shop")
        .into_iter()
        .find(waits)
        .unwrap()
        .run
}

#[tokio::test]
async fn runs_are_confirmed_and_discarded_in_the_name_of_the_person() {
    let Some((browser, world, url)) = browser_with_shop().await else {
        return;
    };
    for (link, state) in [
        ("Confirm…", RunState::Finished),
        ("Discard…", RunState::Discarded),
    ] {
        let root = world.spacelift.push("network");
        let run = run_to_decide_on(&world).await;
        browser.open(&format!("{url}/waiting")).await;
        browser.wait_for("main", "waits for a confirmation").await;
        act(&browser, link, &[run.as_str()]).await;
        let chain = world.chain_of(&root).await;
        let expected = match state {
            RunState::Finished => ChainResult::Succeeded,
            _ => ChainResult::Failed,
        };
        assert_eq!(chain.result, expected);
        assert_eq!(world.spacelift.run(&run).unwrap().state, state);
        let spacelift = spacelift::Spacelift::new(
            &world.spacelift_url(),
            mock_spacelift::KEY_ID,
            mock_spacelift::KEY_SECRET.into(),
        );
        let found = spacelift
            .unwrap()
            .run(&"shop".parse().unwrap(), &run)
            .await
            .unwrap()
            .unwrap();
        let named = found
            .history
            .iter()
            .any(|step| step.note.as_deref().is_some_and(|note| note.contains(PERSON)));
        assert!(named, "{:#?}", found.history);
    }
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
async fn a_stack_is_run_from_its_page_and_the_account_is_halted() {
    let Some((browser, world, url)) = browser_with_shop().await else {
        return;
    };
    let stack_page = format!("{url}/stacks/{}/network", world.account);
    browser.open(&format!("{url}/status")).await;
    act(
        &browser,
        "Halt the account…",
        &["Nothing is triggered in the whole account"],
    )
    .await;
    browser.wait_for("#page", "The account is halted.").await;
    assert!(world.workflows.is_halted(&world.account).await.unwrap());

    browser.open(&stack_page).await;
    act(
        &browser,
        "Run from here…",
        &["3 stacks", "network", "database", "shop"],
    )
    .await;
    browser.wait_for("main", "Asked for the run.").await;
    browser.wait_for("main", "halted").await;
    assert_eq!(world.spacelift.runs_of("network").len(), 0);

    browser.click_link("Lift it…").await;
    browser.find("main form[method=post]").await;
    browser.click("main form[method=post] button").await;
    world
        .spacelift
        .wait_until("the run that was asked for", |spacelift| {
            spacelift.runs_of("network").len() == 1
        })
        .await;
    world.confirm("shop").await;
    world.wait_for_quiet().await;
    browser.open(&format!("{url}/?account={}", world.account)).await;
    browser.wait_for(".chains", "succeeded").await;
    assert!(browser.text(".chains").await.contains(&format!("by {PERSON}")));
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
async fn what_failed_is_retried() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let world = World::start().await;
    crate::chain::diamond(&world);
    world.spacelift.fail_next("database");
    let url = serve(&world).await;
    let root = world.spacelift.push("network");
    let failed = world.chain_of(&root).await;
    browser.open(&format!("{url}/chains/{}", failed.id)).await;
    browser
        .wait_for(".failure", "1 stack was skipped because of it")
        .await;
    act(
        &browser,
        "Retry what failed…",
        &["2 stacks", "database @ ", "platform @ "],
    )
    .await;
    browser.wait_for("main", "The retry was requested.").await;
    let retry = chain::ChainId::of_retry(&failed.id, 1);
    let report = world.end_of(&retry).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    assert_eq!(report.by.as_deref(), Some(PERSON));
    browser.open(&format!("{url}/chains/{retry}")).await;
    browser.wait_for(".facts", failed.id.as_str()).await;
    browser.assert_clean(&url).await;
    browser.stop().await;
}

#[tokio::test]
async fn a_held_stack_is_released_or_marked_as_done() {
    let Some((browser, world, url)) = browser_with_shop().await else {
        return;
    };
    world.spacelift.lock("database", "carol");
    let root = world.spacelift.push("network");
    let chain = ChainId::of_root_run(&world.account, &root);
    browser.open(&format!("{url}/waiting")).await;
    browser.wait_for("main", "the stack is locked by carol").await;
    browser.click_link("database").await;
    act(
        &browser,
        "Try again now…",
        &["Chains that need it", chain.as_str()],
    )
    .await;
    browser.wait_for("main", "It is tried again at once").await;
    act(
        &browser,
        "Count as done…",
        &["continues without a run of it", chain.as_str()],
    )
    .await;
    world.confirm("shop").await;
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Succeeded);
    assert_eq!(world.spacelift.runs_of("database").len(), 0);
    browser.assert_clean(&url).await;
    browser.stop().await;
}
