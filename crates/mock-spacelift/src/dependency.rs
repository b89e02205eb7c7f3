//! Spacelift's own stack dependencies. Spillway works with labels; these exist so that a stack may have both.

use std::collections::{BTreeMap, BTreeSet};

use chain::{RunId, StackId};

use crate::account::Account;
use crate::refusal::Refusal;
use crate::run::RunRequest;

/// `stack` waits for `depends_on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NativeDependency {
    pub id: String,
    pub stack: StackId,
    pub depends_on: StackId,
    pub trigger_always: bool,
    pub references: Vec<DependencyReference>,
}

/// An output of the upstream stack that becomes an input of the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DependencyReference {
    pub id: String,
    pub output_name: String,
    pub input_name: String,
    pub trigger_always: bool,
}

impl Account {
    pub(crate) fn create_dependency(
        &mut self,
        stack: &str,
        depends_on: &str,
        trigger_always: bool,
    ) -> Result<NativeDependency, Refusal> {
        let stack = self.existing_stack(stack)?.id.clone();
        let depends_on = self.existing_stack(depends_on)?.id.clone();
        if stack == depends_on || self.downstream(&stack).contains(&depends_on) {
            return Err(Refusal::DependencyCycle {
                cycle: format!("{stack} -> {depends_on} -> {stack}"),
            });
        }
        let dependency = NativeDependency {
            id: self.ulid(),
            stack,
            depends_on,
            trigger_always,
            references: Vec::new(),
        };
        self.dependencies
            .insert(dependency.id.clone(), dependency.clone());
        Ok(dependency)
    }

    /// Every stack that natively depends on this one, directly or not; in an order in which each comes after
    /// those that it depends on.
    pub(crate) fn downstream(&self, stack: &StackId) -> Vec<StackId> {
        let mut seen = BTreeSet::from([stack.clone()]);
        let mut order = Vec::new();
        self.visit_downstream(stack, &mut seen, &mut order);
        order.reverse();
        order
    }

    fn visit_downstream(&self, stack: &StackId, seen: &mut BTreeSet<StackId>, order: &mut Vec<StackId>) {
        for dependency in self
            .dependencies
            .values()
            .filter(|dependency| dependency.depends_on == *stack)
        {
            if seen.insert(dependency.stack.clone()) {
                self.visit_downstream(&dependency.stack, seen, order);
                order.push(dependency.stack.clone());
            }
        }
    }

    /// Queues a run of everything downstream, each waiting for those of its upstream stacks.
    pub(crate) fn queue_dependents(&mut self, root: &StackId, run: &RunId) {
        let mut queued: BTreeMap<StackId, RunId> = BTreeMap::from([(root.clone(), run.clone())]);
        for stack in self.downstream(root) {
            let upstream = self
                .dependencies
                .values()
                .filter(|dependency| dependency.stack == stack);
            let waits: Vec<(StackId, RunId)> = upstream
                .filter_map(|dependency| {
                    Some((
                        dependency.depends_on.clone(),
                        queued.get(&dependency.depends_on)?.clone(),
                    ))
                })
                .collect();
            let Some((cause, _)) = waits.first() else { continue };
            let request = RunRequest::tracked(Some(cause.as_str()));
            let waits_for = waits.iter().map(|(_, run)| run.clone()).collect();
            // A disabled stack has no runs; what depends on it through others goes on without it.
            if let Ok(id) = self.queue_run(&stack, &request, waits_for) {
                queued.insert(stack, id);
            }
        }
    }
}
