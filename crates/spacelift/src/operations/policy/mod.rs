//! Policies, in Rego: among them the notification policies that feed named webhooks.

mod create;
mod delete;
mod list;
mod update;

use chain::SpaceId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    /// Spacelift's word for it: `NOTIFICATION`, `PLAN` …
    pub policy_type: String,
    /// Its Rego source.
    pub body: String,
    pub labels: Vec<String>,
    /// `None` where it belongs to no space.
    pub space: Option<SpaceId>,
}

/// What a policy shall be. An update replaces all of it but its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPolicy {
    pub name: String,
    pub description: Option<String>,
    /// Its Rego source.
    pub body: String,
    pub labels: Vec<String>,
    pub space: SpaceId,
}

/// Read as text: it is only shown and compared.
type PolicyType = String;

/// The generated type of the same fragment is another one in each operation; its conversion is written once.
macro_rules! policy_from {
    ($module:ident) => {
        fn policy_from(policy: $module::PolicyFields) -> Result<$crate::Policy, $crate::transport::Unusable> {
            let space = policy.space.filter(|space| !space.is_empty());
            Ok($crate::Policy {
                id: policy.id,
                name: policy.name,
                description: policy.description,
                policy_type: policy.type_,
                body: policy.body.unwrap_or_default(),
                labels: policy.labels.unwrap_or_default(),
                space: space.map($crate::operations::id).transpose()?,
            })
        }
    };
}
use policy_from;
