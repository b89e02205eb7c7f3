//! What can be decided: a closed list, since a log that is read years later needs known words.

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
    /// It told what was known.
    DeliveryDuplicate = "delivery_duplicate",
    /// It is authentic, and nothing follows from it.
    DeliveryIgnored = "delivery_ignored",
    /// It is not authentic, or too large.
    DeliveryRefused = "delivery_refused",
    /// It is authentic, and cannot be read.
    DeliveryUnreadable = "delivery_unreadable",
    /// Temporal was away, and it waits in the queue.
    DeliveryBuffered = "delivery_buffered",
    /// It could be put nowhere; the sender is asked to come again.
    DeliveryUnavailable = "delivery_unavailable",
    /// It went from a queue to Temporal.
    DeliveryRedelivered = "delivery_redelivered",
    /// The actor is who triggered the root's run, as Spacelift names them; stack, run and commit are the root's.
    ChainStarted = "chain_started",
    ChainRefused = "chain_refused",
    ChainPaused = "chain_paused",
    ChainResumed = "chain_resumed",
    ChainCancelled = "chain_cancelled",
    /// The last record of a chain.
    ChainEnded = "chain_ended",
    RunTriggered = "run_triggered",
    /// A run that somebody else triggered does for the chain.
    RunJoined = "run_joined",
    /// Succeeded or failed.
    StackEnded = "stack_ended",
    StackSkipped = "stack_skipped",
    /// It has to run after all: a failure before it was repaired, or its run served nobody.
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
        assert_eq!(Action::ALL.len(), 19);
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
    }
}
