//! Blueprints: templates of stacks.

mod create_stack;
mod search;
mod show;

pub use create_stack::StackFromBlueprint;

use chain::SpaceId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blueprint {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    /// Only from a published one are stacks made.
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
    /// One that this version does not know.
    Unknown(String),
}

/// What one is asked for when a stack is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlueprintInput {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub default: Option<String>,
    /// The values to choose from, for a select.
    pub options: Vec<String>,
    /// Spacelift's word for its type: `SHORT_TEXT`, `SELECT` …
    pub input_type: Option<String>,
}

/// The generated type of the same fragment is another one in each operation; its conversion is written once.
macro_rules! blueprint_from {
    ($module:ident) => {
        fn blueprint_from(
            blueprint: $module::BlueprintFields,
        ) -> Result<$crate::Blueprint, $crate::transport::Unusable> {
            use $crate::{BlueprintInput, BlueprintState};

            let input = |input: $module::BlueprintFieldsInputs| BlueprintInput {
                id: input.id,
                name: input.name,
                description: input.description,
                default: input.default,
                options: input.options.unwrap_or_default(),
                input_type: input.type_,
            };
            Ok($crate::Blueprint {
                id: blueprint.id,
                name: blueprint.name,
                description: blueprint.description,
                state: match blueprint.state {
                    $module::BlueprintState::DRAFT => BlueprintState::Draft,
                    $module::BlueprintState::PUBLISHED => BlueprintState::Published,
                    $module::BlueprintState::Other(state) => BlueprintState::Unknown(state),
                },
                labels: blueprint.labels,
                space: $crate::operations::id(blueprint.space.id)?,
                inputs: blueprint
                    .inputs
                    .unwrap_or_default()
                    .into_iter()
                    .map(input)
                    .collect(),
            })
        }
    };
}
use blueprint_from;

/// Read as text: it is only shown.
type BlueprintInputType = String;
