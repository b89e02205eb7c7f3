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
    │  ├─ logging @ its own commit (another repository)
    │  └─ monitoring @ its own commit (another repository)
    ├─ database @ 0ee3a3b, waits for encryption-keys if under way
    │  └─ platform-api @ 0ee3a3b, after cluster and database, waits for artifact-registry if under way
    │     ├─ backoffice @ its own commit (another repository), needs confirmation
    │     │  └─ reports @ its own commit (another repository), after backoffice and database
    │     └─ search @ its own commit (another repository), after database and platform-api
    ├─ dns @ 0ee3a3b
    │  └─ cluster-addons @ 0ee3a3b, after cluster and dns
    │     └─ storefront @ its own commit (another repository), after cluster-addons and platform-api
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
    let mermaid = world.run(&["plan", "vpc", "--format", "mermaid"]).await.ok();
    assert!(mermaid.starts_with("flowchart "), "{mermaid}");
    let dot = world.run(&["plan", "vpc", "--format", "dot"]).await.ok();
    assert!(dot.starts_with("digraph"), "{dot}");
    let text = world.run(&["plan", "vpc", "--format", "json"]).await.ok();
    let chain: chain::Chain = serde_json::from_str(&text).unwrap();
    assert_eq!(text, chain::render::json(&chain).unwrap() + "\n");
    assert_eq!(chain.root.account.as_str(), "acme");
    assert_eq!(chain.root.commit.as_ref().unwrap().as_str(), "0ee3a3b7");
    assert_eq!(world.run(&["plan", "vpc", "--json"]).await.ok(), text);
}

#[tokio::test]
async fn another_branch_takes_each_stacks_own_commit() {
    let world = World::of(pair()).await;
    let text = world.run(&["plan", "vpc", "--branch", "feature"]).await.ok();
    assert!(text.contains("db @ its own commit (another branch)"), "{text}");
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
        text.contains("guest @ its own commit (another repository)"),
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
        json!({"code": "cycle", "stacks": ["a", "b"]})
    );
}
