//! Changes a policy.

use graphql_client::GraphQLQuery;

use super::{NewPolicy, Policy, PolicyType};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/policy/update.graphql",
    extern_enums("PolicyType"),
    skip_serializing_none
)]
struct PolicyUpdatev2;

super::policy_from!(policy_updatev2);

impl Spacelift {
    /// Makes a policy what it shall be. Its type stays.
    pub async fn update_policy(&self, id: &str, policy: &NewPolicy) -> Result<Policy, Error> {
        self.mutate::<PolicyUpdatev2, _>(variables(id, policy), convert)
            .await
    }
}

fn variables(id: &str, policy: &NewPolicy) -> policy_updatev2::Variables {
    policy_updatev2::Variables {
        id: id.to_owned(),
        input: policy_updatev2::PolicyUpdateInput {
            name: policy.name.clone(),
            body: policy.body.clone(),
            description: policy.description.clone(),
            labels: Some(policy.labels.clone()),
            space: Some(policy.space.to_string()),
        },
    }
}

fn convert(data: policy_updatev2::ResponseData) -> Result<Policy, Unusable> {
    policy_from(data.policy_updatev2)
}
