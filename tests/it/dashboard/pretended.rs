//! Chains without a schedule: the tests start their workflows and signal what happened to their stacks.

use chain::record::{Outcome, StackChange};
use chain::{
    Chain, ChainId, ChainSettings, ChainStack, Change, CommitChoice, CommitReason, Reason, ReasonCode, Root,
    StackId, StackPolicy,
};
use temporal_client::contract::{ChainInput, VERSION};
use temporal_client::definition::{RecordChanges, StackDependencyChainWorkflow};
use temporalio_client::{WorkflowSignalOptions, WorkflowStartOptions};

use crate::world::{World, now_s};

/// A stack that depends on the stacks with these numbers.
pub(super) fn stack(id: &str, name: &str, upstream: &[&str]) -> ChainStack {
    ChainStack {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        space: None,
        upstream: upstream.iter().map(|id| id.parse().unwrap()).collect(),
        native_upstream: Vec::new(),
        outside: Vec::new(),
        remaining: 1,
        commit: CommitChoice {
            sha: None,
            why: CommitReason::OtherRepository,
        },
        tracked_commit: None,
        autodeploy: true,
        locked_by: None,
        skipped: None,
        policy: StackPolicy::default(),
    }
}

/// Begins a chain of these stacks, which are in the order of a chain.
pub(super) async fn begin(world: &World, root: &str, by: &str, stacks: Vec<ChainStack>) -> ChainId {
    let id = ChainId::of_request(&world.account, root);
    let root = Root {
        ended_at_s: Some(i64::try_from(now_s()).unwrap() - 90),
        is_due: false,
        ..Root::requested(world.account.clone(), root.parse().unwrap(), "main")
    };
    let chain = Chain {
        version: chain::chain::VERSION,
        root: root.clone(),
        root_repository: None,
        settings: ChainSettings::default(),
        stacks,
        left_out: Vec::new(),
        problems: Vec::new(),
        needs_approval: None,
        downstream: None,
    };
    let input = ChainInput {
        version: VERSION,
        id: id.clone(),
        root,
        by: Some(by.to_owned()),
        timing: world.workflows.settings().timing.clone(),
        chain: Some(Box::new(chain)),
        refused: None,
        resume: None,
        audit: None,
        notified: false,
        opened_at_ms: None,
        notice: None,
    };
    let queue = &world.workflows.settings().task_queue;
    let options = WorkflowStartOptions::new(queue, id.as_str()).build();
    let client = world.workflows.client();
    client
        .start_workflow(StackDependencyChainWorkflow, input, options)
        .await
        .unwrap();
    id
}

/// Signals changes to a chain.
pub(super) async fn tell(world: &World, chain: &ChainId, changes: Vec<Change>) {
    let client = world.workflows.client();
    client
        .get_workflow_handle::<StackDependencyChainWorkflow>(chain.as_str())
        .signal(RecordChanges, changes, WorkflowSignalOptions::default())
        .await
        .unwrap();
}

/// A change of a stack that happened this many seconds ago.
pub(super) fn change(stack: &str, change: StackChange, ago_s: i64) -> Change {
    Change::Stack {
        stack: stack.parse::<StackId>().unwrap(),
        change,
        at_ms: (i64::try_from(now_s()).unwrap() - ago_s) * 1000,
    }
}

pub(super) fn began(stack: &str, run: &str, ago_s: i64) -> Change {
    let began = StackChange::Began {
        run: run.parse().unwrap(),
        made: true,
        commit: None,
        why: None,
    };
    change(stack, began, ago_s)
}

pub(super) fn ended(stack: &str, outcome: Outcome, ago_s: i64) -> Change {
    let ended = StackChange::Ended {
        outcome,
        run: None,
        commit: None,
        ended_at_s: None,
        by_hand: None,
    };
    change(stack, ended, ago_s)
}

pub(super) fn failed(stack: &str, words: &str, ago_s: i64) -> Change {
    let reason = Reason::new(ReasonCode::RunFailed, words);
    ended(stack, Outcome::Failed { reason }, ago_s)
}

pub(super) fn skipped_after(stack: &str, failed: &str, ago_s: i64) -> Change {
    let reason = Reason::new(
        ReasonCode::UpstreamFailed,
        format!("`{failed}`, upstream of it, failed"),
    );
    ended(stack, Outcome::Skipped { reason }, ago_s)
}
