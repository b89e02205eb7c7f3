//! Waiting stacks are listed, long waits are reported, and runs that take too long are stopped unless they are
//! applying.

use chain::schedule::{Control, Decision, Event, WaitingKind};
use chain::{ChainId, ReasonCode, RunState};

use super::{MINUTE_MS, host, host_with, made, run_of, settings, states};
use crate::account::id;
use crate::schedule::host::{Entry, Host};
use crate::schedule::world::Fate;

/// `stack kind minutes` of waiting stacks, oldest first.
fn waiting(host: &Host) -> String {
    let all = host.schedule.waiting();
    let all = all.iter().map(|waiting| {
        let kind = match waiting.kind {
            WaitingKind::Person => "person",
            WaitingKind::Lock => "lock",
            WaitingKind::Guard => "guard",
            WaitingKind::Approval => "approval",
            WaitingKind::Freeze => "freeze",
            WaitingKind::Pause => "pause",
        };
        format!(
            "{} {kind} {}",
            waiting.stack,
            (host.now_ms - waiting.since_ms) / MINUTE_MS
        )
    });
    all.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_paused_chain_is_listed_with_its_first_pause_and_never_reported_as_stuck() {
    let mut host = host("vpc; a: vpc");
    host.locks("a", true);
    host.pushes("vpc");
    host.run_for(MINUTE_MS);
    let chain = host.only_chain();
    host.control(&chain, Control::Pause);
    host.run_for(10 * MINUTE_MS);
    host.deliver(Event::Controlled {
        chain: chain.clone(),
        control: Control::Pause,
        by: "dave".to_owned(),
        reason: None,
    });
    host.run_for(10 * MINUTE_MS);
    let pauses = |host: &Host| -> Vec<String> {
        let waiting = host.schedule.waiting().into_iter();
        let pauses = waiting.filter(|waiting| waiting.kind == WaitingKind::Pause);
        pauses.map(|waiting| waiting.text).collect()
    };
    let first = "the chain was paused by carol";
    assert_eq!(pauses(&host), [first]);
    assert!(waiting(&host).contains("vpc pause 20"), "{}", waiting(&host));
    host.lose();
    host.run_for(24 * 60 * MINUTE_MS);
    assert_eq!(pauses(&host), [first], "it survives a loss");
    let is_about_the_pause =
        |decision: &Decision| matches!(decision, Decision::Stuck { text, .. } if text.contains("paused"));
    assert_eq!(count(&host, is_about_the_pause), 0);
    host.control(&chain, Control::Resume);
    assert!(pauses(&host).is_empty());
}

fn count(host: &Host, is_counted: impl Fn(&Decision) -> bool) -> usize {
    let decided = host.trace.iter().filter(|(_, entry)| match entry {
        Entry::Decided(decision) => is_counted(decision),
        _ => false,
    });
    decided.count()
}

#[test]
fn waiting_runs_are_listed_oldest_first() {
    let mut host = host("vpc; a: vpc; b: vpc; c: b; late: c");
    host.world.step_ms = 1;
    host.locks("a", true);
    host.fate("b", Fate::Unconfirmed);
    host.pushes("vpc");
    host.run_for(30 * MINUTE_MS);
    let text = waiting(&host);
    assert_eq!(text, "b person 30, a lock 29");
    let chains = &host.schedule.waiting()[0].chains;
    assert_eq!(chains, &[host.only_chain()]);
    host.freeze_for(60 * MINUTE_MS);
    host.confirms("b", true);
    host.run_for(10 * MINUTE_MS);
    assert_eq!(waiting(&host), "a lock 39, c freeze 9");
    host.thaw();
    host.locks("a", false);
    host.run_for(10 * MINUTE_MS);
    assert_eq!(waiting(&host), "");
    host.keeps_the_laws();
}

#[test]
fn a_long_wait_is_reported_once() {
    let patient = settings(|settings| settings.stuck_after_ms = 120 * MINUTE_MS);
    let mut host = host_with("vpc; a: vpc; b: vpc", patient);
    let labels = &mut host.world.stacks.get_mut(&id("b")).unwrap().facts.labels;
    labels.push("spillway:stuck-after=20m".to_owned());
    host.locks("a", true);
    host.fate("b", Fate::Unconfirmed);
    host.pushes("vpc");
    let stuck = |host: &Host| count(host, |decision| matches!(decision, Decision::Stuck { .. }));
    host.run_for(15 * MINUTE_MS);
    assert_eq!(stuck(&host), 0);
    host.run_for(10 * MINUTE_MS);
    assert_eq!(stuck(&host), 1, "b has a label");
    host.run_for(90 * MINUTE_MS);
    assert_eq!(stuck(&host), 1);
    host.hour();
    host.hour();
    assert_eq!(stuck(&host), 2, "each is reported once");
    host.confirms("b", true);
    host.locks("a", false);
    host.hour();
    assert_eq!(
        states(&host, &host.only_chain()),
        "a succeeded, b succeeded",
        "nothing else was done"
    );
    host.keeps_the_laws();
}

#[test]
fn a_run_that_is_not_confirmed_in_time_is_discarded_and_its_stack_fails() {
    let hurried = settings(|settings| settings.run_timeout_ms = Some(60 * MINUTE_MS));
    let mut host = host_with("vpc; a: vpc; b: vpc; c: vpc; a2: a", hurried);
    let labels = &mut host.world.stacks.get_mut(&id("b")).unwrap().facts.labels;
    labels.push("spillway:timeout=3h".to_owned());
    host.fate("a", Fate::Unconfirmed);
    host.fate("b", Fate::Unconfirmed);
    host.fate("c", Fate::Stays);
    host.pushes("vpc");
    host.run_for(55 * MINUTE_MS);
    assert_eq!(
        host.world.runs[run_of(&host, "a")].facts.state,
        RunState::Unconfirmed
    );
    host.run_for(10 * MINUTE_MS);
    let state = |host: &Host, stack| host.world.runs[run_of(host, stack)].facts.state.clone();
    assert_eq!(state(&host, "a"), RunState::Discarded);
    assert_eq!(state(&host, "c"), RunState::Canceled);
    assert_eq!(state(&host, "b"), RunState::Unconfirmed);
    let chain = host.only_chain();
    let a = host.records[&chain].stack(&id("a")).unwrap().clone();
    let reason = a.reason.unwrap();
    assert_eq!(reason.code, ReasonCode::Timeout);
    assert!(
        reason
            .text
            .ends_with("was neither confirmed nor applying within 1h, and was ended"),
        "{reason}"
    );
    host.run_for(180 * MINUTE_MS);
    assert_eq!(state(&host, "b"), RunState::Discarded);
    assert_eq!(states(&host, &chain), "a failed, a2 skipped, b failed, c failed");
}

#[test]
fn an_apply_is_never_stopped() {
    let hurried = settings(|settings| settings.run_timeout_ms = Some(20 * MINUTE_MS));
    let mut host = host_with("vpc; a: vpc", hurried);
    host.fate("a", Fate::Slow);
    host.pushes("vpc");
    host.run_for(50 * MINUTE_MS);
    host.hour();
    assert_eq!(states(&host, &host.only_chain()), "a succeeded");
    host.keeps_the_laws();
}

#[test]
fn cancelling_a_chain_can_stop_its_runs() {
    let mut host = host("vpc; a: vpc; slow: vpc; shared: vpc; other; x: other; a2: a");
    host.world
        .stacks
        .get_mut(&id("shared"))
        .unwrap()
        .facts
        .labels
        .push("dependsOn:other".to_owned());
    host.fate("a", Fate::Unconfirmed);
    host.fate("slow", Fate::Slow);
    host.fate("shared", Fate::Unconfirmed);
    host.pushes("vpc other");
    host.run_for(20 * MINUTE_MS);
    let chains: Vec<_> = host.records.keys().cloned().collect();
    let of_vpc = chains
        .iter()
        .find(|chain| states(&host, chain).contains("slow"))
        .unwrap()
        .clone();
    let of_other = chains.iter().find(|chain| **chain != of_vpc).unwrap().clone();
    host.control(&of_vpc, Control::CancelAndStopRuns);
    host.run_for(10 * MINUTE_MS);
    assert_eq!(
        host.world.runs[run_of(&host, "a")].facts.state,
        RunState::Discarded
    );
    assert_eq!(
        host.world.runs[run_of(&host, "slow")].facts.state,
        RunState::Applying
    );
    assert_eq!(
        host.world.runs[run_of(&host, "shared")].facts.state,
        RunState::Unconfirmed,
        "another chain needs it"
    );
    host.confirms("shared", true);
    host.hour();
    host.hour();
    assert!(states(&host, &of_other).contains("shared succeeded"));
    let record = &host.records[&of_vpc];
    assert_eq!(
        record.stack(&id("a")).unwrap().reason.as_ref().unwrap().code,
        ReasonCode::ChainCancelled
    );
    assert_eq!(record.result(), chain::ChainResult::Cancelled);
    assert_eq!(made(&host).split(' ').filter(|stack| *stack == "a2").count(), 0);
}

/// The chain was cancelled with its runs, and the run of `a` ended in this state.
#[track_caller]
fn ends_cancelled(host: &mut Host, chain: &ChainId, state: &RunState) {
    host.hour();
    assert_eq!(host.world.runs[run_of(host, "a")].facts.state, *state);
    assert_eq!(host.records[chain].result(), chain::ChainResult::Cancelled);
}

#[test]
fn cancelling_a_chain_stops_the_run_that_an_attempt_makes_meanwhile() {
    let (mut host, chain) = host_with_attempt("vpc; a: vpc");
    host.control(&chain, Control::CancelAndStopRuns);
    ends_cancelled(&mut host, &chain, &RunState::Canceled);
}

#[test]
fn runs_of_a_cancelled_chain_are_stopped_although_the_schedule_is_lost() {
    let mut host = host("vpc; a: vpc");
    host.fate("a", Fate::Unconfirmed);
    host.pushes("vpc");
    host.run_for(20 * MINUTE_MS);
    let chain = host.only_chain();
    host.control_and_lose(&chain, Control::CancelAndStopRuns);
    ends_cancelled(&mut host, &chain, &RunState::Discarded);
}

/// A chain of `vpc` and `a`, whose attempt at `a` has looked, and whose outcome is in transit.
fn host_with_attempt(listing: &str) -> (Host, ChainId) {
    let mut host = host(listing);
    host.fate("a", Fate::Unconfirmed);
    host.pushes("vpc");
    while !host.has_answer("a") {
        host.run_for(10);
    }
    let chain = host.only_chain();
    (host, chain)
}

/// The new schedule does not know for which chains the attempt is. Its outcome names them.
#[test]
fn the_run_of_an_attempt_that_a_lost_schedule_began_is_stopped() {
    let (mut host, chain) = host_with_attempt("vpc; a: vpc");
    host.control_and_lose(&chain, Control::CancelAndStopRuns);
    ends_cancelled(&mut host, &chain, &RunState::Canceled);

    let (mut host, chain) = host_with_attempt("vpc; a: vpc");
    host.lose();
    while !host.schedule.is_rebuilt() {
        host.run_for(1);
    }
    assert!(host.has_answer("a"));
    host.control(&chain, Control::CancelAndStopRuns);
    ends_cancelled(&mut host, &chain, &RunState::Canceled);
}

/// The attempt ended, and the schedule was lost before the record of the chain had its run.
#[test]
fn the_run_of_an_attempt_that_ended_before_the_loss_is_stopped_if_that_was_asked_for() {
    for (control, state) in [
        (Control::CancelAndStopRuns, RunState::Canceled),
        (Control::Cancel, RunState::Unconfirmed),
    ] {
        let (mut host, chain) = host_with_attempt("vpc; a: vpc");
        host.faults.record_unavailable = 1_000;
        while !host.has_ended("a") {
            host.run_for(10);
        }
        assert_eq!(host.records[&chain].stack(&id("a")).unwrap().run, None);
        host.faults.record_unavailable = 0;
        host.control_and_lose(&chain, control);
        ends_cancelled(&mut host, &chain, &state);
    }
}

#[test]
fn a_run_for_two_chains_continues_if_one_of_them_is_cancelled_after_a_loss() {
    let mut host = host("vpc; other; a: vpc other");
    host.fate("a", Fate::Unconfirmed);
    host.pushes("vpc other");
    while !host.has_answer("a") {
        host.run_for(10);
    }
    let chains: Vec<_> = host.records.keys().cloned().collect();
    assert_eq!(chains.len(), 2);
    host.control_and_lose(&chains[0], Control::CancelAndStopRuns);
    host.run_for(10 * MINUTE_MS);
    assert_eq!(
        host.world.runs[run_of(&host, "a")].facts.state,
        RunState::Unconfirmed
    );
    host.confirms("a", true);
    host.hour();
    assert_eq!(states(&host, &chains[1]), "a succeeded");
}

#[test]
fn a_run_for_two_chains_is_stopped_once_both_are_cancelled_with_their_runs() {
    for during_its_attempt in [false, true] {
        for is_lost in [false, true] {
            let mut host = host("vpc; other; a: vpc other");
            host.fate("a", Fate::Unconfirmed);
            host.pushes("vpc other");
            while !host.has_answer("a") {
                host.run_for(10);
            }
            if !during_its_attempt {
                host.run_for(20 * MINUTE_MS);
            }
            let chains: Vec<_> = host.records.keys().cloned().collect();
            assert_eq!(chains.len(), 2);
            host.control(&chains[0], Control::CancelAndStopRuns);
            if is_lost {
                host.control_and_lose(&chains[1], Control::CancelAndStopRuns);
            } else {
                host.control(&chains[1], Control::CancelAndStopRuns);
            }
            host.hour();
            let state = &host.world.runs[run_of(&host, "a")].facts.state;
            assert!(
                matches!(state, RunState::Canceled | RunState::Discarded),
                "{state}, during its attempt: {during_its_attempt}, lost: {is_lost}"
            );
            for chain in &chains {
                assert_eq!(host.records[chain].result(), chain::ChainResult::Cancelled);
            }
            host.keeps_the_laws();
        }
    }
}

/// It stays open for a run of its own.
#[test]
fn a_cancelled_chain_that_no_longer_needs_a_run_does_not_keep_it() {
    let mut host = host("vpc; other; a: vpc other; slow: other");
    host.fate("a", Fate::Unconfirmed);
    host.fate("slow", Fate::Slow);
    host.pushes("vpc other");
    while !host.has_answer("a") {
        host.run_for(10);
    }
    let chains: Vec<_> = host.records.keys().cloned().collect();
    let of_other = |chain: &&ChainId| host.records[*chain].chain().root.stack == id("other");
    let other = chains.iter().find(of_other).unwrap().clone();
    let vpc = chains.iter().find(|chain| **chain != other).unwrap().clone();
    host.control(&other, Control::Cancel);
    host.control(&vpc, Control::CancelAndStopRuns);
    ends_cancelled(&mut host, &vpc, &RunState::Canceled);
    host.keeps_the_laws();
}

/// The run is not for it: it could not serve a chain that waits for more.
#[test]
fn a_run_is_stopped_although_another_chain_will_need_the_stack_later() {
    let mut host = host("vpc; late; a: vpc late");
    host.faults.delay_ms = 60_000;
    host.fate("a", Fate::Unconfirmed);
    host.pushes("vpc");
    while !host.has_answer("a") {
        host.run_for(10);
    }
    let of_vpc = host.only_chain();
    host.faults.delay_ms = 1;
    host.fate("late", Fate::Slow);
    let of_late = host.request("late", &id("late"));
    while !host.records.contains_key(&of_late) {
        host.run_for(1);
    }
    assert!(host.has_answer("a"));
    host.control(&of_vpc, Control::CancelAndStopRuns);
    ends_cancelled(&mut host, &of_vpc, &RunState::Stopped);
    host.hour();
    host.hour();
    assert_eq!(states(&host, &of_late), "late succeeded, a succeeded");
    host.keeps_the_laws();
}

#[test]
fn a_run_of_somebody_else_may_take_long() {
    let hurried = settings(|settings| settings.run_timeout_ms = Some(20 * MINUTE_MS));
    let mut host = host_with("db", hurried);
    host.fate("db", Fate::Unconfirmed);
    host.world.person(&id("db"), 0, host.now_ms);
    let chain = host.request("one", &id("db"));
    host.hour();
    assert_eq!(
        (made(&host).as_str(), states(&host, &chain).as_str()),
        ("", "db running")
    );
    let state = &host.world.runs[run_of(&host, "db")].facts.state;
    assert_eq!(*state, RunState::Unconfirmed);
}

#[test]
fn a_lost_schedule_knows_since_when_a_run_has_been_waiting() {
    let mut host = host("vpc; a: vpc");
    host.world.step_ms = 1;
    host.fate("a", Fate::Unconfirmed);
    host.pushes("vpc");
    host.run_for(30 * MINUTE_MS);
    host.lose();
    host.run_for(1_000);
    assert_eq!(waiting(&host), "a person 30");
    assert!(
        host.schedule.waiting()[0]
            .text
            .ends_with("waits for a confirmation")
    );
}
