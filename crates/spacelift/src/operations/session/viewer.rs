//! The user that the API key acts as.

use graphql_client::GraphQLQuery;

use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/session/viewer.graphql"
)]
struct Viewer;

/// The user that the API key acts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub name: Option<String>,
    /// `None` if Spacelift does not say.
    pub admin: Option<bool>,
}

impl Spacelift {
    /// The user that the API key acts as. This is the smallest request that verifies the key.
    pub async fn viewer(&self) -> Result<User, Error> {
        self.query::<Viewer, _>(viewer::Variables {}, convert).await
    }
}

fn convert(data: viewer::ResponseData) -> Result<User, Unusable> {
    let viewer = data.viewer.ok_or(Unusable::Anonymous)?;
    Ok(User {
        id: viewer.id,
        name: viewer.name,
        admin: viewer.admin,
    })
}
