//! The dashboard as it is deployed: a function behind API Gateway, with its secrets in Secrets Manager.

use std::time::Duration;

use audit::{Action, Location, Record, Store, verify};
use aws_stand_ins::moto::Call;
use chain::{ChainId, RunId, RunState};
use mock_spacelift::{NewWebhook, RunRecord};
use temporal_client::contract::ChainReport;

use super::gateway::Gateway;
use super::person::{Person, token};
use super::{IdentityProvider, lock_database};
use crate::dashboard::{Browser, Setup};
use crate::deployment::running::{BY_KEY, BY_LAMBDA, assert_exact, workflows};
use crate::deployment::system::{SECRET, Serving, System};
use crate::world::{WAIT_MAX, add_graph, program};

/// What runs beside the dashboard.
struct Deployed {
    system: System,
    provider: IdentityProvider,
    _others: [Serving; 2],
}

impl Deployed {
    /// `None` where there is no identity provider.
    async fn behind(gateway: &Gateway) -> Option<Self> {
        let provider = IdentityProvider::start(&gateway.url, true).await?;
        let system = System::start().await;
        let more = [
            ("DashboardUrl", gateway.url.as_str()),
            ("DashboardIssuer", &provider.issuer),
        ];
        let variables = system.of_function_with("Dashboard", &more);
        let program = program("dashboard-function");
        gateway.lead_to(system.function(&program, "dashboard", variables).await);
        let webhook = system.webhook(&system.of_function("Webhook")).await;
        let worker = system.worker().await;
        let url = format!("{}/webhook", webhook.url);
        system
            .spacelift
            .webhook(&NewWebhook::on_every_stack(url, SECRET).retrying());
        Some(Self {
            system,
            provider,
            _others: [webhook, worker],
        })
    }

    fn chain(&self, root: &RunId) -> ChainId {
        ChainId::of_root_run(&self.system.account.parse().unwrap(), root)
    }

    /// Waits until a chain has begun.
    async fn wait_for(&self, chain: &ChainId) {
        let watching = workflows(&self.system).await;
        let begun = tokio::time::timeout(WAIT_MAX, async {
            let has_begun = |report: ChainReport| report.record.is_some();
            while !watching.chain(chain).await.unwrap().is_some_and(has_begun) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        begun.await.expect("the chain begins");
    }

    fn audit(&self) -> Store {
        let location: Location = format!("s3://{}", self.system.made("AuditBucketName"))
            .parse()
            .unwrap();
        Store::at(&location, &self.system.cloud.moto.own_aws())
    }
}

#[tokio::test]
async fn the_dashboard_has_exactly_the_rights_that_it_uses() {
    let gateway = Gateway::listen().await;
    let Some(deployed) = Deployed::behind(&gateway).await else {
        return;
    };
    let (system, url) = (&deployed.system, &gateway.url);
    let spacelift = &system.spacelift;
    add_graph(spacelift, "network; shop: network", &["shop"]);
    spacelift.push("network");
    let waits = |run: &RunRecord| run.state == RunState::Unconfirmed;
    spacelift
        .wait_until("a run to confirm", |spacelift| {
            spacelift.runs_of("shop").iter().any(waits)
        })
        .await;
    let run = spacelift.runs_of("shop").into_iter().find(waits).unwrap().run;

    let mut alice = Person::new();
    let answer = alice.sign_in(url, "alice").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let health = alice.wait_for(&format!("{url}/status"), "Dead letters").await;
    for words in ["Empty: every event is in Temporal.", "Quarantine"] {
        assert!(health.body.contains(words), "{words}: {}", health.body);
    }
    assert!(!health.body.contains("Not known"), "{}", health.body);
    let page = format!("{url}/stacks/{}/shop/runs/{run}/confirm", system.account);
    let asked = alice.get(&page).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    let done = alice.post(&page, &format!("token={}", token(&asked.body))).await;
    assert_eq!(done.status, 303, "{}", done.body);
    spacelift
        .wait_until("the confirmed run to finish", |spacelift| {
            spacelift
                .run(&run)
                .is_some_and(|run| run.state == RunState::Finished)
        })
        .await;
    let calls = system.calls("dashboard");
    let recorded = |call: &&Call| call.body.contains("run_confirmed");
    let record = calls.iter().find(recorded).expect("a record of the confirmation");
    assert!(
        record.body.contains("operator:alice@acme.example"),
        "{}",
        record.body
    );
    assert_exact(
        &system.grants("Roles", "DashboardRole"),
        &calls,
        &[BY_LAMBDA.as_slice(), &BY_KEY].concat(),
    );
}

#[tokio::test]
async fn a_person_signs_in_with_a_browser_and_the_audit_log_names_them() {
    let Some(browser) = Browser::start(Setup::default()).await else {
        return;
    };
    let gateway = Gateway::listen_with_tls().await;
    let Some(deployed) = Deployed::behind(&gateway).await else {
        return;
    };
    let spacelift = &deployed.system.spacelift;
    lock_database(spacelift);
    let chain = deployed.chain(&spacelift.push("network"));
    deployed.wait_for(&chain).await;

    let page = format!("{}/chains/{chain}", gateway.url);
    browser.open(&page).await;
    browser.wait_for("main", "You are not signed in").await;
    browser.click_link("Sign in").await;
    let login = browser.find("input[name=login]").await;
    assert!(
        browser
            .evaluate("return location.href")
            .await
            .as_str()
            .unwrap()
            .starts_with(&deployed.provider.issuer)
    );
    login.send_keys("alice").await.unwrap();
    browser
        .find("input[name=password]")
        .await
        .send_keys("any")
        .await
        .unwrap();
    browser.click("button[type=submit]").await;

    // Back on the page that was wanted, as that person.
    browser.wait_for("header", "as alice@acme.example").await;
    assert_eq!(browser.path().await, format!("/chains/{chain}"));
    let seen = browser.evaluate("return document.cookie").await;
    assert_eq!(seen, "", "a script sees no cookie");
    browser.forget_logs().await;
    browser.wait_for("#page", "the stack is locked by carol").await;
    browser.click_link("Cancel…").await;
    browser.find("main form[method=post]").await;
    browser.click("main form[method=post] button").await;
    browser.wait_for("h1", "cancelled").await;
    browser
        .wait_for("main", "the chain was cancelled by alice@acme.example")
        .await;

    let actor = tokio::time::timeout(WAIT_MAX, async {
        let store = deployed.audit();
        loop {
            if let Ok(stored) = store.chain(chain.as_str()).await
                && let Ok(checked) = verify::read_chain(&store, &stored).await
                && let Some(cancelled) = checked
                    .records
                    .iter()
                    .map(Record::entry)
                    .find(|entry| entry.action == Action::ChainCancelled)
            {
                return cancelled.actor.clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert_eq!(actor.await.expect("a record"), "operator:alice@acme.example");

    browser.assert_clean(&gateway.url).await;
    browser.click("header button").await;
    browser.wait_for("main", "You are not signed in").await;
    browser.open(&page).await;
    browser.wait_for("main", "You are not signed in").await;
    browser.stop().await;
}
