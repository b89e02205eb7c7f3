//! What the records of a chain say about its stacks.

use audit::verify::CheckedChain;
use audit::{Action, Entry};
use chain::Reason;
use schemars::JsonSchema;
use serde::Serialize;

use super::period::Period;
use crate::json::{Seconds, Time};
use crate::time::took;

/// How the actor of a chain's first record begins: who triggered the run of its root, requested it, or retried a chain.
const STARTERS: [&str; 3] = ["spacelift:", "request:", "operator:"];

/// One stack of one chain, after its end.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Execution {
    pub(crate) chain: String,
    /// Who triggered the run of the root, or requested the chain.
    pub(crate) started_by: Option<String>,
    pub(crate) root_stack: Option<String>,
    pub(crate) root_run: Option<String>,
    pub(crate) stack: String,
    pub(crate) run: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) outcome: String,
    pub(crate) started_at: Option<Time>,
    pub(crate) ended_at: Option<Time>,
    pub(crate) duration_s: Option<Seconds>,
    pub(crate) reason: Option<Reason>,
}

/// The stacks of a chain that ended, or were skipped, in the period.
pub(crate) fn of_chain(chain: &CheckedChain, period: &Period) -> Vec<Execution> {
    let entries = || chain.records.iter().map(audit::Record::entry);
    let root = entries().find(|entry| entry.action == Action::ChainStarted);
    entries()
        .filter(|entry| period.holds(entry.at_ms))
        .filter_map(|entry| of_entry(&chain.id, root, entry))
        .collect()
}

fn of_entry(chain: &str, root: Option<&Entry>, entry: &Entry) -> Option<Execution> {
    let outcome = match entry.action {
        Action::StackEnded => entry.outcome.clone()?,
        Action::StackSkipped => "skipped".to_owned(),
        _ => return None,
    };
    let login = root.and_then(|root| STARTERS.iter().find_map(|kind| root.actor.strip_prefix(kind)));
    let text = |id: Option<&str>| id.map(ToOwned::to_owned);
    Some(Execution {
        chain: chain.to_owned(),
        started_by: text(login),
        root_stack: text(root.and_then(|root| Some(root.stack.as_ref()?.as_str()))),
        root_run: text(root.and_then(|root| Some(root.run.as_ref()?.as_str()))),
        stack: entry.stack.as_ref()?.to_string(),
        run: text(entry.run.as_ref().map(chain::RunId::as_str)),
        commit: text(entry.commit.as_ref().map(chain::CommitSha::as_str)),
        outcome,
        started_at: entry.started_at_ms.and_then(Time::from_ms),
        ended_at: Time::from_ms(entry.at_ms),
        // Clocks may go back between the two.
        duration_s: entry
            .started_at_ms
            .and_then(Time::from_ms)
            .zip(Time::from_ms(entry.at_ms))
            .map(|(start, end)| end.since(start)),
        reason: entry.reason.clone(),
    })
}

impl Execution {
    pub(crate) fn duration(&self) -> Option<String> {
        self.duration_s.map(took)
    }

    /// As people write a commit.
    pub(crate) fn short_commit(&self) -> Option<&str> {
        let commit = self.commit.as_deref()?;
        Some(commit.get(..7).unwrap_or(commit))
    }
}

/// How many executions there are of each outcome, in words.
pub(crate) fn outcomes(executions: &[Execution]) -> String {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for execution in executions {
        *counts.entry(&execution.outcome).or_default() += 1;
    }
    let texts: Vec<_> = counts
        .iter()
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    texts.join(", ")
}
