//! Who has which role in which space. Spacelift has one type for each kind of holder, with different fields.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::caller::authorized;
use super::idp_group::IdpGroupNode;
use super::role::RoleNode;
use super::space::SpaceNode;
use crate::account::state::Account;
use crate::model::refusal::Refusal;
use crate::model::role::{Holder, RoleBinding};

#[derive(Debug, SimpleObject)]
struct ApiKeyRoleBinding {
    id: ID,
    role: RoleNode,
    #[graphql(name = "spaceID")]
    space_id: ID,
    #[graphql(name = "apiKeyID")]
    api_key_id: ID,
}

#[derive(Debug, SimpleObject)]
struct UserGroupRoleBinding {
    id: ID,
    #[graphql(name = "roleID")]
    role_id: ID,
    #[graphql(name = "spaceID")]
    space_id: ID,
    user_group: IdpGroupNode,
}

#[derive(Debug, SimpleObject)]
struct StackRoleBinding {
    id: ID,
    role: RoleNode,
    space: SpaceNode,
    #[graphql(name = "stackID")]
    stack_id: ID,
}

/// The type for one kind of holder.
trait BindingNode: Sized {
    /// `None` for a binding of another kind of holder, and for one that refers to something that is gone.
    fn of(account: &Account, binding: &RoleBinding) -> Option<Self>;

    fn read(ctx: &Context<'_>, id: &ID) -> Result<Option<Self>, Refusal> {
        Ok(authorized(ctx)?.read(|account| Self::of(account, account.roles.binding(id)?)))
    }

    fn create(ctx: &Context<'_>, role: &ID, space: &ID, holder: Holder) -> Result<Self, Refusal> {
        authorized(ctx)?.write(|account| {
            let binding = account.bind_role(role, space, holder)?;
            Self::of(account, &binding).ok_or(Refusal::NotFound)
        })
    }

    fn delete(ctx: &Context<'_>, id: &ID) -> Result<Self, Refusal> {
        authorized(ctx)?.write(|account| {
            let binding = account.roles.binding(id).ok_or(Refusal::NotFound)?;
            let node = Self::of(account, binding).ok_or(Refusal::NotFound)?;
            account.roles.unbind(id)?;
            Ok(node)
        })
    }
}

impl BindingNode for ApiKeyRoleBinding {
    fn of(account: &Account, binding: &RoleBinding) -> Option<Self> {
        let Holder::ApiKey(key) = &binding.holder else {
            return None;
        };
        Some(Self {
            id: ID::from(&binding.id),
            role: RoleNode::from(account.roles.get(&binding.role)?),
            space_id: ID::from(binding.space.as_str()),
            api_key_id: ID::from(key),
        })
    }
}

impl BindingNode for UserGroupRoleBinding {
    fn of(account: &Account, binding: &RoleBinding) -> Option<Self> {
        let Holder::Group(group) = &binding.holder else {
            return None;
        };
        Some(Self {
            id: ID::from(&binding.id),
            role_id: ID::from(&binding.role),
            space_id: ID::from(binding.space.as_str()),
            user_group: IdpGroupNode::from(account.roles.group(group)?),
        })
    }
}

impl BindingNode for StackRoleBinding {
    fn of(account: &Account, binding: &RoleBinding) -> Option<Self> {
        let Holder::Stack(stack) = &binding.holder else {
            return None;
        };
        Some(Self {
            id: ID::from(&binding.id),
            role: RoleNode::from(account.roles.get(&binding.role)?),
            space: SpaceNode::from(account.spaces.get(binding.space.as_str())?),
            stack_id: ID::from(stack.as_str()),
        })
    }
}

#[derive(Debug, InputObject)]
struct ApiKeyRoleBindingInput {
    #[graphql(name = "apiKeyID")]
    api_key: ID,
    #[graphql(name = "roleID")]
    role: ID,
    #[graphql(name = "spaceID")]
    space: ID,
}

#[derive(Debug, InputObject)]
struct UserGroupRoleBindingInput {
    #[graphql(name = "userGroupID")]
    user_group: ID,
    #[graphql(name = "roleID")]
    role: ID,
    #[graphql(name = "spaceID")]
    space: ID,
}

#[derive(Debug, InputObject)]
struct StackRoleBindingInput {
    #[graphql(name = "stackID")]
    stack: ID,
    #[graphql(name = "roleID")]
    role: ID,
    #[graphql(name = "spaceID")]
    space: ID,
}

#[derive(Default)]
pub(crate) struct RoleBindingQuery;

#[Object]
impl RoleBindingQuery {
    async fn api_key_role_binding(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<ApiKeyRoleBinding>, Refusal> {
        BindingNode::read(ctx, &id)
    }

    async fn user_group_role_binding(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<UserGroupRoleBinding>, Refusal> {
        BindingNode::read(ctx, &id)
    }

    async fn stack_role_binding(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<StackRoleBinding>, Refusal> {
        BindingNode::read(ctx, &id)
    }
}

#[derive(Default)]
pub(crate) struct RoleBindingMutation;

#[Object]
impl RoleBindingMutation {
    async fn api_key_role_binding_create(
        &self,
        ctx: &Context<'_>,
        input: ApiKeyRoleBindingInput,
    ) -> Result<ApiKeyRoleBinding, Refusal> {
        let holder = Holder::ApiKey(input.api_key.to_string());
        BindingNode::create(ctx, &input.role, &input.space, holder)
    }

    async fn api_key_role_binding_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<ApiKeyRoleBinding, Refusal> {
        BindingNode::delete(ctx, &id)
    }

    async fn user_group_role_binding_create(
        &self,
        ctx: &Context<'_>,
        input: UserGroupRoleBindingInput,
    ) -> Result<UserGroupRoleBinding, Refusal> {
        let holder = Holder::Group(input.user_group.to_string());
        BindingNode::create(ctx, &input.role, &input.space, holder)
    }

    async fn user_group_role_binding_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<UserGroupRoleBinding, Refusal> {
        BindingNode::delete(ctx, &id)
    }

    async fn stack_role_binding_create(
        &self,
        ctx: &Context<'_>,
        input: StackRoleBindingInput,
    ) -> Result<StackRoleBinding, Refusal> {
        let unknown = || Refusal::unknown("stack", &input.stack);
        let holder = Holder::Stack(input.stack.parse().map_err(|_| unknown())?);
        BindingNode::create(ctx, &input.role, &input.space, holder)
    }

    async fn stack_role_binding_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<StackRoleBinding, Refusal> {
        BindingNode::delete(ctx, &id)
    }
}
