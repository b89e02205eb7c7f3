//! Trigger policies: evaluated when a run ends that blocked its stack; they select the stacks to run next.

use chain::{RunId, StackId};
use serde_json::{Value, json};

use crate::account::state::Account;
use crate::mock::MockSpacelift;
use crate::model::policy::{Policy, PolicyType};
use crate::model::refusal::Refusal;
use crate::model::refusal::done;
use crate::model::run::{Run, RunRequest};
use crate::model::stack::Stack;
use crate::webhooks::notification::{run_input, stack_input};

impl MockSpacelift {
    /// Attaches a policy to a stack. Policies with a label `autoattach:<label>` or `autoattach:*` are attached
    /// automatically.
    #[track_caller]
    pub fn attach_policy(&self, policy: &str, stack: &str) {
        done(self.write(|account| account.attach_policy(policy, stack)));
    }
}

impl Account {
    pub(crate) fn attach_policy(&mut self, policy: &str, stack: &str) -> Result<(), Refusal> {
        let stack = self.existing_stack(stack)?.id.clone();
        let policy = self.policies.get_mut(policy).ok_or_else(|| Refusal::Unknown {
            what: "policy",
            id: policy.to_owned(),
        })?;
        policy.attached_to.insert(stack);
        Ok(())
    }

    /// Undoes an explicit attachment.
    pub(crate) fn detach_policy(&mut self, policy: &str, stack: &str) -> Result<(), Refusal> {
        let stack = self.existing_stack(stack)?.id.clone();
        let policy = self.policies.get_mut(policy).ok_or(Refusal::NotFound)?;
        if policy.attached_to.remove(&stack) {
            Ok(())
        } else {
            Err(Refusal::NotFound)
        }
    }

    /// The policies that are attached to a stack, explicitly or by a label.
    pub(crate) fn policies_of<'a>(&'a self, stack: &'a Stack) -> impl Iterator<Item = &'a Policy> {
        let reach = self.inherited_spaces(&stack.space);
        self.policies.values().filter(move |policy| {
            policy.attached_to.contains(&stack.id)
                || (reach.contains(&policy.space) && policy.attaches_itself_to(stack))
        })
    }

    /// Triggers the runs that the trigger policies of a run's stack request, now that the run is over.
    ///
    /// A policy that fails, or requests something impossible, is logged and triggers nothing.
    pub(crate) fn run_trigger_policies(&mut self, place: usize) {
        let run = &self.runs[place];
        let Some(stack) = self.stacks.get(&run.stack).filter(|_| run.is_serialized()) else {
            return;
        };
        let mut policies = self
            .policies_of(stack)
            .filter(|policy| policy.policy_type == PolicyType::Trigger)
            .peekable();
        if policies.peek().is_none() {
            return;
        }
        let input = self.trigger_input(stack, run);
        let workflow = run.workflow.clone();
        let mut wanted: Vec<(String, String)> = Vec::new();
        for policy in policies {
            match policy.rego.triggers(&input) {
                Ok(stacks) => wanted.extend(stacks.into_iter().map(|stack| (policy.id.clone(), stack))),
                Err(reason) => {
                    tracing::warn!(policy.id = %policy.id, "Policy `{}` failed: {reason}", policy.id);
                }
            }
        }
        for (policy, stack) in wanted {
            self.run_for_policy(&policy, &stack, &workflow);
        }
    }

    fn run_for_policy(&mut self, policy: &str, stack: &str, workflow: &RunId) {
        let request = RunRequest {
            workflow: Some(workflow.clone()),
            ..RunRequest::tracked(Some(policy))
        };
        if let Err(refusal) = self.create_run(stack, &request) {
            tracing::warn!(policy.id = %policy, "Policy `{policy}` requested a run and was refused: {refusal}");
        }
    }

    /// The policy input: the run and its stack, all stacks, and the runs of the same workflow.
    fn trigger_input(&self, stack: &Stack, run: &Run) -> Value {
        let mut ended = run_input(self, run);
        let states = run.history.iter();
        let states: Vec<Value> = states
            .map(|entry| json!({ "new_state": entry.state.as_str() }))
            .collect();
        ended["states_history"] = json!(states);
        let stacks: Vec<Value> = self
            .stacks
            .values()
            .map(|stack| stack_input(self, stack))
            .collect();
        let same = self.runs.iter().filter(|other| other.workflow == run.workflow);
        let workflow: Vec<Value> = same
            .map(|run| {
                json!({ "id": run.id.as_str(), "stack_id": run.stack.as_str(),
                    "state": run.state().as_str(), "type": run.run_type.as_str() })
            })
            .collect();
        json!({
            "run": ended,
            "stack": stack_input(self, stack),
            "stacks": stacks,
            "workflow": workflow,
        })
    }
}

impl Policy {
    fn attaches_itself_to(&self, stack: &Stack) -> bool {
        let wanted = self
            .labels
            .iter()
            .filter_map(|label| label.strip_prefix("autoattach:"));
        let has = |wanted: &str| stack.settings.labels.iter().any(|label| label == wanted);
        wanted.into_iter().any(|wanted| wanted == "*" || has(wanted))
    }

    /// Whether a label, and not a person, attached it to the stack.
    pub(crate) fn is_autoattached_to(&self, stack: &StackId) -> bool {
        !self.attached_to.contains(stack)
    }
}
