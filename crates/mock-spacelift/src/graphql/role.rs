//! Roles. Spacelift's own ones, such as "Space reader", are not there.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};

use super::caller::{authorized, mock};
use crate::model::refusal::Refusal;
use crate::model::role::{Action, Role};

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Role", complex)]
pub(super) struct RoleNode {
    id: ID,
    slug: String,
    is_system: bool,
    name: String,
    description: String,
    actions: Vec<Action>,
}

impl From<&Role> for RoleNode {
    fn from(role: &Role) -> Self {
        Self {
            id: ID::from(&role.id),
            slug: role.slug.clone(),
            is_system: false,
            name: role.name.clone(),
            description: role.description.clone(),
            actions: role.actions.clone(),
        }
    }
}

#[ComplexObject]
impl RoleNode {
    async fn role_bindings_count(&self, ctx: &Context<'_>) -> usize {
        mock(ctx).read(|account| account.roles.bindings_of(&self.id))
    }
}

#[derive(Debug, InputObject)]
struct RoleInput {
    name: String,
    description: Option<String>,
    actions: Vec<Action>,
}

/// What is not given stays.
#[derive(Debug, InputObject)]
struct RoleUpdateInput {
    name: Option<String>,
    description: Option<String>,
    /// Spacelift's server ignores the case of names in inputs, and the Terraform provider writes this one so.
    #[graphql(name = "Actions")]
    actions: Option<Vec<Action>>,
}

#[derive(Default)]
pub(crate) struct RoleQuery;

#[Object]
impl RoleQuery {
    async fn role(&self, ctx: &Context<'_>, id: ID) -> Result<Option<RoleNode>, Refusal> {
        Ok(authorized(ctx)?.read(|account| account.roles.get(&id).map(RoleNode::from)))
    }

    async fn roles(&self, ctx: &Context<'_>) -> Result<Vec<RoleNode>, Refusal> {
        Ok(authorized(ctx)?.read(|account| account.roles.all().map(RoleNode::from).collect()))
    }
}

#[derive(Default)]
pub(crate) struct RoleMutation;

#[Object]
impl RoleMutation {
    async fn role_create(&self, ctx: &Context<'_>, input: RoleInput) -> Result<RoleNode, Refusal> {
        let created = authorized(ctx)?.write(|account| {
            let id = account.ids.ulid();
            let description = input.description.unwrap_or_default();
            account.roles.create(id, input.name, description, input.actions)
        })?;
        Ok(RoleNode::from(&created))
    }

    async fn role_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: RoleUpdateInput,
    ) -> Result<RoleNode, Refusal> {
        authorized(ctx)?.write(|account| {
            let role = account.roles.existing_mut(&id)?;
            if let Some(name) = input.name {
                role.name = name;
            }
            if let Some(description) = input.description {
                role.description = description;
            }
            if let Some(actions) = input.actions {
                role.actions = actions;
            }
            Ok(RoleNode::from(&*role))
        })
    }

    /// Null if the role does not exist.
    async fn role_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Option<RoleNode>, Refusal> {
        let deleted = authorized(ctx)?.write(|account| account.roles.remove(&id));
        Ok(deleted.as_ref().map(RoleNode::from))
    }
}
