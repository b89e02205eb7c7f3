//! Requests to control a running account from outside: see `POST /control/<verb>`.

use chain::{RunId, RunState, StackId};
use serde::{Deserialize, Serialize};

use crate::account::state::Account;
use crate::controls::fault_kind::FaultRequest;
use crate::mock::MockSpacelift;
use crate::model::refusal::Refusal;
use crate::model::run::{Fate, RunRequest};
use crate::runs::push::Push;
use crate::runs::queue::Decision;

/// The default actor of a request.
const SOMEBODY: &str = "alice";

/// The states in which a tracked run can be made to fail.
const FAILING_STATES: [RunState; 4] = [
    RunState::Preparing,
    RunState::Initializing,
    RunState::Planning,
    RunState::Applying,
];

/// One request. Its name is the verb in the path, its fields are the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ControlRequest {
    Push(PushRequest),
    /// Triggers a tracked run, by default of the commit that the stack tracks.
    Trigger {
        stack: String,
        by: Option<String>,
        commit: Option<String>,
    },
    /// Retries a run, by default the newest failed one.
    Retry {
        stack: String,
        by: Option<String>,
        run: Option<String>,
    },
    /// Confirms a run, by default the one that waits for confirmation.
    Confirm {
        stack: String,
        by: Option<String>,
        run: Option<String>,
    },
    /// Discards a run, by default the one that blocks the stack.
    Discard {
        stack: String,
        by: Option<String>,
        run: Option<String>,
    },
    /// Stops a run, by default the one that blocks the stack.
    Stop {
        stack: String,
        by: Option<String>,
        run: Option<String>,
    },
    /// Makes the stack's next tracked run fail, by default while it plans.
    Fail {
        stack: String,
        state: Option<RunState>,
    },
    /// Makes the stack's next tracked run be skipped.
    Skip {
        stack: String,
    },
    Lock {
        stack: String,
        by: Option<String>,
        note: Option<String>,
    },
    /// Unlocks the stack, by default as the lock's owner. Anyone else is refused.
    Unlock {
        stack: String,
        by: Option<String>,
    },
    Disable {
        stack: String,
    },
    Enable {
        stack: String,
    },
    /// Whether applies of the stack change the outputs that others refer to.
    Outputs {
        stack: String,
        change: bool,
    },
    /// Whether there are workers. Without workers, runs stay `READY`.
    Workers {
        present: bool,
    },
    /// Revokes the API key's access to a space and all below it.
    RevokeSpace {
        space: String,
    },
    GrantSpace {
        space: String,
    },
    Fault(FaultRequest),
    ClearFaults {},
}

/// A push to a repository, or to the repository of one stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PushRequest {
    /// `owner/name`.
    pub repository: Option<String>,
    /// Affects this stack only.
    pub stack: Option<String>,
    pub branch: Option<String>,
    pub commit: Option<String>,
    pub message: Option<String>,
    pub author: Option<String>,
    /// Affects the stacks of these files only; all stacks if there are none.
    pub paths: Vec<String>,
    /// When the commit was made, in Unix seconds.
    pub at: Option<i64>,
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlAnswer {
    /// A message for people.
    pub text: String,
    /// The runs that were created or changed.
    pub runs: Vec<ControlledRun>,
    /// The commit that was pushed.
    pub commit: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlledRun {
    pub stack: StackId,
    pub run: RunId,
    pub state: RunState,
}

impl MockSpacelift {
    /// Executes a request from outside.
    pub fn control(&self, request: ControlRequest) -> Result<ControlAnswer, Refusal> {
        self.write(|account| account.control(request))
    }
}

fn answer(text: impl Into<String>) -> ControlAnswer {
    ControlAnswer {
        text: text.into(),
        runs: Vec::new(),
        commit: None,
    }
}

impl Account {
    fn control(&mut self, request: ControlRequest) -> Result<ControlAnswer, Refusal> {
        use ControlRequest as Request;
        let person = |by: Option<String>| by.unwrap_or_else(|| SOMEBODY.to_owned());
        match request {
            Request::Push(request) => self.control_push(&request),
            Request::Trigger { stack, by, commit } => self.control_trigger(&stack, &person(by), commit),
            Request::Retry { stack, by, run } => self.control_retry(&stack, &person(by), run),
            Request::Confirm { stack, by, run } => {
                let run = match run {
                    Some(run) => run,
                    None => self.unconfirmed_run(&stack)?.to_string(),
                };
                self.control_decision(&stack, Some(&run), Decision::Confirm, &person(by))
            }
            Request::Discard { stack, by, run } => {
                self.control_decision(&stack, run.as_deref(), Decision::Discard, &person(by))
            }
            Request::Stop { stack, by, run } => {
                self.control_decision(&stack, run.as_deref(), Decision::Stop, &person(by))
            }
            Request::Fail { stack, state } => self.control_failure(&stack, state),
            Request::Skip { stack } => {
                self.stack_mut(&stack)?.next_fates.push(Fate::Skipped);
                Ok(answer(format!("The next tracked run of `{stack}` is skipped.")))
            }
            Request::Lock { stack, by, note } => {
                let by = person(by);
                self.lock_stack(&stack, &by, note)?;
                Ok(answer(format!(
                    "{by} locked `{stack}`: runs of everyone else wait until the lock is gone."
                )))
            }
            Request::Unlock { stack, by } => {
                let by = match by {
                    Some(by) => by,
                    None => self.lock_owner(&stack)?,
                };
                self.unlock_stack(&stack, &by)?;
                Ok(answer(format!("{by} unlocked `{stack}`.")))
            }
            Request::Disable { stack } => {
                self.stack_mut(&stack)?.disabled = true;
                Ok(answer(format!("`{stack}` is disabled: it cannot run.")))
            }
            Request::Enable { stack } => {
                self.stack_mut(&stack)?.disabled = false;
                Ok(answer(format!("`{stack}` is enabled.")))
            }
            Request::Outputs { stack, change } => {
                self.stack_mut(&stack)?.changes_outputs = change;
                let outputs = if change { "outputs" } else { "no outputs" };
                Ok(answer(format!("Applies of `{stack}` change {outputs}.")))
            }
            Request::Workers { present } => {
                self.no_workers = !present;
                let text = if present {
                    "Workers take up runs."
                } else {
                    "There are no workers: runs stay READY."
                };
                Ok(answer(text))
            }
            Request::RevokeSpace { space } => {
                let id = self.existing_space(&space)?;
                self.revoked_spaces.insert(id);
                Ok(answer(format!(
                    "The API key sees nothing of space `{space}` any more."
                )))
            }
            Request::GrantSpace { space } => {
                let id = self.existing_space(&space)?;
                self.revoked_spaces.remove(&id);
                Ok(answer(format!("The API key sees space `{space}`.")))
            }
            Request::Fault(request) => Ok(answer(self.control_fault(&request)?)),
            Request::ClearFaults {} => {
                self.clear_faults();
                Ok(answer("All faults are cleared."))
            }
        }
    }

    fn control_push(&mut self, request: &PushRequest) -> Result<ControlAnswer, Refusal> {
        let push = match (&request.repository, &request.stack) {
            (Some(repository), None) => Push::to(repository),
            (None, Some(stack)) => {
                let settings = &self.existing_stack(stack)?.settings;
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
        let push = push.with_details(request);
        let pushed = self.push(&push)?;
        let runs: Vec<ControlledRun> = pushed
            .runs
            .iter()
            .filter_map(|run| self.controlled(run))
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
                pushed.commit.hash,
                push.repository(),
                pushed.branch
            ),
            commit: Some(pushed.commit.hash),
            runs,
        })
    }

    fn control_trigger(
        &mut self,
        stack: &str,
        by: &str,
        commit: Option<String>,
    ) -> Result<ControlAnswer, Refusal> {
        let request = RunRequest {
            commit,
            ..RunRequest::tracked(Some(by))
        };
        let run = self.trigger_run(stack, &request)?;
        Ok(self.about_run(&run, &format!("{by} triggered a run of `{stack}`")))
    }

    fn control_retry(
        &mut self,
        stack: &str,
        by: &str,
        run: Option<String>,
    ) -> Result<ControlAnswer, Refusal> {
        let failed = match run {
            Some(run) => run,
            None => self.last_failed_run(stack)?.to_string(),
        };
        let run = self.retry_run(stack, &failed, by)?;
        Ok(self.about_run(&run, &format!("{by} retried run {failed} of `{stack}`")))
    }

    fn control_failure(&mut self, stack: &str, state: Option<RunState>) -> Result<ControlAnswer, Refusal> {
        let state = state.unwrap_or(RunState::Planning);
        if !FAILING_STATES.contains(&state) {
            return Err(Refusal::Request {
                reason: "a run fails in PREPARING, INITIALIZING, PLANNING or APPLYING",
            });
        }
        let text = format!("The next tracked run of `{stack}` fails in {state}.");
        self.stack_mut(stack)?.next_fates.push(Fate::FailsIn(state));
        Ok(answer(text))
    }

    fn control_decision(
        &mut self,
        stack: &str,
        run: Option<&str>,
        decision: Decision,
        by: &str,
    ) -> Result<ControlAnswer, Refusal> {
        self.existing_stack(stack)?;
        let run = self.decide(stack, run, decision, by, None, None)?;
        let participle = decision.participle();
        Ok(self.about_run(&run, &format!("{by} {participle} run {run} of `{stack}`")))
    }

    /// The run of a stack that waits for a confirmation.
    fn unconfirmed_run(&self, stack: &str) -> Result<RunId, Refusal> {
        let places = &self.existing_stack(stack)?.runs;
        let mut runs = places.iter().map(|&place| &self.runs[place]);
        let waiting = runs.find(|run| *run.state() == RunState::Unconfirmed);
        waiting
            .map(|run| run.id.clone())
            .ok_or_else(|| Refusal::NoSuchRun {
                id: stack.to_owned(),
                wanted: "waits for a confirmation",
            })
    }

    fn about_run(&self, run: &RunId, what: &str) -> ControlAnswer {
        let runs: Vec<ControlledRun> = self.controlled(run).into_iter().collect();
        let state = runs.first().map(|run| format!(": {} is {}", run.run, run.state));
        ControlAnswer {
            text: format!("{what}{}.", state.unwrap_or_default()),
            runs,
            commit: None,
        }
    }

    fn controlled(&self, run: &RunId) -> Option<ControlledRun> {
        self.run(run.as_str()).map(|run| ControlledRun {
            stack: run.stack.clone(),
            run: run.id.clone(),
            state: run.state().clone(),
        })
    }
}
