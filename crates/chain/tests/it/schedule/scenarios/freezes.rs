//! A freeze holds the stacks that it covers until it ends or is lifted.

use super::{MINUTE_MS, host, made, tried, why};
use chain::schedule::Control;

use super::states;

#[test]
fn frozen_stacks_start_when_the_freeze_ends() {
    let mut host = host("vpc; db: vpc; app: db");
    host.freeze_for(90 * MINUTE_MS);
    host.pushes("vpc");
    host.run_for(80 * MINUTE_MS);
    assert_eq!((made(&host).as_str(), why(&host, "db").as_str()), ("", "frozen"));
    host.run_for(15 * MINUTE_MS);
    assert_eq!(made(&host), "db app");
    host.keeps_the_laws();
}

#[test]
fn a_lifted_freeze_holds_nothing_even_after_a_loss() {
    let mut host = host("vpc; db: vpc; app: db");
    host.freeze_for(600 * MINUTE_MS);
    host.pushes("vpc");
    host.run_for(10 * MINUTE_MS);
    host.lose();
    host.run_for(10 * MINUTE_MS);
    assert_eq!(made(&host), "");
    host.thaw();
    host.run_for(10 * MINUTE_MS);
    assert_eq!(made(&host), "db app");
    host.keeps_the_laws();
}

#[test]
fn a_freeze_lifted_during_an_attempt_does_not_hold_its_stack() {
    for lose in [false, true] {
        let mut host = host("vpc; db: vpc");
        host.faults.delay_ms = 5_000;
        host.freeze_for(600 * MINUTE_MS);
        host.pushes("vpc");
        while !tried(&host).ends_with("db") {
            host.run_for(10);
        }
        while !host.has_answer("db") {
            host.run_for(1);
        }
        if lose {
            host.lose();
        }
        host.thaw();
        host.run_for(10 * MINUTE_MS);
        assert_eq!(made(&host), "db", "after a loss: {lose}");
        // After a loss, the attempt may have triggered another run, which would appear within the hour.
        host.hour();
        host.keeps_the_laws();
    }
}

#[test]
fn frozen_stacks_do_not_block_other_chains_and_can_be_cancelled() {
    let mut host = host("a; b; x: a; app: x b");
    host.freeze_for(600 * MINUTE_MS);
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    let chain = host.only_chain();
    host.control(&chain, Control::Cancel);
    host.run_for(MINUTE_MS);
    assert_eq!(states(&host, &chain), "x skipped, app skipped");
    host.thaw();
    host.hour();
    assert_eq!(made(&host), "");
    host.keeps_the_laws();
}
