//! Variables and mounted files, on stacks and in contexts.

use async_graphql::{ID, InputObject, SimpleObject};
use sha2::{Digest, Sha256};

use crate::model::clock::Timestamp;
use crate::model::context::{ConfigElement, ConfigType};

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "ConfigElement")]
pub(super) struct ConfigNode {
    pub id: ID,
    /// SHA-256, by which clients notice that a write-only value has changed.
    checksum: String,
    created_at: Option<i64>,
    /// Whether it exists only during a run. This account has no such element.
    runtime: bool,
    r#type: ConfigType,
    /// Null if it is write-only.
    value: Option<String>,
    write_only: bool,
    description: Option<String>,
    file_mode: Option<String>,
}

impl From<&ConfigElement> for ConfigNode {
    fn from(element: &ConfigElement) -> Self {
        Self {
            id: ID::from(&element.id),
            checksum: hex::encode(Sha256::digest(&element.value)),
            created_at: Some(element.created_at.seconds()),
            runtime: false,
            r#type: element.config_type,
            value: (!element.write_only).then(|| element.value.clone()),
            write_only: element.write_only,
            description: element.description.clone(),
            file_mode: element.file_mode.clone(),
        }
    }
}

#[derive(Debug, Clone, InputObject)]
pub(super) struct ConfigInput {
    id: ID,
    r#type: ConfigType,
    value: String,
    write_only: bool,
    description: Option<String>,
    file_mode: Option<String>,
}

impl From<ConfigInput> for ConfigElement {
    fn from(input: ConfigInput) -> Self {
        Self {
            id: input.id.to_string(),
            config_type: input.r#type,
            value: input.value,
            write_only: input.write_only,
            description: input.description,
            file_mode: input.file_mode,
            created_at: Timestamp::now(),
        }
    }
}

pub(super) fn nodes(config: &[ConfigElement]) -> Vec<ConfigNode> {
    config.iter().map(ConfigNode::from).collect()
}

pub(super) fn find(config: &[ConfigElement], id: &ID) -> Option<ConfigNode> {
    config
        .iter()
        .find(|element| element.id == **id)
        .map(ConfigNode::from)
}
