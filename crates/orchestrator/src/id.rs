//! The ids of workflows: deterministic, since they are the duplicate check, and injective.
//!
//! The parts are joined by `:`. A part's own `:` and `%` are written `%3A` and `%25`, so that no two different
//! lists of parts give the same id.

use std::fmt;
use std::str::FromStr;

use chain::{AccountName, RunId, StackId};
use serde::{Deserialize, Serialize};

/// What run metadata of ours begins with, before the id of the execution.
const METADATA_PREFIX: &str = "spillway:";

fn join<const N: usize>(parts: [&str; N]) -> String {
    parts.map(escape).join(":")
}

fn escape(part: &str) -> String {
    part.replace('%', "%25").replace(':', "%3A")
}

fn unescape(part: &str) -> String {
    part.replace("%3A", ":").replace("%25", "%")
}

/// The workflow that follows one Spacelift run.
pub fn follow_run(account: &AccountName, run: &RunId) -> String {
    join(["run", account.as_str(), run.as_str()])
}

/// The workflow of one request for a run.
pub fn follow_request(account: &AccountName, request: &str) -> String {
    join(["request", account.as_str(), request])
}

/// The id of a chain: that of its workflow, and the name that people use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainId(String);

impl ChainId {
    pub fn of_root_run(account: &AccountName, run: &RunId) -> Self {
        Self(join(["chain", account.as_str(), run.as_str()]))
    }

    /// The chain whose workflow has this id.
    pub fn of_workflow(id: &str) -> Self {
        Self(id.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that is not the id of an execution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of an execution (`chain:<account>:<root run>:<stack>`)")]
pub struct NotAnExecution(String);

/// The id of one stack's execution: in a chain, or by request. Its workflow has the same id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExecutionId {
    text: String,
    stack: StackId,
}

impl ExecutionId {
    pub fn in_chain(chain: &ChainId, stack: &StackId) -> Self {
        Self {
            text: format!("{chain}:{}", escape(stack.as_str())),
            stack: stack.clone(),
        }
    }

    /// The execution that a request for a run asks for; `request` is the id of the request's workflow.
    pub fn of_request(request: &str, stack: &StackId) -> Self {
        Self {
            text: format!("{request}:{}", escape(stack.as_str())),
            stack: stack.clone(),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn stack(&self) -> &StackId {
        &self.stack
    }

    /// What `trigger_stack_run` writes into the run's metadata.
    pub fn to_metadata(&self) -> String {
        format!("{METADATA_PREFIX}{}", self.text)
    }

    /// The execution that a run's metadata names, if it names one of ours.
    pub fn from_metadata(text: &str) -> Option<Self> {
        text.strip_prefix(METADATA_PREFIX)?.parse().ok()
    }
}

impl FromStr for ExecutionId {
    type Err = NotAnExecution;

    fn from_str(text: &str) -> Result<Self, NotAnExecution> {
        let refused = || NotAnExecution(text.to_owned());
        let parts: Vec<&str> = text.split(':').collect();
        let ["chain" | "request", account, cause, stack] = parts.as_slice() else {
            return Err(refused());
        };
        if account.is_empty() || cause.is_empty() {
            return Err(refused());
        }
        let stack = unescape(stack).parse().map_err(|_| refused())?;
        Ok(Self {
            text: text.to_owned(),
            stack,
        })
    }
}

impl TryFrom<String> for ExecutionId {
    type Error = NotAnExecution;

    fn try_from(text: String) -> Result<Self, NotAnExecution> {
        text.parse()
    }
}

impl From<ExecutionId> for String {
    fn from(id: ExecutionId) -> Self {
        id.text
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PARTS: [&str; 7] = ["a", "a:b", "a%3Ab", "a%253Ab", "%", ":", "b:"];

    #[test]
    fn separators_in_parts_never_make_two_ids_one() {
        let mut ids = BTreeSet::new();
        let mut made = 0;
        for account in PARTS {
            for run in PARTS {
                let (account, run) = (account.parse().unwrap(), run.parse().unwrap());
                let chain = ChainId::of_root_run(&account, &run);
                ids.insert(follow_run(&account, &run));
                ids.insert(follow_request(&account, run.as_str()));
                ids.insert(chain.to_string());
                made += 3;
                for stack in PARTS {
                    ids.insert(ExecutionId::in_chain(&chain, &stack.parse().unwrap()).to_string());
                    made += 1;
                }
            }
        }
        assert_eq!(ids.len(), made);
    }

    #[test]
    fn an_execution_is_read_back_from_metadata() {
        for stack in PARTS {
            let chain = ChainId::of_root_run(&"acme:eu".parse().unwrap(), &"01J%".parse().unwrap());
            let execution = ExecutionId::in_chain(&chain, &stack.parse().unwrap());
            let read = ExecutionId::from_metadata(&execution.to_metadata());
            assert_eq!(read.as_ref(), Some(&execution));
            assert_eq!(read.unwrap().stack().as_str(), stack);
        }
    }

    #[test]
    fn other_metadata_names_no_execution() {
        for text in [
            "",
            "deploy 42",
            "spillway:",
            "spillway:chain:acme:01J",
            "spillway:run:acme:01J:db",
            "chain:a:b:c",
        ] {
            assert_eq!(ExecutionId::from_metadata(text), None, "{text}");
        }
    }
}
