//! What the decisions about a stack need to know of Spacelift's answers.

use chain::commit::{self, ChosenCommit};
use chain::{Chain, ChainStack, Commit, RunFacts, RunState, StackId, StackLook};
use futures::{StreamExt, TryStreamExt};

use crate::{Error, Run, Spacelift, StackWithRuns};

/// How many stacks are read at the same time.
const AT_ONCE: usize = 4;

/// For so many stacks of a plan, the commit that would run now is looked up. Each takes a request.
pub const COMMITS_MAX: usize = 50;

impl Run {
    /// The facts about a run, as the API key with this id sees it.
    #[must_use]
    pub fn into_facts(self, key_id: &str) -> RunFacts {
        let reached = |state: &RunState| self.history.iter().rev().find(|entry| entry.state == *state);
        let ours = self.triggered_by.as_deref().is_some_and(|by| is_key(by, key_id));
        RunFacts {
            ours,
            // Only the webhook has the metadata.
            other_spillway: None,
            gone: false,
            reported_at_ms: None,
            began_at_s: reached(&RunState::Preparing).map(|entry| entry.timestamp),
            planned: reached(&RunState::Planning).is_some(),
            partial: reached(&RunState::ReplanRequested).is_some(),
            changed_at_s: self
                .history
                .first()
                .map_or(self.updated_at, |latest| latest.timestamp),
            created_at_s: self.created_at,
            changed: self
                .delta
                .map(|delta| delta.added + delta.changed + delta.deleted > 0),
            drift_detection: self.drift_detection,
            commit: self.commit.sha.map(|sha| Commit::new(sha, self.commit.timestamp)),
            id: self.id,
            run_type: self.run_type,
            state: self.state,
            branch: self.branch,
            triggered_by: self.triggered_by,
        }
    }
}

impl StackWithRuns {
    /// The facts that decide what a stack runs, as the API key with this id sees them.
    #[must_use]
    pub fn into_look(self, key_id: &str) -> StackLook {
        let stack = self.stack;
        StackLook {
            repository: stack.full_repository(),
            branch: stack.branch,
            labels: stack.labels,
            disabled: stack.is_disabled,
            space: Some(stack.space),
            locked_by: stack.lock.map(|lock| lock.by),
            tracked: stack
                .tracked_commit
                .map(|sha| Commit::new(sha, stack.tracked_commit_timestamp)),
            runs: self
                .runs
                .into_iter()
                .map(|run| run.into_facts(key_id))
                .filter(RunFacts::is_tracked)
                .collect(),
        }
    }
}

impl Spacelift {
    /// The stacks of a planned chain that would run another commit now than the plan says, in the plan's order, of the
    /// first [`COMMITS_MAX`] that are run.
    pub async fn other_commits(&self, plan: &Chain) -> Result<Vec<(StackId, ChosenCommit)>, Error> {
        // A loop, since the compiler cannot prove that a stream of closures over these references is `Send`.
        let mut looks = Vec::new();
        for stack in plan.runs().take(COMMITS_MAX) {
            looks.push(self.other_commit(plan, stack));
        }
        let other: Vec<_> = futures::stream::iter(looks)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(other.into_iter().flatten().collect())
    }

    async fn other_commit(
        &self,
        plan: &Chain,
        stack: &ChainStack,
    ) -> Result<Option<(StackId, ChosenCommit)>, Error> {
        let found = self.stack_with_runs(&stack.id).await?;
        let look = found.map(|found| found.into_look(self.key_id()));
        let other = look.and_then(|look| commit::other_than_planned(plan, stack, &look));
        Ok(other.map(|chosen| (stack.id.clone(), chosen)))
    }
}

/// Whether a run was triggered with this API key. Spacelift writes `api::<key>` or `api::<key>::<name>`, and may
/// shorten the key.
fn is_key(triggered_by: &str, key_id: &str) -> bool {
    /// The shortest prefix that is accepted; a shorter one could match other keys.
    const KEY_CHARACTERS_MIN: usize = 8;
    let Some(rest) = triggered_by.strip_prefix("api::") else {
        return false;
    };
    let named = rest.split("::").next().unwrap_or_default();
    named == key_id || (named.len() >= KEY_CHARACTERS_MIN && key_id.starts_with(named))
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn a_run_of_our_key_is_recognised_in_every_spelling() {
        const KEY: &str = "01JSMHTFM9TXWW1XK4AZN1SA8K";
        for (by, ours) in [
            ("api::01JSMHTFM9TXWW1XK4AZN1SA8K", true),
            ("api::01JSMHTFM9TXWW1XK4AZN1SA8K::spillway", true),
            ("api::01JSMHTFM9::spillway", true),
            ("api::01JS", false),
            ("api::", false),
            ("api::01JSMHTFM9TXWW1XK4AZN1SA8L", false),
            ("01JSMHTFM9TXWW1XK4AZN1SA8K", false),
            ("alice@acme.example", false),
        ] {
            assert_eq!(is_key(by, KEY), ours, "{by}");
        }
    }
}
