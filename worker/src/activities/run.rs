//! Looking at runs, and at what holds a stack back.

use chain::{CommitSha, Reason, RunId, RunState, RunType, StackId};
use serde::{Deserialize, Serialize};
use spacelift::{ErrorKind, Run, Spacelift};
use temporalio_sdk::activities::ActivityError;

use crate::failure::activity_error;

/// How many of a stack's runs are looked at, the newest first. One that is still queued or under way behind so many
/// newer ones would be missed.
pub(super) const RUNS_LOOKED_AT: usize = 50;

/// One run of one stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRef {
    pub stack: StackId,
    pub run: RunId,
}

/// What decides what follows from a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFacts {
    pub state: RunState,
    pub run_type: RunType,
    pub drift_detection: bool,
    pub branch: String,
    pub commit: Option<CommitSha>,
    /// Our own API key triggered it.
    pub own: bool,
    /// Who triggered it, as Spacelift names them; nobody after a push.
    #[serde(default)]
    pub triggered_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyRequest {
    pub stack: StackId,
    pub outside: Vec<StackId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// The newest tracked run of the stack: whatever is newer was made after this look.
    pub newest_run: Option<RunId>,
    /// Why the stack has to wait, in words; none when it may run.
    pub holds: Vec<String>,
    /// Why the stack is not to be run any more, though it was when the chain was planned.
    pub unfit: Option<Reason>,
}

pub(super) async fn look(spacelift: &Spacelift, subject: &RunRef) -> Result<Option<RunFacts>, ActivityError> {
    let run = spacelift
        .run(&subject.stack, &subject.run)
        .await
        .map_err(activity_error)?;
    Ok(run.map(|run| RunFacts {
        own: is_own(spacelift, &run),
        state: run.state,
        run_type: run.run_type,
        drift_detection: run.drift_detection,
        branch: run.branch,
        commit: run.commit.sha,
        triggered_by: run.triggered_by,
    }))
}

pub(super) async fn survey(spacelift: &Spacelift, request: &SurveyRequest) -> Result<Survey, ActivityError> {
    let mut holds = Vec::new();
    let unfit = match spacelift.stack(&request.stack).await.map_err(activity_error)? {
        None => Some(Reason::new(
            "unknown",
            "it does not exist any more, or is not visible",
        )),
        Some(stack) if stack.is_disabled => Some(Reason::new("disabled", "it was disabled meanwhile")),
        Some(stack) => {
            holds.extend(
                stack
                    .lock
                    .map(|lock| format!("`{}` is locked by {}", request.stack, lock.by)),
            );
            None
        }
    };
    if unfit.is_some() {
        return Ok(Survey {
            newest_run: None,
            holds,
            unfit,
        });
    }
    for outside in &request.outside {
        for run in runs_of(spacelift, outside)
            .await?
            .iter()
            .filter(|run| !run.state.is_terminal())
        {
            holds.push(format!(
                "`{outside}`, upstream of it, has run {} under way ({})",
                run.id, run.state
            ));
        }
    }
    let newest_run = runs_of(spacelift, &request.stack)
        .await?
        .into_iter()
        .next()
        .map(|run| run.id);
    Ok(Survey {
        newest_run,
        holds,
        unfit,
    })
}

/// The newest tracked runs of a stack. One that does not exist has none.
pub(super) async fn runs_of(spacelift: &Spacelift, stack: &StackId) -> Result<Vec<Run>, ActivityError> {
    match spacelift.runs(stack, RUNS_LOOKED_AT, None).await {
        Err(error) if matches!(error.kind, ErrorKind::NotFound { .. }) => Ok(Vec::new()),
        runs => runs.map_err(activity_error),
    }
}

/// Whether our own API key triggered a run. Spacelift writes `api::<key>` or `api::<key>::<name>`, and may shorten
/// the key.
pub(super) fn is_own(spacelift: &Spacelift, run: &Run) -> bool {
    run.triggered_by
        .as_deref()
        .is_some_and(|by| is_key(by, spacelift.key_id()))
}

fn is_key(triggered_by: &str, key_id: &str) -> bool {
    /// A shortened key has at least as many characters; fewer would match strangers.
    const KEY_CHARACTERS_MIN: usize = 8;
    let Some(rest) = triggered_by.strip_prefix("api::") else {
        return false;
    };
    let named = rest.split("::").next().unwrap_or_default();
    named == key_id || (named.len() >= KEY_CHARACTERS_MIN && key_id.starts_with(named))
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn a_run_of_our_key_is_recognised_however_it_is_written() {
        const KEY: &str = "01JSMHTFM9TXWW1XK4AZN1SA8K";
        for (by, own) in [
            ("api::01JSMHTFM9TXWW1XK4AZN1SA8K", true),
            ("api::01JSMHTFM9TXWW1XK4AZN1SA8K::spillway", true),
            ("api::01JSMHTFM9::spillway", true),
            ("api::01JS", false),
            ("api::", false),
            ("api::01JSMHTFM9TXWW1XK4AZN1SA8L", false),
            ("01JSMHTFM9TXWW1XK4AZN1SA8K", false),
            ("alice@acme.example", false),
        ] {
            assert_eq!(is_key(by, KEY), own, "{by}");
        }
    }
}
