//! Creates a notification policy.

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
struct PolicyCreatev2;

impl Spacelift {
    /// Creates a policy that decides which events are sent to which named webhooks.
    pub async fn create_notification_policy(&self, policy: &NewPolicy) -> Result<Policy, Error> {
        self.mutate::<PolicyCreatev2, _>(variables(policy), |data| {
            Policy::from_fields(data.policy_createv2)
        })
        .await
    }
}

fn variables(policy: &NewPolicy) -> policy_createv2::Variables {
    policy_createv2::Variables {
        input: policy_createv2::PolicyCreateInput {
            name: policy.name.clone(),
            body: policy.body.clone(),
            type_: "NOTIFICATION".to_owned(),
            description: policy.description.clone(),
            labels: Some(policy.labels.clone()),
            space: Some(policy.space.to_string()),
        },
    }
}
