//! One context by its id.

use graphql_client::GraphQLQuery;

use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/context/contexts.graphql"
)]
pub(super) struct Context;

impl Spacelift {
    /// The context, or `None` if it does not exist or this key may not see it.
    pub async fn context(&self, id: &str) -> Result<Option<super::Context>, Error> {
        self.query::<Context, _>(context::Variables { id: id.to_owned() }, convert)
            .await
    }
}

fn convert(data: context::ResponseData) -> Result<Option<super::Context>, Unusable> {
    data.context.map(super::Context::from_fields).transpose()
}
