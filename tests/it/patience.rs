//! Messages that no sink takes are given up a day after the end of the chain or run, or after the last notice of a chain
//! that was terminated.

use chain::binding::Target;
use chain::notice::{Delivery, RunMessage, RunNotice};
use chain::{ChainId, ChainResult, Counts, Notice, Root, RunState};
use temporal_client::clock;
use temporal_client::contract::{NotifyInput, RunNotifyInput, VERSION};
use temporal_client::definition::{NotifyWorkflow, RunNotifyWorkflow};
use temporal_client::id;

use crate::notices::taker;
use crate::world::World;

/// A day ago but for a few seconds.
fn almost_a_day_ago_ms() -> i64 {
    clock::now_ms() - 24 * 3600 * 1000 + 5_000
}

/// A sink that asked for a pause of years.
fn in_years() -> Delivery {
    Delivery {
        not_before_ms: Some(clock::now_ms() * 2),
        ..Delivery::default()
    }
}

async fn world() -> World {
    let (_, address) = taker().await;
    let sinks = format!("[people]\nkind = 'webhook'\nurl = 'http://{address}/'");
    World::with_variables(&[("SPILLWAY_SINKS", &sinks)]).await
}

#[tokio::test]
async fn messages_about_a_chain_end_after_a_day_whatever_a_sink_asks_for() {
    let world = world().await;
    start(&world, ChainResult::Failed, almost_a_day_ago_ms()).await;
    world.wait_for_quiet().await;
    assert_eq!(world.workflows("NotifyWorkflow").await, 1);
}

/// It was terminated, so no notice about its end comes.
#[tokio::test]
async fn messages_about_a_chain_that_is_gone_end_after_a_day() {
    let world = world().await;
    start(&world, ChainResult::Running, almost_a_day_ago_ms() - 10_000).await;
    world.wait_for_quiet().await;
    assert_eq!(world.workflows("NotifyWorkflow").await, 1);
}

/// Starts the messages about a chain whose last notice was made at this time, for a sink that takes none.
async fn start(world: &World, result: ChainResult, at_ms: i64) {
    let stack = "network".parse().unwrap();
    let chain = ChainId::of_root_run(&world.account, &"01ROOT".parse().unwrap());
    let input = NotifyInput {
        version: VERSION,
        notice: Notice {
            chain: chain.clone(),
            root: Root::requested(world.account.clone(), stack, "main"),
            repository: None,
            by: None,
            result,
            reason: None,
            counts: Counts::default(),
            failed: Vec::new(),
            held: Vec::new(),
            started_at_ms: at_ms - 60_000,
            ended_at_ms: result.is_over().then_some(at_ms),
            at_ms,
            revision: 1,
        },
        timing: world.workflows.settings().timing.clone(),
        deliveries: [("people".to_owned(), in_years())].into(),
    };
    let workflow = id::notify(&chain);
    world.start_workflow(NotifyWorkflow, &workflow, input).await;
}

#[tokio::test]
async fn messages_about_a_run_end_after_a_day_whatever_a_sink_asks_for() {
    let world = world().await;
    let since_ms = almost_a_day_ago_ms();
    let notice = RunNotice {
        account: world.account.clone(),
        stack: "network".parse().unwrap(),
        name: "network".to_owned(),
        space: None,
        repository: "acme/network".to_owned(),
        run: "01RUN".parse().unwrap(),
        state: RunState::Failed,
        branch: "main".to_owned(),
        commit: None,
        by: None,
        at_ms: since_ms,
        impact: None,
    };
    let workflow = id::notify_run(&notice.account, &notice.run, &notice.state);
    let input = RunNotifyInput {
        version: VERSION,
        messages: vec![RunMessage {
            notice,
            target: Target::Sink {
                sink: "people".to_owned(),
            },
            delivery: in_years(),
        }],
        since_ms,
        timing: world.workflows.settings().timing.clone(),
    };
    world.start_workflow(RunNotifyWorkflow, &workflow, input).await;
    world.wait_for_quiet().await;
    assert_eq!(world.workflows("RunNotifyWorkflow").await, 1);
}
