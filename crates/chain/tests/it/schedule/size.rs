//! Large accounts: the work grows with what happens, not with the size of the account.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use chain::attempt::{AttemptOutcome, RunFacts};
use chain::schedule::{Decision, Effect, Event, Listed, Rebuilt};
use chain::{
    ChainId, DependencyGraph, LabelGrammar, Root, RunState, RunType, Schedule, ScheduleSettings, StackFacts,
};

use super::host::account;
use crate::account::{id, stack};

/// Each stack waits for five earlier ones; the first `roots` wait for nothing.
fn layered(stacks: usize, roots: usize) -> Vec<StackFacts> {
    let facts = (0..stacks).map(|at| {
        let upstream: Vec<usize> = match at {
            _ if at < roots => Vec::new(),
            _ => (0..5)
                .map(|nth| (at - 1).saturating_sub(nth * 37 + at % 11))
                .collect(),
        };
        let labels: Vec<String> = upstream
            .iter()
            .map(|other| format!("dependsOn:s{other:05}"))
            .collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        stack(&format!("s{at:05}"), &labels)
    });
    facts.collect()
}

fn settings() -> ScheduleSettings {
    let mut settings = ScheduleSettings {
        parallel_runs_of_account: NonZeroU32::new(100).unwrap(),
        ..ScheduleSettings::default()
    };
    settings.chain.parallel_runs = NonZeroU32::new(100).unwrap();
    settings
}

/// Spacelift answers at once, and runs succeed in the order in which they began.
fn drive(facts: Vec<StackFacts>, roots: usize) -> (usize, usize) {
    let graph = DependencyGraph::build(facts, &LabelGrammar::default());
    let mut schedule = Schedule::new(account(), settings());
    let mut now_ms = 1_700_000_000_000;
    let clean = Rebuilt {
        clean: true,
        ..Rebuilt::default()
    };
    schedule.apply(Event::Rebuilt(Box::new(clean)), now_ms);
    let mut events: VecDeque<Event> = (0..roots).map(|root| requested(root, now_ms)).collect();
    let (mut runs, mut decisions) = (0, 0);
    loop {
        now_ms += 100;
        if let Some(event) = events.pop_front() {
            schedule.apply(event, now_ms);
        } else if schedule.is_idle() {
            return (runs, decisions);
        } else {
            now_ms = schedule.next_wake_ms().unwrap().max(now_ms);
        }
        decisions += 1;
        for effect in schedule.decide(now_ms) {
            match effect {
                Effect::List => {
                    let listed = Listed {
                        graph: graph.clone(),
                        policies: Vec::new(),
                        changes: std::collections::BTreeMap::new(),
                        settings: settings(),
                    };
                    events.push_front(Event::Listed(Box::new(listed)));
                }
                Effect::Attempt(request) => {
                    runs += 1;
                    let run = facts_of(runs, now_ms);
                    let ended = RunFacts {
                        state: RunState::Finished,
                        ..run.clone()
                    };
                    let chains = request.needs.into_iter().map(|need| need.chain).collect();
                    let outcome = AttemptOutcome::Run {
                        run,
                        made: true,
                        chains,
                        behind: false,
                        chosen: None,
                    };
                    let stack = request.stack;
                    events.push_front(Event::Attempted {
                        stack: stack.clone(),
                        outcome,
                    });
                    events.push_back(Event::RunEnded { stack, run: ended });
                }
                Effect::Log(Decision::Quarantined { why, .. }) => panic!("{why}"),
                _ => {}
            }
        }
        schedule.take_changes();
    }
}

fn requested(root: usize, now_ms: i64) -> Event {
    let stack = id(&format!("s{root:05}"));
    let root_run = Root {
        run: Some(format!("ROOT{root}").parse().unwrap()),
        ended_at_s: Some(now_ms / 1000),
        is_due: false,
        ..Root::requested(account(), stack, "main")
    };
    Event::Requested {
        chain: ChainId::of_request(&account(), &root.to_string()),
        root: root_run,
        by: None,
        only: None,
    }
}

fn facts_of(number: usize, now_ms: i64) -> RunFacts {
    let at_s = now_ms / 1000;
    RunFacts {
        id: format!("R{number}").parse().unwrap(),
        run_type: RunType::Tracked,
        state: RunState::Queued,
        branch: "main".to_owned(),
        commit: None,
        triggered_by: Some("api::us".to_owned()),
        ours: true,
        other_spillway: None,
        drift_detection: false,
        created_at_s: at_s,
        began_at_s: None,
        changed_at_s: at_s,
        partial: false,
        planned: true,
        changed: None,
        gone: false,
        reported_at_ms: None,
    }
}

/// In a debug build on a busy machine. It finds quadratic work, but nothing finer.
fn check(stacks: usize, roots: usize, most: Duration) {
    let facts = layered(stacks, roots);
    let start = Instant::now();
    let (runs, decisions) = drive(facts, roots);
    let took = start.elapsed();
    assert!(runs >= stacks - roots);
    assert!(
        took <= most,
        "{stacks} stacks in {roots} chains took {took:?}, {decisions} decisions and {runs} runs"
    );
}

#[test]
fn one_chain_of_many_stacks() {
    check(5_000, 1, Duration::from_secs(10));
}

#[test]
fn many_chains_of_many_stacks() {
    check(2_000, 100, Duration::from_secs(30));
}
