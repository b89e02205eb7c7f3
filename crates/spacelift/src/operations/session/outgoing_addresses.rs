//! The addresses that Spacelift sends webhooks from.

use graphql_client::GraphQLQuery;

use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/session/outgoing_addresses.graphql"
)]
struct OutgoingAddresses;

impl Spacelift {
    /// The IP addresses that Spacelift sends webhooks from, for firewalls.
    pub async fn outgoing_addresses(&self) -> Result<Vec<String>, Error> {
        self.query::<OutgoingAddresses, _>(outgoing_addresses::Variables {}, convert)
            .await
    }
}

fn convert(data: outgoing_addresses::ResponseData) -> Result<Vec<String>, Unusable> {
    data.outgoing_ip_addresses.ok_or(Unusable::Anonymous)
}
