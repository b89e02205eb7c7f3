//! Retries failed runs.

use chain::RunId;

use crate::account::state::Account;
use crate::model::refusal::Refusal;
use crate::model::run::RunRequest;
use crate::runs::creation::trigger_run;

/// Creates a new run of the same kind and commit as a failed one.
pub(crate) fn retry_run(account: &mut Account, stack: &str, run: &str, by: &str) -> Result<RunId, Refusal> {
    let run = account.runs.get_of(stack, run).ok_or(Refusal::NotFound)?;
    if !run.ended_badly() {
        return Err(Refusal::RunState {
            id: run.id.to_string(),
            state: run.state().to_string(),
            wanted: "retried",
        });
    }
    let request = RunRequest {
        commit: Some(run.commit.hash.clone()),
        command: run.command.clone(),
        environment: run.environment.clone(),
        retries: Some(run.id.clone()),
        ..RunRequest::of(run.run_type.clone(), Some(by))
    };
    trigger_run(account, stack, &request)
}

/// The newest run of a stack that can be retried.
pub(crate) fn last_failed_run(account: &Account, stack: &str) -> Result<RunId, Refusal> {
    let stack = account.stacks.existing(stack)?;
    let failed = account
        .runs
        .of_stack(&stack.id)
        .rev()
        .find(|run| run.ended_badly());
    failed
        .map(|run| run.id.clone())
        .ok_or_else(|| Refusal::NoSuchRun {
            id: stack.id.to_string(),
            wanted: "has failed",
        })
}
