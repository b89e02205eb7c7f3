//! The ids of workflows: deterministic, since they are the duplicate check, and injective.

use chain::id::join;
use chain::{AccountName, RunId, StackId};

/// The workflow that follows one Spacelift run.
pub fn follow_run(account: &AccountName, run: &RunId) -> String {
    join(["run", account.as_str(), run.as_str()])
}

/// The workflow of one request for a run.
pub fn follow_request(account: &AccountName, request: &str) -> String {
    join(["request", account.as_str(), request])
}

/// Whether a workflow is that of a request in this account.
pub fn is_request(account: &AccountName, workflow: &str) -> bool {
    workflow.starts_with(&follow_request(account, ""))
}

/// The workflow that decides what runs in an account.
pub fn schedule(account: &AccountName) -> String {
    join(["schedule", account.as_str()])
}

/// The workflow that makes attempts to run a stack: one at a time, so that two can never trigger it.
pub fn execution(account: &AccountName, stack: &StackId) -> String {
    join(["stack", account.as_str(), stack.as_str()])
}

/// The workflow that is open while an account is halted.
pub fn halt(account: &AccountName) -> String {
    join(["halt", account.as_str()])
}

/// What the metadata of runs that we trigger begin with. The namespace follows.
const METADATA_PREFIX: &str = "spillway:";

/// What `trigger_stack_run` writes into the run's metadata: which Spillway made it, and by which workflow.
pub fn run_metadata(namespace: &str, workflow: &str) -> String {
    format!("{METADATA_PREFIX}{}:{workflow}", namespace.replace(':', "%3A"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chain::ChainId;

    use super::*;

    const PARTS: [&str; 7] = ["a", "a:b", "a%3Ab", "a%253Ab", "%", ":", "b:"];

    #[test]
    fn separators_in_parts_never_make_two_ids_one() {
        let mut ids = BTreeSet::new();
        let mut made = 0;
        for account in PARTS {
            let account: AccountName = account.parse().unwrap();
            ids.insert(schedule(&account));
            ids.insert(halt(&account));
            made += 2;
            for part in PARTS {
                let run: RunId = part.parse().unwrap();
                ids.insert(follow_run(&account, &run));
                ids.insert(follow_request(&account, part));
                ids.insert(execution(&account, &part.parse().unwrap()));
                ids.insert(ChainId::of_root_run(&account, &run).to_string());
                ids.insert(ChainId::of_request(&account, part).to_string());
                made += 5;
            }
        }
        assert_eq!(ids.len(), made);
    }
}
