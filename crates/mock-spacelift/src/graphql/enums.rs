//! Spacelift's states and types as GraphQL enums.
//!
//! The domain's own enums keep unknown values, which GraphQL enums cannot.

use async_graphql::Enum;
use async_graphql::Value;
use async_graphql::resolver_utils::parse_enum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RunState {
    None,
    Queued,
    Canceled,
    Initializing,
    Planning,
    Failed,
    Finished,
    Unconfirmed,
    Discarded,
    Confirmed,
    Applying,
    Performing,
    Stopped,
    Destroying,
    Preparing,
    PreparingApply,
    Skipped,
    ReplanRequested,
    Pending,
    Ready,
    PreparingReplan,
    PendingReview,
}

/// The same values: a stack's state is that of its latest tracked run, or `NONE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum StackState {
    None,
    Queued,
    Canceled,
    Initializing,
    Planning,
    Failed,
    Finished,
    Unconfirmed,
    Discarded,
    Confirmed,
    Applying,
    Performing,
    Stopped,
    Destroying,
    Preparing,
    PreparingApply,
    Skipped,
    ReplanRequested,
    Pending,
    Ready,
    PreparingReplan,
    PendingReview,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RunType {
    Tracked,
    Proposed,
    Task,
    Testing,
    Destroy,
    Parse,
}

fn named<T: async_graphql::resolver_utils::EnumType + async_graphql::InputType>(name: &str) -> T {
    let Ok(value) = parse_enum(Value::String(name.to_owned())) else {
        unreachable!("the account itself makes no state or type that it does not know: {name}");
    };
    value
}

impl From<&chain::RunState> for RunState {
    fn from(state: &chain::RunState) -> Self {
        named(state.as_str())
    }
}

impl From<&chain::RunState> for StackState {
    fn from(state: &chain::RunState) -> Self {
        named(state.as_str())
    }
}

impl From<&chain::RunType> for RunType {
    fn from(run_type: &chain::RunType) -> Self {
        named(run_type.as_str())
    }
}

impl From<RunType> for chain::RunType {
    fn from(run_type: RunType) -> Self {
        match run_type {
            RunType::Tracked => Self::Tracked,
            RunType::Proposed => Self::Proposed,
            RunType::Task => Self::Task,
            RunType::Testing => Self::Testing,
            RunType::Destroy => Self::Destroy,
            RunType::Parse => Self::Parse,
        }
    }
}
