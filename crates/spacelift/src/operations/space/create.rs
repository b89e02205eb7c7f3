//! Creates a space.

use chain::SpaceId;
use graphql_client::GraphQLQuery;

use super::Space;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/space/spaces.graphql",
    skip_serializing_none,
    response_type = "crate::operations::space::SpaceFields"
)]
struct SpaceCreate;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSpace {
    pub name: String,
    pub parent: SpaceId,
    pub description: String,
    /// Whether the space inherits what is attached to its parent.
    pub inherit_entities: bool,
    pub labels: Vec<String>,
}

impl Spacelift {
    /// Creates a space. Two may have the same name: their ids differ.
    pub async fn create_space(&self, space: &NewSpace) -> Result<Space, Error> {
        self.mutate::<SpaceCreate, _>(variables(space), |data| Space::from_fields(data.space_create))
            .await
    }
}

fn variables(space: &NewSpace) -> space_create::Variables {
    space_create::Variables {
        input: space_create::SpaceInput {
            name: space.name.clone(),
            description: space.description.clone(),
            parent_space: Some(space.parent.to_string()),
            inherit_entities: space.inherit_entities,
            labels: Some(space.labels.clone()),
        },
    }
}
