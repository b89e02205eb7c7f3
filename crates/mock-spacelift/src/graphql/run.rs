//! Runs.

use async_graphql::{ComplexObject, Context, ID, SimpleObject};

use super::caller::mock;
use super::enums::{RunState, RunType};
use super::resource::{RunChanges, RunChangesInput};
use crate::account::state::Account;
use crate::model::commit::Commit;
use crate::model::run::{Delta, Run, RunComment, Transition};

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Run", complex)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are Spacelift's fields, one for one"
)]
pub(crate) struct RunNode {
    pub id: ID,
    #[graphql(skip)]
    pub state_name: String,
    #[graphql(skip)]
    pub type_name: String,
    pub branch: String,
    command: Option<String>,
    pub commit: Commit,
    comments: Vec<RunComment>,
    pub created_at: i64,
    updated_at: i64,
    delta: Option<Delta>,
    drift_detection: bool,
    expired: bool,
    finished: bool,
    is_most_recent: bool,
    needs_approval: bool,
    state: RunState,
    pub title: String,
    pub triggered_by: Option<String>,
    r#type: RunType,
    can_retry: bool,
    /// Newest first.
    history: Vec<RunStateTransition>,
}

#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct RunStateTransition {
    has_logs: bool,
    note: Option<String>,
    state: RunState,
    state_version: u32,
    terminal: bool,
    timestamp: i64,
    username: Option<String>,
}

impl From<&Transition> for RunStateTransition {
    fn from(transition: &Transition) -> Self {
        Self {
            has_logs: matches!(
                transition.state,
                chain::RunState::Preparing
                    | chain::RunState::Initializing
                    | chain::RunState::Planning
                    | chain::RunState::Applying
                    | chain::RunState::Performing
                    | chain::RunState::Destroying
            ),
            note: transition.note.clone(),
            state: RunState::from(&transition.state),
            state_version: transition.state_version,
            terminal: transition.state.is_terminal(),
            timestamp: transition.at.seconds(),
            username: transition.username.clone(),
        }
    }
}

impl RunNode {
    pub(crate) fn of(account: &Account, run: &Run) -> Self {
        let latest = account.runs.of_stack(&run.stack).next_back();
        let over = run.is_over();
        Self {
            id: ID::from(run.id.as_str()),
            state_name: run.state().to_string(),
            type_name: run.run_type.to_string(),
            branch: run.branch.clone(),
            command: run.command.clone(),
            commit: run.commit.clone(),
            comments: run.comments.clone(),
            created_at: run.created_at().seconds(),
            updated_at: run.last().at.seconds(),
            delta: run.delta,
            drift_detection: run.drift_detection,
            expired: false,
            finished: over,
            is_most_recent: latest.is_some_and(|latest| latest.id == run.id),
            needs_approval: false,
            state: RunState::from(run.state()),
            title: run.title(),
            triggered_by: run.triggered_by.clone(),
            r#type: RunType::from(&run.run_type),
            can_retry: run.ended_badly(),
            history: run.history.iter().rev().map(RunStateTransition::from).collect(),
        }
    }
}

#[derive(Debug, Clone, SimpleObject)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are Spacelift's fields, one for one"
)]
struct RunLogs {
    exists: bool,
    expired: bool,
    finished: bool,
    has_more: bool,
    messages: Vec<RunLogMessage>,
    next_token: Option<String>,
}

#[derive(Debug, Clone, SimpleObject)]
struct RunLogMessage {
    message: String,
    timestamp: i64,
}

#[ComplexObject]
impl RunNode {
    /// Null if the run has not reached the state.
    async fn logs(
        &self,
        ctx: &Context<'_>,
        state: RunState,
        #[graphql(name = "token")] _token: Option<String>,
        #[graphql(name = "stateVersion")] _state_version: Option<i32>,
    ) -> Option<RunLogs> {
        let transition = self.history.iter().find(|transition| transition.state == state)?;
        let phase = format!("{state:?}").to_ascii_lowercase();
        let text = mock(ctx).read(|account| account.runs.get(&self.id).map(|run| run.log(&phase)))?;
        let line = |line: &str| RunLogMessage {
            message: format!("{line}\n"),
            timestamp: transition.timestamp,
        };
        Some(RunLogs {
            exists: transition.has_logs,
            expired: false,
            finished: true,
            has_more: false,
            messages: if transition.has_logs {
                text.lines().map(line).collect()
            } else {
                Vec::new()
            },
            next_token: None,
        })
    }

    /// The account knows how many resources changed, and which ones only if a test said so.
    #[graphql(name = "changesV3")]
    async fn changes_v3(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "input")] _input: RunChangesInput,
    ) -> Option<Vec<RunChanges>> {
        mock(ctx).read(|account| {
            let changes = account.runs.get(&self.id)?.changes.as_ref();
            Some(
                changes
                    .map(|changes| RunChanges::of(changes))
                    .into_iter()
                    .collect(),
            )
        })
    }
}
