//! Refusals of the account, with Spacelift's messages if they are known.

/// Why the account refused. The text is the message for GraphQL clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No login, an expired one, or no permission: Spacelift does not distinguish them.
    #[error("unauthorized")]
    Unauthorized,
    #[error("not found")]
    NotFound,
    #[error("{what} `{id}` not found")]
    Unknown { what: &'static str, id: String },
    #[error("could not persist {what}: {what} with this slug already exists for this account")]
    SlugTaken { what: &'static str },
    #[error("{what} name `{name}` has no letter or digit to make a slug of")]
    NoSlug { what: &'static str, name: String },
    #[error("`{url}` is not the URL of a webhook: it has to begin with http:// or https://")]
    NotUrl { url: String },
    #[error("parent space not found")]
    ParentSpaceNotFound,
    #[error("space `{id}` is not empty: it has {content}")]
    SpaceNotEmpty { id: String, content: String },
    #[error("the root space cannot be deleted")]
    RootSpace,
    #[error("stack `{id}` is disabled")]
    StackDisabled { id: String },
    #[error("stack `{id}` is already locked by {by}")]
    StackLocked { id: String, by: String },
    #[error("stack `{id}` is not locked")]
    StackNotLocked { id: String },
    #[error("stack `{id}` is locked by {by}, and nobody else can {wanted}")]
    LockedByOther {
        id: String,
        by: String,
        wanted: &'static str,
    },
    #[error("no stack follows repository `{repository}`; stacks follow: {known}")]
    NoFollower { repository: String, known: String },
    #[error("the stacks of repository `{repository}` follow several branches, so say which: {branches}")]
    SeveralBranches { repository: String, branches: String },
    #[error("stack `{id}` follows {follows}")]
    OtherBranch { id: String, follows: String },
    #[error("commit `{hash}` not found in repository `{repository}`")]
    CommitGone { hash: String, repository: String },
    #[error("{reason}")]
    Request { reason: &'static str },
    #[error("there is no fault `{kind}`; there are: {known}")]
    FaultKind { kind: String, known: String },
    #[error("no run of stack `{id}` {wanted}")]
    NoSuchRun { id: String, wanted: &'static str },
    #[error("stack `{id}` is protected from deletion")]
    StackProtected { id: String },
    #[error("run `{id}` is {state} and cannot be {wanted}")]
    RunState {
        id: String,
        state: String,
        wanted: &'static str,
    },
    #[error("no run is blocking stack `{id}`")]
    NoBlocker { id: String },
    #[error("runs of type {run_type} cannot be triggered")]
    RunType { run_type: String },
    #[error("stack dependency would create a cycle: {cycle}")]
    DependencyCycle { cycle: String },
    #[error("context `{context}` is already attached to stack `{stack}`")]
    AlreadyAttached { context: String, stack: String },
    #[error("blueprint `{id}` is not published")]
    BlueprintDraft { id: String },
    #[error("blueprint template: {reason}")]
    BlueprintTemplate { reason: String },
    #[error("input `{id}`: {reason}")]
    BlueprintInput { id: String, reason: String },
    #[error("policy does not compile: {reason}")]
    PolicyBody { reason: String },
}

impl Refusal {
    /// There is no such object.
    pub(crate) fn unknown(what: &'static str, id: &str) -> Self {
        Self::Unknown {
            what,
            id: id.to_owned(),
        }
    }
}

/// The result of a control that a test uses: a refusal is a mistake in the test.
#[track_caller]
pub(crate) fn accepted<T>(result: Result<T, Refusal>) -> T {
    result.unwrap_or_else(|refusal| panic!("{refusal}"))
}
