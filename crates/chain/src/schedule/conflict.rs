//! Detects a second Spillway that triggers runs of the account with our key. Both would run everything, so nothing is
//! triggered until the newest evidence is an hour old or a person allows triggers again.

use serde::{Deserialize, Serialize};

use super::Schedule;
use super::message::Decision;
use crate::StackId;
use crate::attempt::{Hold, HoldKind, RunFacts};

/// How long a run of another Spillway stops triggers, from its creation.
pub const CONFLICT_LASTS_S: i64 = 3_600;

/// Why nothing is triggered, and until when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Conflict {
    pub(super) hold: Hold,
    until_ms: i64,
}

impl Schedule {
    /// Checks whether another Spillway triggered a run with our key.
    pub(super) fn note_conflict(&mut self, stack: &StackId, run: &RunFacts) {
        let Some(namespace) = &run.other_spillway else {
            return;
        };
        let until_ms = (run.created_at_s + CONFLICT_LASTS_S) * 1000;
        let is_known = |conflict: &Conflict| conflict.until_ms >= until_ms;
        if until_ms <= self.now_ms
            || run.created_at_s <= self.state.conflict_excused_s
            || self.state.conflict.as_ref().is_some_and(is_known)
        {
            return;
        }
        let text = format!(
            "another Spillway, in the Temporal namespace `{namespace}`, triggers runs with our API key: it made run {} of \
             `{stack}`. Nothing is triggered until an hour after its last run, or until `spillway go`",
            run.id
        );
        self.log(Decision::Conflict {
            stack: stack.clone(),
            run: run.id.clone(),
            namespace: namespace.clone(),
        });
        self.state.conflict = Some(Conflict {
            hold: Hold::new(HoldKind::Conflict, text),
            until_ms,
        });
    }

    /// A lost schedule knew of these runs of another Spillway, and of what a person excused.
    pub(super) fn take_up_conflicts(&mut self, runs: &[(StackId, RunFacts)], excused_s: i64) {
        self.state.conflict_excused_s = excused_s;
        for (stack, run) in runs {
            self.note_conflict(stack, run);
        }
    }

    /// Forgets evidence after an hour, or asks to be woken then. Returns whether there is a conflict.
    pub(super) fn has_conflict(&mut self) -> bool {
        let now_ms = self.now_ms;
        self.state
            .conflict
            .take_if(|conflict| conflict.until_ms <= now_ms);
        let until_ms = self.state.conflict.as_ref().map(|conflict| conflict.until_ms);
        if let Some(until_ms) = until_ms {
            self.wake_at(until_ms);
        }
        until_ms.is_some()
    }

    /// A person knows about the other Spillway: what it did so far no longer stops anything.
    pub(super) fn excuse_conflict(&mut self) {
        self.state.conflict = None;
        self.state.conflict_excused_s = self.now_ms / 1000;
    }
}
