//! One attempt to run a stack: look, decide, trigger.
//!
//! A worker can crash, or an answer can get lost, after Spacelift created the run. So an attempt that may not be the
//! first one is in doubt, and uses an existing run of ours as the one that was triggered.

use std::time::{Duration, SystemTime};

use chain::attempt::{Hold, HoldKind, Need, Verdict, consider, made_for};
use chain::commit::{ChosenBecause, ChosenCommit};
use chain::freeze::{self, Covered, FreezeWindow};
use chain::metadata::{self, Namespace};
use chain::{AttemptOutcome, AttemptRequest, ChainId, RunFacts, RunType, StackLook};
use spacelift::{Error, ErrorKind, Reservation, TriggerRun};
use temporal_client::{ActivityAttempt, clock, id};
use temporalio_client::NamespacedClient;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tracing::{info, warn};

use super::Activities;
use super::limits::with_timeout;
use crate::failure::temporal_error;
use crate::metrics;

/// How long after its start an attempt may still trigger. Later, another attempt may have begun.
const DEADLINE: Duration = Duration::from_secs(90);

/// How long Temporal's answer that it still waits for this attempt stays valid. The process can stand still at any moment,
/// for example while its machine is moved.
const ANSWER_VALID: Duration = Duration::from_secs(5);

/// If an attempt begins, or triggers, later than this after the decision, it reads the chains' records first: people may
/// have given orders that the schedule does not know yet, for example while there was no worker. Each read costs money,
/// and a look at Spacelift alone can take a second.
const BEGIN_WITHIN: Duration = Duration::from_millis(500);
const TRIGGER_WITHIN: Duration = Duration::from_secs(2);

/// A frozen stack is looked at again after this time at the latest: settings change.
const FREEZE_LOOK: Duration = Duration::from_secs(6 * 3600);

/// An attempt that a worker has started.
pub(super) struct Attempt {
    request: AttemptRequest,
    activity: ActivityAttempt,
    began: SystemTime,
    /// The previous try of this activity lost its worker, perhaps after the trigger. Only executions that an earlier
    /// build began have several tries.
    is_repeated: bool,
}

impl Attempt {
    pub(super) fn begin(ctx: &ActivityContext, mut request: AttemptRequest) -> Self {
        let info = ctx.info();
        let is_repeated = info.attempt > 1;
        request.in_doubt |= is_repeated;
        if is_repeated {
            for need in &mut request.needs {
                need.new_since_doubt = false;
            }
        }
        Self {
            request,
            activity: ActivityAttempt {
                workflow_id: info.workflow_id.clone().unwrap_or_default(),
                workflow_run_id: info.workflow_run_id.clone().unwrap_or_default(),
                activity_id: info.activity_id.clone(),
                number: info.attempt,
            },
            began: SystemTime::now(),
            is_repeated,
        }
    }

    /// The stack could not be looked at, so it is still unknown whether the previous try triggered a run.
    fn not_looked(&self, outcome: AttemptOutcome) -> AttemptOutcome {
        if !self.is_repeated {
            return outcome;
        }
        let (message, again_in_ms) = match outcome {
            AttemptOutcome::Trouble {
                message, again_in_ms, ..
            } => (message, again_in_ms),
            AttemptOutcome::Refused { message } => (message, None),
            AttemptOutcome::NotVisible => ("it is not visible to our key now".to_owned(), None),
            outcome => return outcome,
        };
        AttemptOutcome::Trouble {
            message,
            in_doubt: true,
            again_in_ms,
        }
    }

    fn is_late(&self) -> bool {
        self.began.elapsed().is_ok_and(|elapsed| elapsed > DEADLINE)
    }
}

impl Activities {
    /// Every error of Spacelift is an outcome: the schedule decides what follows.
    pub(super) async fn try_stack(&self, attempt: Attempt) -> Result<AttemptOutcome, ActivityError> {
        let request = &attempt.request;
        let account = match self
            .account
            .get_or_try_init(|| self.spacelift.account_name())
            .await
        {
            Ok(account) => account,
            Err(error) => return Ok(attempt.not_looked(failed(&error))),
        };
        if *account != request.account {
            return Ok(attempt.not_looked(AttemptOutcome::Refused {
                message: format!(
                    "our key belongs to the account `{account}`, not to `{}`",
                    request.account
                ),
            }));
        }
        let found = match self.spacelift.stack_with_runs(&request.stack).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(attempt.not_looked(AttemptOutcome::NotVisible)),
            Err(error) => return Ok(attempt.not_looked(failed(&error))),
        };
        let look = found.into_look(self.spacelift.key_id());
        match consider(&look, request, clock::now_ms() / 1000) {
            Verdict::Disabled => Ok(AttemptOutcome::Disabled),
            Verdict::Hold(hold) => Ok(AttemptOutcome::Held {
                hold,
                again_in_ms: None,
            }),
            Verdict::Use { run, chains } => self.use_run(&attempt, &look, run, chains).await,
            Verdict::Trigger(chosen) => self.trigger(&attempt, &look, chosen).await,
        }
    }

    async fn use_run(
        &self,
        attempt: &Attempt,
        look: &StackLook,
        run: RunFacts,
        chains: Vec<ChainId>,
    ) -> Result<AttemptOutcome, ActivityError> {
        self.follow(attempt, &run).await?;
        metrics::run_triggered(true, None);
        // Run ids are in the order in which the runs were created.
        let is_before = |other: &RunFacts| !other.state.is_terminal() && other.id < run.id;
        let behind = look.runs.iter().any(is_before);
        Ok(AttemptOutcome::Run {
            run,
            made: false,
            chains,
            behind,
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
        // Without the id, the metadata have only the name, and another Spillway may take our run for its own. That is no
        // reason not to trigger.
        let named = || Namespace::named(self.workflows.client().namespace());
        let namespace = self.workflows.namespace().await.unwrap_or_else(|_| named());
        let reserved = match self.reserve(attempt, look).await? {
            Ok(reserved) => reserved,
            Err(outcome) => return Ok(outcome),
        };
        let chains = made_for(look, request, &chosen);
        let (run, why) = match self.make(reserved, request, &chosen, &namespace).await {
            Ok(run) => (run, chosen.why),
            Err(error) if is_commit_gone(&error, &chosen) => {
                let reserved = match self.reserve(attempt, look).await? {
                    Ok(reserved) => reserved,
                    Err(outcome) => return Ok(outcome),
                };
                let tracked = ChosenCommit {
                    sha: None,
                    why: ChosenBecause::Tracked,
                };
                match (
                    self.make(reserved, request, &tracked, &namespace).await,
                    chosen.sha,
                ) {
                    (Ok(run), Some(sha)) => (run, ChosenBecause::Gone { sha }),
                    (Ok(run), None) => (run, ChosenBecause::Tracked),
                    (Err(error), _) => return Ok(failed(&error)),
                }
            }
            Err(error) => return Ok(failed(&error)),
        };
        let run = run.into_facts(self.spacelift.key_id());
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
            chains,
            chosen: Some(why),
        })
    }

    /// Waits for the login and the request budget, and checks what may hold the trigger after that: nothing that takes
    /// long may come between the checks and the trigger.
    async fn reserve(
        &self,
        attempt: &Attempt,
        look: &StackLook,
    ) -> Result<Result<Reservation, AttemptOutcome>, ActivityError> {
        let reserved = match self.spacelift.reserve().await {
            Ok(reserved) => reserved,
            Err(error) => return Ok(Err(failed(&error))),
        };
        let held = self.last_checks(attempt, look).await?;
        Ok(held.map_or(Ok(reserved), Err))
    }

    /// Whether anything holds the trigger now.
    async fn last_checks(
        &self,
        attempt: &Attempt,
        look: &StackLook,
    ) -> Result<Option<AttemptOutcome>, ActivityError> {
        let request = &attempt.request;
        if let Some(outdated) = self.outdated(attempt).await {
            return Ok(Some(outdated));
        }
        if let Some(held) = self.frozen(request, look, clock::now_ms()).await? {
            return Ok(Some(held));
        }
        // Read as late as possible: after `spillway halt` has returned, no trigger may be sent, and another attempt may
        // begin once Temporal gave up this one.
        let asked = SystemTime::now();
        let (halted, waited_for) = futures::join!(
            self.halted(request),
            self.workflows.is_waiting_for(&attempt.activity)
        );
        if let Some(held) = halted? {
            return Ok(Some(held));
        }
        let is_slow = attempt.is_late() || asked.elapsed().is_ok_and(|elapsed| elapsed > ANSWER_VALID);
        let why = match waited_for.map_err(temporal_error)? {
            false => "Temporal does not wait for this attempt any more",
            true if is_slow => "looking at the stack took too long",
            true => return Ok(None),
        };
        Ok(Some(AttemptOutcome::Trouble {
            message: why.to_owned(),
            in_doubt: false,
            again_in_ms: None,
        }))
    }

    /// Whether a person stopped one of the chains since the schedule decided. It has to decide again then.
    async fn outdated(&self, attempt: &Attempt) -> Option<AttemptOutcome> {
        let request = &attempt.request;
        let elapsed = clock::elapsed_since(request.decided_at_ms);
        let began_in_time =
            elapsed.saturating_sub(attempt.began.elapsed().unwrap_or_default()) < BEGIN_WITHIN;
        if began_in_time && elapsed < TRIGGER_WITHIN {
            return None;
        }
        for Need { chain, .. } in &request.needs {
            let why = match with_timeout(self.workflows.open_record(chain)).await {
                Ok(Some(record)) if record.may_start() => continue,
                Ok(_) => format!("{chain} was stopped before the stack could be triggered"),
                Err(why) => format!("the record of {chain} cannot be read before the trigger: {why}"),
            };
            return Some(AttemptOutcome::Held {
                hold: Hold::new(HoldKind::Trouble, why),
                again_in_ms: None,
            });
        }
        None
    }

    async fn halted(&self, request: &AttemptRequest) -> Result<Option<AttemptOutcome>, ActivityError> {
        let halted = self.workflows.is_halted(&request.account).await;
        Ok(halted.map_err(temporal_error)?.then(|| AttemptOutcome::Held {
            hold: Hold::new(HoldKind::Halt, "the account is halted"),
            again_in_ms: None,
        }))
    }

    /// Whether a freeze holds the stack. Freeze windows of the settings do not hold a stack that a person released.
    async fn frozen(
        &self,
        request: &AttemptRequest,
        look: &StackLook,
        now_ms: i64,
    ) -> Result<Option<AttemptOutcome>, ActivityError> {
        let freeze = self
            .workflows
            .frozen(&request.account)
            .await
            .map_err(temporal_error)?;
        let windows: &[FreezeWindow] = if request.ignore_guard {
            &[]
        } else {
            &self.workflows.settings().freezes
        };
        let covered = Covered {
            id: &request.stack,
            space: look.space.as_ref(),
            labels: &look.labels,
        };
        let held = freeze::hold(windows, freeze.as_ref(), &covered, now_ms);
        Ok(held.map(|(hold, until_ms)| AttemptOutcome::Held {
            hold,
            again_in_ms: Some((until_ms - now_ms).min(clock::milliseconds(FREEZE_LOOK))),
        }))
    }

    async fn make(
        &self,
        reserved: Reservation,
        request: &AttemptRequest,
        chosen: &ChosenCommit,
        namespace: &Namespace,
    ) -> Result<spacelift::Run, Error> {
        let workflow = id::execution(&request.account, &request.stack);
        let trigger = TriggerRun {
            run_type: RunType::Tracked,
            commit: chosen.sha.clone(),
            environment: Vec::new(),
            metadata: Some(metadata::of_run(namespace, &workflow)),
        };
        self.spacelift
            .trigger_reserved_run(reserved, &request.stack, &trigger)
            .await
    }

    /// Starts the run's follower, so that webhooks are not needed.
    async fn follow(&self, attempt: &Attempt, run: &RunFacts) -> Result<(), ActivityError> {
        let AttemptRequest { account, stack, .. } = &attempt.request;
        let followed = self.workflows.follow_used(account, stack, run).await;
        followed.map(drop).map_err(temporal_error)
    }
}

/// Whether Spacelift no longer knows the commit, since somebody rewrote the branch.
fn is_commit_gone(error: &Error, chosen: &ChosenCommit) -> bool {
    let text = match &error.kind {
        ErrorKind::Refused { message } | ErrorKind::NotFound { message } => message.to_lowercase(),
        _ => return false,
    };
    chosen.sha.is_some() && text.contains("commit")
}

/// What an error of Spacelift means for the stack.
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
