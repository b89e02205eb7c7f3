//! Two builds of the worker: the new one together with the old one, the new one alone, and the old one again.
//!
//! The next version differs from this one by a step that its histories record, like every change of a workflow.

use std::thread::JoinHandle;
use std::time::Duration;

use chain::{AttemptOutcome, RunState};
use environment::Variables;
use serde_json::Value;
use temporal_client::WorkflowClient;
use temporal_client::contract::ExecutionInput;
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::workflows::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowContextView, WorkflowResult,
};
use tokio::sync::oneshot;
use worker::Config;
use worker::activities::Activities;
use worker::workflows::{
    AuditWorkflow, FreezeWorkflow, HaltWorkflow, NotifyWorkflow, ReconcileWorkflow, RunNotifyWorkflow,
    SpaceliftWebhookWorkflow, StackDependencyChainWorkflow, StackScheduleWorkflow,
};

use crate::world::World;

/// The marker of the next version's additional step.
const PATCH: &str = "waits-before-it-looks";

/// [`worker::workflows::StackExecutionWorkflow`] as a next version might look.
#[workflow]
struct NextStackExecution {
    input: ExecutionInput,
}

#[workflow_methods]
impl NextStackExecution {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: ExecutionInput) -> Self {
        Self { input }
    }

    #[run(name = "StackExecutionWorkflow")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<AttemptOutcome> {
        let input = ctx.state(|state| state.input.clone());
        if ctx.patched(PATCH) {
            ctx.timer(Duration::from_millis(1)).await;
        }
        let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60)).build();
        Ok(ctx
            .execute_activity(Activities::trigger_stack_run, input.request, options)
            .await?)
    }
}

/// A worker of the next version, in its own thread. It finishes its work when it is stopped.
struct NextWorker {
    stop: oneshot::Sender<()>,
    works: JoinHandle<()>,
}

impl NextWorker {
    fn start(world: &World) -> Self {
        let variables = world.variables();
        let (stop, stopped) = oneshot::channel();
        let works = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            runtime.unwrap().block_on(work(variables, stopped));
        });
        Self { stop, works }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        let joined = tokio::task::spawn_blocking(|| self.works.join());
        joined.await.unwrap().unwrap();
    }
}

async fn work(variables: Variables, stopped: oneshot::Receiver<()>) {
    let config = Config::from_variables(&variables).await.unwrap();
    let client = config.temporal.connect().await.unwrap();
    let task_queue = config.settings.task_queue.clone();
    let workflows = WorkflowClient::new(client.clone(), config.settings);
    let activities = Activities::new(config.spacelift, workflows, config.audit, config.notifier);
    let runtime = Runtime::from_current_tokio(RuntimeOptions::builder().build().unwrap()).unwrap();
    let options = worker_options(&task_queue, activities);
    let mut worker = Worker::new(&runtime, client, options).unwrap();
    let shut_down = worker.shutdown_handle();
    let run = worker.run();
    tokio::pin!(run);
    tokio::select! {
        ended = &mut run => panic!("the worker ended by itself: {ended:?}"),
        _ = stopped => shut_down(),
    }
    run.await.unwrap();
}

fn worker_options(task_queue: &str, activities: Activities) -> WorkerOptions {
    WorkerOptions::new(task_queue)
        .graceful_shutdown_period(Duration::from_secs(10))
        .register_activities(activities)
        .register_workflow::<NextStackExecution>()
        .unwrap()
        .register_workflow::<SpaceliftWebhookWorkflow>()
        .unwrap()
        .register_workflow::<StackDependencyChainWorkflow>()
        .unwrap()
        .register_workflow::<StackScheduleWorkflow>()
        .unwrap()
        .register_workflow::<AuditWorkflow>()
        .unwrap()
        .register_workflow::<FreezeWorkflow>()
        .unwrap()
        .register_workflow::<HaltWorkflow>()
        .unwrap()
        .register_workflow::<NotifyWorkflow>()
        .unwrap()
        .register_workflow::<RunNotifyWorkflow>()
        .unwrap()
        .register_workflow::<ReconcileWorkflow>()
        .unwrap()
        .build()
}

/// How many attempts each version made: this one, the next one.
async fn attempts(world: &World) -> (usize, usize) {
    let histories = world.histories("WorkflowType = 'StackExecutionWorkflow'").await;
    let is_marked = |history: &&Value| {
        let events = history["events"].as_array().unwrap();
        let marker = "/attributes/MarkerRecordedEventAttributes";
        events.iter().any(|event| event.pointer(marker).is_some())
    };
    let next = histories.iter().filter(is_marked).count();
    (histories.len() - next, next)
}

#[tokio::test]
async fn an_upgrade_and_a_rollback_lose_no_open_chain() {
    let mut world = World::start().await;
    let stacks = ["database", "cluster", "apps", "tail"];
    world.graph_confirming(
        "network; database: network; cluster: network; apps: database cluster; tail: apps",
        &["database"],
    );
    let mut push = 0;
    let begin = |world: &World, push: &mut u32| {
        *push += 1;
        world.push_to(*push, &["network"]).remove(0)
    };

    // Begun by the old version alone.
    let first = begin(&world, &mut push);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    let next = NextWorker::start(&world);
    world.confirm("database").await;
    world.all_succeed(&[first]).await;
    // Both run until both have made attempts.
    let mut both = attempts(&world).await;
    while both.0 <= 1 || both.1 == 0 {
        assert!(push < 20, "one version makes all attempts: {both:?}");
        let root = begin(&world, &mut push);
        world.confirm("database").await;
        world.all_succeed(&[root]).await;
        both = attempts(&world).await;
    }
    // The upgrade ends during a chain, and the new version continues alone.
    let upgraded = begin(&world, &mut push);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    assert!(world.stop_worker().await.success());
    let before = attempts(&world).await;
    world.confirm("database").await;
    world.all_succeed(&[upgraded]).await;
    let after = attempts(&world).await;
    assert!(after.0 == before.0 && after.1 > before.1, "{before:?}, {after:?}");
    // The rollback also happens during a chain.
    let rolled_back = begin(&world, &mut push);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    world.start_worker();
    next.stop().await;
    let before = attempts(&world).await;
    world.confirm("database").await;
    world.all_succeed(&[rolled_back]).await;
    let after = attempts(&world).await;
    assert!(after.0 > before.0 && after.1 == before.1, "{before:?}, {after:?}");

    let commits: Vec<Option<u32>> = (1..=push).map(Some).collect();
    for stack in stacks {
        assert_eq!(
            world.commits_of(stack),
            commits,
            "{stack} runs once for each push"
        );
    }
}
