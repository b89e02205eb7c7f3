//! Spaces.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::caller::authorized;
use crate::model::refusal::Refusal;
use crate::model::space::{NewSpace, ROOT, Space, SpaceAccessLevel};

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Space")]
pub(crate) struct SpaceNode {
    id: ID,
    name: String,
    description: String,
    /// An id, not an object.
    parent_space: Option<ID>,
    inherit_entities: bool,
    labels: Option<Vec<String>>,
    access_level: Option<SpaceAccessLevel>,
}

impl From<&Space> for SpaceNode {
    fn from(space: &Space) -> Self {
        Self {
            id: ID::from(space.id.as_str()),
            name: space.name.clone(),
            description: space.description.clone(),
            parent_space: space.parent.as_ref().map(|parent| ID::from(parent.as_str())),
            inherit_entities: space.inherit_entities,
            labels: Some(space.labels.clone()),
            access_level: Some(SpaceAccessLevel::Admin),
        }
    }
}

#[derive(Default)]
pub(crate) struct SpaceQuery;

#[Object]
impl SpaceQuery {
    async fn space(&self, ctx: &Context<'_>, id: ID) -> Result<Option<SpaceNode>, Refusal> {
        authorized(ctx)?.read(|account| {
            let space = account
                .spaces
                .get(&id)
                .filter(|space| account.spaces.sees(&space.id));
            Ok(space.map(SpaceNode::from))
        })
    }

    async fn spaces(&self, ctx: &Context<'_>) -> Result<Vec<SpaceNode>, Refusal> {
        authorized(ctx)?.read(|account| {
            let all = account.spaces.all();
            let visible = all.filter(|space| account.spaces.sees(&space.id));
            Ok(visible.map(SpaceNode::from).collect())
        })
    }
}

#[derive(Debug, InputObject)]
struct SpaceInput {
    name: String,
    description: String,
    parent_space: Option<ID>,
    inherit_entities: bool,
    labels: Option<Vec<String>>,
}

impl From<SpaceInput> for NewSpace {
    fn from(input: SpaceInput) -> Self {
        Self {
            name: input.name,
            description: input.description,
            parent: input
                .parent_space
                .map_or_else(|| ROOT.to_owned(), |id| id.to_string()),
            inherit_entities: input.inherit_entities,
            labels: input.labels.unwrap_or_default(),
        }
    }
}

#[derive(Default)]
pub(crate) struct SpaceMutation;

#[Object]
impl SpaceMutation {
    async fn space_create(&self, ctx: &Context<'_>, input: SpaceInput) -> Result<SpaceNode, Refusal> {
        let created =
            authorized(ctx)?.write(|account| account.spaces.create(input.into(), &mut account.ids))?;
        Ok(SpaceNode::from(&created))
    }

    async fn space_update(
        &self,
        ctx: &Context<'_>,
        space: ID,
        input: SpaceInput,
    ) -> Result<SpaceNode, Refusal> {
        let updated = authorized(ctx)?.write(|account| account.spaces.update(&space, input.into()))?;
        Ok(SpaceNode::from(&updated))
    }

    /// Nullable, although the schema of the hosted service says otherwise: deleting a missing space returns null.
    async fn space_delete(&self, ctx: &Context<'_>, space: ID) -> Result<Option<SpaceNode>, Refusal> {
        let deleted = authorized(ctx)?.write(|account| account.delete_space(&space))?;
        Ok(deleted.as_ref().map(SpaceNode::from))
    }
}
