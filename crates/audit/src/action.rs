//! The actions that a record can have: a closed list, since a log that is read years later needs known words.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)+
        }

        impl Action {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

actions!(
    /// A delivery was recorded in Temporal.
    DeliveryAccepted = "delivery_accepted",
    /// The same delivery, or what it reports, was recorded before.
    DeliveryDuplicate = "delivery_duplicate",
    /// It is authentic, and needs no action.
    DeliveryIgnored = "delivery_ignored",
    /// It is not authentic, or too large.
    DeliveryRefused = "delivery_refused",
    /// It is authentic, and cannot be read.
    DeliveryUnreadable = "delivery_unreadable",
    /// Temporal could not be reached, and the delivery waits in the queue.
    DeliveryBuffered = "delivery_buffered",
    /// Neither Temporal nor the queue could store it. The sender is asked to retry.
    DeliveryUnavailable = "delivery_unavailable",
    /// It was moved from a queue to Temporal.
    DeliveryRedelivered = "delivery_redelivered",
    /// The actor is the one who triggered the root's run, as Spacelift names them; stack, run and commit are the
    /// root's.
    ChainStarted = "chain_started",
    ChainRefused = "chain_refused",
    ChainPaused = "chain_paused",
    ChainResumed = "chain_resumed",
    /// A person approved its start.
    ChainApproved = "chain_approved",
    ChainCancelled = "chain_cancelled",
    /// The last record of a chain.
    ChainEnded = "chain_ended",
    RunTriggered = "run_triggered",
    /// A run that somebody else triggered serves the chain.
    RunJoined = "run_joined",
    /// The stack succeeded or failed.
    StackEnded = "stack_ended",
    StackSkipped = "stack_skipped",
    /// A person began a freeze: nothing that it covers is started.
    FreezeBegan = "freeze_began",
    /// A person lifted a freeze before its end.
    FreezeLifted = "freeze_lifted",
    /// A person halted the account: nothing is triggered.
    HaltBegan = "halt_began",
    /// A person lifted the halt.
    HaltLifted = "halt_lifted",
    /// A person confirmed a run on the dashboard: it applies its plan.
    RunConfirmed = "run_confirmed",
    /// A person discarded a run on the dashboard.
    RunDiscarded = "run_discarded",
    /// A person says that a stack is done: it was repaired by hand.
    StackDoneByHand = "stack_done_by_hand",
    /// A person has a stack tried again, whatever holds it.
    StackReleased = "stack_released",
    /// It has to run after all: an earlier failure was repaired, or its run served nobody.
    StackDueAgain = "stack_due_again",
);

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_in_json_is_the_word_that_is_shown() {
        assert_eq!(Action::ALL.len(), 28);
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
    }
}
