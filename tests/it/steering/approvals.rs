//! Chains that need a person's approval before their first run, and the effects of a merge.

use chain::{ChainId, Confirm, RunState};
use mock_spacelift::Vendor;
use temporal_client::contract::ScheduleMessage;

use crate::world::{WAIT_MAX, World};

#[tokio::test]
async fn the_chain_of_a_push_waits_for_an_approval() {
    let world = World::with_settings(|settings| settings.chain.confirm = Confirm::Chain).await;
    world.graph("network; database: network; apps: database");
    assert!(world.says(&["plan", "network"]).await.contains("database"));
    let root = world.push_to(1, &["network"]).remove(0);
    let chain = ChainId::of_root_run(&world.account, &root);
    let report = world
        .wait_for_chain(&root, "a wait for approval", |report| {
            report
                .record
                .as_ref()
                .is_some_and(|record| record.unapproved().is_some())
        })
        .await;
    assert!(chain::render::record_text(&report.record.unwrap()).contains("waits for approval"));
    world.terminate_schedule().await;
    world.signal_schedule(&ScheduleMessage::Wake).await;
    let listed = async {
        loop {
            let listed = world.document("waiting_list", &["waiting"]).await;
            if listed["items"][0]["for"] == "approval" {
                return listed["items"][0]["command"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let command = tokio::time::timeout(WAIT_MAX, listed).await.unwrap();
    assert_eq!(command, format!("spillway chain approve {chain}"));
    assert!(world.spacelift.runs_of("database").is_empty());
    world.says(&["chain", "approve", chain.as_str()]).await;
    world.all_succeed(std::slice::from_ref(&root)).await;
    world.assert_once(&["database", "apps"]);
    let entries = crate::audit::entries(&world, &root).await;
    let approved = entries
        .iter()
        .find(|entry| entry.action == audit::Action::ChainApproved);
    assert!(approved.unwrap().actor.ends_with("(claims to be carol)"));
}

#[tokio::test]
async fn a_chain_of_many_stacks_waits_for_the_same_approval() {
    let world = World::with_settings(|settings| settings.chain.ask_above = 1).await;
    world.graph("network; database: network; apps: database; other; single: other");
    let plan = world.says(&["plan", "network"]).await;
    assert!(plan.contains("it would wait for approval"), "{plan}");
    let (small, large) = (
        world.push_to(1, &["other"]).remove(0),
        world.push_to(2, &["network"]).remove(0),
    );
    world.all_succeed(&[small]).await;
    let is_asked = |report: &temporal_client::contract::ChainReport| {
        let record = report.record.as_ref();
        record.is_some_and(|record| record.unapproved().is_some())
    };
    let chain = world
        .wait_for_chain(&large, "a wait for approval", is_asked)
        .await
        .id;
    assert!(world.spacelift.runs_of("database").is_empty());
    let reason = ["--reason", "a small change after all"];
    let approve = ["chain", "approve", chain.as_str()];
    world.says(&[&approve[..], &reason].concat()).await;
    world.all_succeed(std::slice::from_ref(&large)).await;
    world.assert_once(&["single", "database", "apps"]);
    let entries = crate::audit::entries(&world, &large).await;
    let mut approvals = entries
        .iter()
        .filter(|entry| entry.action == audit::Action::ChainApproved);
    let why = approvals.next().unwrap().reason.as_ref().unwrap();
    assert_eq!(why.text, "a small change after all");
    assert!(approvals.next().is_none());
}

#[tokio::test]
async fn impact_shows_what_a_merge_would_run() {
    let world = World::start().await;
    world.graph_confirming("network; database: network; apps: database", &["apps"]);
    let root = world.push_to(1, &["network"]).remove(0);
    let text = world
        .says(&["impact", "network", "--run", root.as_str(), "--markdown"])
        .await;
    assert!(text.starts_with("**2 stacks run after `network`:**"), "{text}");
    assert!(
        text.contains("| `apps` | `database` | the merged one | needs confirmation |"),
        "{text}"
    );
    let plan = world.document("plan", &["impact", "network"]).await;
    assert_eq!(plan["chain"]["stacks"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_destroy_plan_has_the_reverse_order() {
    let world = World::start().await;
    world.graph("network; database: network; apps: database");
    world.spacelift.lock("apps", "alice");
    let text = world.says(&["destroy-plan", "network"]).await;
    let order: Vec<usize> = ["1. apps", "2. database, after apps", "3. network, after database"]
        .into_iter()
        .map(|step| {
            text.find(step)
                .unwrap_or_else(|| panic!("{step} is not in {text}"))
        })
        .collect();
    assert!(order.is_sorted(), "{text}");
    assert!(text.contains("in the way: it is locked by alice"), "{text}");
    assert!(text.contains("tofu destroy"), "{text}");
    let diagram = world
        .says(&["destroy-plan", "network", "--diagram", "mermaid"])
        .await;
    assert!(diagram.starts_with("flowchart"), "{diagram}");
    let document = world.document("destroy_plan", &["destroy-plan", "network"]).await;
    assert_eq!(document["steps"][0]["stack"], "apps", "{document}");
    assert!(world.spacelift.runs().is_empty());
}

#[tokio::test]
async fn a_chain_that_waits_for_no_approval_cannot_be_approved() {
    let world = World::start().await;
    world.graph_confirming("network; database: network", &["database"]);
    let (root, chain) = world.begin_chain("network").await;
    let refused = world.spillway(&["chain", "approve", chain.as_str()]).await;
    let why = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(4), "{why}");
    assert!(why.contains("approv"), "{why}");
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    world.confirm("database").await;
    world.all_succeed(&[root]).await;
}

#[tokio::test]
async fn a_destroy_plan_says_what_is_in_the_way() {
    let world = World::start().await;
    world.graph_with(
        "network; database: network; apps: database",
        |name, stack| match name {
            "database" => stack.protected_from_deletion(),
            "apps" => stack.disabled(),
            "network" => stack.vendor(Vendor::Pulumi),
            _ => stack,
        },
    );
    let text = world.says(&["destroy-plan", "network"]).await;
    let is_obstacle = |line: &&str| line.trim_start().starts_with("in the way: ");
    let steps: Vec<&str> = text.lines().filter(is_obstacle).collect();
    assert_eq!(steps.len(), 2, "{text}");
    assert!(steps[0].contains("disabled"), "{text}");
    assert!(steps[1].contains("protected from deletion"), "{text}");
    assert!(text.contains("--id network \"pulumi destroy --yes\""), "{text}");
    assert!(
        text.contains("--id apps \"tofu destroy -auto-approve\""),
        "{text}"
    );
}
