//! Contexts: variables and files that stacks share.

mod create;
mod delete;
mod list;
mod show;

pub use create::{NewConfig, NewContext};

use chain::SpaceId;

/// The fragment's generated type. Each operation that uses the fragment generates an identical one; this one is used
/// for all.
pub(super) use self::show::context::ContextFields;
use self::show::context::{ConfigType, ContextFieldsConfig};
use super::id;
use crate::transport::Unusable;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Spacelift's slug of its name.
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub space: SpaceId,
    pub labels: Vec<String>,
    pub config: Vec<ConfigElement>,
}

/// One variable or one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigElement {
    /// The name of the variable, or the path of the file below the workspace.
    pub id: String,
    pub kind: ConfigKind,
    /// The value, in base64 if it is a file. Spacelift does not return a write-only value.
    pub value: Option<String>,
    pub write_only: bool,
    pub description: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigKind {
    EnvironmentVariable,
    MountedFile,
    /// A type that this version does not know.
    Unknown,
}

impl Context {
    pub(super) fn from_fields(context: ContextFields) -> Result<Self, Unusable> {
        let element = |element: ContextFieldsConfig| ConfigElement {
            id: element.id,
            kind: match element.type_ {
                ConfigType::ENVIRONMENT_VARIABLE => ConfigKind::EnvironmentVariable,
                ConfigType::FILE_MOUNT => ConfigKind::MountedFile,
                ConfigType::Other(_) => ConfigKind::Unknown,
            },
            // Dropped even if a server sends it.
            value: element.value.filter(|_| !element.write_only),
            write_only: element.write_only,
            description: element.description,
        };
        Ok(Self {
            id: context.id,
            name: context.name,
            description: context.description,
            space: id(context.space)?,
            labels: context.labels,
            config: context.config.into_iter().map(element).collect(),
        })
    }
}
