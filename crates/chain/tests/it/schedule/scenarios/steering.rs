//! Orders of people affect everything that has no run yet.

use chain::attempt::HoldKind;
use chain::schedule::{Control, Decision, Event};

use super::{MINUTE_MS, host, made, run_of, states, tried, why};
use crate::account::id;
use crate::schedule::host::Entry;
use crate::schedule::world::Fate;

#[test]
fn a_second_halt_changes_neither_the_name_nor_the_reason() {
    let mut host = host("vpc; db: vpc");
    host.pushes("vpc");
    for (by, reason) in [("carol", Some("incident 7")), ("dave", None)] {
        let (by, reason) = (by.to_owned(), reason.map(str::to_owned));
        host.deliver(Event::Halted { by, reason });
        host.hour();
        assert_eq!(why(&host, "db"), "the account was halted by carol: incident 7");
    }
}

#[test]
fn a_halt_stops_everything_until_it_is_lifted() {
    let mut host = host("vpc; db: vpc; app: db");
    host.pushes("vpc");
    host.halt(true);
    host.hour();
    assert_eq!(made(&host), "");
    assert_eq!(why(&host, "db"), "the account was halted by carol");
    host.lose();
    host.hour();
    assert_eq!(made(&host), "", "it survives a loss");
    host.halt(false);
    host.hour();
    assert_eq!(made(&host), "db app");
    host.keeps_the_laws();
}

#[test]
fn a_stack_that_a_halt_held_is_tried_as_soon_as_it_is_lifted() {
    let mut host = host("vpc; db: vpc");
    host.faults.delay_ms = 1_000;
    host.pushes("vpc");
    while tried(&host).is_empty() {
        host.run_for(1);
    }
    host.halt(true);
    while !host.has_ended("db") {
        host.run_for(1);
    }
    assert_eq!(made(&host), "");
    host.halt(false);
    host.run_for(1);
    assert_eq!(tried(&host), "db db");
    host.hour();
    assert_eq!(made(&host), "db");
    host.keeps_the_laws();
}

#[test]
fn a_paused_cause_does_not_stop_another() {
    let mut host = host("a; b; app: a b");
    host.locks("app", true);
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    let paused = host.only_chain();
    host.control(&paused, Control::Pause);
    host.pushes("b");
    host.run_for(5 * MINUTE_MS);
    host.locks("app", false);
    host.hour();
    assert_eq!(made(&host), "app");
    assert_eq!(states(&host, &paused), "app waiting");
    assert_eq!(why(&host, "app"), "its chain is paused");
    host.control(&paused, Control::Resume);
    host.hour();
    assert_eq!(states(&host, &paused), "app succeeded");
    assert_eq!(
        made(&host),
        "app",
        "the run that ended serves the other cause, too"
    );
    host.keeps_the_laws();
}

#[test]
fn stacks_marked_as_done() {
    let mut host = host("vpc; db: vpc; app: db");
    host.locks("db", true);
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    let by = "carol".to_owned();
    host.deliver(Event::DoneByHand {
        stack: id("db"),
        by,
        reason: Some("repaired in the console".to_owned()),
    });
    host.hour();
    assert_eq!(made(&host), "app");
    let chain = host.only_chain();
    assert_eq!(states(&host, &chain), "db succeeded, app succeeded");
    let text = chain::render::record_text(&host.records[&chain]);
    let says = "db @ 0000001: succeeded, counted as done by carol: repaired in the console";
    assert!(text.contains(says), "{text}");
    host.keeps_the_laws();
}

#[test]
fn a_loop_is_held_until_a_person_releases_it() {
    let mut host = host("vpc; db: vpc");
    host.world.step_ms = 1_000;
    for _ in 0..6 {
        host.world.person(&id("vpc"), 0, host.now_ms);
        host.run_for(MINUTE_MS);
    }
    assert_eq!(made(&host), "db db db db db");
    assert!(
        why(&host, "db").contains("look like a loop"),
        "{}",
        why(&host, "db")
    );
    let is_guard = |entry: &Entry| matches!(entry, Entry::Decided(Decision::Held { hold, .. }) if hold.kind == HoldKind::Guard);
    assert!(host.trace.iter().any(|(_, entry)| is_guard(entry)));
    let by = "carol".to_owned();
    host.deliver(Event::Released { stack: id("db"), by });
    host.run_for(MINUTE_MS);
    assert_eq!(made(&host), "db db db db db db");
    host.world.person(&id("vpc"), 0, host.now_ms);
    host.run_for(MINUTE_MS);
    assert_eq!(made(&host).split(' ').count(), 6, "the word holds for one run");
    host.hour();
    assert_eq!(made(&host).split(' ').count(), 7, "it lifts by itself");
    host.keeps_the_laws();
}

#[test]
fn a_queued_run_names_the_run_before_it() {
    let mut host = host("vpc; db: vpc");
    host.fate("db", Fate::Unconfirmed);
    host.world.person(&id("db"), 0, host.now_ms);
    host.run_for(2 * MINUTE_MS);
    let first = host.world.runs[run_of(&host, "db")].facts.id.clone();
    host.pushes("vpc");
    while made(&host) != "db" {
        host.run_for(1_000);
    }
    host.run_for(1_000);
    let expected = format!("is queued behind run {first}");
    assert!(why(&host, "db").ends_with(&expected), "{}", why(&host, "db"));
    let first = host.world.runs.iter().position(|run| run.facts.id == first);
    host.person_decides(first.unwrap(), true);
    host.hour();
    host.keeps_the_laws();
}

#[test]
fn a_cancelled_chain_needs_no_other_run_if_the_one_it_waits_for_is_cancelled() {
    let mut host = host("db");
    host.fate("db", Fate::Stays);
    host.world.person(&id("db"), 0, host.now_ms);
    let chain = host.request("one", &id("db"));
    host.run_for(5 * MINUTE_MS);
    assert_eq!(states(&host, &chain), "db running");
    host.control(&chain, Control::Cancel);
    host.confirms("db", false);
    host.hour();
    assert_eq!(
        (made(&host).as_str(), states(&host, &chain).as_str()),
        ("", "db skipped")
    );
    host.keeps_the_laws();
}

#[test]
fn a_chain_whose_workflow_was_ended_by_force_runs_nothing_more() {
    let mut host = host("vpc; db: vpc; app: db");
    host.locks("db", true);
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    let chain = host.only_chain();
    host.deliver(Event::ChainGone { chain });
    host.locks("db", false);
    host.hour();
    assert_eq!(made(&host), "");
    assert!(host.schedule.is_idle());
}

#[test]
fn a_halt_that_is_gone_is_over() {
    let mut host = host("vpc; db: vpc");
    host.halt(true);
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "");
    host.halted = false;
    host.deliver(Event::HaltGone);
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "db");
    let is_logged = |entry: &Entry| matches!(entry, Entry::Decided(Decision::HaltGone));
    assert_eq!(host.trace.iter().filter(|(_, entry)| is_logged(entry)).count(), 1);
}

#[test]
fn a_stack_ends_when_a_person_says_that_it_is_done() {
    let mut host = host("vpc; db: vpc");
    host.locks("db", true);
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    let chain = host.only_chain();
    let at_s = host.now_ms / 1000;
    host.deliver(Event::DoneByHand {
        stack: id("db"),
        by: "carol".to_owned(),
        reason: None,
    });
    host.run_for(MINUTE_MS);
    let db = host.records[&chain].stack(&id("db")).unwrap();
    assert_eq!(db.ended_at_s, Some(at_s));
}
