//! One blueprint by its id.

use graphql_client::GraphQLQuery;

use super::BlueprintInputType;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/blueprint/blueprints.graphql",
    extern_enums("BlueprintInputType")
)]
pub(super) struct Blueprint;

impl Spacelift {
    /// The blueprint, or `None` if it does not exist or this key may not see it.
    pub async fn blueprint(&self, id: &str) -> Result<Option<super::Blueprint>, Error> {
        self.query::<Blueprint, _>(blueprint::Variables { id: id.to_owned() }, convert)
            .await
    }
}

fn convert(data: blueprint::ResponseData) -> Result<Option<super::Blueprint>, Unusable> {
    data.blueprint.map(super::Blueprint::from_fields).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{BlueprintInput, BlueprintState};

    #[test]
    fn unknown_states_and_types_survive() {
        let input = json!({
            "id": "env", "name": "Environment", "description": null, "default": "dev", "options": ["dev"],
            "type": "COLOUR"
        });
        let blueprint = json!({
            "id": "b", "name": "B", "description": null, "state": "ARCHIVED", "labels": [], "space": {"id": "root"},
            "inputs": [input]
        });
        let read = convert(serde_json::from_value(json!({"blueprint": blueprint})).unwrap())
            .unwrap()
            .unwrap();
        assert_eq!(read.state, BlueprintState::Unknown("ARCHIVED".to_owned()));
        assert_eq!(
            read.inputs,
            [BlueprintInput {
                id: "env".to_owned(),
                name: "Environment".to_owned(),
                description: None,
                default: Some("dev".to_owned()),
                options: vec!["dev".to_owned()],
                input_type: Some("COLOUR".to_owned()),
            }]
        );
    }
}
