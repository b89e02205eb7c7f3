//! Which policies are attached to which stacks.

use std::collections::BTreeMap;

use chain::StackId;
use graphql_client::GraphQLQuery;

use crate::operations::id;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/policy/attachments.graphql"
)]
struct PolicyAttachments;

impl Spacelift {
    /// The stacks that each policy is attached to, by the id of the policy: by hand or by a label. Only stacks that this
    /// key may see.
    pub async fn policy_attachments(&self) -> Result<BTreeMap<String, Vec<StackId>>, Error> {
        self.query::<PolicyAttachments, _>(policy_attachments::Variables {}, convert)
            .await
    }
}

fn convert(data: policy_attachments::ResponseData) -> Result<BTreeMap<String, Vec<StackId>>, Unusable> {
    let mut stacks: BTreeMap<String, Vec<StackId>> = BTreeMap::new();
    for stack in data.stacks {
        let stack_id: StackId = id(stack.id)?;
        for policy in stack.attached_policies {
            stacks.entry(policy.policy_id).or_default().push(stack_id.clone());
        }
    }
    Ok(stacks)
}
