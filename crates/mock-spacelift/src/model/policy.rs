//! Policies. Notification and trigger policies are evaluated; other kinds are only stored.

use std::collections::BTreeSet;

use async_graphql::Enum;
use chain::{SpaceId, StackId};

use crate::model::autoattach::attaches;
use crate::model::clock::Timestamp;
use crate::model::rego::{PolicyEngine, Rego};
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

impl Policy {
    /// Whether one of its labels attaches it to stacks with these labels.
    pub(crate) fn attaches_itself_to(&self, stack_labels: &[String]) -> bool {
        attaches(&self.labels, stack_labels)
    }

    /// Whether a label, and not a person, attached it to the stack.
    pub(crate) fn is_autoattached_to(&self, stack: &StackId) -> bool {
        !self.attached_to.contains(stack)
    }
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
