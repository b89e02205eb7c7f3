//! Blueprints: templates of stacks.

use async_graphql::Enum;
use chain::{RunId, SpaceId, StackId};

use crate::model::clock::Timestamp;
use crate::model::space::ROOT;
use crate::model::template::TemplateInput;

/// Stacks can be created from published blueprints only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BlueprintState {
    Draft,
    Published,
}

#[derive(Debug, Clone)]
pub struct Blueprint {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub state: BlueprintState,
    pub space: SpaceId,
    pub labels: Vec<String>,
    /// YAML.
    pub template: String,
    pub(crate) inputs: Vec<TemplateInput>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>,
}

/// A blueprint to be created.
#[derive(Debug, Clone)]
pub(crate) struct NewBlueprint {
    pub name: String,
    pub description: Option<String>,
    pub state: BlueprintState,
    pub space: String,
    pub labels: Vec<String>,
    pub template: String,
}

impl NewBlueprint {
    /// A published blueprint of the root space.
    pub(crate) fn published(name: &str, template: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: None,
            state: BlueprintState::Published,
            space: ROOT.to_owned(),
            labels: Vec::new(),
            template: template.to_owned(),
        }
    }
}

/// The stacks created from a blueprint, in the order of its template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StacksFromBlueprint {
    pub stacks: Vec<StackId>,
    pub runs: Vec<RunId>,
}
