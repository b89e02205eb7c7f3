//! Makes a notification policy.

use graphql_client::GraphQLQuery;

use super::{NewPolicy, Policy, PolicyType};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/policy/create.graphql",
    extern_enums("PolicyType"),
    skip_serializing_none
)]
struct PolicyCreatev2;

super::policy_from!(policy_createv2);

impl Spacelift {
    /// Makes a policy that decides which events are sent to which named webhooks.
    pub async fn create_notification_policy(&self, policy: &NewPolicy) -> Result<Policy, Error> {
        self.mutate::<PolicyCreatev2, _>(variables(policy), convert).await
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

fn convert(data: policy_createv2::ResponseData) -> Result<Policy, Unusable> {
    policy_from(data.policy_createv2)
}
