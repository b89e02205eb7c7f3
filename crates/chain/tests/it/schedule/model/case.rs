//! A random case of the model test: an account, what people do, and the faults.

use std::num::NonZeroU32;

use chain::schedule::Control;
use chain::{OnFailure, ScheduleSettings, StackFacts, StackId};
use proptest::prelude::*;

use crate::account::stack;
use crate::schedule::host::Faults;

const STACKS_MAX: usize = 10;

/// What people do. Numbers select among the existing things.
#[derive(Debug, Clone)]
pub(super) enum Step {
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
    /// The stack disappears, or appears again.
    Hide {
        stack: usize,
        hidden: bool,
    },
    DependByLabel {
        stack: usize,
        on: usize,
        depends: bool,
        /// Also on a later stack, so that there can be a cycle.
        any_way: bool,
    },
    DependNatively {
        stack: usize,
        on: usize,
        depends: bool,
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
    /// The same stack is requested again and again.
    Loop {
        stack: usize,
        pause_ms: i64,
    },
    Lose,
}

#[derive(Debug, Clone)]
pub(super) struct Case {
    /// Per stack: which earlier ones it waits for by label, and natively, and its repository.
    pub(super) stacks: Vec<(u16, u16, u8)>,
    pub(super) steps: Vec<Step>,
    pub(super) seed: u64,
    pub(super) fates: [u32; 4],
    pub(super) faults: [bool; 4],
    pub(super) parallel_runs: u32,
    pub(super) on_failure: OnFailure,
    /// Whether stacks have labels of their own, and how often failed runs are retried.
    pub(super) policies: (bool, u32),
    /// The longest duration of each state of a run.
    pub(super) step_ms: i64,
    /// How many of a thousand attempts Spacelift refuses, if it refuses any.
    pub(super) refused: u32,
    pub(super) limits: Limits,
}

/// How long and how often the schedule waits and tries.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    join_wait_ms: i64,
    trigger_attempts: u32,
    trigger_patience_ms: i64,
    longest_pause_ms: i64,
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let step = prop_oneof![
        8 => (0..120_000_i64).prop_map(|ms| Step::Wait { ms }),
        2 => (0..900_000_i64).prop_map(|ms| Step::Wait { ms }),
        5 => any::<u16>().prop_map(|stacks| Step::Push { stacks }),
        2 => (0..STACKS_MAX, 0..3_u32).prop_map(|(stack, older_by)| Step::Person { stack, older_by }),
        1 => (0..STACKS_MAX).prop_map(|stack| Step::Drift { stack }),
        3 => (0..9_usize, any::<bool>()).prop_map(|(run, confirm)| Step::Decide { run, confirm }),
        2 => (0..STACKS_MAX, any::<bool>()).prop_map(|(stack, locked)| Step::Lock { stack, locked }),
        1 => (0..STACKS_MAX, any::<bool>()).prop_map(|(stack, disabled)| Step::Disable { stack, disabled }),
        1 => (0..STACKS_MAX, proptest::bool::weighted(0.3)).prop_map(|(stack, hidden)| Step::Hide { stack, hidden }),
        2 => (0..STACKS_MAX, 0..STACKS_MAX, any::<bool>(), proptest::bool::weighted(0.2))
            .prop_map(|(stack, on, depends, any_way)| Step::DependByLabel { stack, on, depends, any_way }),
        1 => (0..STACKS_MAX, 0..STACKS_MAX, any::<bool>())
            .prop_map(|(stack, on, depends)| Step::DependNatively { stack, on, depends }),
        2 => (0..STACKS_MAX).prop_map(|stack| Step::Request { stack }),
        2 => (0..6_usize, control(), proptest::bool::weighted(0.2))
            .prop_map(|(chain, control, lost)| Step::Control { chain, control, lost }),
        1 => any::<bool>().prop_map(|halted| Step::Halt { halted }),
        2 => (0..6_usize, any::<bool>()).prop_map(|(chain, all)| Step::Retry { chain, all }),
        1 => (0..7_200_000_i64).prop_map(|ms| Step::Freeze { ms }),
        1 => Just(Step::Thaw),
        1 => (0..STACKS_MAX).prop_map(|stack| Step::DoneByHand { stack }),
        1 => (0..STACKS_MAX).prop_map(|stack| Step::Release { stack }),
        1 => prop_oneof![3 => 0..90_000_i64, 1 => 0..9_000_000_i64].prop_map(|ms| Step::Trouble { ms }),
        1 => (0..STACKS_MAX, 1_000..240_000_i64).prop_map(|(stack, pause_ms)| Step::Loop { stack, pause_ms }),
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
        prop_oneof![2 => Just(20_u32), 1 => Just(500)],
        limits(),
    )
        .prop_map(
            |(
                stacks,
                steps,
                seed,
                fates,
                faults,
                parallel_runs,
                on_failure,
                policies,
                step_ms,
                refused,
                limits,
            )| Case {
                stacks,
                steps,
                seed,
                fates: [fates.0, fates.1, fates.2, fates.3],
                faults,
                parallel_runs,
                on_failure,
                policies,
                step_ms,
                refused,
                limits,
            },
        )
}

fn limits() -> impl Strategy<Value = Limits> {
    let defaults = ScheduleSettings::default();
    (
        prop_oneof![3 => Just(defaults.join_wait_ms), 1 => 1_000..90_000_i64],
        1..4_u32,
        prop_oneof![1 => Just(defaults.trigger_patience_ms), 1 => 30_000..900_000_i64],
        prop_oneof![1 => Just(defaults.longest_pause_ms), 1 => 10_000..90_000_i64],
    )
        .prop_map(
            |(join_wait_ms, trigger_attempts, trigger_patience_ms, longest_pause_ms)| Limits {
                join_wait_ms,
                trigger_attempts,
                trigger_patience_ms,
                longest_pause_ms,
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

pub(super) fn name(at: usize) -> StackId {
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
    pub(super) fn facts(&self) -> Vec<StackFacts> {
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

    pub(super) fn settings(&self) -> ScheduleSettings {
        let mut settings = ScheduleSettings::default();
        settings.chain.on_failure = self.on_failure;
        settings.chain.run_retries = self.policies.1;
        settings.chain.parallel_runs = NonZeroU32::new(self.parallel_runs).unwrap();
        settings.join_wait_ms = self.limits.join_wait_ms;
        settings.trigger_attempts = self.limits.trigger_attempts;
        settings.trigger_patience_ms = self.limits.trigger_patience_ms;
        settings.longest_pause_ms = self.limits.longest_pause_ms;
        settings.parallel_runs_of_account = NonZeroU32::new(self.parallel_runs + 2).unwrap();
        settings
    }

    pub(super) fn faults(&self) -> Faults {
        let of = |nth: usize, of_thousand| if self.faults[nth] { of_thousand } else { 0 };
        Faults {
            trouble: of(0, 100),
            refused: of(0, self.refused),
            crash: of(1, 200),
            ambiguous: of(1, 100),
            late_created: 0,
            late: of(2, 200),
            twice: of(2, 100),
            record_unavailable: of(3, 100),
            saved: of(3, 100),
            delay_ms: if self.faults[2] { 5_000 } else { 200 },
        }
    }
}
