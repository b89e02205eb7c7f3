//! What people want: it reaches everything that has no run yet.

use super::Schedule;
use super::cause::Standing;
use super::message::{Control, Decision, reason};
use super::standing::EndedBy;
use crate::attempt::HoldKind;
use crate::record::Change;
use crate::{ChainId, StackId};

impl Schedule {
    pub(super) fn controlled(&mut self, chain: &ChainId, control: Control, by: &str) {
        let Some(number) = self.cause_of(chain) else {
            return;
        };
        let at_ms = self.now_ms;
        self.tell(
            number,
            Change::Controlled {
                control,
                by: by.to_owned(),
                at_ms,
            },
        );
        if let Some(cause) = self.state.causes.get_mut(&number) {
            cause.paused = control == Control::Pause;
        }
        if control == Control::Cancel {
            self.cancel(number, chain, &format!("the chain was cancelled by {by}"));
        }
    }

    /// A chain whose record was ended by force is cancelled: nobody could follow it.
    pub(super) fn chain_gone(&mut self, chain: &ChainId) {
        if let Some(number) = self.cause_of(chain) {
            if let Some(cause) = self.state.causes.get_mut(&number) {
                cause.is_gone = true;
            }
            self.cancel(number, chain, "the workflow of its chain was ended by force");
        }
        self.state.untold.remove(chain);
    }

    fn cancel(&mut self, number: u32, chain: &ChainId, why: &str) {
        let is_planned = self
            .state
            .causes
            .get(&number)
            .is_some_and(|cause| cause.plan.is_some());
        if is_planned {
            self.skip_all_due(number, &reason("chain_cancelled", why));
        } else {
            self.state.causes.remove(&number);
            self.state.untold.remove(chain);
            self.log(Decision::Refused {
                chain: chain.clone(),
                code: "chain_cancelled".to_owned(),
                reason: why.to_owned(),
            });
        }
    }

    pub(super) fn done_by_hand(&mut self, stack: &StackId, by: &str) {
        let ended = EndedBy {
            ended_at_s: Some(self.now_ms / 1000),
            ..EndedBy::default()
        };
        self.log(Decision::DoneByHand {
            stack: stack.clone(),
            by: by.to_owned(),
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
            known.hold = None;
            known.ignore_guard = true;
        }
    }

    pub(super) fn halted(&mut self, by: String) {
        self.log(Decision::Halted { by: by.clone() });
        self.state.halted_by = Some(by);
    }

    pub(super) fn resumed(&mut self, by: String) {
        self.state.halted_by = None;
        for known in self.state.stacks.values_mut() {
            known.hold.take_if(|held| held.hold.kind == HoldKind::Halt);
        }
        self.log(Decision::Resumed { by });
    }
}
