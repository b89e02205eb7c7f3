//! Creates runs: of one stack, and of everything that natively depends on it.

use std::collections::BTreeMap;

use chain::{RunId, RunState, RunType, StackId};

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::commit::Commit;
use crate::model::log::LogAction;
use crate::model::refusal::Refusal;
use crate::model::run::{Run, RunRequest, Transition};
use crate::runs::announcement::announce;

/// Queues a run for somebody, unless somebody else has locked the stack.
pub(crate) fn trigger_run(
    account: &mut Account,
    stack: &str,
    request: &RunRequest,
) -> Result<RunId, Refusal> {
    let locked = account.stacks.existing(stack)?;
    if let Some(lock) = &locked.lock
        && locked.is_locked_for(request.triggered_by.as_deref())
    {
        return Err(Refusal::LockedByOther {
            id: locked.id.to_string(),
            by: lock.by.clone(),
            wanted: "trigger runs",
        });
    }
    create_run(account, stack, request)
}

/// Queues a run, and tracked runs of the stacks that natively depend on its stack.
pub(crate) fn create_run(account: &mut Account, stack: &str, request: &RunRequest) -> Result<RunId, Refusal> {
    let stack = account.stacks.existing(stack)?.id.clone();
    if request.run_type != RunType::Tracked {
        return queue_run(account, &stack, request, Vec::new());
    }
    let mut runs = queue_with_dependents(account, &[stack], request)?;
    Ok(runs.remove(0))
}

/// Queues one tracked run of each of these stacks and of everything downstream of them. Each waits for the runs of its
/// own upstream. Returns the runs of `stacks`, in order.
pub(super) fn queue_with_dependents(
    account: &mut Account,
    stacks: &[StackId],
    request: &RunRequest,
) -> Result<Vec<RunId>, Refusal> {
    for stack in stacks {
        account.stacks.existing(stack.as_str())?.check_enabled()?;
    }
    let mut queued: BTreeMap<StackId, RunId> = BTreeMap::new();
    for stack in account.dependencies.with_downstream(stacks) {
        let upstream = account.dependencies.of(stack.as_str());
        let waits: Vec<(StackId, RunId)> = upstream
            .filter_map(|dependency| {
                let run = queued.get(&dependency.depends_on)?;
                Some((dependency.depends_on.clone(), run.clone()))
            })
            .collect();
        let waits_for = waits.iter().map(|(_, run)| run.clone()).collect();
        let run = if stacks.contains(&stack) {
            queue_run(account, &stack, request, waits_for)?
        } else {
            let Some((cause, _)) = waits.first() else { continue };
            let request = RunRequest {
                of_dependency: true,
                ..RunRequest::tracked(Some(cause.as_str()))
            };
            match queue_run(account, &stack, &request, waits_for) {
                Ok(run) => run,
                // A disabled stack gets no run; stacks that also depend on others still do.
                Err(_) => continue,
            }
        };
        queued.insert(stack, run);
    }
    Ok(stacks
        .iter()
        .filter_map(|stack| queued.get(stack).cloned())
        .collect())
}

/// Queues one run of one stack.
fn queue_run(
    account: &mut Account,
    stack: &StackId,
    request: &RunRequest,
    waits_for: Vec<RunId>,
) -> Result<RunId, Refusal> {
    let id: RunId = account.ids.ulid().parse().expect("a ULID is a run id");
    account.stacks.existing(stack.as_str())?.check_enabled()?;
    let commit = commit_to_run(account, stack, request.commit.as_deref())?;
    let queued = Transition {
        state: RunState::Queued,
        state_version: 1,
        at: Timestamp::now(),
        username: request.triggered_by.clone(),
        note: None,
    };
    let stack = account.stacks.existing_mut(stack.as_str())?;
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
        outcome: stack.next_outcome(&request.run_type),
        changes_outputs: stack.changes_outputs,
        changes: stack.next_changes.take(),
        delta: None,
        comments: Vec::new(),
        waits_for,
        of_dependency: request.of_dependency,
        workflow: request.workflow.clone().unwrap_or_else(|| id.clone()),
        history: vec![queued],
    };
    note_trigger(account, &run, request.retries.clone());
    let index = account.runs.add(run);
    announce(account, index);
    Ok(id)
}

/// The requested commit, or the one that the stack tracks.
fn commit_to_run(account: &mut Account, stack: &StackId, wanted: Option<&str>) -> Result<Commit, Refusal> {
    let stack = account.stacks.existing(stack.as_str())?;
    let Some(hash) = wanted.filter(|hash| *hash != stack.tracked_commit.hash) else {
        return Ok(stack.tracked_commit.clone());
    };
    let repository = stack.settings.full_repository();
    account.repositories.check_commit(&repository, hash)?;
    Ok(account.repositories.commit(&repository, hash))
}

fn note_trigger(account: &mut Account, run: &Run, retries: Option<RunId>) {
    let made = LogAction::Trigger {
        stack: run.stack.clone(),
        run: run.id.clone(),
        run_type: run.run_type.to_string(),
        commit: run.commit.hash.clone(),
        timestamp: run.commit.timestamp,
        retries,
    };
    account.log.add(run.triggered_by.as_deref(), made);
}
