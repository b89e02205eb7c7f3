//! One space by its id.

use chain::SpaceId;
use graphql_client::GraphQLQuery;

use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/space/spaces.graphql"
)]
pub(super) struct Space;

impl Spacelift {
    /// The space, or `None` if it does not exist or this key may not see it.
    pub async fn space(&self, id: &SpaceId) -> Result<Option<super::Space>, Error> {
        self.query::<Space, _>(space::Variables { id: id.to_string() }, convert)
            .await
    }
}

fn convert(data: space::ResponseData) -> Result<Option<super::Space>, Unusable> {
    data.space.map(super::Space::from_fields).transpose()
}
