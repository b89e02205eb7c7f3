//! Policies. Notification and trigger policies are evaluated; other kinds are only stored.

use std::collections::BTreeSet;

use async_graphql::Enum;
use chain::{SpaceId, StackId};

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::refusal::Refusal;
use crate::model::rego::{PolicyEngine, Rego};
use crate::model::slug::slug;
use crate::model::space::ROOT;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PolicyType {
    Access,
    Approval,
    GitPush,
    Initialization,
    Intent,
    Login,
    Notification,
    Plan,
    Task,
    Trigger,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "`type` alone is a keyword")]
pub(crate) struct Policy {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub policy_type: PolicyType,
    pub space: SpaceId,
    pub labels: Vec<String>,
    pub body: String,
    pub rego: Rego,
    /// Stacks that it was attached to explicitly. Notification policies need no attachment: their space is enough.
    pub attached_to: BTreeSet<StackId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A policy to be created.
#[derive(Debug, Clone)]
pub struct NewPolicy {
    pub name: String,
    pub description: Option<String>,
    pub policy_type: PolicyType,
    pub space: String,
    pub labels: Vec<String>,
    pub body: String,
    /// The version of Rego. Without one, the body shows it.
    pub engine: Option<PolicyEngine>,
}

impl NewPolicy {
    /// A notification policy of the root space, with a body in Rego.
    pub fn notification(name: &str, body: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: None,
            policy_type: PolicyType::Notification,
            space: ROOT.to_owned(),
            labels: Vec::new(),
            body: body.to_owned(),
            engine: None,
        }
    }

    /// A trigger policy of the root space, with a body in Rego. It applies to the stacks that it is attached to.
    pub fn trigger(name: &str, body: &str) -> Self {
        Self {
            policy_type: PolicyType::Trigger,
            ..Self::notification(name, body)
        }
    }

    /// `autoattach:<label>` attaches it to all stacks with that label, `autoattach:*` to all.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.labels.push(label.to_owned());
        self
    }
}

impl Account {
    pub(crate) fn create_policy(&mut self, new: NewPolicy) -> Result<Policy, Refusal> {
        let id = slug("policy", &new.name)?;
        if self.policies.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "policy" });
        }
        self.keep_policy(id, new)
    }

    pub(crate) fn update_policy(&mut self, id: &str, new: NewPolicy) -> Result<Policy, Refusal> {
        let unknown = || Refusal::Unknown {
            what: "policy",
            id: id.to_owned(),
        };
        let before = self.policies.get(id).ok_or_else(unknown)?;
        let (created_at, attached_to) = (before.created_at, before.attached_to.clone());
        let policy = Policy {
            attached_to,
            created_at,
            ..self.keep_policy(id.to_owned(), new)?
        };
        self.policies.insert(id.to_owned(), policy.clone());
        Ok(policy)
    }

    fn keep_policy(&mut self, id: String, new: NewPolicy) -> Result<Policy, Refusal> {
        let space = self.existing_space(&new.space)?;
        let rego =
            Rego::compile(&id, &new.body, new.engine).map_err(|reason| Refusal::PolicyBody { reason })?;
        let now = Timestamp::now();
        let policy = Policy {
            id: id.clone(),
            name: new.name,
            description: new.description,
            policy_type: new.policy_type,
            space,
            labels: new.labels,
            body: new.body,
            rego,
            attached_to: BTreeSet::new(),
            created_at: now,
            updated_at: now,
        };
        self.policies.insert(id, policy.clone());
        Ok(policy)
    }
}
