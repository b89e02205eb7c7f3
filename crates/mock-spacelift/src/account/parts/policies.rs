//! The policies, and the stacks that they are attached to.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::parts::spaces::Spaces;
use crate::model::clock::Timestamp;
use crate::model::policy::{NewPolicy, Policy};
use crate::model::refusal::Refusal;
use crate::model::rego::Rego;
use crate::model::slug::slug;
use crate::model::stack::Stack;

#[derive(Debug, Default)]
pub(crate) struct Policies {
    by_id: BTreeMap<String, Policy>,
}

impl Policies {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Policy> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Policy> {
        self.by_id.get(id)
    }

    pub(crate) fn create(&mut self, new: NewPolicy, spaces: &Spaces) -> Result<Policy, Refusal> {
        let id = slug("policy", &new.name)?;
        if self.by_id.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "policy" });
        }
        let policy = compile(id, new, spaces)?;
        Ok(self.keep(policy))
    }

    pub(crate) fn update(&mut self, id: &str, new: NewPolicy, spaces: &Spaces) -> Result<Policy, Refusal> {
        let before = self.by_id.get(id).ok_or_else(|| Refusal::unknown("policy", id))?;
        let policy = Policy {
            attached_to: before.attached_to.clone(),
            created_at: before.created_at,
            ..compile(id.to_owned(), new, spaces)?
        };
        Ok(self.keep(policy))
    }

    fn keep(&mut self, policy: Policy) -> Policy {
        self.by_id.insert(policy.id.clone(), policy.clone());
        policy
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Policy> {
        self.by_id.remove(id)
    }

    pub(crate) fn attach(&mut self, id: &str, stack: &Stack) -> Result<&Policy, Refusal> {
        let unknown = || Refusal::unknown("policy", id);
        let policy = self.by_id.get_mut(id).ok_or_else(unknown)?;
        policy.attached_to.insert(stack.id.clone());
        Ok(policy)
    }

    /// Undoes an explicit attachment.
    pub(crate) fn detach(&mut self, id: &str, stack: &Stack) -> Result<&Policy, Refusal> {
        let policy = self.by_id.get_mut(id).ok_or(Refusal::NotFound)?;
        if policy.attached_to.remove(&stack.id) {
            Ok(policy)
        } else {
            Err(Refusal::NotFound)
        }
    }

    /// The policies that are attached to a stack, explicitly or by a label.
    pub(crate) fn of_stack<'a>(
        &'a self,
        stack: &'a Stack,
        spaces: &Spaces,
    ) -> impl Iterator<Item = &'a Policy> + use<'a> {
        let reach = spaces.inherited(&stack.space);
        self.all().filter(move |policy| {
            policy.attached_to.contains(&stack.id)
                || (reach.contains(&policy.space) && policy.attaches_itself_to(&stack.settings.labels))
        })
    }
}

/// A policy that is attached to nothing yet.
fn compile(id: String, new: NewPolicy, spaces: &Spaces) -> Result<Policy, Refusal> {
    let space = spaces.existing(&new.space)?;
    let rego = Rego::compile(&id, &new.body, new.engine).map_err(|reason| Refusal::PolicyBody { reason })?;
    let now = Timestamp::now();
    Ok(Policy {
        id,
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
    })
}
