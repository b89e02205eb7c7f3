//! The stacks of the account: what can be read of them, and how people change them.

use chain::attempt::StackLook;
use chain::{StackFacts, StackId};

use super::{BRANCH, Stack, World};

impl Stack {
    /// Spacelift creates runs of it.
    pub(super) fn runs(&self) -> bool {
        !self.disabled && !self.hidden
    }
}

impl World {
    pub(crate) fn listing(&self) -> Vec<StackFacts> {
        let visible = self.stacks.values().filter(|stack| !stack.hidden);
        let listed = visible.map(|stack| StackFacts {
            disabled: stack.disabled,
            ..stack.facts.clone()
        });
        listed.collect()
    }

    pub(crate) fn look(&self, stack: &StackId) -> Option<StackLook> {
        let found = self.stacks.get(stack).filter(|found| !found.hidden)?;
        let runs = self.runs.iter().rev().filter(|run| run.stack == *stack);
        Some(StackLook {
            repository: found.facts.repository.clone(),
            branch: BRANCH.to_owned(),
            labels: found.facts.labels.clone(),
            space: found.facts.space.clone(),
            disabled: found.disabled,
            locked_by: found.locked.then(|| "alice".to_owned()),
            tracked: Some(Self::commit(found.tracked)),
            runs: runs.map(|run| run.facts.clone()).collect(),
        })
    }

    pub(crate) fn disable(&mut self, stack: &StackId, disabled: bool) {
        self.stacks.get_mut(stack).unwrap().disabled = disabled;
        self.was_disabled.extend(disabled.then(|| stack.clone()));
    }

    /// Lets a stack wait for another one by a label, or no longer.
    pub(crate) fn depend_by_label(&mut self, stack: &StackId, on: &StackId, depends: bool) {
        let label = format!("dependsOn:{on}");
        let labels = &mut self.stacks.get_mut(stack).unwrap().facts.labels;
        labels.retain(|known| *known != label);
        labels.extend(depends.then_some(label));
    }

    /// Lets Spacelift itself run a stack after another one, or no longer.
    pub(crate) fn depend_natively(&mut self, stack: &StackId, on: &StackId, depends: bool) {
        let native = &mut self.stacks.get_mut(stack).unwrap().facts.native_dependencies;
        native.retain(|known| known != on);
        native.extend(depends.then(|| on.clone()));
    }
}
