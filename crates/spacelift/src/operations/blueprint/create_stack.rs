//! Creates a stack from a blueprint.

use chain::{RunId, StackId};
use graphql_client::GraphQLQuery;
use secrecy::{ExposeSecret, SecretString};

use crate::operations::id;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/blueprint/create_stack.graphql"
)]
struct BlueprintCreateStack;

/// The stack that was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackFromBlueprint {
    pub stack: StackId,
    /// Its first run, if the blueprint triggers one.
    pub run: Option<RunId>,
}

impl Spacelift {
    /// Creates a stack from a published blueprint. Inputs are pairs of id and value. Spacelift takes all values as
    /// text, also `true` and `3`.
    pub async fn create_stack_from_blueprint(
        &self,
        blueprint: &str,
        inputs: &[(String, SecretString)],
    ) -> Result<StackFromBlueprint, Error> {
        self.mutate::<BlueprintCreateStack, _>(variables(blueprint, inputs), convert)
            .await
    }
}

fn variables(blueprint: &str, inputs: &[(String, SecretString)]) -> blueprint_create_stack::Variables {
    let inputs = inputs.iter().map(
        |(id, value)| blueprint_create_stack::BlueprintStackCreateInputPair {
            id: id.clone(),
            value: value.expose_secret().to_owned(),
        },
    );
    blueprint_create_stack::Variables {
        id: blueprint.to_owned(),
        input: blueprint_create_stack::BlueprintStackCreateInput {
            template_inputs: Some(inputs.collect()),
        },
    }
}

fn convert(data: blueprint_create_stack::ResponseData) -> Result<StackFromBlueprint, Unusable> {
    let made = data.blueprint_create_stack;
    let stack = made
        .stack_id
        .ok_or_else(|| Unusable::Mismatch("it names no stack".to_owned()))?;
    let run = made.run_id.filter(|run| !run.is_empty()).map(id).transpose()?;
    Ok(StackFromBlueprint {
        stack: id(stack)?,
        run,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_blueprint_need_not_trigger_a_run() {
        let made = |run: Option<&str>| {
            let data = json!({"blueprintCreateStack": {"stackID": "app", "runID": run}});
            convert(serde_json::from_value(data).unwrap()).unwrap()
        };
        assert_eq!(made(Some("01R")).run.unwrap().as_str(), "01R");
        assert_eq!(made(Some("")).run, None);
        assert_eq!(
            made(None),
            StackFromBlueprint {
                stack: "app".parse().unwrap(),
                run: None
            }
        );
    }
}
