//! How a run advances: the one place that knows which state follows which.

use chain::{RunState, RunType};

use crate::model::run::{Delta, Outcome, Run};

/// The next state, or `None` if the run is over or waits for a person.
///
/// Whether a run leaves the queue is not decided here, since that depends on the stack's other runs.
pub(crate) fn next_state(run: &Run, autodeploy: bool) -> Option<RunState> {
    let state = run.state();
    if let Outcome::FailsIn(failing) = &run.outcome
        && failing == state
    {
        return Some(RunState::Failed);
    }
    let next = match state {
        RunState::Queued if run.outcome == Outcome::Skipped => RunState::Skipped,
        RunState::Queued => RunState::Ready,
        RunState::Ready => RunState::Preparing,
        RunState::Preparing => RunState::Initializing,
        RunState::Initializing => match run.run_type {
            RunType::Task => RunState::Performing,
            RunType::Destroy => RunState::Destroying,
            _ => RunState::Planning,
        },
        RunState::ReplanRequested => RunState::PreparingReplan,
        RunState::PreparingReplan => RunState::Planning,
        RunState::Planning => match run.run_type {
            RunType::Tracked if run.outcome == Outcome::NoChanges => RunState::Finished,
            RunType::Tracked if autodeploy => RunState::Applying,
            RunType::Tracked => RunState::Unconfirmed,
            _ => RunState::Finished,
        },
        RunState::Confirmed => RunState::PreparingApply,
        RunState::PreparingApply => RunState::Applying,
        RunState::Applying | RunState::Performing | RunState::Destroying => RunState::Finished,
        _ => return None,
    };
    Some(next)
}

/// The changes of the plan, once there is one.
pub(crate) fn delta(run: &Run) -> Option<Delta> {
    let planned = run
        .history
        .iter()
        .any(|transition| transition.state == RunState::Planning);
    let planning = *run.state() == RunState::Planning;
    let failed_planning = run.outcome == Outcome::FailsIn(RunState::Planning);
    if !planned || planning || failed_planning {
        return None;
    }
    Some(match run.outcome {
        Outcome::NoChanges => Delta {
            add_count: 0,
            change_count: 0,
            delete_count: 0,
            resources: 14,
        },
        _ => Delta {
            add_count: if run.changes.is_some() { 0 } else { 2 },
            change_count: changed_resources(run),
            delete_count: 0,
            resources: 14,
        },
    })
}

fn changed_resources(run: &Run) -> i32 {
    let named = run.changes.as_ref();
    named.map_or(1, |changes| i32::try_from(changes.len()).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use chain::{RunState, RunType};

    use super::next_state;
    use crate::model::clock::Timestamp;
    use crate::model::commit::Commit;
    use crate::model::run::{Outcome, Run, RunRequest, Transition};

    /// The states of a run from `QUEUED` until it stops advancing.
    fn path(run_type: RunType, outcome: Outcome, autodeploy: bool) -> String {
        let request = RunRequest::of(run_type, None);
        let at = Timestamp::now();
        let queued = Transition {
            state: RunState::Queued,
            state_version: 1,
            at,
            username: None,
            note: None,
        };
        let mut run = Run {
            id: "run".parse().unwrap(),
            stack: "stack".parse().unwrap(),
            run_type: request.run_type,
            commit: Commit::new("acme/infra", "abc123", "A change"),
            branch: "main".to_owned(),
            command: None,
            triggered_by: None,
            metadata: Vec::new(),
            environment: request.environment,
            drift_detection: false,
            prioritized: false,
            outcome,
            changes_outputs: true,
            changes: None,
            delta: None,
            comments: Vec::new(),
            waits_for: Vec::new(),
            of_dependency: false,
            workflow: "run".parse().unwrap(),
            history: vec![queued.clone()],
        };
        while let Some(state) = next_state(&run, autodeploy) {
            run.history.push(Transition {
                state,
                ..queued.clone()
            });
        }
        run.history
            .iter()
            .map(|transition| transition.state.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn each_kind_of_run_takes_spacelifts_path() {
        use RunType::{Destroy, Proposed, Task, Tracked};
        let table = [
            (Tracked, Outcome::Changes, true, "PLANNING APPLYING FINISHED"),
            (Tracked, Outcome::Changes, false, "PLANNING UNCONFIRMED"),
            (Tracked, Outcome::NoChanges, false, "PLANNING FINISHED"),
            (
                Tracked,
                Outcome::FailsIn(RunState::Planning),
                true,
                "PLANNING FAILED",
            ),
            (
                Tracked,
                Outcome::FailsIn(RunState::Applying),
                true,
                "PLANNING APPLYING FAILED",
            ),
            (Proposed, Outcome::Changes, false, "PLANNING FINISHED"),
            (Task, Outcome::Changes, false, "PERFORMING FINISHED"),
            (
                Task,
                Outcome::FailsIn(RunState::Performing),
                false,
                "PERFORMING FAILED",
            ),
            (Destroy, Outcome::Changes, false, "DESTROYING FINISHED"),
        ];
        for (run_type, outcome, autodeploy, rest) in table {
            let expected = format!("QUEUED READY PREPARING INITIALIZING {rest}");
            assert_eq!(path(run_type, outcome, autodeploy), expected);
        }
    }
}
