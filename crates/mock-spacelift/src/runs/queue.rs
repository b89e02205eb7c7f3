//! The life of runs: creation, the queue of each stack, every transition, and people's decisions.

use chain::{RunId, RunState, RunType, StackId};

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::commit::Commit;
use crate::model::journal::LogAction;
use crate::model::refusal::Refusal;
use crate::model::run::{Fate, Run, RunRequest, Transition};
use crate::model::stack::Stack;
use crate::model::webhook::{DeliveredTransition, Outgoing, WebhookKey};
use crate::runs::progress::{delta, next_state};
use crate::webhooks::{event, notification};

/// What a person may do to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Confirm,
    /// A reviewer whom an approval policy requires.
    Approve,
    Discard,
    Cancel,
    Stop,
    /// Plan again, for some resources only.
    Replan,
}

impl Decision {
    /// The next state, if the run's state allows the decision.
    fn leads_to(self, state: &RunState, autodeploy: bool) -> Option<RunState> {
        match (self, state) {
            (Self::Confirm, RunState::Unconfirmed) => Some(RunState::Confirmed),
            (Self::Approve, RunState::PendingReview) if autodeploy => Some(RunState::Confirmed),
            (Self::Approve, RunState::PendingReview) => Some(RunState::Unconfirmed),
            (
                Self::Discard,
                RunState::Unconfirmed | RunState::PendingReview | RunState::Queued | RunState::Ready,
            ) => Some(RunState::Discarded),
            (Self::Cancel, RunState::Queued | RunState::Ready) => Some(RunState::Canceled),
            (Self::Stop, state) if !state.is_terminal() => Some(RunState::Stopped),
            (Self::Replan, RunState::Unconfirmed) => Some(RunState::ReplanRequested),
            _ => None,
        }
    }

    pub(crate) fn participle(self) -> &'static str {
        match self {
            Self::Confirm => "confirmed",
            Self::Approve => "approved",
            Self::Discard => "discarded",
            Self::Cancel => "canceled",
            Self::Stop => "stopped",
            Self::Replan => "planned again",
        }
    }
}

impl Account {
    /// Queues a run for somebody, unless somebody else has locked the stack.
    pub(crate) fn trigger_run(&mut self, stack: &str, request: &RunRequest) -> Result<RunId, Refusal> {
        let locked = self.existing_stack(stack)?;
        if let Some(lock) = &locked.lock
            && locked.is_locked_for(request.triggered_by.as_deref())
        {
            return Err(Refusal::LockedByOther {
                id: locked.id.to_string(),
                by: lock.by.clone(),
                wanted: "trigger runs",
            });
        }
        self.create_run(stack, request)
    }

    /// Queues a run, and tracked runs of the stacks that natively depend on its stack.
    pub(crate) fn create_run(&mut self, stack: &str, request: &RunRequest) -> Result<RunId, Refusal> {
        let stack = self.existing_stack(stack)?.id.clone();
        if request.run_type != RunType::Tracked {
            return self.queue_run(&stack, request, Vec::new());
        }
        let mut runs = self.queue_with_dependents(&[stack], request)?;
        Ok(runs.remove(0))
    }

    /// Queues one run of one stack.
    pub(crate) fn queue_run(
        &mut self,
        stack: &StackId,
        request: &RunRequest,
        waits_for: Vec<RunId>,
    ) -> Result<RunId, Refusal> {
        let id: RunId = self.ulid().parse().expect("a ULID is a run id");
        self.existing_stack(stack.as_str())?.check_enabled()?;
        let commit = self.commit_to_run(stack, request.commit.as_deref())?;
        let queued = Transition {
            state: RunState::Queued,
            state_version: 1,
            at: Timestamp::now(),
            username: request.triggered_by.clone(),
            note: None,
        };
        let stack = self.stack_mut(stack.as_str())?;
        let run = Run {
            id: id.clone(),
            stack: stack.id.clone(),
            run_type: request.run_type.clone(),
            commit,
            branch: stack.settings.branch.clone(),
            command: request.command.clone(),
            triggered_by: request.triggered_by.clone(),
            metadata: request.metadata.iter().cloned().collect(),
            environment: request.environment.clone(),
            drift_detection: request.drift_detection,
            prioritized: false,
            fate: stack.next_fate(&request.run_type),
            changes_outputs: stack.changes_outputs,
            changes: stack.next_changes.take(),
            delta: None,
            comments: Vec::new(),
            waits_for,
            of_dependency: request.of_dependency,
            workflow: request.workflow.clone().unwrap_or_else(|| id.clone()),
            history: vec![queued],
        };
        self.note_trigger(&run, request.retries.clone());
        let place = self.keep_run(run);
        self.announce(place);
        Ok(id)
    }

    /// The requested commit, or the one that the stack tracks.
    fn commit_to_run(&mut self, stack: &StackId, wanted: Option<&str>) -> Result<Commit, Refusal> {
        let stack = self.existing_stack(stack.as_str())?;
        let Some(hash) = wanted.filter(|hash| *hash != stack.tracked_commit.hash) else {
            return Ok(stack.tracked_commit.clone());
        };
        let repository = stack.settings.full_repository();
        self.check_commit(&repository, hash)?;
        Ok(self.commit(&repository, hash))
    }

    fn note_trigger(&mut self, run: &Run, retries: Option<RunId>) {
        let made = LogAction::Trigger {
            stack: run.stack.clone(),
            run: run.id.clone(),
            run_type: run.run_type.to_string(),
            commit: run.commit.hash.clone(),
            timestamp: run.commit.timestamp,
            retries,
        };
        self.note(run.triggered_by.as_deref(), made);
    }

    /// Advances every run by one state, the oldest first. Returns whether any advanced.
    pub(crate) fn step(&mut self) -> bool {
        let places: Vec<usize> = self.active_runs.iter().copied().collect();
        let mut moved = false;
        for place in places {
            moved |= self.advance(place);
        }
        moved
    }

    /// Advances one run by one state, unless something holds it.
    pub(crate) fn advance(&mut self, place: usize) -> bool {
        let run = &self.runs[place];
        if *run.state() == RunState::Queued && run.is_serialized() {
            if let Some((end, why)) = self.ends_with_upstream(run) {
                self.transition(place, end, None, Some(why));
                return true;
            }
            if !self.has_turn(place) {
                return false;
            }
        }
        let run = &self.runs[place];
        if *run.state() == RunState::Ready && self.no_workers {
            return false;
        }
        // While a stack is locked, nothing is deployed automatically.
        let autodeploy = |stack: &Stack| stack.settings.autodeploy && stack.lock.is_none();
        let Some(next) = next_state(run, self.stacks.get(&run.stack).is_some_and(autodeploy)) else {
            return false;
        };
        let is_reviewed = self
            .stacks
            .get(&run.stack)
            .is_some_and(|stack| stack.needs_review);
        let is_planned = *run.state() == RunState::Planning && !next.is_terminal();
        let next = if is_reviewed && is_planned {
            RunState::PendingReview
        } else {
            next
        };
        let note = (next == RunState::Failed)
            .then(|| format!("{} exited with code 1", run.state().as_str().to_ascii_lowercase()));
        self.transition(place, next, None, note.as_deref());
        true
    }

    /// Whether a queued run may start: nothing holds it, and no other run of its stack goes first.
    fn has_turn(&self, place: usize) -> bool {
        let run = &self.runs[place];
        let first = !self.active_runs.iter().any(|&other| {
            let other_run = &self.runs[other];
            other_run.stack == run.stack
                && other_run.is_serialized()
                && (other_run.is_under_way()
                    || (!self.is_held_by_lock(other_run) && self.comes_before(other, place)))
        });
        !self.is_held_by_lock(run) && self.upstream_is_over(run) && first
    }

    /// Runs of everyone except the lock's owner stay queued.
    fn is_held_by_lock(&self, run: &Run) -> bool {
        let stack = self.stacks.get(&run.stack);
        stack.is_none_or(|stack| stack.is_locked_for(run.triggered_by.as_deref()))
    }

    /// The order of two queued runs of a stack: prioritized ones first, then the older one.
    fn comes_before(&self, one: usize, other: usize) -> bool {
        let rank = |place: usize| (!self.runs[place].prioritized, place);
        rank(one) < rank(other)
    }

    /// Confirms, discards, cancels or stops a run; the default is the run that blocks the stack.
    pub(crate) fn decide(
        &mut self,
        stack: &str,
        run: Option<&str>,
        decision: Decision,
        by: &str,
        note: Option<&str>,
        metadata: Option<String>,
    ) -> Result<RunId, Refusal> {
        let place = self.decidable(stack, run)?;
        let run = &self.runs[place];
        let autodeploy = self
            .stacks
            .get(&run.stack)
            .is_some_and(|stack| stack.settings.autodeploy);
        let next = decision.leads_to(run.state(), autodeploy);
        let next = next.ok_or_else(|| Refusal::RunState {
            id: run.id.to_string(),
            state: run.state().to_string(),
            wanted: decision.participle(),
        })?;
        let id = run.id.clone();
        let decided = LogAction::Decide {
            stack: run.stack.clone(),
            run: id.clone(),
            state: next.to_string(),
        };
        self.note(Some(by), decided);
        self.runs[place].metadata.extend(metadata);
        self.transition(place, next, Some(by), note);
        Ok(id)
    }

    fn decidable(&self, stack: &str, run: Option<&str>) -> Result<usize, Refusal> {
        match run {
            Some(run) => self
                .run_of(stack, run)
                .and_then(|found| self.run_place(found.id.as_str()))
                .ok_or(Refusal::NotFound),
            None => self
                .blocker(stack)
                .ok_or_else(|| Refusal::NoBlocker { id: stack.to_owned() }),
        }
    }

    /// The run that blocks the stack.
    pub(crate) fn blocker(&self, stack: &str) -> Option<usize> {
        self.active_runs.iter().copied().find(|&place| {
            let run = &self.runs[place];
            run.stack.as_str() == stack && run.is_under_way()
        })
    }

    pub(crate) fn transition(&mut self, place: usize, to: RunState, by: Option<&str>, note: Option<&str>) {
        let run = &mut self.runs[place];
        let state_version = run.last().state_version + 1;
        run.history.push(Transition {
            state: to,
            state_version,
            at: Timestamp::now(),
            username: by.map(str::to_owned),
            note: note.map(str::to_owned),
        });
        run.delta = delta(run);
        let is_over = run.is_over();
        if is_over {
            self.active_runs.remove(&place);
        }
        self.announce(place);
        if is_over {
            self.run_trigger_policies(place);
        }
    }

    /// Puts the deliveries for a run's latest transition into the outbox.
    fn announce(&mut self, place: usize) {
        let run = &self.runs[place];
        let Some(stack) = self.stacks.get(&run.stack) else {
            return;
        };
        let about = DeliveredTransition {
            stack: stack.id.clone(),
            run: run.id.clone(),
            state: run.state().clone(),
            state_version: run.last().state_version,
        };
        let body = event::default_body(self, stack, run);
        let own = stack
            .webhooks
            .iter()
            .filter(|webhook| webhook.target.enabled)
            .map(|webhook| {
                let key = WebhookKey::Stack {
                    stack: stack.id.clone(),
                    id: webhook.id.clone(),
                };
                Outgoing::new(key, &webhook.target, body.clone(), Some(about.clone()))
            });
        let mut outgoing: Vec<Outgoing> = own.collect();
        outgoing.extend(
            self.audit_trail
                .as_ref()
                .filter(|trail| trail.include_runs)
                .and_then(|trail| trail.delivery(body.clone(), Some(about.clone()))),
        );
        outgoing.extend(notification::deliveries(self, stack, run, &body, &about));
        for delivery in outgoing {
            self.send(delivery);
        }
    }
}

impl Stack {
    /// What the next run of this kind will find. Tracked runs consume the requested results.
    fn next_fate(&mut self, run_type: &RunType) -> Fate {
        if *run_type == RunType::Tracked && !self.next_fates.is_empty() {
            return self.next_fates.remove(0);
        }
        if self.finds_changes {
            Fate::Changes
        } else {
            Fate::NoChanges
        }
    }
}
