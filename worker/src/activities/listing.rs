//! Lists all stacks of the account, with what the schedule needs of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chain::label;
use chain::{Downstream, LabelGrammar, RunChanges, RunId, StackFacts, StackId, StackPolicy};
use temporal_client::contract::{ListRequest, ListedStacks, RunRef};
use temporalio_sdk::activities::ActivityError;

use super::Activities;
use crate::failure::activity_error;

/// The prefix of labels for Spillway itself.
const OWN_LABELS: &str = "spillway:";

/// The type of the policies that trigger runs.
const TRIGGER_POLICY: &str = "TRIGGER";

/// The pauses between attempts to read what a run changed. If all fail, everything downstream of it runs.
const CHANGES_PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
];

impl Activities {
    pub(super) async fn list(&self, request: &ListRequest) -> Result<ListedStacks, ActivityError> {
        let settings = self.workflows.settings().schedule();
        let account = self.account().await?;
        let (stacks, policies) = if *account == request.account {
            let stacks = self.spacelift.stacks().await.map_err(activity_error)?;
            let policies = self.spacelift.policies().await.map_err(activity_error)?;
            let triggers = policies
                .into_iter()
                .filter(|policy| policy.policy_type == TRIGGER_POLICY);
            (stacks, triggers.map(|policy| policy.id).collect())
        } else {
            // Nothing is known of another account, so nothing can be triggered for it.
            (Vec::new(), Vec::new())
        };
        let facts: Vec<StackFacts> = stacks.into_iter().map(StackFacts::from).collect();
        let changes = self.changes_of_roots(&request.roots, &facts).await;
        let facts = facts.into_iter().map(|mut facts| {
            facts
                .labels
                .retain(|label| matters(label, &settings.chain.label_prefixes));
            facts
        });
        Ok(ListedStacks {
            stacks: facts.collect(),
            policies,
            audited: self.audit.is_some(),
            notified: self.notifier.has_chain_sinks(),
            settings: settings.clone(),
            changes,
        })
    }

    /// What the runs of these roots changed, if the root's label asks for it.
    async fn changes_of_roots(&self, roots: &[RunRef], stacks: &[StackFacts]) -> BTreeMap<RunId, RunChanges> {
        let asks = |root: &&RunRef| {
            let facts = stacks.iter().find(|facts| facts.id == root.stack);
            facts
                .is_some_and(|facts| StackPolicy::of(&facts.labels).0.downstream == Some(Downstream::Changed))
        };
        let mut changes = BTreeMap::new();
        let mut known = BTreeSet::new();
        for root in roots.iter().filter(asks) {
            if known.is_empty() {
                known.extend(stacks.iter().map(|facts| facts.id.clone()));
            }
            let changed = self.changes_of(root, &known).await;
            changes.insert(root.run.clone(), changed);
        }
        changes
    }

    /// Asks a few times, since every chain of the account waits for the listing.
    async fn changes_of(&self, root: &RunRef, known: &BTreeSet<StackId>) -> RunChanges {
        let mut pauses = CHANGES_PAUSES.into_iter();
        loop {
            match self.spacelift.changed_stacks(&root.stack, &root.run, known).await {
                Ok(changed) => return changed,
                Err(error) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => {
                        return RunChanges::Unknown {
                            why: error.to_string(),
                        };
                    }
                },
            }
        }
    }
}

/// Whether a label is for Spillway, or declares or tries to declare dependencies.
fn matters(label: &str, grammar: &LabelGrammar) -> bool {
    label.trim_start().starts_with(OWN_LABELS) || !matches!(label::parse(label, grammar), Ok(None))
}
