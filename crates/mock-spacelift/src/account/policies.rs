//! Policies, and their attachment to stacks.

use std::collections::BTreeSet;

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::policy::{NewPolicy, Policy};
use crate::model::refusal::Refusal;
use crate::model::rego::Rego;
use crate::model::slug::slug;
use crate::model::stack::Stack;

impl Account {
    pub(crate) fn create_policy(&mut self, new: NewPolicy) -> Result<Policy, Refusal> {
        let id = slug("policy", &new.name)?;
        if self.policies.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "policy" });
        }
        self.keep_policy(id, new)
    }

    pub(crate) fn update_policy(&mut self, id: &str, new: NewPolicy) -> Result<Policy, Refusal> {
        let unknown = || Refusal::unknown("policy", id);
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
        let space = self.spaces.existing(&new.space)?;
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

    pub(crate) fn attach_policy(&mut self, policy: &str, stack: &str) -> Result<(), Refusal> {
        let stack = self.existing_stack(stack)?.id.clone();
        let policy = self
            .policies
            .get_mut(policy)
            .ok_or_else(|| Refusal::unknown("policy", policy))?;
        policy.attached_to.insert(stack);
        Ok(())
    }

    /// Undoes an explicit attachment.
    pub(crate) fn detach_policy(&mut self, policy: &str, stack: &str) -> Result<(), Refusal> {
        let stack = self.existing_stack(stack)?.id.clone();
        let policy = self.policies.get_mut(policy).ok_or(Refusal::NotFound)?;
        if policy.attached_to.remove(&stack) {
            Ok(())
        } else {
            Err(Refusal::NotFound)
        }
    }

    /// The policies that are attached to a stack, explicitly or by a label.
    pub(crate) fn policies_of<'a>(&'a self, stack: &'a Stack) -> impl Iterator<Item = &'a Policy> {
        let reach = self.spaces.inherited(&stack.space);
        self.policies.values().filter(move |policy| {
            policy.attached_to.contains(&stack.id)
                || (reach.contains(&policy.space) && policy.attaches_itself_to(&stack.settings.labels))
        })
    }
}
