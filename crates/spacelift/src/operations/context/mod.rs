//! Contexts: variables and files that stacks share.

mod create;
mod delete;
mod list;
mod show;

pub use create::{NewConfig, NewContext};

use chain::SpaceId;

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
    /// The value, in base64 if it is a file. Spacelift does not tell a write-only one.
    pub value: Option<String>,
    pub write_only: bool,
    pub description: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigKind {
    EnvironmentVariable,
    MountedFile,
    /// One that this version does not know.
    Unknown,
}

/// The generated type of the same fragment is another one in each operation; its conversion is written once.
macro_rules! context_from {
    ($module:ident) => {
        fn context_from(
            context: $module::ContextFields,
        ) -> Result<$crate::Context, $crate::transport::Unusable> {
            use $crate::{ConfigElement, ConfigKind};
            use $module::ConfigType;

            let element = |element: $module::ContextFieldsConfig| ConfigElement {
                id: element.id,
                kind: match element.type_ {
                    ConfigType::ENVIRONMENT_VARIABLE => ConfigKind::EnvironmentVariable,
                    ConfigType::FILE_MOUNT => ConfigKind::MountedFile,
                    ConfigType::Other(_) => ConfigKind::Unknown,
                },
                // A server that tells it all the same is not passed on.
                value: element.value.filter(|_| !element.write_only),
                write_only: element.write_only,
                description: element.description,
            };
            Ok($crate::Context {
                id: context.id,
                name: context.name,
                description: context.description,
                space: $crate::operations::id(context.space)?,
                labels: context.labels,
                config: context.config.into_iter().map(element).collect(),
            })
        }
    };
}
use context_from;
