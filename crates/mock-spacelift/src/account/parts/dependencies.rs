//! The graph of Spacelift's native stack dependencies. It has no cycle.

use std::collections::{BTreeMap, BTreeSet};

use chain::StackId;

use crate::model::dependency::{DependencyReference, NativeDependency};
use crate::model::refusal::Refusal;

#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    by_id: BTreeMap<String, NativeDependency>,
}

impl Dependencies {
    pub(crate) fn create(
        &mut self,
        id: String,
        stack: StackId,
        depends_on: StackId,
        trigger_always: bool,
    ) -> Result<NativeDependency, Refusal> {
        if self
            .with_downstream(std::slice::from_ref(&stack))
            .contains(&depends_on)
        {
            return Err(Refusal::DependencyCycle {
                cycle: format!("{stack} -> {depends_on} -> {stack}"),
            });
        }
        let dependency = NativeDependency {
            id: id.clone(),
            stack,
            depends_on,
            trigger_always,
            references: Vec::new(),
        };
        self.by_id.insert(id, dependency.clone());
        Ok(dependency)
    }

    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &NativeDependency> {
        self.by_id.values()
    }

    /// What a stack depends on.
    pub(crate) fn of<'a>(&'a self, stack: &str) -> impl Iterator<Item = &'a NativeDependency> {
        self.all()
            .filter(move |dependency| dependency.stack.as_str() == stack)
    }

    /// The dependency of one stack on another.
    pub(crate) fn between(&self, stack: &str, depends_on: &str) -> Option<&NativeDependency> {
        self.of(stack).find(|one| one.depends_on.as_str() == depends_on)
    }

    pub(crate) fn existing_mut(&mut self, id: &str) -> Result<&mut NativeDependency, Refusal> {
        self.by_id.get_mut(id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<NativeDependency> {
        self.by_id.remove(id)
    }

    pub(crate) fn reference_mut(&mut self, id: &str) -> Result<&mut DependencyReference, Refusal> {
        self.by_id
            .values_mut()
            .flat_map(|dependency| &mut dependency.references)
            .find(|reference| reference.id == id)
            .ok_or(Refusal::NotFound)
    }

    pub(crate) fn remove_reference(&mut self, id: &str) -> Option<DependencyReference> {
        self.by_id.values_mut().find_map(|dependency| {
            let references = &mut dependency.references;
            let index = references.iter().position(|reference| reference.id == id)?;
            Some(references.remove(index))
        })
    }

    /// Removes the dependencies of a stack, and those on it.
    pub(crate) fn remove_stack(&mut self, stack: &StackId) {
        self.by_id
            .retain(|_, dependency| dependency.stack != *stack && dependency.depends_on != *stack);
    }

    /// These stacks and all that depend on them, directly or not, in topological order.
    pub(crate) fn with_downstream(&self, stacks: &[StackId]) -> Vec<StackId> {
        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        for stack in stacks.iter().rev() {
            self.visit_downstream(stack, &mut seen, &mut order);
        }
        order.reverse();
        order
    }

    fn visit_downstream(&self, stack: &StackId, seen: &mut BTreeSet<StackId>, order: &mut Vec<StackId>) {
        if !seen.insert(stack.clone()) {
            return;
        }
        for dependency in self
            .all()
            .rev()
            .filter(|dependency| dependency.depends_on == *stack)
        {
            self.visit_downstream(&dependency.stack, seen, order);
        }
        order.push(stack.clone());
    }
}
