//! The changes that have to be sent to the records of chains.

use std::collections::{BTreeMap, BTreeSet};

use super::Schedule;
use super::cause::CauseNumber;
use super::message::{Decision, Effect};
use crate::ChainId;
use crate::record::{Change, Outcome, StackChange};

/// How late a record can be, so that one message carries several changes. Successes can be as late as the end of the next
/// attempt: a timer for each of them would cost as much as the message, and a new schedule finds them in Spacelift.
const SEND_WITHIN_MS: i64 = 2_000;

impl Schedule {
    /// The changes to send now. A chain with open attempts gets them a moment later, so that one message carries both.
    pub fn take_changes(&mut self) -> Vec<(ChainId, Vec<Change>)> {
        let late = self.sent_later();
        let now: Vec<ChainId> = self
            .state
            .unsent
            .keys()
            .filter(|chain| !late.contains_key(*chain))
            .cloned()
            .collect();
        now.into_iter()
            .filter_map(|chain| self.state.unsent.remove_entry(&chain))
            .collect()
    }

    /// All changes, for a schedule that is about to be discarded.
    pub fn take_all_changes(&mut self) -> Vec<(ChainId, Vec<Change>)> {
        std::mem::take(&mut self.state.unsent).into_iter().collect()
    }

    /// The decisions that were not returned yet, for a schedule that is about to be discarded.
    pub fn take_decisions(&mut self) -> Vec<Decision> {
        let effects = std::mem::take(&mut self.state.effects);
        effects
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Log(decision) => Some(decision),
                _ => None,
            })
            .collect()
    }

    /// The chains whose changes are not sent yet, and when they will be: those with open attempts, unless a person marked
    /// a stack as done.
    fn sent_later(&self) -> BTreeMap<ChainId, i64> {
        let mut late = BTreeMap::new();
        let tried: BTreeSet<CauseNumber> = self.attempts().flatten().copied().collect();
        for cause in tried.iter().filter_map(|number| self.state.causes.get(number)) {
            let unsent = self.state.unsent.get(&cause.chain);
            let oldest = unsent
                .filter(|changes| !changes.iter().any(is_by_hand))
                .and_then(|changes| changes.first());
            let until_ms = oldest.map(|change| change.at_ms() + SEND_WITHIN_MS);
            if let Some(until_ms) = until_ms.filter(|until_ms| *until_ms > self.now_ms) {
                late.insert(cause.chain.clone(), until_ms);
            }
        }
        late
    }

    pub(super) fn wake_to_send(&mut self) {
        let has_others = |chain: &ChainId| {
            let unsent = self.state.unsent.get(chain);
            unsent.is_some_and(|changes| !changes.iter().all(is_success))
        };
        let late = self.sent_later().into_iter();
        let earliest = late
            .filter(|(chain, _)| has_others(chain))
            .map(|(_, at_ms)| at_ms)
            .min();
        if let Some(at_ms) = earliest {
            self.wake_at(at_ms);
        }
    }

    /// Returns changes that could not be sent, to be sent again.
    pub fn give_back(&mut self, chain: ChainId, mut changes: Vec<Change>) {
        let unsent = self.state.unsent.entry(chain).or_default();
        changes.append(unsent);
        *unsent = changes;
    }

    pub(super) fn add_change(&mut self, number: CauseNumber, change: Change) {
        let Some(cause) = self.state.causes.get(&number) else {
            return;
        };
        let chain = cause.chain.clone();
        if !cause.is_gone {
            let unsent = self.state.unsent.entry(chain.clone()).or_default();
            unsent.push(change.clone());
        }
        self.log(Decision::Changed { chain, change });
    }
}

fn is_success(change: &Change) -> bool {
    matches!(
        change,
        Change::Stack {
            change: StackChange::Ended {
                outcome: Outcome::Succeeded,
                ..
            },
            ..
        }
    )
}

/// What a person ordered is not repeated if the schedule is lost.
fn is_by_hand(change: &Change) -> bool {
    matches!(
        change,
        Change::Stack {
            change: StackChange::Ended { by_hand: Some(_), .. },
            ..
        }
    )
}
