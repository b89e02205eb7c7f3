//! A viewer sees everything but no action, and cannot act.

use chain::{ChainId, ChainResult, RunState};

use super::person::{Person, token};
use super::{SignIn, lock_database};

/// Who acts in these tests, and who only sees.
struct People {
    alice: Person,
    bob: Person,
}

impl People {
    async fn sign_in(sign_in: &SignIn) -> Self {
        let (mut alice, mut bob) = (Person::new(), Person::new());
        assert_eq!(alice.sign_in(&sign_in.url, "alice").await.status, 303);
        assert_eq!(bob.sign_in(&sign_in.url, "bob").await.status, 303);
        Self { alice, bob }
    }

    /// Both see these words on a page, and only the operator sees the addresses of these actions.
    async fn assert_offered(&mut self, url: &str, words: &str, actions: &[&str]) {
        for (person, sees_actions) in [(&mut self.alice, true), (&mut self.bob, false)] {
            let page = person.wait_for(url, words).await.body;
            for action in actions {
                assert_eq!(page.contains(action), sees_actions, "{action} on {url}: {page}");
            }
        }
    }

    /// The viewer can neither open the page of an action, nor post what it would post.
    async fn assert_refused(&mut self, url: &str, fields: &str) {
        let asked = self.bob.get(url).await;
        assert_eq!(asked.status, 403, "{url}: {}", asked.body);
        let posted = self.bob.post(url, fields).await;
        assert_eq!(posted.status, 403, "{url}: {}", posted.body);
    }
}

#[tokio::test]
async fn a_viewer_sees_everything_but_no_action_and_cannot_act() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    lock_database(&sign_in.world.spacelift);
    let (_, chain) = sign_in.world.begin_chain("network").await;
    let mut people = People::sign_in(&sign_in).await;
    let account = &sign_in.world.account;
    let stack = format!("/stacks/{account}/database");
    for (path, words, actions) in [
        (
            format!("/chains/{chain}"),
            "database",
            &["/cancel", "/pause"] as &[&str],
        ),
        (stack.clone(), "database", &["/run\""]),
        ("/status".to_owned(), "Worker", &["/halt", "/freeze"]),
        ("/waiting".to_owned(), "locked by carol", &[]),
        ("/".to_owned(), "network", &[]),
        ("/graph".to_owned(), "database", &[]),
    ] {
        people.assert_offered(&sign_in.at(&path), words, actions).await;
    }
    let home = people.bob.get(&sign_in.url).await;
    let of_bob = format!("token={}", token(&home.body));
    for path in [
        "/halt".to_owned(),
        "/go".to_owned(),
        "/freeze".to_owned(),
        "/thaw".to_owned(),
        format!("/chains/{chain}/cancel"),
        format!("/chains/{chain}/pause"),
        format!("/chains/{chain}/approve"),
        format!("/chains/{chain}/retry"),
        format!("/chains/{chain}/retry?from=database"),
        format!("{stack}/run"),
        format!("{stack}/done"),
        format!("{stack}/runs/01J/confirm"),
    ] {
        people.assert_refused(&sign_in.at(&path), &of_bob).await;
    }
    // A viewer's browser cannot post an operator's form either.
    let People { alice, bob } = &mut people;
    let halt = sign_in.at("/halt");
    let of_alice = format!("token={}", token(&alice.get(&halt).await.body));
    assert_eq!(bob.post(&halt, &of_alice).await.status, 403);
    assert!(!sign_in.world.workflows.is_halted(account).await.unwrap());
    // The operator can, so each refusal was for its own reason.
    assert_eq!(
        alice.post(&halt, &of_bob).await.status,
        409,
        "another person's token"
    );
    assert_eq!(alice.post(&halt, &of_alice).await.status, 303);
    assert!(sign_in.world.workflows.is_halted(account).await.unwrap());
    let halted = "The account is halted.";
    people
        .assert_offered(&sign_in.url, halted, &["href=\"/go\""])
        .await;
}

#[tokio::test]
async fn a_viewer_sees_a_freeze_but_neither_begins_nor_lifts_one() {
    const FREEZE: &str = "for=1h&reason=incident+7";
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    lock_database(&sign_in.world.spacelift);
    let world = &sign_in.world;
    let frozen = async || world.workflows.frozen(&world.account).await.unwrap();
    let mut people = People::sign_in(&sign_in).await;
    let form = sign_in.at("/freeze");
    // The form leads to a page that says what the freeze will hold.
    let page = format!("{form}?{FREEZE}");
    let home = people.bob.get(&sign_in.url).await;
    let of_bob = format!("token={}&{FREEZE}", token(&home.body));
    for url in [&form, &page] {
        people.assert_refused(url, &of_bob).await;
    }
    let asked = people.alice.get(&page).await;
    assert!(asked.body.contains("It covers 2 stacks"), "{}", asked.body);
    let of_alice = format!("token={}&{FREEZE}", token(&asked.body));
    assert_eq!(people.bob.post(&form, &of_alice).await.status, 403);
    assert_eq!(people.alice.post(&form, &of_bob).await.status, 409);
    assert_eq!(frozen().await, None);

    let done = people.alice.post(&form, &of_alice).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let freeze = frozen().await.expect("a freeze");
    assert_eq!(
        (freeze.by.as_str(), freeze.reason.as_str()),
        ("alice@acme.example", "incident 7")
    );
    let (status, thaw) = (sign_in.at("/status"), sign_in.at("/thaw"));
    let banner = "frozen by alice@acme.example until";
    people.assert_offered(&status, banner, &["/thaw"]).await;
    people.assert_refused(&thaw, &of_bob).await;
    assert_eq!(people.bob.post(&thaw, &of_alice).await.status, 403);
    assert!(frozen().await.is_some());

    let asked = people.alice.get(&thaw).await;
    assert!(asked.body.contains("Lift the freeze of"), "{}", asked.body);
    assert_eq!(people.alice.post(&thaw, &of_alice).await.status, 303);
    people.alice.wait_for(&status, "href=\"/freeze\"").await;
    assert_eq!(frozen().await, None);
    for action in ["freeze_began", "freeze_lifted"] {
        let record = world.audit_record(action).await;
        assert_eq!(record["actor"], "operator:alice@acme.example", "{record}");
    }
}

#[tokio::test]
async fn a_viewer_neither_decides_on_a_run_nor_runs_a_stack_again() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    let world = &sign_in.world;
    world.graph_confirming("network; database: network", &["database"]);
    let (_, chain) = world.begin_chain("network").await;
    let run = world.wait_for_run("database", &RunState::Unconfirmed).await.run;
    let mut people = People::sign_in(&sign_in).await;
    let decide = format!("/runs/{run}/confirm");
    for path in [format!("/chains/{chain}"), "/waiting".to_owned()] {
        people
            .assert_offered(&sign_in.at(&path), "waits for a confirmation", &[&decide])
            .await;
    }
    let home = people.bob.get(&sign_in.url).await;
    let of_bob = format!("token={}", token(&home.body));
    let stack = sign_in.at(&format!("/stacks/{}/database", world.account));
    people.assert_refused(&format!("{stack}{decide}"), &of_bob).await;
    assert_eq!(world.spacelift.run(&run).unwrap().state, RunState::Unconfirmed);

    world.confirm("database").await;
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Succeeded);
    let from_here = "/retry?from=database";
    let page = sign_in.at(&format!("/chains/{chain}?stack=database"));
    // What one person has seen of an ended chain, the others see.
    people.alice.wait_for(&page, from_here).await;
    people.assert_offered(&page, "database", &[from_here]).await;
    let again = sign_in.at(&format!("/chains/{chain}{from_here}"));
    people.assert_refused(&again, &of_bob).await;
    assert_eq!(world.spacelift.runs_of("database").len(), 1);

    let asked = people.alice.get(&again).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    let fields = format!("token={}&reason=credentials+renewed", token(&asked.body));
    let done = people.alice.post(&again, &fields).await;
    assert_eq!(done.status, 303, "{}", done.body);
    world.confirm("database").await;
    let report = world.end_of(&ChainId::of_retry(&chain, 1)).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    assert_eq!(report.by.as_deref(), Some("alice@acme.example"));
    let reason = report.root.retry_reason.map(|reason| reason.to_string());
    assert_eq!(reason.as_deref(), Some("credentials renewed"));
}
