//! Roles, those who have them, and the groups of an identity provider. They are stored and read back, and allow nothing:
//! the account's API key has all rights.

use async_graphql::Enum;
use chain::{SpaceId, StackId};

use crate::model::space::SpaceAccessLevel;

/// What a role allows: of Spacelift's actions, those on what this account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum Action {
    SpaceAdmin,
    SpaceRead,
    SpaceWrite,
    RunCancel,
    RunCancelBlocking,
    RunComment,
    RunConfirm,
    RunDiscard,
    RunPrioritizeSet,
    RunPromote,
    RunProposeLocalWorkspace,
    RunProposeWithOverrides,
    RunRetry,
    RunRetryBlocking,
    RunReview,
    RunStop,
    RunStopBlocking,
    RunTargetedReplan,
    RunTrigger,
    RunTriggerWithCustomRuntimeConfig,
    TaskCreate,
    StackAddConfig,
    StackCreate,
    StackDelete,
    StackDeleteConfig,
    StackDisable,
    StackEnable,
    StackLock,
    StackManage,
    StackReslug,
    StackSetCurrentCommit,
    StackSetStar,
    StackSyncCommit,
    StackUnlock,
    StackUnlockForce,
    StackUpdate,
    ContextCreate,
    ContextDelete,
    ContextUpdate,
}

#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub actions: Vec<Action>,
}

/// Someone's role in a space.
#[derive(Debug, Clone)]
pub(crate) struct RoleBinding {
    pub id: String,
    pub role: String,
    pub space: SpaceId,
    pub holder: Holder,
}

/// Who has a role. The account has no people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    ApiKey(String),
    Group(String),
    Stack(StackId),
}

/// A group of the identity provider whose members may have roles.
#[derive(Debug, Clone)]
pub(crate) struct IdpGroup {
    pub id: String,
    pub name: String,
    pub description: String,
    /// The older way to give it rights: a level for each space.
    pub access: Vec<(String, SpaceAccessLevel)>,
}
