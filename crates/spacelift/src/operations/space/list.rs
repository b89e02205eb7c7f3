//! All spaces.

use graphql_client::GraphQLQuery;

use super::Space;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/space/spaces.graphql",
    response_type = "crate::operations::space::SpaceFields"
)]
struct Spaces;

impl Spacelift {
    /// All spaces that this key may see.
    pub async fn spaces(&self) -> Result<Vec<Space>, Error> {
        self.query::<Spaces, _>(spaces::Variables {}, convert).await
    }
}

fn convert(data: spaces::ResponseData) -> Result<Vec<Space>, Unusable> {
    data.spaces.into_iter().map(Space::from_fields).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_root_has_no_parent() {
        let space = |id: &str, parent: Option<&str>| json!({"id": id, "name": id, "description": null, "parentSpace": parent, "inheritEntities": true, "labels": null});
        let data = json!({"spaces": [space("root", None), space("prod-01H", Some("root"))]});
        let spaces = convert(serde_json::from_value(data).unwrap()).unwrap();
        assert_eq!(spaces[0].parent, None);
        assert_eq!(
            spaces[1],
            Space {
                id: "prod-01H".parse().unwrap(),
                name: "prod-01H".to_owned(),
                description: String::new(),
                parent: Some("root".parse().unwrap()),
                inherit_entities: true,
                labels: Vec::new(),
            }
        );
    }
}
