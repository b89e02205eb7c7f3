//! All stacks of the account, with what the schedule needs of them.

use chain::label;
use chain::{LabelGrammar, StackFacts};
use orchestrator::contract::{ListRequest, ListedStacks};
use temporalio_sdk::activities::ActivityError;

use super::Activities;
use crate::failure::activity_error;

/// What labels for Spillway itself begin with.
const OWN_LABELS: &str = "spillway:";

/// The type of the policies that trigger runs.
const TRIGGER_POLICY: &str = "TRIGGER";

impl Activities {
    pub(super) async fn list(&self, request: &ListRequest) -> Result<ListedStacks, ActivityError> {
        let settings = self.orchestrator.settings().schedule();
        let account = self.account().await?;
        let (stacks, policies) = if *account == request.account {
            let stacks = self.spacelift.stacks().await.map_err(activity_error)?;
            let policies = self.spacelift.policies().await.map_err(activity_error)?;
            let triggers = policies
                .into_iter()
                .filter(|policy| policy.policy_type == TRIGGER_POLICY);
            (stacks, triggers.map(|policy| policy.id).collect())
        } else {
            // Nothing of another account is known here, so that nothing can be triggered for it.
            (Vec::new(), Vec::new())
        };
        let facts = stacks.into_iter().map(|stack| {
            let mut facts = StackFacts::from(stack);
            facts
                .labels
                .retain(|label| matters(label, &settings.chain.label_prefixes));
            facts
        });
        Ok(ListedStacks {
            stacks: facts.collect(),
            policies,
            audited: self.audit.is_some(),
            settings: settings.clone(),
        })
    }
}

/// Whether a label says something about dependencies, or tries to.
fn matters(label: &str, grammar: &LabelGrammar) -> bool {
    label.trim_start().starts_with(OWN_LABELS) || !matches!(label::parse(label, grammar), Ok(None))
}
