//! Contexts, and their attachment to stacks.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};

use super::caller::{authorized, caller, mock};
use super::config::{self, ConfigInput, ConfigNode};
use super::search::{Page, SearchInput, Searchable, search};
use super::space::SpaceNode;
use crate::account::state::Account;
use crate::model::context::{ConfigElement, ContextAttachment, NewContext, SpaceContext, merge, take};
use crate::model::hooks::{Hooks, HooksInput};
use crate::model::refusal::Refusal;
use crate::model::space::ROOT;
use crate::model::stack::Stack;

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Context", complex)]
pub(crate) struct ContextNode {
    id: ID,
    name: String,
    description: Option<String>,
    space: ID,
    labels: Vec<String>,
    hooks: Hooks,
    config: Vec<ConfigNode>,
    created_at: i64,
    updated_at: i64,
}

impl From<&SpaceContext> for ContextNode {
    fn from(context: &SpaceContext) -> Self {
        Self {
            id: ID::from(&context.id),
            name: context.name.clone(),
            description: context.description.clone(),
            space: ID::from(context.space.as_str()),
            labels: context.labels.clone(),
            hooks: context.hooks.clone(),
            config: config::nodes(&context.config),
            created_at: context.created_at.seconds(),
            updated_at: context.updated_at.seconds(),
        }
    }
}

#[ComplexObject]
impl ContextNode {
    async fn space_details(&self, ctx: &Context<'_>) -> Result<SpaceNode, Refusal> {
        mock(ctx)
            .read(|account| account.spaces.get(&self.space).map(SpaceNode::from))
            .ok_or(Refusal::NotFound)
    }

    async fn config_element(&self, id: ID) -> Option<ConfigNode> {
        self.config.iter().find(|element| element.id == id).cloned()
    }

    async fn attached_stacks(&self, ctx: &Context<'_>) -> Vec<ContextStackAttachment> {
        mock(ctx).read(|account| attachments_of(account, &self.id))
    }

    async fn attached_stack(&self, ctx: &Context<'_>, id: ID) -> Option<ContextStackAttachment> {
        let attached = mock(ctx).read(|account| attachments_of(account, &self.id));
        attached.into_iter().find(|one| one.fields.stack_id == id)
    }

    async fn has_attached_stacks(&self, ctx: &Context<'_>) -> bool {
        !mock(ctx)
            .read(|account| attachments_of(account, &self.id))
            .is_empty()
    }
}

fn attachments_of(account: &Account, context: &ID) -> Vec<ContextStackAttachment> {
    account
        .stacks
        .all()
        .flat_map(|stack| {
            account
                .contexts
                .of_stack(stack, &account.spaces)
                .into_iter()
                .map(move |attached| (stack, attached))
        })
        .filter(|(_, (_, attached))| attached.id == **context)
        .map(|(stack, (attachment, context))| ContextStackAttachment::of(stack, &attachment, context))
        .collect()
}

#[derive(Debug, Clone, SimpleObject)]
struct AttachmentFields {
    id: ID,
    context_id: ID,
    context_name: String,
    stack_id: ID,
    stack_name: String,
    priority: i32,
    is_module: bool,
    is_autoattached: bool,
    config: Vec<ConfigNode>,
}

/// An attachment, as part of the context.
#[derive(Debug, Clone, SimpleObject)]
pub(super) struct ContextStackAttachment {
    #[graphql(flatten)]
    fields: AttachmentFields,
}

/// The same, as part of the stack.
#[derive(Debug, Clone, SimpleObject)]
pub(super) struct StackContextAttachment {
    #[graphql(flatten)]
    fields: AttachmentFields,
}

impl AttachmentFields {
    fn of(stack: &Stack, attachment: &ContextAttachment, context: &SpaceContext) -> Self {
        Self {
            id: ID::from(&attachment.id),
            context_id: ID::from(&context.id),
            context_name: context.name.clone(),
            stack_id: ID::from(stack.id.as_str()),
            stack_name: stack.settings.name.clone(),
            priority: attachment.priority,
            is_module: false,
            is_autoattached: !stack.attachments.iter().any(|own| own.id == attachment.id),
            config: config::nodes(&context.config),
        }
    }
}

impl ContextStackAttachment {
    fn of(stack: &Stack, attachment: &ContextAttachment, context: &SpaceContext) -> Self {
        Self {
            fields: AttachmentFields::of(stack, attachment, context),
        }
    }
}

impl StackContextAttachment {
    pub(super) fn of(stack: &Stack, attachment: &ContextAttachment, context: &SpaceContext) -> Self {
        Self {
            fields: AttachmentFields::of(stack, attachment, context),
        }
    }
}

#[derive(Debug, InputObject)]
struct ContextInput {
    name: String,
    description: Option<String>,
    space: Option<ID>,
    labels: Option<Vec<String>>,
    hooks: Option<HooksInput>,
    config_attachments: Option<Vec<ConfigInput>>,
}

impl From<ContextInput> for NewContext {
    fn from(input: ContextInput) -> Self {
        let config = input.config_attachments.unwrap_or_default();
        Self {
            name: input.name,
            description: input.description,
            space: input.space.map_or_else(|| ROOT.to_owned(), |id| id.to_string()),
            labels: input.labels.unwrap_or_default(),
            config: config.into_iter().map(ConfigElement::from).collect(),
            hooks: input.hooks.unwrap_or_default().into(),
        }
    }
}

#[derive(Default)]
pub(crate) struct ContextQuery;

#[Object]
impl ContextQuery {
    async fn context(&self, ctx: &Context<'_>, id: ID) -> Result<Option<ContextNode>, Refusal> {
        Ok(authorized(ctx)?.read(|account| account.contexts.get(&id).map(ContextNode::from)))
    }

    async fn contexts(&self, ctx: &Context<'_>) -> Result<Vec<ContextNode>, Refusal> {
        Ok(authorized(ctx)?.read(|account| account.contexts.all().map(ContextNode::from).collect()))
    }

    /// Null without a login.
    async fn search_contexts(&self, ctx: &Context<'_>, input: SearchInput) -> Option<Page<ContextNode>> {
        caller(ctx).session.as_ref()?;
        let all = mock(ctx).read(|account| account.contexts.all().map(ContextNode::from).collect());
        Some(search(all, &input))
    }
}

#[derive(Default)]
pub(crate) struct ContextMutation;

#[Object]
impl ContextMutation {
    #[graphql(name = "contextCreateV2")]
    async fn context_create_v2(
        &self,
        ctx: &Context<'_>,
        input: ContextInput,
    ) -> Result<ContextNode, Refusal> {
        let created =
            authorized(ctx)?.write(|account| account.contexts.create(input.into(), &account.spaces))?;
        Ok(ContextNode::from(&created))
    }

    #[graphql(name = "contextUpdateV2")]
    async fn context_update_v2(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ContextInput,
        replace_config_elements: Option<bool>,
    ) -> Result<ContextNode, Refusal> {
        let replace = replace_config_elements.unwrap_or(false);
        let updated = authorized(ctx)?.write(|account| {
            account
                .contexts
                .update(&id, input.into(), replace, &account.spaces)
        })?;
        Ok(ContextNode::from(&updated))
    }

    async fn context_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Option<ContextNode>, Refusal> {
        let deleted = authorized(ctx)?.write(|account| account.delete_context(&id));
        Ok(deleted.as_ref().map(ContextNode::from))
    }

    async fn context_attach(
        &self,
        ctx: &Context<'_>,
        id: ID,
        stack: ID,
        priority: i32,
    ) -> Result<ContextStackAttachment, Refusal> {
        authorized(ctx)?.write(|account| {
            let attachment = account.attach_context(&id, &stack, priority)?;
            let context = account.contexts.get(&id).ok_or(Refusal::NotFound)?;
            Ok(ContextStackAttachment::of(
                account.stacks.existing(&stack)?,
                &attachment,
                context,
            ))
        })
    }

    /// Null if the attachment does not exist.
    async fn context_detach(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<ContextStackAttachment>, Refusal> {
        Ok(authorized(ctx)?.write(|account| {
            let (stack, attachment) = account.stacks.detach(&id)?;
            let context = account.contexts.get(&attachment.context)?;
            Some(ContextStackAttachment::of(stack, &attachment, context))
        }))
    }

    async fn context_config_add(
        &self,
        ctx: &Context<'_>,
        context: ID,
        config: ConfigInput,
    ) -> Result<ConfigNode, Refusal> {
        let element = ConfigElement::from(config);
        authorized(ctx)?.write(|account| {
            merge(
                &mut account.contexts.existing_mut(&context)?.config,
                vec![element.clone()],
            );
            Ok(ConfigNode::from(&element))
        })
    }

    async fn context_config_delete(
        &self,
        ctx: &Context<'_>,
        context: ID,
        id: ID,
    ) -> Result<Option<ConfigNode>, Refusal> {
        authorized(ctx)?.write(|account| {
            Ok(take(&mut account.contexts.existing_mut(&context)?.config, &id)
                .as_ref()
                .map(ConfigNode::from))
        })
    }
}

impl Searchable for ContextNode {
    const OUTPUT: &'static str = "SearchContextsOutput";

    fn values(&self, field: &str) -> Vec<String> {
        match field {
            "name" => vec![self.name.clone()],
            "label" => self.labels.clone(),
            "space" => vec![self.space.to_string()],
            "createdAt" => vec![format!("{:020}", self.created_at)],
            _ => Vec::new(),
        }
    }

    fn text(&self) -> String {
        format!("{} {} {}", *self.id, self.name, self.labels.join(" "))
    }
}
