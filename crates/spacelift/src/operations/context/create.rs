//! Creates a context with its variables and files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chain::SpaceId;
use graphql_client::GraphQLQuery;
use secrecy::{ExposeSecret, SecretString};

use super::{ConfigKind, Context};
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/context/contexts.graphql",
    skip_serializing_none,
    response_type = "crate::operations::context::ContextFields"
)]
struct ContextCreateV2;

#[derive(Debug, Clone)]
pub struct NewContext {
    /// Spacelift derives the id from it, and refuses a second context of the same id.
    pub name: String,
    pub space: SpaceId,
    pub description: Option<String>,
    pub labels: Vec<String>,
    pub config: Vec<NewConfig>,
}

/// A variable or a file. `Debug` never shows its value, whether or not it is write-only.
#[derive(Debug, Clone)]
pub struct NewConfig {
    id: String,
    kind: ConfigKind,
    value: SecretString,
    write_only: bool,
    description: Option<String>,
}

impl NewConfig {
    pub fn variable(name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        let (id, kind) = (name.into(), ConfigKind::EnvironmentVariable);
        Self {
            id,
            kind,
            value: value.into(),
            write_only: false,
            description: None,
        }
    }

    /// A file at `path` below the workspace of a run.
    pub fn file(path: impl Into<String>, content: &[u8]) -> Self {
        let value = SecretString::from(STANDARD.encode(content));
        Self {
            id: path.into(),
            kind: ConfigKind::MountedFile,
            value,
            write_only: false,
            description: None,
        }
    }

    /// Makes the value unreadable outside of a run.
    #[must_use]
    pub fn write_only(self) -> Self {
        Self {
            write_only: true,
            ..self
        }
    }

    #[must_use]
    pub fn described(self, description: impl Into<String>) -> Self {
        Self {
            description: Some(description.into()),
            ..self
        }
    }
}

impl Spacelift {
    pub async fn create_context(&self, context: &NewContext) -> Result<Context, Error> {
        self.mutate::<ContextCreateV2, _>(variables(context), |data| {
            Context::from_fields(data.context_create_v2)
        })
        .await
    }
}

fn variables(context: &NewContext) -> context_create_v2::Variables {
    use context_create_v2::ConfigType;

    let config = context
        .config
        .iter()
        .map(|config| context_create_v2::ConfigInput {
            id: config.id.clone(),
            type_: match config.kind {
                ConfigKind::MountedFile => ConfigType::FILE_MOUNT,
                _ => ConfigType::ENVIRONMENT_VARIABLE,
            },
            value: config.value.expose_secret().to_owned(),
            write_only: config.write_only,
            description: config.description.clone(),
            file_mode: None,
        });
    context_create_v2::Variables {
        input: context_create_v2::ContextInput {
            name: context.name.clone(),
            description: context.description.clone(),
            space: Some(context.space.to_string()),
            labels: Some(context.labels.clone()),
            hooks: None,
            config_attachments: Some(config.collect()),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn context() -> NewContext {
        NewContext {
            name: "Shared".to_owned(),
            space: "root".parse().unwrap(),
            description: None,
            labels: vec!["a".to_owned()],
            config: vec![
                NewConfig::variable("TOKEN", "hunter2")
                    .write_only()
                    .described("of the registry"),
                NewConfig::file("etc/a.json", b"{}"),
            ],
        }
    }

    #[test]
    fn files_are_sent_in_base64() {
        let config = json!([
            {
                "id": "TOKEN", "type": "ENVIRONMENT_VARIABLE", "value": "hunter2", "writeOnly": true,
                "description": "of the registry"
            },
            {"id": "etc/a.json", "type": "FILE_MOUNT", "value": "e30=", "writeOnly": false},
        ]);
        assert_eq!(
            serde_json::to_value(variables(&context())).unwrap(),
            json!({"input": {"name": "Shared", "space": "root", "labels": ["a"], "configAttachments": config}})
        );
    }

    #[test]
    fn secret_values_are_not_in_the_debug_text() {
        let text = format!("{:?}", context());
        assert!(
            text.contains("TOKEN") && !text.contains("hunter2") && !text.contains("e30="),
            "{text}"
        );
    }
}
