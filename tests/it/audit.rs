//! The audit log of chains, as their workflows write it.

use audit::verify::{self, Verdict};
use audit::{Action, Entry};
use chain::ChainId;
use chain::ChainResult;
use chain::schedule::Control;
use chain::{ChainRecord, RunId};
use mock_spacelift::NewStack;

use crate::chain::{cycle, diamond};
use crate::world::World;

/// The chain's entries, which are whole and in their order.
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
                entry.reason.as_ref().map(|reason| reason.code.clone()),
            )
        })
        .collect()
}

#[tokio::test]
async fn every_decision_of_a_chain_is_written_down_once_and_in_order() {
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
async fn who_triggered_the_root_and_who_steered_the_chain_is_written_down() {
    let world = World::start().await;
    diamond(&world);
    world
        .spacelift
        .add_stack(NewStack::named("dns").depends_on("network").autodeploy(false));
    let root = world.spacelift.trigger("network", "alice@acme.example");
    world
        .wait_for_chain(&root, "a beginning", |report| report.record.is_some())
        .await;
    let chain = ChainId::of_root_run(&world.account, &root);
    for (control, by) in [(Control::Pause, "bob"), (Control::Cancel, "carol")] {
        assert!(world.orchestrator.control(&chain, control, by).await.unwrap());
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

/// The log can be written nowhere for a while: the stacks do not wait for it, and nothing of it is lost.
#[tokio::test]
async fn a_log_that_cannot_be_written_holds_up_no_stack() {
    let world = World::start().await;
    diamond(&world);
    let chains = world.audit_path().join("chains");
    // A file where the directory should be.
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
