//! The ids of workflows. They are deterministic, since they are the duplicate check, and injective.

use chain::id::{join, parts};
use chain::{AccountName, ChainId, RunId, RunState, StackId};

/// The workflow that follows one Spacelift run.
pub fn follow_run(account: &AccountName, run: &RunId) -> String {
    join(["run", account.as_str(), run.as_str()])
}

/// The workflow of one request for a run.
pub fn follow_request(account: &AccountName, request: &str) -> String {
    join(["request", account.as_str(), request])
}

/// The workflow that requests a retry, whose chain has this id.
pub fn follow_retry(chain: &ChainId) -> String {
    let rest = chain.as_str().strip_prefix("chain").unwrap_or(chain.as_str());
    format!("request{rest}")
}

/// Whether a workflow belongs to a request in this account.
pub fn is_request(account: &AccountName, workflow: &str) -> bool {
    workflow.starts_with(&follow_request(account, ""))
}

/// The prefix of the ids of all workflows that follow runs of an account, and of no others.
pub fn runs_of(account: &AccountName) -> String {
    join(["run", account.as_str(), ""])
}

/// The prefix of the ids of all chains of an account, and of no others.
pub fn chains_of(account: &AccountName) -> String {
    join(["chain", account.as_str(), ""])
}

/// The workflow that decides what runs in an account.
pub fn schedule(account: &AccountName) -> String {
    join(["schedule", account.as_str()])
}

/// The account of a workflow that decides what runs in an account.
pub(crate) fn account_of_schedule(workflow: &str) -> Option<AccountName> {
    parts(workflow.strip_prefix("schedule:")?).next()?.parse().ok()
}

/// The workflow of attempts at a stack: only one can be open, so that two can never trigger the stack at once.
pub fn execution(account: &AccountName, stack: &StackId) -> String {
    join(["stack", account.as_str(), stack.as_str()])
}

/// The workflow that is open while an account is halted.
pub fn halt(account: &AccountName) -> String {
    join(["halt", account.as_str()])
}

/// The workflow that is open while a freeze lasts that a person began.
pub fn freeze(account: &AccountName) -> String {
    join(["freeze", account.as_str()])
}

/// The workflow that writes one audit record of a workflow: `what` names the record, and the run the workflow.
pub fn audit(account: &AccountName, workflow_run: &str, what: &str) -> String {
    join(["audit", account.as_str(), workflow_run, what])
}

/// The workflow that sends messages about a chain.
pub fn notify(chain: &ChainId) -> String {
    format!("{NOTIFY}{chain}")
}

const NOTIFY: &str = "notify:";

/// The workflow that sends messages about a run that came into this state.
pub fn notify_run(account: &AccountName, run: &RunId, state: &RunState) -> String {
    join(["notify-run", account.as_str(), run.as_str(), state.as_str()])
}

/// The account of a workflow that sends messages.
pub fn account_of_notify(workflow: &str) -> Option<AccountName> {
    match workflow.strip_prefix(NOTIFY) {
        Some(chain) => ChainId::of_workflow(chain).account(),
        None => parts(workflow).nth(1)?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PARTS: [&str; 7] = ["a", "a:b", "a%3Ab", "a%253Ab", "%", ":", "b:"];

    #[test]
    fn separators_in_parts_never_make_ids_collide() {
        let mut ids = BTreeSet::new();
        let mut made = 0;
        for account in PARTS {
            let account: AccountName = account.parse().unwrap();
            ids.insert(schedule(&account));
            assert_eq!(account_of_schedule(&schedule(&account)).as_ref(), Some(&account));
            ids.insert(halt(&account));
            ids.insert(freeze(&account));
            made += 3;
            for part in PARTS {
                let run: RunId = part.parse().unwrap();
                ids.insert(follow_run(&account, &run));
                ids.insert(notify_run(&account, &run, &RunState::from(part)));
                ids.insert(follow_request(&account, part));
                ids.insert(execution(&account, &part.parse().unwrap()));
                for what in PARTS {
                    ids.insert(audit(&account, part, what));
                }
                ids.insert(ChainId::of_root_run(&account, &run).to_string());
                for chain in [
                    ChainId::of_root_run(&account, &run),
                    ChainId::of_request(&account, part),
                ] {
                    let retry = ChainId::of_retry(&chain, 1);
                    ids.insert(follow_retry(&retry));
                    ids.insert(retry.to_string());
                }
                ids.insert(ChainId::of_request(&account, part).to_string());
                made += 10 + PARTS.len();
            }
        }
        assert_eq!(ids.len(), made);
    }
}
