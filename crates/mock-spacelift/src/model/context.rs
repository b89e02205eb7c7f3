//! Contexts: bundles of variables and files, and their attachment to stacks.

use async_graphql::Enum;
use chain::SpaceId;

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::hooks::Hooks;
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::space::ROOT;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ConfigType {
    EnvironmentVariable,
    FileMount,
}

/// A variable or a mounted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigElement {
    pub id: String,
    pub config_type: ConfigType,
    /// The account knows the value; GraphQL does not show it if it is write-only.
    pub value: String,
    pub write_only: bool,
    pub description: Option<String>,
    pub file_mode: Option<String>,
    pub created_at: Timestamp,
}

impl ConfigElement {
    pub fn variable(name: &str, value: &str) -> Self {
        Self::new(ConfigType::EnvironmentVariable, name, value)
    }

    pub fn file(path: &str, content: &str) -> Self {
        Self::new(ConfigType::FileMount, path, content)
    }

    /// Hides the value from all readers.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    fn new(config_type: ConfigType, id: &str, value: &str) -> Self {
        Self {
            id: id.to_owned(),
            config_type,
            value: value.to_owned(),
            write_only: false,
            description: None,
            file_mode: None,
            created_at: Timestamp::now(),
        }
    }
}

/// A context of the account. The name avoids a clash with the `Context` of libraries.
#[derive(Debug, Clone)]
pub struct SpaceContext {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub space: SpaceId,
    pub labels: Vec<String>,
    pub config: Vec<ConfigElement>,
    pub(crate) hooks: Hooks,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A context to be created.
#[derive(Debug, Clone)]
pub struct NewContext {
    pub name: String,
    pub description: Option<String>,
    pub space: String,
    pub labels: Vec<String>,
    pub config: Vec<ConfigElement>,
    pub(crate) hooks: Hooks,
}

impl NewContext {
    /// An empty context in the root space.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: None,
            space: ROOT.to_owned(),
            labels: Vec::new(),
            config: Vec::new(),
            hooks: Hooks::default(),
        }
    }
}

/// The attachment of a context to a stack. The stack keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContextAttachment {
    pub id: String,
    pub context: String,
    pub priority: i32,
}

/// Adds elements to a list. An element replaces one with the same id.
pub(crate) fn merge(config: &mut Vec<ConfigElement>, elements: Vec<ConfigElement>) {
    for element in elements {
        config.retain(|kept| kept.id != element.id);
        config.push(element);
    }
}

/// Removes an element from a list.
pub(crate) fn take(config: &mut Vec<ConfigElement>, id: &str) -> Option<ConfigElement> {
    let place = config.iter().position(|element| element.id == id)?;
    Some(config.remove(place))
}

impl Account {
    pub(crate) fn create_context(&mut self, new: NewContext) -> Result<SpaceContext, Refusal> {
        let space = self.existing_space(&new.space)?;
        let id = slug("context", &new.name)?;
        if self.contexts.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "context" });
        }
        let now = Timestamp::now();
        let mut context = SpaceContext {
            id: id.clone(),
            name: new.name,
            description: new.description,
            space,
            labels: new.labels,
            config: Vec::new(),
            hooks: new.hooks,
            created_at: now,
            updated_at: now,
        };
        merge(&mut context.config, new.config);
        self.contexts.insert(id, context.clone());
        Ok(context)
    }

    /// `replace` removes the elements that the update does not name.
    pub(crate) fn update_context(
        &mut self,
        id: &str,
        new: NewContext,
        replace: bool,
    ) -> Result<SpaceContext, Refusal> {
        let space = self.existing_space(&new.space)?;
        let context = self.context_mut(id)?;
        context.name = new.name;
        context.description = new.description;
        context.space = space;
        context.labels = new.labels;
        context.hooks = new.hooks;
        context.updated_at = Timestamp::now();
        if replace {
            context.config.clear();
        }
        merge(&mut context.config, new.config);
        Ok(context.clone())
    }

    pub(crate) fn context_mut(&mut self, id: &str) -> Result<&mut SpaceContext, Refusal> {
        self.contexts.get_mut(id).ok_or_else(|| Refusal::Unknown {
            what: "context",
            id: id.to_owned(),
        })
    }

    /// `None` if the context does not exist. Its attachments are deleted too.
    pub(crate) fn delete_context(&mut self, id: &str) -> Option<SpaceContext> {
        for stack in self.stacks.values_mut() {
            stack.attachments.retain(|attachment| attachment.context != id);
        }
        self.contexts.remove(id)
    }

    pub(crate) fn attach_context(
        &mut self,
        context: &str,
        stack: &str,
        priority: i32,
    ) -> Result<ContextAttachment, Refusal> {
        let context = self.context_mut(context)?.id.clone();
        let attachment = ContextAttachment {
            id: self.ulid(),
            context,
            priority,
        };
        let stack = self.stack_mut(stack)?;
        if stack
            .attachments
            .iter()
            .any(|existing| existing.context == attachment.context)
        {
            return Err(Refusal::AlreadyAttached {
                context: attachment.context,
                stack: stack.id.to_string(),
            });
        }
        stack.attachments.push(attachment.clone());
        Ok(attachment)
    }

    /// Detaches a context from a stack, which is returned.
    pub(crate) fn detach_context(&mut self, id: &str) -> Option<(chain::StackId, ContextAttachment)> {
        self.stacks.values_mut().find_map(|stack| {
            let place = stack
                .attachments
                .iter()
                .position(|attachment| attachment.id == id)?;
            Some((stack.id.clone(), stack.attachments.remove(place)))
        })
    }

    /// The contexts of a stack: attached explicitly, or by an `autoattach:` label.
    pub(crate) fn contexts_of(
        &self,
        stack: &crate::model::stack::Stack,
    ) -> Vec<(ContextAttachment, &SpaceContext)> {
        let attached = stack
            .attachments
            .iter()
            .filter_map(|attachment| Some((attachment.clone(), self.contexts.get(&attachment.context)?)));
        let reach = self.inherited_spaces(&stack.space);
        let automatic = self.contexts.values().filter(|context| {
            reach.contains(&context.space)
                && !stack
                    .attachments
                    .iter()
                    .any(|attachment| attachment.context == context.id)
                && context
                    .labels
                    .iter()
                    .filter_map(|label| label.strip_prefix("autoattach:"))
                    .any(|wanted| wanted == "*" || stack.settings.labels.iter().any(|label| label == wanted))
        });
        let automatic = automatic.map(|context| {
            let attachment = ContextAttachment {
                id: format!("{}/{}", stack.id, context.id),
                context: context.id.clone(),
                priority: 0,
            };
            (attachment, context)
        });
        attached.chain(automatic).collect()
    }
}
