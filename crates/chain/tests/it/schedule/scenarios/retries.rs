//! A finished chain is retried by a new chain.

use chain::retry::RetryScope;
use chain::schedule::Control;

use super::{MINUTE_MS, host, made, states};
use crate::schedule::world::Fate;

#[test]
fn a_retry_runs_failed_stacks_first_and_then_those_skipped_because_of_them() {
    let mut host = host("vpc; db: vpc; dns: vpc; app: db dns; web: app");
    host.fate("db", Fate::Fails);
    host.pushes("vpc");
    host.hour();
    let first = host.only_chain();
    assert_eq!(
        states(&host, &first),
        "db failed, dns succeeded, app skipped, web skipped"
    );
    let again = host.retry(&first, &RetryScope::Failed);
    host.hour();
    assert_eq!(
        states(&host, &again),
        "db succeeded, app succeeded, web succeeded"
    );
    assert_eq!(made(&host), "dns db db app web");
    assert_eq!(host.records[&again].chain().root.retry_of, Some(first.clone()));
    assert!(
        states(&host, &first).starts_with("db failed"),
        "finished stacks stay as they were"
    );
    host.keeps_the_laws();
}

#[test]
fn two_retries_at_once_and_a_push_share_their_runs() {
    let mut host = host("vpc; db: vpc; app: db");
    host.fate("db", Fate::Fails);
    host.pushes("vpc");
    host.hour();
    let first = host.only_chain();
    let failed = host.retry(&first, &RetryScope::Failed);
    host.locks("db", true);
    host.run_for(MINUTE_MS);
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    host.locks("db", false);
    host.hour();
    assert_eq!(states(&host, &failed), "db succeeded, app succeeded");
    assert_eq!(
        made(&host),
        "db db app",
        "one run does for the retry and for the push"
    );
    host.keeps_the_laws();
}

#[test]
fn a_retry_can_be_steered_like_any_chain_and_survives_a_loss() {
    let mut host = host("vpc; db: vpc; app: db");
    host.fate("db", Fate::Fails);
    host.pushes("vpc");
    host.hour();
    let first = host.only_chain();
    let again = host.retry(&first, &RetryScope::All);
    host.locks("app", true);
    host.run_for(10 * MINUTE_MS);
    assert_eq!(states(&host, &again), "db succeeded, app waiting");
    host.lose();
    host.run_for(10 * MINUTE_MS);
    assert_eq!(states(&host, &again), "db succeeded, app waiting");
    host.control(&again, Control::Cancel);
    host.locks("app", false);
    host.hour();
    assert_eq!(states(&host, &again), "db succeeded, app skipped");
    assert_eq!(made(&host), "db db");
}

/// The runs of the retry do not show what changed before.
#[test]
fn a_retry_runs_a_stack_that_runs_only_after_changes() {
    let mut host = host("vpc; db: vpc; app: db");
    host.labels("app", "spillway:no-change=skip");
    host.fate("app", Fate::Fails);
    host.pushes("vpc");
    host.hour();
    let first = host.only_chain();
    assert_eq!(states(&host, &first), "db succeeded, app failed");
    let again = host.retry(&first, &RetryScope::Failed);
    host.hour();
    assert_eq!(states(&host, &again), "app succeeded");
    host.keeps_the_laws();
}
