//! Trigger policies: evaluated when a run ends that blocked its stack; they select the stacks to run next.

use chain::RunId;
use serde_json::{Value, json};

use crate::account::state::Account;
use crate::model::policy::PolicyType;
use crate::model::run::{Run, RunRequest};
use crate::model::stack::Stack;
use crate::runs::creation::create_run;
use crate::webhooks::policy_input::{run_input, stack_input};

/// Triggers the runs that the trigger policies of a run's stack request, now that the run is over.
///
/// A policy that fails, or requests something impossible, is logged and triggers nothing.
pub(super) fn run_trigger_policies(account: &mut Account, index: usize) {
    let run = &account.runs[index];
    let Some(stack) = account.stacks.get(&run.stack).filter(|_| run.is_serialized()) else {
        return;
    };
    let mut policies = account
        .policies
        .of_stack(stack, &account.spaces)
        .filter(|policy| policy.policy_type == PolicyType::Trigger)
        .peekable();
    if policies.peek().is_none() {
        return;
    }
    let input = trigger_input(account, stack, run);
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
        run_for_policy(account, &policy, &stack, &workflow);
    }
}

fn run_for_policy(account: &mut Account, policy: &str, stack: &str, workflow: &RunId) {
    let request = RunRequest {
        workflow: Some(workflow.clone()),
        ..RunRequest::tracked(Some(policy))
    };
    if let Err(refusal) = create_run(account, stack, &request) {
        tracing::warn!(policy.id = %policy, "Policy `{policy}` requested a run and was refused: {refusal}");
    }
}

/// The policy input: the run and its stack, all stacks, and the runs of the same workflow.
fn trigger_input(account: &Account, stack: &Stack, run: &Run) -> Value {
    let mut ended = run_input(account, run);
    let states = run.history.iter();
    let states: Vec<Value> = states
        .map(|entry| json!({ "new_state": entry.state.as_str() }))
        .collect();
    ended["states_history"] = json!(states);
    let stacks: Vec<Value> = account
        .stacks
        .all()
        .map(|stack| stack_input(account, stack))
        .collect();
    let same = account.runs.iter().filter(|other| other.workflow == run.workflow);
    let workflow: Vec<Value> = same
        .map(|run| {
            json!({ "id": run.id.as_str(), "stack_id": run.stack.as_str(),
                "state": run.state().as_str(), "type": run.run_type.as_str() })
        })
        .collect();
    json!({
        "run": ended,
        "stack": stack_input(account, stack),
        "stacks": stacks,
        "workflow": workflow,
    })
}
