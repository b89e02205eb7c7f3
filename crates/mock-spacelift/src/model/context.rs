//! Contexts: bundles of variables and files, and their attachment to stacks.

use async_graphql::Enum;
use chain::SpaceId;

use crate::model::clock::Timestamp;
use crate::model::hooks::Hooks;
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
    pub(crate) fn variable(name: &str, value: &str) -> Self {
        Self::new(ConfigType::EnvironmentVariable, name, value)
    }

    pub(crate) fn file(path: &str, content: &str) -> Self {
        Self::new(ConfigType::FileMount, path, content)
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
pub(crate) struct NewContext {
    pub name: String,
    pub description: Option<String>,
    pub space: String,
    pub labels: Vec<String>,
    pub config: Vec<ConfigElement>,
    pub hooks: Hooks,
}

impl NewContext {
    /// An empty context in the root space.
    pub(crate) fn named(name: &str) -> Self {
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
    let index = config.iter().position(|element| element.id == id)?;
    Some(config.remove(index))
}
