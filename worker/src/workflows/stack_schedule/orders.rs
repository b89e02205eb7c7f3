//! What people order of an account or a stack, for the audit log. Orders to a chain are in the log of the chain.

use audit::{Action, Entry};
use chain::schedule::Decision;
use chain::{AccountName, Reason, StackId};

/// The record of a decision that a person made.
pub(super) fn entry(decision: &Decision, account: &AccountName, at_ms: i64) -> Option<Entry> {
    let (action, by, stack, reason): (_, _, Option<&StackId>, Option<&String>) = match decision {
        Decision::Halted { by, reason } => (Action::HaltBegan, by, None, reason.as_ref()),
        Decision::Resumed { by, reason } => (Action::HaltLifted, by, None, reason.as_ref()),
        Decision::DoneByHand { stack, by, reason } => {
            (Action::StackDoneByHand, by, Some(stack), reason.as_ref())
        }
        Decision::Released { stack, by } => (Action::StackReleased, by, Some(stack), None),
        _ => return None,
    };
    let mut entry = Entry::new(at_ms, format!("operator:{by}"), action);
    entry.account = Some(account.clone());
    entry.stack = stack.cloned();
    entry.reason = reason.and_then(|reason| Reason::ordered(reason));
    Some(entry)
}
