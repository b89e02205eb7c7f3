//! Blueprints: templates of stacks.

mod create_stack;
mod search;
mod show;

pub use create_stack::StackFromBlueprint;

use chain::SpaceId;

/// The fragment's generated type. Each operation that uses the fragment generates an identical one; this one is used
/// for all.
pub(super) use self::show::blueprint::BlueprintFields;
use self::show::blueprint::{BlueprintFieldsInputs, BlueprintState as State};
use super::id;
use crate::transport::Unusable;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blueprint {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    /// Stacks can be created from published blueprints only.
    pub state: BlueprintState,
    pub labels: Vec<String>,
    pub space: SpaceId,
    pub inputs: Vec<BlueprintInput>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlueprintState {
    Draft,
    Published,
    /// A state that this version does not know.
    Unknown(String),
}

/// An input of a blueprint: a value that is needed to create a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlueprintInput {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub default: Option<String>,
    /// The options of a select.
    pub options: Vec<String>,
    /// Spacelift's name for its type: `SHORT_TEXT`, `SELECT` …
    pub input_type: Option<String>,
}

impl Blueprint {
    pub(super) fn from_fields(blueprint: BlueprintFields) -> Result<Self, Unusable> {
        let input = |input: BlueprintFieldsInputs| BlueprintInput {
            id: input.id,
            name: input.name,
            description: input.description,
            default: input.default,
            options: input.options.unwrap_or_default(),
            input_type: input.type_,
        };
        Ok(Self {
            id: blueprint.id,
            name: blueprint.name,
            description: blueprint.description,
            state: match blueprint.state {
                State::DRAFT => BlueprintState::Draft,
                State::PUBLISHED => BlueprintState::Published,
                State::Other(state) => BlueprintState::Unknown(state),
            },
            labels: blueprint.labels,
            space: id(blueprint.space.id)?,
            inputs: blueprint
                .inputs
                .unwrap_or_default()
                .into_iter()
                .map(input)
                .collect(),
        })
    }
}

/// Plain text: it is only shown.
type BlueprintInputType = String;
