//! Which stacks a retry of a chain runs, and in which order.

use chain::record::StackChange;
use chain::retry::{self, RetryError, RetryScope};
use chain::schedule::Control;
use chain::{
    ChainId, ChainRecord, ChainSettings, Change, CommitSha, Outcome, Reason, ReasonCode, Root, Scope,
    StackId, plan_only,
};

use crate::account::{chain, graph, id, root};

/// A chain after `vpc` whose stacks ended as listed.
fn record(account: &str, ended: &str) -> ChainRecord {
    let mut record = ChainRecord::new(ChainId::of_workflow("chain:acme:1"), chain(account));
    for (stack, how) in ended.split_whitespace().filter_map(|word| word.split_once('=')) {
        let skipped = |code: &str| Outcome::Skipped {
            reason: Reason::new(code.to_owned(), "why"),
        };
        let outcome = match how {
            "ok" => Outcome::Succeeded,
            "failed" => Outcome::Failed {
                reason: Reason::new(ReasonCode::RunFailed, "why"),
            },
            "for_it" => skipped("upstream_failed"),
            "cancelled" => skipped("chain_cancelled"),
            code => skipped(code),
        };
        record.apply(&Change::Stack {
            stack: id(stack),
            change: StackChange::Ended {
                outcome,
                run: None,
                commit: None,
                ended_at_s: None,
                by_hand: None,
            },
            at_ms: 1,
        });
    }
    record.apply(&Change::Over { at_ms: 2 });
    record
}

#[test]
fn the_stacks_of_a_record_are_counted_by_state() {
    let account = "vpc; a: vpc; b: vpc; c: vpc; d: a b c; e: d; f: e";
    let record = record(account, "a=ok b=ok c=failed d=for_it e=for_it f=for_it");
    assert_eq!(record.counts().to_string(), "2 succeeded, 1 failed, 3 skipped");
}

#[track_caller]
fn check(ended: &str, scope: &RetryScope, expected: &str) {
    let record = record("vpc; db: vpc; dns: vpc; app: db dns; web: app", ended);
    let stacks = retry::stacks(&record, scope).unwrap();
    let stacks: Vec<&str> = stacks.iter().map(chain::StackId::as_str).collect();
    assert_eq!(stacks.join(" "), expected, "{ended}");
}

#[test]
fn a_retry_runs_failed_stacks_and_those_skipped_because_of_them() {
    let failed = RetryScope::Failed;
    check("db=failed dns=ok app=for_it web=for_it", &failed, "db app web");
    check("db=failed dns=ok app=ok web=ok", &failed, "db");
    check(
        "db=failed dns=chain_stopped app=for_it web=for_it",
        &failed,
        "db dns app web",
    );
    check("db=ok dns=ok app=cancelled web=cancelled", &failed, "app web");
    check("db=failed dns=disabled app=ok web=run_skipped", &failed, "db");
    check(
        "db=unknown_upstream dns=ok app=upstream_skipped web=upstream_skipped",
        &failed,
        "db app web",
    );
}

#[test]
fn from_a_stack_and_all() {
    let from = |stack| RetryScope::From { stack: id(stack) };
    let all_well = "db=ok dns=ok app=ok web=ok";
    check(all_well, &from("dns"), "dns app web");
    check(all_well, &from("web"), "web");
    check(all_well, &RetryScope::All, "db dns app web");
}

#[test]
fn refused_retries() {
    let all_well = record("vpc; db: vpc", "db=ok");
    assert_eq!(
        retry::stacks(&all_well, &RetryScope::Failed),
        Err(RetryError::NothingFailed)
    );
    let from_the_root = RetryScope::From { stack: id("vpc") };
    assert_eq!(
        retry::stacks(&all_well, &from_the_root),
        Err(RetryError::NotInChain { stack: id("vpc") })
    );
    let mut open = ChainRecord::new(ChainId::of_workflow("chain:acme:1"), chain("vpc; db: vpc"));
    open.apply(&Change::Controlled {
        control: Control::Cancel,
        by: "carol".to_owned(),
        at_ms: 1,
        reason: None,
    });
    assert_eq!(retry::stacks(&open, &RetryScope::All), Err(RetryError::Open));
}

/// The stacks that a retry of these runs, with what each waits for. `-` marks left-out stacks.
#[track_caller]
fn check_plan(account: &str, only: &str, expected: &str) {
    let only: Vec<_> = only.split_whitespace().map(id).collect();
    let before = ChainId::of_workflow("chain:acme:1");
    let root = retry::root(&root("vpc"), None, &before, Some(&only), None);
    assert_eq!(root.retry_of, Some(before));
    let chain = plan_only(
        &graph(account),
        &root,
        Scope::Only(&only),
        &ChainSettings::default(),
    )
    .unwrap();
    let stacks = chain.stacks.iter().map(|stack| {
        let upstream = stack.upstream.iter().map(|other| format!(" {other}"));
        format!("{}:{}", stack.id, upstream.collect::<String>())
    });
    let left_out = chain.left_out.iter().map(|left_out| format!("-{}", left_out.id));
    assert_eq!(stacks.chain(left_out).collect::<Vec<_>>().join("; "), expected);
}

#[test]
fn a_retry_keeps_the_order() {
    const DIAMOND: &str = "vpc; db: vpc; dns: vpc; app: db dns; web: app";
    check_plan(DIAMOND, "db app web", "db:; app: db; web: app");
    check_plan(DIAMOND, "db web", "db:; web: db; -app");
    check_plan(DIAMOND, "web", "web:");
    check_plan(DIAMOND, "db dns", "db:; dns:");
    // Stacks that were disabled, deleted or detached from the root since then do not run.
    check_plan(
        "vpc; !db: vpc; app: db; gone; web: app",
        "db app gone",
        "app:; -db",
    );
    // What is outside of the retry is not listed.
    check_plan("vpc; db: vpc; !off: vpc", "db", "db:");
}

#[test]
fn a_stack_that_never_runs_keeps_its_reason_in_a_retry() {
    let before = ChainId::of_workflow("chain:acme:1");
    let root = retry::root(&root("vpc"), None, &before, None, None);
    let only = [id("db"), id("app")];
    let settings = ChainSettings::default();
    let account = graph("vpc; db: vpc; !off: db; app: off");
    let chain = plan_only(&account, &root, Scope::Only(&only), &settings).unwrap();
    let left_out = chain.left_out.iter().map(|left_out| left_out.reason.code());
    assert_eq!(left_out.collect::<Vec<_>>(), ["disabled"]);
}

#[test]
fn the_root_runs_again_if_the_chain_ran_it() {
    let asked = Root::requested("acme".parse().unwrap(), id("vpc"), "main");
    let before = ChainId::of_workflow("chain:acme:request:one");
    let is_due = |only: Option<&[chain::StackId]>| retry::root(&asked, None, &before, only, None).is_due;
    assert!(is_due(Some(&[id("vpc"), id("db")])));
    assert!(!is_due(Some(&[id("db")])));
    assert!(
        is_due(None),
        "a chain that was refused is planned anew as a whole"
    );
}

#[test]
fn a_retry_says_why_and_only_its_own_reason() {
    let before = ChainId::of_workflow("chain:acme:1");
    let reason = |root: &Root| root.retry_reason.as_ref().map(|reason| reason.text.clone());
    let first = retry::root(&root("vpc"), None, &before, None, Some(" credentials renewed\n"));
    assert_eq!(reason(&first).as_deref(), Some("credentials renewed"));
    let settings = ChainSettings::default();
    let chain = plan_only(&graph("vpc; db: vpc"), &first, Scope::All, &settings).unwrap();
    let text = chain::render::text(&chain);
    assert!(
        text.contains("\nRetry of chain:acme:1: credentials renewed\n"),
        "{text}"
    );
    let record = ChainRecord::new(ChainId::of_retry(&before, 1), chain);
    let details = chain::render::markdown(&record);
    assert!(
        details.contains("\nRetry of `chain:acme:1`: credentials renewed\n"),
        "{details}"
    );
    for nothing in [None, Some("  ")] {
        let again = retry::root(&first, None, &ChainId::of_retry(&before, 1), None, nothing);
        assert_eq!(reason(&again), None);
    }
}

#[test]
fn a_retry_has_the_commit_that_the_root_ran_only_if_its_dependents_follow_it() {
    let commit = |text: &str| Some(CommitSha::new(text.repeat(7)).unwrap());
    let due = Root {
        is_due: true,
        ..root("vpc")
    };
    let settings = ChainSettings::default();
    let chain = plan_only(&graph("vpc; db: vpc"), &due, Scope::All, &settings).unwrap();
    let mut record = ChainRecord::new(ChainId::of_workflow("chain:acme:1"), chain);
    record.apply(&Change::Stack {
        stack: id("vpc"),
        change: StackChange::Ended {
            outcome: Outcome::Succeeded,
            run: None,
            commit: commit("a"),
            ended_at_s: None,
            by_hand: None,
        },
        at_ms: 1,
    });
    for (follow, was_due, stacks, expected) in [
        (true, true, &["db"][..], "a"),
        (false, true, &["db"][..], "b"),
        (true, false, &["db"][..], "b"),
        (true, true, &["vpc", "db"][..], "b"),
    ] {
        let before = Root {
            follow,
            is_due: was_due,
            commit: commit("b"),
            reported_at_ms: Some(7),
            ..root("vpc")
        };
        let stacks: Vec<StackId> = stacks.iter().map(|stack| id(stack)).collect();
        let again = retry::root(&before, Some(&record), record.id(), Some(&stacks), None);
        assert_eq!(again.commit, commit(expected), "{follow} {was_due} {stacks:?}");
        assert_eq!((again.reported_at_ms, again.ended_at_s), (None, None));
    }
}

#[test]
fn a_retry_of_a_retry_is_the_next_one_of_the_first_chain() {
    let first = ChainId::of_workflow("chain:acme:01JSPX");
    let third = ChainId::of_retry(&ChainId::of_retry(&first, 2).first(), 3);
    assert_eq!(third.as_str(), "chain:acme:01JSPX:retry:3");
    assert_eq!(third.account().unwrap().as_str(), "acme");
    assert_eq!(first.first(), first);
}
