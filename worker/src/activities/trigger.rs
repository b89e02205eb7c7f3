//! One attempt to run a stack: look, decide, trigger.
//!
//! A worker may die, and an answer may get lost, after Spacelift made the run. So an attempt that may not be the first is
//! in doubt, and takes a run of our own that is there for the one that was made.

use std::time::{Duration, SystemTime};

use chain::attempt::{Hold, HoldKind, Verdict, consider};
use chain::commit::{ChosenBecause, ChosenCommit};
use chain::{AttemptOutcome, AttemptRequest, ChainId, Commit, RunFacts, RunType, StackLook};
use orchestrator::contract::Source;
use orchestrator::{clock, id};
use spacelift::{Error, ErrorKind, StackWithRuns, TriggerRun};
use temporalio_client::NamespacedClient;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tracing::{info, warn};

use super::Activities;
use super::run::facts;
use crate::failure::temporal_error;
use crate::metrics;

/// How long after its beginning an attempt may still trigger. Later, another attempt may be at work.
const DEADLINE: Duration = Duration::from_secs(90);

/// An attempt that a worker has begun.
pub(super) struct Attempt {
    request: AttemptRequest,
    began: SystemTime,
}

impl Attempt {
    pub(super) fn begin(ctx: &ActivityContext, mut request: AttemptRequest) -> Self {
        // The attempt before this one lost its worker, perhaps after it had triggered.
        request.in_doubt |= ctx.info().attempt > 1;
        Self {
            request,
            began: SystemTime::now(),
        }
    }

    fn is_late(&self) -> bool {
        self.began.elapsed().is_ok_and(|elapsed| elapsed > DEADLINE)
    }
}

impl Activities {
    /// Every fault of Spacelift's is an outcome: the schedule decides what follows.
    pub(super) async fn try_stack(&self, attempt: Attempt) -> Result<AttemptOutcome, ActivityError> {
        let request = &attempt.request;
        let account = match self
            .account
            .get_or_try_init(|| self.spacelift.account_name())
            .await
        {
            Ok(account) => account,
            Err(error) => return Ok(failed(&error)),
        };
        if *account != request.account {
            return Ok(AttemptOutcome::Refused {
                message: format!(
                    "our key belongs to the account `{account}`, not to `{}`",
                    request.account
                ),
            });
        }
        let found = match self.spacelift.stack_with_runs(&request.stack).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(AttemptOutcome::NotVisible),
            Err(error) => return Ok(failed(&error)),
        };
        let look = self.look_of(found);
        match consider(&look, request, clock::now_ms() / 1000) {
            Verdict::Disabled => Ok(AttemptOutcome::Disabled),
            Verdict::Hold(hold) => Ok(AttemptOutcome::Held {
                hold,
                again_in_ms: None,
            }),
            Verdict::Use { run, chains } => self.use_run(&attempt, run, chains).await,
            Verdict::Trigger(chosen) => self.trigger(&attempt, &look, chosen).await,
        }
    }

    fn look_of(&self, found: StackWithRuns) -> StackLook {
        let stack = found.stack;
        StackLook {
            repository: stack.full_repository(),
            branch: stack.branch,
            labels: stack.labels,
            disabled: stack.is_disabled,
            locked_by: stack.lock.map(|lock| lock.by),
            tracked: stack
                .tracked_commit
                .map(|sha| Commit::new(sha, stack.tracked_commit_timestamp)),
            runs: found
                .runs
                .into_iter()
                .map(|run| facts(&self.spacelift, run))
                .filter(RunFacts::is_tracked)
                .collect(),
        }
    }

    async fn use_run(
        &self,
        attempt: &Attempt,
        run: RunFacts,
        chains: Vec<ChainId>,
    ) -> Result<AttemptOutcome, ActivityError> {
        self.follow(attempt, &run).await?;
        metrics::run_triggered(true, None);
        Ok(AttemptOutcome::Run {
            run,
            made: false,
            chains,
            behind: false,
            chosen: None,
        })
    }

    async fn trigger(
        &self,
        attempt: &Attempt,
        look: &StackLook,
        chosen: ChosenCommit,
    ) -> Result<AttemptOutcome, ActivityError> {
        let request = &attempt.request;
        // Read as late as can be: when `spillway halt` has answered, no trigger is sent any more.
        if self
            .orchestrator
            .is_halted(&request.account)
            .await
            .map_err(temporal_error)?
        {
            return Ok(AttemptOutcome::Held {
                hold: Hold::new(HoldKind::Halt, "the account is halted"),
                again_in_ms: None,
            });
        }
        if attempt.is_late() {
            return Ok(AttemptOutcome::Trouble {
                message: "looking at the stack took too long".to_owned(),
                in_doubt: false,
                again_in_ms: None,
            });
        }
        let (run, why) = match self.make(request, &chosen).await {
            Ok(run) => (run, chosen.why),
            Err(error) if is_commit_gone(&error, &chosen) => {
                let tracked = ChosenCommit {
                    sha: None,
                    why: ChosenBecause::Tracked,
                };
                match (self.make(request, &tracked).await, chosen.sha) {
                    (Ok(run), Some(sha)) => (run, ChosenBecause::Gone { sha }),
                    (Ok(run), None) => (run, ChosenBecause::Tracked),
                    (Err(error), _) => return Ok(failed(&error)),
                }
            }
            Err(error) => return Ok(failed(&error)),
        };
        let run = facts(&self.spacelift, run);
        let latest_ready_s = request.needs.iter().map(|need| need.ready_at_s).max();
        let waited = latest_ready_s.map(|ready_s| clock::elapsed_since(ready_s * 1000).as_secs_f64());
        metrics::run_triggered(false, waited);
        info!(
            stack.id = %request.stack, run.id = %run.id, commit = run.commit.as_ref().map(|commit| commit.sha.as_str()),
            "Triggered run {} of `{}`: {why}", run.id, request.stack
        );
        self.follow(attempt, &run).await?;
        Ok(AttemptOutcome::Run {
            behind: look.runs.iter().any(|other| !other.state.is_terminal()),
            run,
            made: true,
            chains: request.needs.iter().map(|need| need.chain.clone()).collect(),
            chosen: Some(why),
        })
    }

    async fn make(&self, request: &AttemptRequest, chosen: &ChosenCommit) -> Result<spacelift::Run, Error> {
        let workflow = id::execution(&request.account, &request.stack);
        let namespace = self.orchestrator.client().namespace();
        let trigger = TriggerRun {
            run_type: RunType::Tracked,
            commit: chosen.sha.clone(),
            environment: Vec::new(),
            metadata: Some(id::run_metadata(&namespace, &workflow)),
        };
        self.spacelift.trigger_run(&request.stack, &trigger).await
    }

    /// Has the run followed, whether or not webhooks come.
    async fn follow(&self, attempt: &Attempt, run: &RunFacts) -> Result<(), ActivityError> {
        let request = &attempt.request;
        self.orchestrator
            .follow(&request.account, &request.stack, &run.id, Source::Trigger)
            .await
            .map(drop)
            .map_err(temporal_error)
    }
}

/// Spacelift knows the commit no longer: somebody rewrote the branch.
fn is_commit_gone(error: &Error, chosen: &ChosenCommit) -> bool {
    let text = match &error.kind {
        ErrorKind::Refused { message } | ErrorKind::NotFound { message } => message.to_lowercase(),
        _ => return false,
    };
    chosen.sha.is_some() && text.contains("commit")
}

/// What a fault of Spacelift's means for the stack.
fn failed(error: &Error) -> AttemptOutcome {
    warn!("{error}");
    let again_in_ms = error.retry_after().map(clock::milliseconds);
    match &error.kind {
        ErrorKind::Refused { .. } | ErrorKind::NotFound { .. } => AttemptOutcome::Refused {
            message: error.kind.to_string(),
        },
        kind => AttemptOutcome::Trouble {
            message: kind.to_string(),
            in_doubt: matches!(kind, ErrorKind::Ambiguous { .. }),
            again_in_ms,
        },
    }
}
