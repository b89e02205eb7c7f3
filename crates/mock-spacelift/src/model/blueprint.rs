//! Blueprints: templates of stacks.

use std::collections::BTreeMap;

use async_graphql::Enum;
use chain::SpaceId;

use crate::model::clock::Timestamp;
use crate::model::refusal::Refusal;
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

impl Blueprint {
    /// The value of each input: the given one, or its default.
    pub(crate) fn input_values(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<&str, String>, Refusal> {
        let refuse = |id: &str, reason: String| Refusal::BlueprintInput {
            id: id.to_owned(),
            reason,
        };
        let is_known = |id: &String| self.inputs.iter().any(|input| input.id == *id);
        if let Some(unknown) = given.keys().find(|id| !is_known(id)) {
            return Err(refuse(unknown, "the blueprint has no such input".to_owned()));
        }
        let mut values = BTreeMap::new();
        for input in &self.inputs {
            let value = given.get(&input.id).or(input.default.as_ref());
            let value = value.ok_or_else(|| refuse(&input.id, "a value is required".to_owned()))?;
            input.check(value).map_err(|reason| refuse(&input.id, reason))?;
            values.insert(input.id.as_str(), value.clone());
        }
        Ok(values)
    }
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
