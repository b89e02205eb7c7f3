//! Spacelift's native stack dependencies.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};

use super::caller::{authorized, mock};
use super::stack::StackNode;
use crate::model::dependency::{DependencyReference, ENVIRONMENT_VARIABLE, NativeDependency};
use crate::model::refusal::Refusal;

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "StackDependency", complex)]
pub(super) struct DependencyNode {
    id: ID,
    stack_id: ID,
    pub depends_on_stack_id: ID,
    reference_count: usize,
    trigger_always: bool,
    #[graphql(skip)]
    references: Vec<ReferenceNode>,
}

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "StackDependencyReference")]
struct ReferenceNode {
    id: ID,
    output_name: String,
    input_name: String,
    r#type: Option<String>,
    trigger_always: bool,
}

impl From<&DependencyReference> for ReferenceNode {
    fn from(reference: &DependencyReference) -> Self {
        Self {
            id: ID::from(&reference.id),
            output_name: reference.output_name.clone(),
            input_name: reference.input_name.clone(),
            r#type: Some(reference.input_type.clone()),
            trigger_always: reference.trigger_always,
        }
    }
}

impl From<&NativeDependency> for DependencyNode {
    fn from(dependency: &NativeDependency) -> Self {
        Self {
            id: ID::from(&dependency.id),
            stack_id: ID::from(dependency.stack.as_str()),
            depends_on_stack_id: ID::from(dependency.depends_on.as_str()),
            reference_count: dependency.references.len(),
            trigger_always: dependency.trigger_always,
            references: dependency.references.iter().map(ReferenceNode::from).collect(),
        }
    }
}

#[ComplexObject]
impl DependencyNode {
    async fn stack(&self, ctx: &Context<'_>) -> Result<StackNode, Refusal> {
        stack(ctx, &self.stack_id)
    }

    async fn depends_on_stack(&self, ctx: &Context<'_>) -> Result<StackNode, Refusal> {
        stack(ctx, &self.depends_on_stack_id)
    }

    async fn reference(&self, id: Option<ID>, input_name: Option<String>) -> Option<ReferenceNode> {
        // Clients that look for one of the two send an empty text for the other.
        let id = id.filter(|id| !id.is_empty());
        let input_name = input_name.filter(|name| !name.is_empty());
        let fits = |reference: &&ReferenceNode| {
            id.as_ref().is_none_or(|id| reference.id == *id)
                && input_name
                    .as_ref()
                    .is_none_or(|name| reference.input_name == *name)
        };
        self.references.iter().find(fits).cloned()
    }
}

fn stack(ctx: &Context<'_>, id: &ID) -> Result<StackNode, Refusal> {
    mock(ctx).read(|account| Ok(StackNode::of(account, account.stacks.existing(id)?)))
}

#[derive(Debug, InputObject)]
struct StackDependencyInput {
    stack_id: ID,
    depends_on_stack_id: ID,
    trigger_always: Option<bool>,
}

#[derive(Debug, InputObject)]
struct StackDependencyUpdateInput {
    id: ID,
    trigger_always: Option<bool>,
}

#[derive(Debug, InputObject)]
struct StackDependencyReferenceInput {
    output_name: String,
    input_name: String,
    r#type: Option<String>,
    trigger_always: Option<bool>,
}

#[derive(Debug, InputObject)]
struct StackDependencyReferenceUpdateInput {
    id: ID,
    output_name: String,
    input_name: String,
    r#type: Option<String>,
    trigger_always: Option<bool>,
}

#[derive(Default)]
pub(crate) struct DependencyMutation;

#[Object]
impl DependencyMutation {
    async fn stack_dependency_create(
        &self,
        ctx: &Context<'_>,
        input: StackDependencyInput,
    ) -> Result<DependencyNode, Refusal> {
        let always = input.trigger_always.unwrap_or(false);
        let created = authorized(ctx)?.write(|account| {
            account.create_dependency(&input.stack_id, &input.depends_on_stack_id, always)
        })?;
        Ok(DependencyNode::from(&created))
    }

    async fn stack_dependency_update(
        &self,
        ctx: &Context<'_>,
        input: StackDependencyUpdateInput,
    ) -> Result<DependencyNode, Refusal> {
        authorized(ctx)?.write(|account| {
            let dependency = account.dependencies.existing_mut(&input.id)?;
            dependency.trigger_always = input.trigger_always.unwrap_or(dependency.trigger_always);
            Ok(DependencyNode::from(&*dependency))
        })
    }

    async fn stack_dependency_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<DependencyNode>, Refusal> {
        let deleted = authorized(ctx)?.write(|account| account.dependencies.remove(&id));
        Ok(deleted.as_ref().map(DependencyNode::from))
    }

    async fn stack_dependencies_add_reference(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "stackDependencyID")] dependency: ID,
        reference: StackDependencyReferenceInput,
    ) -> Result<ReferenceNode, Refusal> {
        authorized(ctx)?.write(|account| {
            let reference = DependencyReference {
                id: account.ids.ulid(),
                output_name: reference.output_name,
                input_name: reference.input_name,
                input_type: reference
                    .r#type
                    .unwrap_or_else(|| ENVIRONMENT_VARIABLE.to_owned()),
                trigger_always: reference.trigger_always.unwrap_or(false),
            };
            let node = ReferenceNode::from(&reference);
            let dependency = account.dependencies.existing_mut(&dependency)?;
            dependency.references.push(reference);
            Ok(node)
        })
    }

    async fn stack_dependencies_update_reference(
        &self,
        ctx: &Context<'_>,
        reference: StackDependencyReferenceUpdateInput,
    ) -> Result<ReferenceNode, Refusal> {
        authorized(ctx)?.write(|account| {
            let kept = account.dependencies.reference_mut(&reference.id)?;
            kept.output_name = reference.output_name;
            kept.input_name = reference.input_name;
            kept.input_type = reference.r#type.unwrap_or_else(|| kept.input_type.clone());
            kept.trigger_always = reference.trigger_always.unwrap_or(kept.trigger_always);
            Ok(ReferenceNode::from(&*kept))
        })
    }

    async fn stack_dependencies_delete_reference(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<ReferenceNode>, Refusal> {
        let deleted = authorized(ctx)?.write(|account| account.dependencies.remove_reference(&id));
        Ok(deleted.as_ref().map(ReferenceNode::from))
    }
}
