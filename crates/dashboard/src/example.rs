//! Chains for the unit tests, in the notation of the planner's tests: `a; b: a` is two stacks, and `b` waits for `a`.

use chain::record::{Outcome, StackChange};
use chain::{
    Chain, ChainId, ChainRecord, ChainSettings, ChainStack, Change, CommitChoice, CommitReason, Reason,
    ReasonCode, Root, StackPolicy,
};

/// A record whose root ended at second 0.
pub(crate) fn record(stacks: &str) -> ChainRecord {
    let root = Root {
        ended_at_s: Some(0),
        is_due: false,
        ..Root::requested("acme".parse().unwrap(), "root".parse().unwrap(), "main")
    };
    let stacks = stacks.split(';').map(|line| {
        let (id, upstream) = line.split_once(':').unwrap_or((line, ""));
        ChainStack {
            id: id.trim().parse().unwrap(),
            name: id.trim().to_owned(),
            space: None,
            upstream: upstream
                .split_whitespace()
                .map(|id| id.parse().unwrap())
                .collect(),
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
    });
    let chain = Chain {
        version: chain::chain::VERSION,
        root,
        root_repository: None,
        settings: ChainSettings::default(),
        stacks: stacks.collect(),
        left_out: Vec::new(),
        problems: Vec::new(),
        needs_approval: None,
        downstream: None,
    };
    ChainRecord::new(ChainId::of_workflow("chain:acme:root"), chain)
}

pub(crate) fn began(record: &mut ChainRecord, stack: &str, at_s: i64) {
    let change = StackChange::Began {
        run: format!("run-of-{stack}").parse().unwrap(),
        made: true,
        commit: None,
        why: None,
    };
    apply(record, stack, change, at_s);
}

pub(crate) fn succeeded(record: &mut ChainRecord, stack: &str, at_s: i64) {
    ended(record, stack, Outcome::Succeeded, at_s);
}

pub(crate) fn failed(record: &mut ChainRecord, stack: &str, at_s: i64) {
    let reason = Reason::new(ReasonCode::RunFailed, "its run failed");
    ended(record, stack, Outcome::Failed { reason }, at_s);
}

/// A reason for which a stack is skipped: `upstream_failed` is the one that follows from a failure.
pub(crate) fn skipped(record: &mut ChainRecord, stack: &str, code: &str, at_s: i64) {
    let reason = Reason::new(code.to_owned(), code);
    ended(record, stack, Outcome::Skipped { reason }, at_s);
}

fn ended(record: &mut ChainRecord, stack: &str, outcome: Outcome, at_s: i64) {
    let change = StackChange::Ended {
        outcome,
        run: None,
        commit: None,
        ended_at_s: None,
        by_hand: None,
    };
    apply(record, stack, change, at_s);
}

fn apply(record: &mut ChainRecord, stack: &str, change: StackChange, at_s: i64) {
    record.apply(&Change::Stack {
        stack: stack.parse().unwrap(),
        change,
        at_ms: at_s * 1000,
    });
}
