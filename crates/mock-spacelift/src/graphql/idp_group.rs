//! The groups of the identity provider.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::caller::authorized;
use crate::model::refusal::Refusal;
use crate::model::role::IdpGroup;
use crate::model::space::SpaceAccessLevel;

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "ManagedUserGroup")]
pub(super) struct IdpGroupNode {
    id: ID,
    group_name: String,
    description: String,
    access_rules: Vec<SpaceAccessRule>,
}

#[derive(Debug, Clone, SimpleObject)]
struct SpaceAccessRule {
    space: ID,
    space_access_level: SpaceAccessLevel,
}

impl From<&IdpGroup> for IdpGroupNode {
    fn from(group: &IdpGroup) -> Self {
        let rule = |(space, level): &(String, SpaceAccessLevel)| SpaceAccessRule {
            space: ID::from(space),
            space_access_level: *level,
        };
        Self {
            id: ID::from(&group.id),
            group_name: group.name.clone(),
            description: group.description.clone(),
            access_rules: group.access.iter().map(rule).collect(),
        }
    }
}

#[derive(Debug, InputObject)]
struct SpaceAccessRuleInput {
    space: ID,
    space_access_level: SpaceAccessLevel,
}

impl From<SpaceAccessRuleInput> for (String, SpaceAccessLevel) {
    fn from(input: SpaceAccessRuleInput) -> Self {
        (input.space.to_string(), input.space_access_level)
    }
}

#[derive(Debug, InputObject)]
struct ManagedUserGroupCreateInput {
    group_name: String,
    description: Option<String>,
    access_rules: Vec<SpaceAccessRuleInput>,
}

#[derive(Debug, InputObject)]
struct ManagedUserGroupUpdateInput {
    id: ID,
    description: Option<String>,
    access_rules: Vec<SpaceAccessRuleInput>,
}

#[derive(Default)]
pub(crate) struct IdpGroupQuery;

#[Object]
impl IdpGroupQuery {
    async fn managed_user_group(&self, ctx: &Context<'_>, id: ID) -> Result<Option<IdpGroupNode>, Refusal> {
        Ok(authorized(ctx)?.read(|account| account.roles.group(&id).map(IdpGroupNode::from)))
    }
}

#[derive(Default)]
pub(crate) struct IdpGroupMutation;

#[Object]
impl IdpGroupMutation {
    async fn managed_user_group_create(
        &self,
        ctx: &Context<'_>,
        input: ManagedUserGroupCreateInput,
    ) -> Result<IdpGroupNode, Refusal> {
        Ok(authorized(ctx)?.write(|account| {
            let group = IdpGroup {
                id: account.ids.ulid(),
                name: input.group_name,
                description: input.description.unwrap_or_default(),
                access: input.access_rules.into_iter().map(Into::into).collect(),
            };
            let node = IdpGroupNode::from(&group);
            account.roles.keep_group(group);
            node
        }))
    }

    async fn managed_user_group_update(
        &self,
        ctx: &Context<'_>,
        input: ManagedUserGroupUpdateInput,
    ) -> Result<IdpGroupNode, Refusal> {
        authorized(ctx)?.write(|account| {
            let group = account.roles.group_mut(&input.id)?;
            group.description = input.description.unwrap_or_default();
            group.access = input.access_rules.into_iter().map(Into::into).collect();
            Ok(IdpGroupNode::from(&*group))
        })
    }

    /// Null if the group does not exist.
    async fn managed_user_group_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<IdpGroupNode>, Refusal> {
        let deleted = authorized(ctx)?.write(|account| account.roles.remove_group(&id));
        Ok(deleted.as_ref().map(IdpGroupNode::from))
    }
}
