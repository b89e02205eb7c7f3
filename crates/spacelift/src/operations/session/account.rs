//! The name of the account.

use chain::AccountName;
use graphql_client::GraphQLQuery;

use crate::operations::id;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/session/account.graphql"
)]
struct Account;

impl Spacelift {
    /// The name of the account, as in deliveries.
    pub async fn account_name(&self) -> Result<AccountName, Error> {
        self.query::<Account, _>(account::Variables {}, convert).await
    }
}

fn convert(data: account::ResponseData) -> Result<AccountName, Unusable> {
    id(data.name.ok_or(Unusable::Anonymous)?)
}
