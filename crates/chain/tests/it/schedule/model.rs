//! Random accounts, people, faults and losses. The laws hold for everything that follows.
//!
//! `cargo xtask bench model` runs a million others; `SPILLWAY_MODEL_SEED` repeats a run.

mod case;

use std::fmt::Write as _;

use chain::retry::RetryScope;
use chain::schedule::{Control, Event};
use chain::{ChainId, StackId};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::host::{Entry, Faults, Host};
use super::oracle;
use super::random::Random;
use super::world::World;
use case::{Case, Step, case, name};

const CASES: u32 = 2_000;

/// More than the loop guard lets through within an hour.
const LOOP_REQUESTS: usize = 8;

/// The same cases in each run of the tests, or different ones if a number of cases is given.
fn cases() -> (u32, RngSeed) {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse().unwrap());
    let cases = number("SPILLWAY_MODEL_CASES").map(|cases: u64| cases.try_into().unwrap());
    let seed = number("SPILLWAY_MODEL_SEED").unwrap_or(1);
    (cases.unwrap_or(CASES), RngSeed::Fixed(seed))
}

fn play(case: &Case) -> Host {
    let mut world = World::new(case.facts(), Random::new(case.seed));
    world.fates = case.fates;
    // If messages can take longer than whole runs, nobody can know about a run in time.
    if !case.faults[2] {
        world.step_ms = case.step_ms;
    }
    let mut host = Host::new(world, case.settings(), case.faults(), Random::new(!case.seed));
    for (nth, step) in case.steps.iter().enumerate() {
        take(&mut host, nth, step, case.stacks.len());
    }
    end_faults(&mut host);
    host
}

fn take(host: &mut Host, nth: usize, step: &Step, stacks: usize) {
    let id = |at: &usize| name(at % stacks);
    match step {
        Step::Wait { ms } => {
            host.run_for(*ms);
            return;
        }
        Step::Push { stacks: bits } => {
            let picked = (0..stacks).filter(|at| bits >> at & 1 == 1).map(name);
            let picked: Vec<StackId> = picked.collect();
            host.world.push(&picked, host.now_ms);
        }
        Step::Person { stack, older_by } => host.world.person(&id(stack), *older_by, host.now_ms),
        Step::Drift { stack } => host.world.drift(&id(stack), host.now_ms),
        Step::Decide { run, confirm } => {
            let open: Vec<usize> = (0..host.world.runs.len())
                .filter(|&at| !host.world.runs[at].is_over())
                .collect();
            if !open.is_empty() {
                host.person_decides(open[run % open.len()], *confirm);
            }
        }
        Step::Lock { stack, locked } => host.world.stacks.get_mut(&id(stack)).unwrap().locked = *locked,
        Step::Disable { stack, disabled } => {
            host.world.disable(&id(stack), *disabled);
        }
        Step::Hide { stack, hidden } => host.world.stacks.get_mut(&id(stack)).unwrap().hidden = *hidden,
        Step::DependByLabel {
            stack,
            on,
            depends,
            any_way,
        } => {
            let (stack, on) = (stack % stacks, on % stacks);
            let (later, earlier) = if *any_way {
                (stack, on)
            } else {
                (stack.max(on), stack.min(on))
            };
            if later != earlier {
                host.world.depend_by_label(&name(later), &name(earlier), *depends);
            }
        }
        Step::DependNatively { stack, on, depends } => {
            // Spacelift allows no cycles of its own dependencies.
            let (stack, on) = (stack % stacks, on % stacks);
            if on < stack {
                host.world.depend_natively(&name(stack), &name(on), *depends);
            }
        }
        Step::Request { stack } => {
            host.request(&nth.to_string(), &id(stack));
        }
        Step::Control { chain, control, lost } => {
            let chains: Vec<ChainId> = host.records.keys().cloned().collect();
            if let Some(chain) = chains.get(chain % chains.len().max(1)) {
                if *lost {
                    host.control_and_lose(chain, *control);
                } else {
                    host.control(chain, *control);
                }
            }
        }
        Step::Halt { halted } => host.halt(*halted),
        Step::Retry { chain, all } => retry(host, *chain, *all),
        Step::Freeze { ms } => host.freeze_for(*ms),
        Step::Thaw => host.thaw(),
        Step::DoneByHand { stack } => host.deliver(Event::DoneByHand {
            stack: id(stack),
            by: "carol".to_owned(),
            reason: None,
        }),
        Step::Release { stack } => host.deliver(Event::Released {
            stack: id(stack),
            by: "carol".to_owned(),
        }),
        Step::Loop { stack, pause_ms } => {
            for request in 0..LOOP_REQUESTS {
                host.request(&format!("{nth}-{request}"), &id(stack));
                host.run_for(*pause_ms);
            }
        }
        Step::Trouble { ms } => host.trouble_until_ms = host.now_ms + ms,
        Step::Lose => host.lose(),
    }
    host.run_for(1);
}

/// Requests a retry of one of the finished chains.
fn retry(host: &mut Host, chain: usize, all: bool) {
    let over = host.records.values().filter(|record| record.is_over());
    let over: Vec<ChainId> = over.map(|record| record.id().clone()).collect();
    let Some(before) = over.get(chain % over.len().max(1)) else {
        return;
    };
    let scope = if all { RetryScope::All } else { RetryScope::Failed };
    if chain::retry::stacks(&host.records[before], &scope).is_ok() {
        host.retry(before, &scope);
    }
}

/// Everything is unlocked, confirmed and resumed, and there are no more faults.
fn end_faults(host: &mut Host) {
    host.faults = Faults {
        delay_ms: 200,
        ..Faults::default()
    };
    host.world.fates = [0; 4];
    for stack in host.world.stacks.values_mut() {
        stack.locked = false;
    }
    host.halt(false);
    host.thaw();
    host.run_for(30_000);
    let chains: Vec<ChainId> = host.records.keys().cloned().collect();
    for chain in chains {
        host.control(&chain, Control::Resume);
    }
    for _ in 0..40 {
        for at in 0..host.world.runs.len() {
            host.person_decides(at, true);
        }
        host.run_for(600_000);
        if host.schedule.is_idle() && host.world.runs.iter().all(super::world::Run::is_over) {
            break;
        }
    }
    // Late messages.
    host.run_for(600_000);
    host.run_for(4_000_000);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases().0,
        rng_seed: cases().1,
        max_shrink_iters: ProptestConfig::default().max_shrink_iters.min(1_000),
        failure_persistence: Some(Box::new(proptest::test_runner::FileFailurePersistence::Direct(
            "tests/it/schedule/model.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_laws_hold_whatever_happens(case in case()) {
        let host = play(&case);
        if let Err(why) = oracle::check(&host).and_then(|()| oracle::check_plans(&host)) {
            prop_assert!(false, "{why}\n{}", last_events(&host));
        }
    }
}

/// The last events, for the reader of a failure.
fn last_events(host: &Host) -> String {
    let mut lines = String::new();
    for (at_ms, entry) in &host.trace {
        let text = match entry {
            Entry::Idle => continue,
            Entry::Event(event) => match event {
                Event::Listed(_) => "event: listed".to_owned(),
                Event::Rebuilt(_) => "event: rebuilt".to_owned(),
                Event::RunEnded { stack, run } => {
                    format!("event: run {} of {stack} ended as {}", run.id, run.state)
                }
                Event::RunMoved { stack, run } => {
                    format!("event: run {} of {stack} is {}", run.id, run.state)
                }
                Event::Attempted { stack, outcome } => format!("event: {stack} was tried: {outcome:?}"),
                other => format!("event: {other:?}"),
            },
            Entry::Decided(decision) => format!("      {decision}"),
            Entry::Planned(opening) => format!("      opens {}", opening.chain),
            Entry::Made { run, request } => {
                let run = &host.world.runs[*run];
                format!("made {} of {} for {:?}", run.facts.id, run.stack, request.needs)
            }
            Entry::Lost => "lost".to_owned(),
        };
        let at_s = (at_ms - 1_700_000_000_000) / 1000;
        let _ = writeln!(lines, "{at_s:>6} s {text}");
    }
    lines
}
