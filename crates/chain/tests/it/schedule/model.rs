//! Random accounts, people, faults and losses. The laws hold for everything that follows.
//!
//! `cargo xtask bench model` runs a million others; `SPILLWAY_MODEL_SEED` repeats a run.

use std::fmt::Write as _;
use std::num::NonZeroU32;

use chain::retry::RetryScope;
use chain::schedule::{Control, Event};
use chain::{ChainId, OnFailure, ScheduleSettings, StackFacts, StackId};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::host::{Entry, Faults, Host};
use super::oracle;
use super::random::Random;
use super::world::World;
use crate::account::stack;

const CASES: u32 = 2_000;
const STACKS_MAX: usize = 10;

/// The same cases in each run of the tests, or different ones if a number of cases is given.
fn cases() -> (u32, RngSeed) {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse().unwrap());
    let cases = number("SPILLWAY_MODEL_CASES").map(|cases: u64| cases.try_into().unwrap());
    let seed = number("SPILLWAY_MODEL_SEED").unwrap_or(1);
    (cases.unwrap_or(CASES), RngSeed::Fixed(seed))
}

/// What people do. Numbers select among the existing things.
#[derive(Debug, Clone)]
enum Step {
    Wait {
        ms: i64,
    },
    Push {
        stacks: u16,
    },
    Person {
        stack: usize,
        older_by: u32,
    },
    Drift {
        stack: usize,
    },
    /// Confirm, or discard or cancel.
    Decide {
        run: usize,
        confirm: bool,
    },
    Lock {
        stack: usize,
        locked: bool,
    },
    Disable {
        stack: usize,
        disabled: bool,
    },
    Request {
        stack: usize,
    },
    Control {
        chain: usize,
        control: Control,
        /// The schedule is lost before it reads the order.
        lost: bool,
    },
    Halt {
        halted: bool,
    },
    /// A finished chain is retried.
    Retry {
        chain: usize,
        all: bool,
    },
    Freeze {
        ms: i64,
    },
    Thaw,
    DoneByHand {
        stack: usize,
    },
    Release {
        stack: usize,
    },
    Trouble {
        ms: i64,
    },
    Lose,
}

#[derive(Debug, Clone)]
struct Case {
    /// Per stack: which earlier ones it waits for by label, and natively, and its repository.
    stacks: Vec<(u16, u16, u8)>,
    steps: Vec<Step>,
    seed: u64,
    fates: [u32; 4],
    faults: [bool; 4],
    parallel_runs: u32,
    on_failure: OnFailure,
    /// Whether stacks have labels of their own, and how often failed runs are retried.
    policies: (bool, u32),
    /// The longest duration of each state of a run.
    step_ms: i64,
}

fn case() -> impl Strategy<Value = Case> {
    let step = prop_oneof![
        8 => (0..120_000_i64).prop_map(|ms| Step::Wait { ms }),
        2 => (0..900_000_i64).prop_map(|ms| Step::Wait { ms }),
        5 => any::<u16>().prop_map(|stacks| Step::Push { stacks }),
        2 => (0..STACKS_MAX, 0..3_u32).prop_map(|(stack, older_by)| Step::Person { stack, older_by }),
        1 => (0..STACKS_MAX).prop_map(|stack| Step::Drift { stack }),
        3 => (0..9_usize, any::<bool>()).prop_map(|(run, confirm)| Step::Decide { run, confirm }),
        2 => (0..STACKS_MAX, any::<bool>()).prop_map(|(stack, locked)| Step::Lock { stack, locked }),
        1 => (0..STACKS_MAX, any::<bool>()).prop_map(|(stack, disabled)| Step::Disable { stack, disabled }),
        2 => (0..STACKS_MAX).prop_map(|stack| Step::Request { stack }),
        2 => (0..6_usize, control(), proptest::bool::weighted(0.2))
            .prop_map(|(chain, control, lost)| Step::Control { chain, control, lost }),
        1 => any::<bool>().prop_map(|halted| Step::Halt { halted }),
        2 => (0..6_usize, any::<bool>()).prop_map(|(chain, all)| Step::Retry { chain, all }),
        1 => (0..7_200_000_i64).prop_map(|ms| Step::Freeze { ms }),
        1 => Just(Step::Thaw),
        1 => (0..STACKS_MAX).prop_map(|stack| Step::DoneByHand { stack }),
        1 => (0..STACKS_MAX).prop_map(|stack| Step::Release { stack }),
        1 => (0..90_000_i64).prop_map(|ms| Step::Trouble { ms }),
        2 => Just(Step::Lose),
    ];
    let on_failure = prop_oneof![
        6 => Just(OnFailure::SkipDownstream),
        1 => Just(OnFailure::Continue),
    ];
    (
        proptest::collection::vec((any::<u16>(), any::<u16>(), 0..10_u8), 2..=STACKS_MAX),
        proptest::collection::vec(step, 1..25),
        any::<u64>(),
        (0..30_u32, 0..30_u32, 0..10_u32, 0..30_u32),
        any::<[bool; 4]>(),
        1..6_u32,
        on_failure,
        (any::<bool>(), 0..3_u32),
        prop_oneof![3 => Just(20_000), 1 => Just(400)],
    )
        .prop_map(
            |(stacks, steps, seed, fates, faults, parallel_runs, on_failure, policies, step_ms)| Case {
                stacks,
                steps,
                seed,
                fates: [fates.0, fates.1, fates.2, fates.3],
                faults,
                parallel_runs,
                on_failure,
                policies,
                step_ms,
            },
        )
}

fn control() -> impl Strategy<Value = Control> {
    prop_oneof![
        Just(Control::Pause),
        Just(Control::Resume),
        Just(Control::Cancel),
        Just(Control::CancelAndStopRuns)
    ]
}

fn name(at: usize) -> StackId {
    format!("s{at}").parse().unwrap()
}

/// A label of a stack's own, by a number below ten.
fn policy(number: u8) -> &'static str {
    match number {
        0..=2 => "spillway:no-change=skip",
        3 => "spillway:on-failure=continue",
        4 => "spillway:on-failure=skip-downstream",
        5 => "spillway:priority=7",
        6 => "spillway:retries=0",
        7 => "spillway:retries=4",
        _ => "team:a",
    }
}

impl Case {
    fn facts(&self) -> Vec<StackFacts> {
        let picked = |bits: u16, at: usize| (0..at).filter(move |other| bits >> other & 1 == 1);
        let all = self
            .stacks
            .iter()
            .enumerate()
            .map(|(at, &(labels, native, repository))| {
                // Two of three edges are dropped. Otherwise everything would wait for everything.
                let labels = picked(labels & labels.rotate_left(5), at);
                let mut labels: Vec<String> =
                    labels.map(|other| format!("dependsOn:{}", name(other))).collect();
                if self.policies.0 {
                    labels.push(policy(repository).to_owned());
                }
                let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
                let native = picked(native & native.rotate_left(3) & native.rotate_left(7), at);
                StackFacts {
                    native_dependencies: native.map(name).collect(),
                    repository: format!("acme/r{}", repository / 8),
                    ..stack(name(at).as_str(), &labels)
                }
            });
        all.collect()
    }

    fn settings(&self) -> ScheduleSettings {
        let mut settings = ScheduleSettings::default();
        settings.chain.on_failure = self.on_failure;
        settings.chain.run_retries = self.policies.1;
        settings.chain.parallel_runs = NonZeroU32::new(self.parallel_runs).unwrap();
        settings.parallel_runs_of_account = NonZeroU32::new(self.parallel_runs + 2).unwrap();
        settings
    }

    fn faults(&self) -> Faults {
        let of = |nth: usize, of_thousand| if self.faults[nth] { of_thousand } else { 0 };
        Faults {
            trouble: of(0, 100),
            refused: of(0, 20),
            crash: of(1, 200),
            ambiguous: of(1, 100),
            late: of(2, 200),
            twice: of(2, 100),
            record_unavailable: of(3, 100),
            saved: of(3, 100),
            delay_ms: if self.faults[2] { 5_000 } else { 200 },
        }
    }
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
            host.world.stacks.get_mut(&id(stack)).unwrap().disabled = *disabled;
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
        max_shrink_iters: 1_000,
        failure_persistence: Some(Box::new(proptest::test_runner::FileFailurePersistence::Direct(
            "tests/it/schedule/model.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_laws_hold_whatever_happens(case in case()) {
        let host = play(&case);
        if let Err(why) = oracle::check(&host) {
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
