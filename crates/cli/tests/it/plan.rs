//! `spillway plan`.

use mock_spacelift::{MockSpacelift, NewStack};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn the_chain_of_the_built_in_company_as_a_tree() {
    let world = World::acme().await;
    insta::assert_snapshot!(world.run(&["plan", "core-network", "--commit", "0ee3a3b7"]).await.ok(), @r"
    core-network (root, main @ 0ee3a3b)
    ├─ cluster @ 0ee3a3b, waits for identity if under way
    │  ├─ logging @ 96263a3, its tracked commit (another repository)
    │  └─ monitoring @ 96263a3, its tracked commit (another repository)
    ├─ database @ 0ee3a3b, waits for encryption-keys if under way
    │  └─ platform-api @ 0ee3a3b, after cluster and database, waits for artifact-registry if under way
    │     ├─ backoffice @ d1d2b14, its tracked commit (another repository), needs confirmation
    │     │  └─ reports @ d1d2b14, its tracked commit (another repository), after backoffice and database
    │     └─ search @ d1d2b14, its tracked commit (another repository), after database and platform-api
    ├─ dns @ 0ee3a3b
    │  └─ cluster-addons @ 0ee3a3b, after cluster and dns
    │     └─ storefront @ d1d2b14, its tracked commit (another repository), after cluster-addons and platform-api
    └─ vpn @ 0ee3a3b

    12 stacks, 10 at a time, on failure: skip-downstream

    left out:
      legacy-shop: it is disabled
    ");
    assert!(world.account.runs().is_empty(), "planning triggered something");
}

fn pair() -> MockSpacelift {
    let account = MockSpacelift::new("acme");
    account.add_stack(NewStack::named("vpc").commit("0ee3a3b7"));
    account.add_stack(NewStack::named("db").depends_on("vpc"));
    account
}

#[tokio::test]
async fn every_format_is_the_rendering_of_the_core() {
    let world = World::of(pair()).await;
    let mermaid = world.run(&["plan", "vpc", "--diagram", "mermaid"]).await.ok();
    assert!(mermaid.starts_with("flowchart "), "{mermaid}");
    let dot = world.run(&["plan", "vpc", "--diagram", "dot"]).await.ok();
    assert!(dot.starts_with("digraph"), "{dot}");
    let mut plan = world.run(&["plan", "vpc", "-o", "json"]).await.json();
    let chain: chain::Chain = serde_json::from_value(plan["chain"].take()).unwrap();
    assert_eq!(chain.root.account.as_str(), "acme");
    assert_eq!(chain.root.commit.as_ref().unwrap().as_str(), "0ee3a3b7");
}

#[tokio::test]
async fn another_branch_takes_each_stacks_own_commit() {
    let world = World::of(pair()).await;
    let text = world.run(&["plan", "vpc", "--branch", "feature"]).await.ok();
    assert!(text.contains(", its tracked commit (another branch)"), "{text}");
}

#[tokio::test]
async fn the_same_name_in_another_namespace_is_another_repository() {
    let account = pair();
    account.add_stack(
        NewStack::named("guest")
            .repository("others/infra")
            .depends_on("vpc"),
    );
    let text = World::of(account).await.run(&["plan", "vpc"]).await.ok();
    assert!(
        text.contains(", its tracked commit (another repository)"),
        "{text}"
    );
}

#[tokio::test]
async fn the_settings_of_the_worker_count() {
    let account = pair();
    account.add_stack(NewStack::named("web").label("after:vpc"));
    let world = World::of(account).await.with("SPILLWAY_PARALLEL_RUNS", "3");
    world.file("spillway.toml", "label_prefixes = ['after']\non_failure = 'stop'");
    insta::assert_snapshot!(world.run(&["plan", "vpc"]).await.ok(), @r"
    vpc (root, main @ 0ee3a3b)
    └─ web @ 0ee3a3b

    1 stack, 3 at a time, on failure: stop
    ");
}

#[tokio::test]
async fn a_cycle_is_no_chain() {
    let account = pair();
    account.add_stack(NewStack::named("a").depends_on("vpc").depends_on("b"));
    account.add_stack(NewStack::named("b").depends_on("a"));
    let world = World::of(account).await;
    let refusal = world.run(&["plan", "vpc"]).await.failed(1);
    assert_eq!(
        refusal,
        "error: no chain would start: dependency cycle: `a` -> `b` -> `a`\n"
    );
    let refused = world.run(&["plan", "vpc", "--json"]).await;
    assert_eq!(refused.status, 1);
    assert_eq!(
        refused.json()["refused"],
        json!({"code": "cycle", "text": "dependency cycle: `a` -> `b` -> `a`"})
    );
}

#[tokio::test]
async fn programs_read_the_freeze_windows_and_what_labels_change() {
    let account = pair();
    account.add_stack(
        NewStack::named("web")
            .depends_on("db")
            .label("spillway:on-failure=stop")
            .label("spillway:retries=2")
            .label("spillway:timeout=90m"),
    );
    let world = World::of(account).await;
    world.file(
        "spillway.toml",
        "on_failure = 'stop'\nrun_timeout = '2h'\n[[freeze]]\nname = 'long'\nfrom = '2020-01-01T00:00'\n\
         to = '2099-01-01T00:00'\nstacks = ['w*']",
    );
    let plan = world.run(&["plan", "vpc", "-o", "json"]).await.json();
    let window = &plan["freeze_windows"][0];
    assert_eq!(
        (&window["name"], &window["is_now"]),
        (&json!("long"), &json!(true))
    );
    assert_eq!(window["stacks"], json!(["web"]));
    assert_eq!(window["until"], "2099-01-01T00:00:00.000Z");
    // A label that says what the settings say changes nothing.
    assert_eq!(
        plan["policies"],
        json!([
            {"stack": "web", "key": "retries", "value": "2", "default": "0", "label": "spillway:retries=2"},
            {"stack": "web", "key": "timeout", "value": "90m", "default": "2h", "label": "spillway:timeout=90m"},
        ])
    );
    let text = world.run(&["plan", "vpc"]).await.ok();
    assert!(text.contains("long (2020-01-01T00:00"), "{text}");
}
