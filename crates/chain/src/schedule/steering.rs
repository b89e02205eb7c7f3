//! Orders of people. They affect everything that has no run yet.

use super::Schedule;
use super::cause::Standing;
use super::control::Control;
use super::message::Decision;
use super::standing::EndedBy;
use crate::attempt::HoldKind;
use crate::reason::with_reason;
use crate::record::{Change, Pause};
use crate::{ChainId, Reason, ReasonCode, StackId};

impl Schedule {
    pub(super) fn controlled(&mut self, chain: &ChainId, control: Control, by: &str, why: Option<&str>) {
        let Some(number) = self.cause_of(chain) else {
            return;
        };
        self.log(Decision::Changed {
            chain: chain.clone(),
            change: Change::Controlled {
                control,
                by: by.to_owned(),
                at_ms: self.now_ms,
                reason: why.map(str::to_owned),
            },
        });
        if let Some(cause) = self.state.causes.get_mut(&number) {
            match control {
                Control::Approve => cause.unapproved = false,
                // The first pause lasts, as in the record.
                Control::Pause if cause.paused => {}
                Control::Pause => {
                    let text = with_reason(&format!("the chain was paused by {by}"), why);
                    cause.paused = true;
                    cause.pause = Some(Pause {
                        reason: Reason::new(ReasonCode::ChainPaused, text),
                        at_ms: self.now_ms,
                    });
                }
                Control::Resume | Control::Cancel | Control::CancelAndStopRuns => {
                    cause.paused = false;
                    cause.pause = None;
                }
            }
        }
        let text = with_reason(&format!("the chain was cancelled by {by}"), why);
        if control == Control::CancelAndStopRuns {
            self.stop_runs_of(number, &Reason::new(ReasonCode::ChainCancelled, text.clone()));
        }
        if matches!(control, Control::Cancel | Control::CancelAndStopRuns) {
            self.cancel(number, chain, &text);
        }
    }

    /// A chain whose record was terminated is cancelled, because nobody could follow it.
    pub(super) fn chain_gone(&mut self, chain: &ChainId) {
        if let Some(number) = self.cause_of(chain) {
            if let Some(cause) = self.state.causes.get_mut(&number) {
                cause.is_gone = true;
            }
            self.cancel(number, chain, "the workflow of its chain was ended by force");
        }
        self.state.unsent.remove(chain);
    }

    fn cancel(&mut self, number: u32, chain: &ChainId, why: &str) {
        let is_planned = self
            .state
            .causes
            .get(&number)
            .is_some_and(|cause| cause.plan.is_some());
        if is_planned {
            self.skip_all_due(number, &Reason::new(ReasonCode::ChainCancelled, why));
        } else {
            self.state.causes.remove(&number);
            self.state.unsent.remove(chain);
            self.log(Decision::Refused {
                chain: chain.clone(),
                code: "chain_cancelled".to_owned(),
                reason: why.to_owned(),
            });
        }
    }

    pub(super) fn done_by_hand(&mut self, stack: &StackId, by: String, why: Option<String>) {
        let text = with_reason(&format!("counted as done by {by}"), why.as_deref());
        let ended = EndedBy {
            ended_at_s: Some(self.now_ms / 1000),
            by_hand: Some(Reason::new(ReasonCode::DoneByHand, text)),
            ..EndedBy::default()
        };
        self.log(Decision::DoneByHand {
            stack: stack.clone(),
            by,
            reason: why,
        });
        for number in self.causes_with(stack, &[Standing::Due, Standing::Failed]) {
            self.serve(number, stack, &ended);
        }
    }

    pub(super) fn released(&mut self, stack: &StackId, by: &str) {
        self.log(Decision::Released {
            stack: stack.clone(),
            by: by.to_owned(),
        });
        if let Some(known) = self.state.stacks.get_mut(stack) {
            known.lift(|_| true);
            known.ignore_guard = true;
        }
    }

    pub(super) fn halted(&mut self, by: String, why: Option<String>) {
        self.log(Decision::Halted {
            by: by.clone(),
            reason: why.clone(),
        });
        // The first halt lasts, as that of `HaltWorkflow` does.
        if self.state.halted_by.is_none() {
            self.state.halted_by = Some(by);
            self.state.halt_reason = why;
        }
    }

    pub(super) fn resumed(&mut self, by: String, why: Option<String>) {
        self.state.halted_by = None;
        self.state.halt_reason = None;
        self.excuse_conflict();
        self.drop_holds(HoldKind::Halt);
        self.log(Decision::Resumed { by, reason: why });
    }

    pub(super) fn halt_gone(&mut self) {
        if self.state.halted_by.take().is_some() {
            self.state.halt_reason = None;
            self.drop_holds(HoldKind::Halt);
            self.log(Decision::HaltGone);
        }
    }

    pub(super) fn thawed(&mut self, by: String) {
        self.drop_holds(HoldKind::Freeze);
        self.log(Decision::Thawed { by });
    }

    /// Stacks that were held for this reason are tried again.
    fn drop_holds(&mut self, kind: HoldKind) {
        for known in self.state.stacks.values_mut() {
            known.lift(|held| held.hold.kind == kind);
        }
    }
}
