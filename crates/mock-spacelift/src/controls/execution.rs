//! Executes requests from outside.

use chain::{RunId, RunState};

use crate::account::state::Account;
use crate::controls::fault_request;
use crate::controls::request::{ControlAnswer, ControlRequest, ControlledRun, PushRequest};
use crate::mock::MockSpacelift;
use crate::model::push::Push;
use crate::model::refusal::Refusal;
use crate::model::run::{Outcome, RunRequest};
use crate::runs::creation::trigger_run;
use crate::runs::decision::{Decision, decide};
use crate::runs::push;
use crate::runs::retry::{last_failed_run, retry_run};

/// The default actor of a request.
const DEFAULT_PERSON: &str = "alice";

/// The states in which a tracked run can be made to fail.
const FAILING_STATES: [RunState; 4] = [
    RunState::Preparing,
    RunState::Initializing,
    RunState::Planning,
    RunState::Applying,
];

impl MockSpacelift {
    /// Executes a request from outside.
    pub fn control(&self, request: ControlRequest) -> Result<ControlAnswer, Refusal> {
        self.write(|account| execute(account, request))
    }
}

fn answer(text: impl Into<String>) -> ControlAnswer {
    ControlAnswer {
        text: text.into(),
        runs: Vec::new(),
        commit: None,
    }
}

fn execute(account: &mut Account, request: ControlRequest) -> Result<ControlAnswer, Refusal> {
    use ControlRequest as Request;
    let person = |by: Option<String>| by.unwrap_or_else(|| DEFAULT_PERSON.to_owned());
    match request {
        Request::Push(request) => control_push(account, &request),
        Request::Trigger { stack, by, commit } => control_trigger(account, &stack, &person(by), commit),
        Request::Retry { stack, by, run } => control_retry(account, &stack, &person(by), run),
        Request::Confirm { stack, by, run } => {
            let run = match run {
                Some(run) => run,
                None => unconfirmed_run(account, &stack)?.to_string(),
            };
            control_decision(account, &stack, Some(&run), Decision::Confirm, &person(by))
        }
        Request::Discard { stack, by, run } => {
            control_decision(account, &stack, run.as_deref(), Decision::Discard, &person(by))
        }
        Request::Stop { stack, by, run } => {
            control_decision(account, &stack, run.as_deref(), Decision::Stop, &person(by))
        }
        Request::Fail { stack, state } => control_failure(account, &stack, state),
        Request::Skip { stack } => {
            account
                .stacks
                .existing_mut(&stack)?
                .next_outcomes
                .push(Outcome::Skipped);
            Ok(answer(format!("The next tracked run of `{stack}` is skipped.")))
        }
        Request::Lock { stack, by, note } => {
            let by = person(by);
            account.lock_stack(&stack, &by, note)?;
            Ok(answer(format!(
                "{by} locked `{stack}`: runs of everyone else wait until the lock is gone."
            )))
        }
        Request::Unlock { stack, by } => {
            let by = match by {
                Some(by) => by,
                None => account.stacks.existing(&stack)?.lock_owner()?.to_owned(),
            };
            account.unlock_stack(&stack, &by)?;
            Ok(answer(format!("{by} unlocked `{stack}`.")))
        }
        Request::Disable { stack } => {
            account.stacks.existing_mut(&stack)?.disabled = true;
            Ok(answer(format!("`{stack}` is disabled: it cannot run.")))
        }
        Request::Enable { stack } => {
            account.stacks.existing_mut(&stack)?.disabled = false;
            Ok(answer(format!("`{stack}` is enabled.")))
        }
        Request::Outputs { stack, change } => {
            account.stacks.existing_mut(&stack)?.changes_outputs = change;
            let outputs = if change { "outputs" } else { "no outputs" };
            Ok(answer(format!("Applies of `{stack}` change {outputs}.")))
        }
        Request::Workers { present } => {
            account.no_workers = !present;
            let text = if present {
                "Workers take up runs."
            } else {
                "There are no workers: runs stay READY."
            };
            Ok(answer(text))
        }
        Request::RevokeSpace { space } => {
            account.spaces.revoke(&space)?;
            Ok(answer(format!(
                "The API key sees nothing of space `{space}` any more."
            )))
        }
        Request::GrantSpace { space } => {
            account.spaces.grant(&space)?;
            Ok(answer(format!("The API key sees space `{space}`.")))
        }
        Request::Fault(request) => Ok(answer(fault_request::add(account, &request)?)),
        Request::ClearFaults {} => {
            account.clear_faults();
            Ok(answer("All faults are cleared."))
        }
    }
}

fn control_push(account: &mut Account, request: &PushRequest) -> Result<ControlAnswer, Refusal> {
    let push = match (&request.repository, &request.stack) {
        (Some(repository), None) => Push::to(repository),
        (None, Some(stack)) => {
            let settings = &account.stacks.existing(stack)?.settings;
            Push::to(&settings.full_repository())
                .branch(&settings.branch)
                .touching_stacks([stack])
        }
        _ => {
            return Err(Refusal::Request {
                reason: "a push is either to a `repository` or to the repository of a `stack`",
            });
        }
    };
    if request.stack.is_some() && !(request.paths.is_empty() && request.branch.is_none()) {
        return Err(Refusal::Request {
            reason: "a push to the repository of a `stack` has no `branch` and no `paths`",
        });
    }
    let push = with_details(push, request);
    let pushed = push::push(account, &push)?;
    let runs: Vec<ControlledRun> = pushed
        .runs
        .iter()
        .filter_map(|run| controlled(account, run))
        .collect();
    let stacks: Vec<&str> = runs.iter().map(|run| run.stack.as_str()).collect();
    let started = match stacks[..] {
        [] => "no enabled stack that follows this branch is touched, so nothing runs".to_owned(),
        [only] => format!("it started the run of {only}"),
        _ => format!(
            "it started the runs of {} stacks: {}",
            stacks.len(),
            stacks.join(", ")
        ),
    };
    Ok(ControlAnswer {
        text: format!(
            "Pushed {} to {}@{}: {started}.",
            pushed.commit.hash, push.repository, pushed.branch
        ),
        commit: Some(pushed.commit.hash),
        runs,
    })
}

fn control_trigger(
    account: &mut Account,
    stack: &str,
    by: &str,
    commit: Option<String>,
) -> Result<ControlAnswer, Refusal> {
    let request = RunRequest {
        commit,
        ..RunRequest::tracked(Some(by))
    };
    let run = trigger_run(account, stack, &request)?;
    Ok(about_run(
        account,
        &run,
        &format!("{by} triggered a run of `{stack}`"),
    ))
}

fn control_retry(
    account: &mut Account,
    stack: &str,
    by: &str,
    run: Option<String>,
) -> Result<ControlAnswer, Refusal> {
    let failed = match run {
        Some(run) => run,
        None => last_failed_run(account, stack)?.to_string(),
    };
    let run = retry_run(account, stack, &failed, by)?;
    Ok(about_run(
        account,
        &run,
        &format!("{by} retried run {failed} of `{stack}`"),
    ))
}

fn control_failure(
    account: &mut Account,
    stack: &str,
    state: Option<RunState>,
) -> Result<ControlAnswer, Refusal> {
    let state = state.unwrap_or(RunState::Planning);
    if !FAILING_STATES.contains(&state) {
        return Err(Refusal::Request {
            reason: "a run fails in PREPARING, INITIALIZING, PLANNING or APPLYING",
        });
    }
    let text = format!("The next tracked run of `{stack}` fails in {state}.");
    account
        .stacks
        .existing_mut(stack)?
        .next_outcomes
        .push(Outcome::FailsIn(state));
    Ok(answer(text))
}

fn control_decision(
    account: &mut Account,
    stack: &str,
    run: Option<&str>,
    decision: Decision,
    by: &str,
) -> Result<ControlAnswer, Refusal> {
    account.stacks.existing(stack)?;
    let run = decide(account, stack, run, decision, by, None, None)?;
    let participle = decision.participle();
    Ok(about_run(
        account,
        &run,
        &format!("{by} {participle} run {run} of `{stack}`"),
    ))
}

/// The run of a stack that waits for a confirmation.
fn unconfirmed_run(account: &Account, stack: &str) -> Result<RunId, Refusal> {
    let stack = account.stacks.existing(stack)?;
    let mut runs = account.runs.of_stack(&stack.id);
    runs.find(|run| *run.state() == RunState::Unconfirmed)
        .map(|run| run.id.clone())
        .ok_or_else(|| Refusal::NoSuchRun {
            id: stack.id.to_string(),
            wanted: "waits for a confirmation",
        })
}

fn about_run(account: &Account, run: &RunId, what: &str) -> ControlAnswer {
    let runs: Vec<ControlledRun> = controlled(account, run).into_iter().collect();
    let state = runs.first().map(|run| format!(": {} is {}", run.run, run.state));
    ControlAnswer {
        text: format!("{what}{}.", state.unwrap_or_default()),
        runs,
        commit: None,
    }
}

fn controlled(account: &Account, run: &RunId) -> Option<ControlledRun> {
    account.runs.get(run.as_str()).map(|run| ControlledRun {
        stack: run.stack.clone(),
        run: run.id.clone(),
        state: run.state().clone(),
    })
}

/// The same push with the details of a request.
fn with_details(mut push: Push, request: &PushRequest) -> Push {
    if let Some(branch) = &request.branch {
        push = push.branch(branch);
    }
    if let Some(commit) = &request.commit {
        push = push.commit(commit);
    }
    if let Some(message) = &request.message {
        push = push.message(message);
    }
    if let Some(author) = &request.author {
        push = push.author(author);
    }
    if let Some(at) = request.at {
        push = push.at(at);
    }
    if !request.paths.is_empty() {
        push = push.touching_paths(&request.paths);
    }
    push
}
