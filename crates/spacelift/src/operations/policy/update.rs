//! Changes a policy.

use graphql_client::GraphQLQuery;

use super::{NewPolicy, Policy, PolicyType};
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/policy/policies.graphql",
    extern_enums("PolicyType"),
    skip_serializing_none,
    response_type = "crate::operations::policy::PolicyFields"
)]
struct PolicyUpdatev2;

impl Spacelift {
    /// Replaces all settings of a policy. Its type does not change.
    pub async fn update_policy(&self, id: &str, policy: &NewPolicy) -> Result<Policy, Error> {
        self.mutate::<PolicyUpdatev2, _>(variables(id, policy), |data| {
            Policy::from_fields(data.policy_updatev2)
        })
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
