//! Policies in Rego, among them the notification policies that feed named webhooks.

mod attachments;
mod create;
mod delete;
mod list;
mod update;

use chain::SpaceId;

/// The fragment's generated type. Each operation that uses the fragment generates an identical one; this one is used
/// for all.
pub(super) use self::list::policies::PolicyFields;
use super::id;
use crate::transport::Unusable;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    /// Spacelift's name for its type: `NOTIFICATION`, `PLAN` …
    pub policy_type: String,
    /// Its Rego source.
    pub body: String,
    pub labels: Vec<String>,
    /// `None` if it belongs to no space.
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

/// Plain text: it is only shown and compared.
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
