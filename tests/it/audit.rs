//! The audit log of chains, as their workflows write it.

use std::collections::BTreeMap;

use audit::verify::{self, Verdict};
use audit::{Action, Entry};
use chain::ChainId;
use chain::ChainResult;
use chain::schedule::Control;
use chain::{ChainRecord, RunId};
use serde_json::{Value, json};

use crate::chain::{cycle, diamond};
use crate::world::World;

/// The chain's entries, which are complete and in order.
pub(crate) async fn entries(world: &World, root: &RunId) -> Vec<Entry> {
    let chain = ChainId::of_root_run(&world.account, root);
    let stored = world.audit.chain(chain.as_str()).await.unwrap();
    let checked = verify::read_chain(&world.audit, &stored).await.unwrap();
    assert_eq!(checked.verdict(), Verdict::Intact, "{:?}", checked.faults);
    checked
        .records
        .iter()
        .map(|record| record.entry().clone())
        .collect()
}

fn about(entries: &[Entry], stack: &str) -> Vec<(Action, Option<String>)> {
    entries
        .iter()
        .filter(|entry| entry.stack.as_ref().is_some_and(|id| id.as_str() == stack))
        .map(|entry| {
            (
                entry.action,
                entry.reason.as_ref().map(|reason| reason.code.to_string()),
            )
        })
        .collect()
}

#[tokio::test]
async fn every_decision_of_a_chain_is_audited_once_in_order() {
    let world = World::start().await;
    diamond(&world);
    world.spacelift.fail_next("database");
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Failed);
    let entries = entries(&world, &root).await;
    assert_eq!(entries[0].action, Action::ChainStarted);
    assert_eq!(entries[0].run.as_ref(), Some(&root));
    let code = |text: &str| Some(text.to_owned());
    assert_eq!(
        about(&entries, "cluster"),
        [(Action::RunTriggered, None), (Action::StackEnded, None)]
    );
    assert_eq!(
        about(&entries, "database"),
        [
            (Action::RunTriggered, None),
            (Action::StackEnded, code("run_failed"))
        ]
    );
    assert_eq!(
        about(&entries, "platform"),
        [(Action::StackSkipped, code("upstream_failed"))]
    );
    let ended = |entry: &&Entry| entry.action == Action::StackEnded;
    for entry in entries.iter().filter(ended) {
        let run = world.spacelift.run(entry.run.as_ref().unwrap()).unwrap();
        assert!(run.commit.is_some());
        assert_eq!(entry.commit, run.commit);
    }
    let last = entries.last().unwrap();
    assert_eq!(last.action, Action::ChainEnded);
    assert_eq!(last.outcome.as_deref(), Some("failed"));
}

#[tokio::test]
async fn the_audit_log_names_who_triggered_the_root_and_who_steered_the_chain() {
    let world = World::start().await;
    diamond(&world);
    world.graph_confirming("dns: network", &["dns"]);
    let root = world.spacelift.trigger("network", "alice@acme.example");
    world
        .spacelift
        .wait_until("a run of `dns`", |spacelift| !spacelift.runs_of("dns").is_empty())
        .await;
    let chain = ChainId::of_root_run(&world.account, &root);
    for (control, by) in [(Control::Pause, "bob"), (Control::Cancel, "carol")] {
        assert!(world.workflows.control(&chain, control, by).await.unwrap());
    }
    world.confirm("dns").await;
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Cancelled);
    let entries = entries(&world, &root).await;
    assert_eq!(entries[0].actor, "spacelift:alice@acme.example");
    let actor = |action| {
        let entry = entries.iter().find(|entry| entry.action == action);
        entry.map(|entry| entry.actor.as_str())
    };
    assert_eq!(actor(Action::ChainPaused), Some("operator:bob"));
    assert_eq!(actor(Action::ChainCancelled), Some("operator:carol"));
}

#[tokio::test]
async fn a_refused_chain_has_a_log_of_its_own() {
    let world = World::start().await;
    cycle(&world);
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Refused);
    let actions: Vec<Action> = entries(&world, &root)
        .await
        .iter()
        .map(|entry| entry.action)
        .collect();
    assert_eq!(actions, [Action::ChainRefused, Action::ChainEnded]);
}

/// The log cannot be written for a while. The stacks do not wait for it, and no record is lost.
#[tokio::test]
async fn an_unwritable_audit_log_delays_no_stack() {
    let world = World::start().await;
    diamond(&world);
    let chains = world.audit_path().join("chains");
    // A file in place of the directory.
    std::fs::write(&chains, "").unwrap();
    let root = world.spacelift.push("network");
    let report = world
        .wait_for_chain(&root, "the end of all stacks", |report| {
            report.record.as_ref().is_some_and(ChainRecord::is_over)
        })
        .await;
    assert_eq!(report.result, ChainResult::Succeeded);
    std::fs::remove_file(&chains).unwrap();
    world.chain_of(&root).await;
    let entries = entries(&world, &root).await;
    assert_eq!(entries.last().unwrap().action, Action::ChainEnded);
}

/// The id of a chain that succeeded.
async fn succeeded(world: &World) -> ChainId {
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    ChainId::of_root_run(&world.account, &root)
}

/// `spillway audit verify --temporal` as JSON, and whether it found nothing.
async fn compared(world: &World) -> (Value, bool) {
    let verified = world
        .spillway(&["audit", "verify", "--temporal", "-o", "json"])
        .await;
    let view = serde_json::from_slice(&verified.stdout);
    (
        view.unwrap_or_else(|_| panic!("{verified:?}")),
        verified.status.success(),
    )
}

#[tokio::test]
async fn temporal_knows_the_chains_that_were_cut_or_removed() {
    let world = World::start().await;
    diamond(&world);
    world.graph_confirming("other; waiting: other", &["waiting"]);
    let (whole, cut, removed) = (
        succeeded(&world).await,
        succeeded(&world).await,
        succeeded(&world).await,
    );
    let root = world.spacelift.push("other");
    let running = ChainId::of_root_run(&world.account, &root);
    world
        .wait_for_chain(&root, "a beginning", |report| report.record.is_some())
        .await;
    let (view, is_good) = compared(&world).await;
    assert!(is_good, "{view}");
    assert_eq!(view["temporal"]["chains"], 4);
    let open: Vec<&Value> = view["open"].as_array().unwrap().iter().collect();
    assert!(
        open.iter().all(|open| open["chain"] == running.as_str()),
        "{view}"
    );

    let last = async |chain: &ChainId| {
        let stored = world.audit.chain(chain.as_str()).await.unwrap();
        world.audit_path().join(&stored.objects.last().unwrap().key)
    };
    let path = last(&cut).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let end = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
    std::fs::remove_file(&path).unwrap();
    if end > 0 {
        std::fs::write(&path, &text[..end]).unwrap();
    }
    std::fs::remove_dir_all(last(&removed).await.parent().unwrap()).unwrap();
    // A chain that Temporal never had.
    let unknown = format!("chain:{}:01UNKNOWN", world.account);
    let mut begun = Entry::new(0, "worker", Action::ChainStarted);
    begun.chain = Some(unknown.clone());
    let records = [audit::Trail::default().append(begun)];
    world.audit.put_chain(&unknown, &records).await.unwrap();

    let (view, is_good) = compared(&world).await;
    assert!(!is_good, "{view}");
    let found = |kind: &str| -> BTreeMap<String, Value> {
        let found = view["temporal"][kind].as_array().unwrap().iter();
        found
            .map(|chain| {
                (
                    chain["chain"].as_str().unwrap().to_owned(),
                    chain["status"].clone(),
                )
            })
            .collect()
    };
    assert_eq!(
        found("not_in_log"),
        BTreeMap::from([(removed.to_string(), json!("completed"))])
    );
    assert_eq!(
        found("without_end"),
        BTreeMap::from([(cut.to_string(), json!("completed")), (unknown, Value::Null)])
    );
    let said = world.spillway(&["audit", "verify", "--temporal"]).await;
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains(cut.as_str()) && !said.contains(whole.as_str()),
        "{said}"
    );
    assert!(said.trim_end().ends_with("3 chains not as in Temporal"), "{said}");
    world.confirm("waiting").await;
    world.chain_of(&root).await;
}
