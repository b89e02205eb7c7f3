//! An attempt at a stack, with all its faults.

use chain::StackId;
use chain::attempt::{self, AttemptOutcome, AttemptRequest, Hold, HoldKind, Verdict};

use super::{Entry, Host, Task};
use crate::schedule::world::{By, World};

/// An attempt that is older than this reads the records of its chains before it triggers.
const DECISION_AGE_MS: i64 = 2_000;

/// When Spacelift creates a run whose request took long. The next attempt is before.
const LATE_CREATED_MS: i64 = 60_000;

impl Host {
    pub(super) fn try_stack(&mut self, mut request: AttemptRequest, again: bool) {
        let stack = request.stack.clone();
        request.in_doubt |= again;
        let in_trouble = self.now_ms < self.trouble_until_ms;
        if in_trouble || self.random.happens(self.faults.trouble) {
            let outcome = AttemptOutcome::Trouble {
                message: "503".to_owned(),
                in_doubt: again,
                again_in_ms: self.retry_after_ms,
            };
            return self.answer(stack, outcome);
        }
        let Some(look) = self.world.look(&stack) else {
            return self.answer(stack, AttemptOutcome::NotVisible);
        };
        let has_open_run = look.runs.iter().any(|run| !run.state.is_terminal());
        let outcome = match attempt::consider(&look, &request, self.now_ms / 1000) {
            Verdict::Disabled => AttemptOutcome::Disabled,
            Verdict::Hold(hold) => AttemptOutcome::Held {
                hold,
                again_in_ms: None,
            },
            Verdict::Use { run, chains } => {
                let is_open = |other: &&attempt::RunFacts| !other.state.is_terminal() && other.id != run.id;
                let behind = look
                    .runs
                    .iter()
                    .any(|other| is_open(&other) && other.created_at_s <= run.created_at_s);
                AttemptOutcome::Run {
                    made: false,
                    chains,
                    behind,
                    chosen: None,
                    run,
                }
            }
            // Looking is allowed: a run from before the halt must be found.
            Verdict::Trigger(_) if self.halted => held(HoldKind::Halt, "halted", None),
            Verdict::Trigger(_) if self.now_ms < self.frozen_until_ms => held(
                HoldKind::Freeze,
                "frozen",
                Some(self.frozen_until_ms - self.now_ms),
            ),
            Verdict::Trigger(_) if self.is_outdated(&request) => {
                held(HoldKind::Trouble, "the chain was stopped", None)
            }
            Verdict::Trigger(_) if self.random.happens(self.faults.refused) => AttemptOutcome::Refused {
                message: "no".to_owned(),
            },
            Verdict::Trigger(chosen) => {
                let sha = chosen.sha.clone().unwrap();
                let commit = World::number_of(&sha);
                let chains = attempt::made_for(&look, &request, &chosen);
                if self.faults.late_created > 0 && self.random.happens(self.faults.late_created) {
                    let create = Task::Create {
                        stack: stack.clone(),
                        commit,
                    };
                    self.later(LATE_CREATED_MS, create);
                    let outcome = AttemptOutcome::Trouble {
                        message: "no answer in time".to_owned(),
                        in_doubt: true,
                        again_in_ms: None,
                    };
                    return self.answer(stack, outcome);
                }
                let run = self.world.create(&stack, By::Us, commit, self.now_ms);
                self.trace.push((
                    self.now_ms,
                    Entry::Made {
                        run,
                        request: request.clone(),
                    },
                ));
                self.follow(Vec::new());
                if self.random.happens(self.faults.crash) {
                    let delay = self.delay() + 1_000;
                    return self.later(delay, Task::Try { request, again: true });
                }
                if self.random.happens(self.faults.ambiguous) {
                    AttemptOutcome::Trouble {
                        message: "the answer was lost".to_owned(),
                        in_doubt: true,
                        again_in_ms: None,
                    }
                } else {
                    AttemptOutcome::Run {
                        run: self.world.runs[run].facts.clone(),
                        made: true,
                        chains,
                        behind: has_open_run,
                        chosen: Some(chosen.why),
                    }
                }
            }
        };
        self.answer(stack, outcome);
    }

    /// A chain was stopped since the schedule decided, which is long ago.
    fn is_outdated(&self, request: &AttemptRequest) -> bool {
        let is_stopped = |chain| {
            self.records
                .get(chain)
                .is_none_or(|record| record.is_over() || !record.may_start())
        };
        let mut chains = request.needs.iter().map(|need| &need.chain);
        self.now_ms - request.decided_at_ms >= DECISION_AGE_MS && chains.any(is_stopped)
    }

    fn answer(&mut self, stack: StackId, outcome: AttemptOutcome) {
        let delay = self.delay();
        self.later(delay, Task::Answer { stack, outcome });
    }
}

fn held(kind: HoldKind, text: &str, again_in_ms: Option<i64>) -> AttemptOutcome {
    AttemptOutcome::Held {
        hold: Hold::new(kind, text),
        again_in_ms,
    }
}
