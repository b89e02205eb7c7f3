//! Requests that follow their root to an older commit.

use chain::retry::RetryScope;
use chain::schedule::Event;
use chain::{ChainId, Root};

use super::{MINUTE_MS, host, states};
use crate::account::id;
use crate::schedule::host::{Host, account};
use crate::schedule::world::{By, Fate};

fn request(host: &mut Host, name: &str, stack: &str, follow: bool) -> ChainId {
    let chain = ChainId::of_request(&account(), name);
    host.deliver(Event::Requested {
        chain: chain.clone(),
        root: Root {
            follow,
            ..Root::requested(account(), id(stack), "main")
        },
        by: Some("carol".to_owned()),
        only: None,
    });
    chain
}

/// The commits of the runs that we triggered, by stack: `db 1`.
fn made(host: &Host) -> String {
    let own = host.world.runs.iter().filter(|run| run.by == By::Us);
    let own: Vec<String> = own.map(|run| format!("{} {}", run.stack, run.commit)).collect();
    own.join(", ")
}

/// Two pushes to all roots, and then a person rolls `a` back to the first.
fn rolled_back(line: &str, roots: &str) -> Host {
    let mut host = host(line);
    for _ in 0..2 {
        host.pushes(roots);
        host.hour();
    }
    host.world.person(&id("a"), 1, host.now_ms);
    host.hour();
    host
}

/// The root is not among the retried stacks.
#[test]
fn a_retry_of_a_chain_that_follows_its_root_follows_it_too() {
    let mut host = rolled_back("a; db: a; app: db", "a");
    host.fate("db", Fate::Fails);
    let chain = request(&mut host, "back", "a", true);
    host.hour();
    assert_eq!(states(&host, &chain), "a succeeded, db failed, app skipped");
    let before = made(&host);
    let retry = host.retry(&chain, &RetryScope::Failed);
    host.hour();
    assert_eq!(states(&host, &retry), "db succeeded, app succeeded");
    assert_eq!(made(&host), format!("{before}, db 1, app 1"));
}

#[test]
fn dependents_of_a_rolled_back_root_keep_their_newest_commit_unless_the_request_follows() {
    for follow in [false, true] {
        let mut host = rolled_back("a; db: a; app: db", "a");
        let before = made(&host);
        request(&mut host, "back", "a", follow);
        host.hour();
        let expected = if follow {
            "a 1, db 1, app 1"
        } else {
            "a 1, db 2, app 2"
        };
        assert_eq!(made(&host), format!("{before}, {expected}"));
    }
}

#[test]
fn a_lost_schedule_keeps_the_followed_commit() {
    let mut host = rolled_back("a; db: a; app: db", "a");
    let before = made(&host);
    host.locks("db", true);
    request(&mut host, "back", "a", true);
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), format!("{before}, a 1"));
    host.lose();
    host.run_for(MINUTE_MS);
    host.locks("db", false);
    host.hour();
    assert_eq!(made(&host), format!("{before}, a 1, db 1, app 1"));
}

#[test]
fn a_cause_that_needs_a_newer_commit_runs_the_stack_again() {
    let mut host = rolled_back("a; b; db: a b", "a b");
    let before = made(&host);
    host.locks("db", true);
    request(&mut host, "back", "a", true);
    host.pushes("b");
    host.run_for(5 * MINUTE_MS);
    host.locks("db", false);
    host.hour();
    assert_eq!(made(&host), format!("{before}, a 1, db 1, db 3"));
}
