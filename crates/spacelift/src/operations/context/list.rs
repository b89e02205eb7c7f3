//! All contexts.

use graphql_client::GraphQLQuery;

use super::Context;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/context/contexts.graphql",
    response_type = "crate::operations::context::ContextFields"
)]
struct Contexts;

impl Spacelift {
    /// All contexts that this key may see.
    pub async fn contexts(&self) -> Result<Vec<Context>, Error> {
        self.query::<Contexts, _>(contexts::Variables {}, convert).await
    }
}

fn convert(data: contexts::ResponseData) -> Result<Vec<Context>, Unusable> {
    data.contexts.into_iter().map(Context::from_fields).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ConfigElement, ConfigKind};

    #[test]
    fn a_write_only_value_is_never_passed_on() {
        let element = |kind: &str, write_only: bool| json!({"id": "A", "type": kind, "value": "v", "writeOnly": write_only, "description": null});
        let config = json!([
            element("ENVIRONMENT_VARIABLE", false),
            element("FILE_MOUNT", true),
            element("NEW", false)
        ]);
        let context = json!({"id": "c", "name": "C", "description": null, "space": "root", "labels": [], "config": config});
        let contexts = convert(serde_json::from_value(json!({"contexts": [context]})).unwrap()).unwrap();
        let expected = |kind, value: Option<&str>, write_only| ConfigElement {
            id: "A".to_owned(),
            kind,
            value: value.map(str::to_owned),
            write_only,
            description: None,
        };
        assert_eq!(
            contexts[0].config,
            [
                expected(ConfigKind::EnvironmentVariable, Some("v"), false),
                expected(ConfigKind::MountedFile, None, true),
                expected(ConfigKind::Unknown, Some("v"), false),
            ]
        );
    }
}
