//! What a test can read afterwards: runs, requests, deliveries.

use chain::{CommitSha, RunId, RunState, RunType, SpaceId, StackId};

use crate::model::clock::Timestamp;
use crate::model::run::Run;
use crate::model::stack::Stack;
use crate::model::webhook::{DeliveredTransition, Outgoing, WebhookKey};

/// The current state of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    pub run: RunId,
    pub stack: StackId,
    pub run_type: RunType,
    pub state: RunState,
    /// `None` for a git push, otherwise a login, a stack, a policy or `api::<key id>`.
    pub triggered_by: Option<String>,
    /// The run-metadata headers of the requests that triggered and confirmed it.
    pub metadata: Vec<String>,
    pub branch: String,
    pub commit: Option<CommitSha>,
    /// When the commit was made, in Unix seconds. An old commit keeps its own time.
    pub commit_timestamp: i64,
    pub command: Option<String>,
    /// Variables that were given when the run was triggered.
    pub environment: Vec<(String, String)>,
    pub created_at: Timestamp,
    /// Oldest first.
    pub history: Vec<(RunState, Timestamp)>,
}

impl RunRecord {
    /// When it entered `state`, if it did.
    pub fn reached(&self, state: &RunState) -> Option<Timestamp> {
        self.history
            .iter()
            .find(|(reached, _)| reached == state)
            .map(|(_, at)| *at)
    }
}

impl From<&Run> for RunRecord {
    fn from(run: &Run) -> Self {
        Self {
            run: run.id.clone(),
            stack: run.stack.clone(),
            run_type: run.run_type.clone(),
            state: run.state().clone(),
            triggered_by: run.triggered_by.clone(),
            metadata: run.metadata.clone(),
            branch: run.branch.clone(),
            commit: CommitSha::new(&run.commit.hash),
            commit_timestamp: run.commit.timestamp,
            command: run.command.clone(),
            environment: run.environment.clone().into_iter().collect(),
            created_at: run.created_at(),
            history: run
                .history
                .iter()
                .map(|entry| (entry.state.clone(), entry.at))
                .collect(),
        }
    }
}

/// The current state of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackRecord {
    pub id: StackId,
    pub name: String,
    pub space: SpaceId,
    pub labels: Vec<String>,
    /// `owner/name`.
    pub repository: String,
    pub branch: String,
    pub tracked_commit: Option<CommitSha>,
    /// When the tracked commit was made, in Unix seconds.
    pub tracked_commit_timestamp: i64,
    pub autodeploy: bool,
    pub disabled: bool,
    pub locked_by: Option<String>,
    /// The state of its latest tracked run; `NONE` if there is none.
    pub state: RunState,
}

impl StackRecord {
    /// `state` is that of its latest tracked run.
    pub(crate) fn of(stack: &Stack, state: RunState) -> Self {
        Self {
            id: stack.id.clone(),
            name: stack.settings.name.clone(),
            space: stack.space.clone(),
            labels: stack.settings.labels.clone(),
            repository: stack.settings.full_repository(),
            branch: stack.settings.branch.clone(),
            tracked_commit: CommitSha::new(&stack.tracked_commit.hash),
            tracked_commit_timestamp: stack.tracked_commit.timestamp,
            autodeploy: stack.settings.autodeploy,
            disabled: stack.disabled,
            locked_by: stack.lock.as_ref().map(|lock| lock.by.clone()),
            state,
        }
    }
}

/// A request that reached the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// The operation's name in the document, if it has one.
    pub operation: Option<String>,
    /// The requested root fields, such as `runTrigger`.
    pub fields: Vec<String>,
    pub at: Timestamp,
    /// The HTTP status of the answer; `None` if the connection was reset instead.
    pub status: Option<u16>,
    /// The message of the first GraphQL error in the answer.
    pub error: Option<String>,
}

impl RequestRecord {
    /// Whether the operation, or one of its root fields, has this name.
    pub fn is(&self, name: &str) -> bool {
        self.operation.as_deref() == Some(name) || self.fields.iter().any(|field| field == name)
    }
}

/// The result of one attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Answered(u16),
    /// There was no answer, for this reason.
    Unreachable(String),
    /// It was never sent, because of a fault.
    Lost,
}

/// One attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    pub webhook: WebhookKey,
    pub url: String,
    /// The transition that it reports; `None` for the audit trail.
    pub about: Option<DeliveredTransition>,
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// 1 for the first attempt, more for retries.
    pub attempt: u32,
    pub outcome: DeliveryOutcome,
    pub at: Timestamp,
}

impl DeliveryRecord {
    /// A delivery that a fault kept from being sent.
    pub(crate) fn lost(outgoing: Outgoing) -> Self {
        Self {
            webhook: outgoing.webhook,
            url: outgoing.url,
            about: outgoing.about,
            method: outgoing.method,
            headers: Vec::new(),
            body: outgoing.body,
            attempt: 1,
            outcome: DeliveryOutcome::Lost,
            at: Timestamp::now(),
        }
    }

    pub fn succeeded(&self) -> bool {
        matches!(self.outcome, DeliveryOutcome::Answered(status) if (200..300).contains(&status))
    }

    /// The value of a header; the case of its name does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}
