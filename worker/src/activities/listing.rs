//! Lists all stacks of the account, with what the schedule needs of them.

use std::collections::{BTreeMap, BTreeSet};

use chain::label;
use chain::{Downstream, LabelGrammar, RunChanges, RunId, StackFacts, StackPolicy};
use temporal_client::contract::{ListRequest, ListedStacks, RunRef};
use temporalio_sdk::activities::ActivityError;

use super::Activities;
use crate::failure::activity_error;

/// The prefix of labels for Spillway itself.
const OWN_LABELS: &str = "spillway:";

/// The type of the policies that trigger runs.
const TRIGGER_POLICY: &str = "TRIGGER";

/// After so many attempts, everything downstream runs if nobody can say what a run changed.
const CHANGES_ATTEMPTS: u32 = 3;

impl Activities {
    pub(super) async fn list(
        &self,
        request: &ListRequest,
        attempt: u32,
    ) -> Result<ListedStacks, ActivityError> {
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
        let changes = self.changes_of_roots(&request.roots, &facts, attempt).await?;
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
    async fn changes_of_roots(
        &self,
        roots: &[RunRef],
        stacks: &[StackFacts],
        attempt: u32,
    ) -> Result<BTreeMap<RunId, RunChanges>, ActivityError> {
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
            let changed = self.spacelift.changed_stacks(&root.stack, &root.run, &known);
            let changed = match changed.await {
                Ok(changed) => changed,
                // Every chain of the account waits for the listing.
                Err(error) if attempt > CHANGES_ATTEMPTS => RunChanges::Unknown {
                    why: error.to_string(),
                },
                Err(error) => return Err(activity_error(error)),
            };
            changes.insert(root.run.clone(), changed);
        }
        Ok(changes)
    }
}

/// Whether a label is for Spillway, or declares or tries to declare dependencies.
fn matters(label: &str, grammar: &LabelGrammar) -> bool {
    label.trim_start().starts_with(OWN_LABELS) || !matches!(label::parse(label, grammar), Ok(None))
}
