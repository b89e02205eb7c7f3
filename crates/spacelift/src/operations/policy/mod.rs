//! Policies, in Rego: among them the notification policies that feed named webhooks.

mod create;
mod delete;
mod list;
mod update;

use chain::SpaceId;

/// The fragment's generated type. Each operation that uses the fragment generates an equal one; this one serves all.
pub(super) use self::list::policies::PolicyFields;
use super::id;
use crate::transport::Unusable;

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

/// The settings of a policy. An update replaces all of them; the type cannot change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPolicy {
    pub name: String,
    pub description: Option<String>,
    /// Its Rego source.
    pub body: String,
    pub labels: Vec<String>,
    pub space: SpaceId,
}

/// A plain text: it is only shown and compared.
type PolicyType = String;

impl Policy {
    pub(super) fn from_fields(policy: PolicyFields) -> Result<Self, Unusable> {
        let space = policy.space.filter(|space| !space.is_empty());
        Ok(Self {
            id: policy.id,
            name: policy.name,
            description: policy.description,
            policy_type: policy.type_,
            body: policy.body.unwrap_or_default(),
            labels: policy.labels.unwrap_or_default(),
            space: space.map(id).transpose()?,
        })
    }
}
