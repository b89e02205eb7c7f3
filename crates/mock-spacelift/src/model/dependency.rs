//! Spacelift's native stack dependencies. Spillway uses labels; these exist so that a stack may have both.

use std::collections::{BTreeMap, BTreeSet};

use chain::{RunId, RunState, StackId};

use crate::account::state::Account;
use crate::model::refusal::Refusal;
use crate::model::run::{Run, RunRequest};

/// `stack` waits for `depends_on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NativeDependency {
    pub id: String,
    pub stack: StackId,
    pub depends_on: StackId,
    pub trigger_always: bool,
    pub references: Vec<DependencyReference>,
}

/// An output of the upstream stack that becomes an input of the downstream one.
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
        if self
            .with_downstream(std::slice::from_ref(&stack))
            .contains(&depends_on)
        {
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

    /// Adds a reference to an output, and the dependency if there is none yet.
    pub(crate) fn refer_to_output(
        &mut self,
        stack: &str,
        depends_on: &str,
        trigger_always: bool,
    ) -> Result<(), Refusal> {
        let mut all = self.dependencies.values();
        let known = all.find(|one| one.stack.as_str() == stack && one.depends_on.as_str() == depends_on);
        let id = match known {
            Some(known) => known.id.clone(),
            None => self.create_dependency(stack, depends_on, false)?.id,
        };
        let reference = DependencyReference {
            id: self.ulid(),
            output_name: "output".to_owned(),
            input_name: "TF_VAR_input".to_owned(),
            trigger_always,
        };
        let dependency = self.dependencies.get_mut(&id).ok_or(Refusal::NotFound)?;
        dependency.references.push(reference);
        Ok(())
    }

    /// These stacks and all that natively depend on them, directly or not, in topological order.
    fn with_downstream(&self, stacks: &[StackId]) -> Vec<StackId> {
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
        let all = self.dependencies.values().rev();
        for dependency in all.filter(|dependency| dependency.depends_on == *stack) {
            self.visit_downstream(&dependency.stack, seen, order);
        }
        order.push(stack.clone());
    }

    /// Queues one tracked run of each of these stacks and of everything downstream of them. Each waits for the runs of
    /// its own upstream. Returns the runs of `stacks`, in order.
    pub(crate) fn queue_with_dependents(
        &mut self,
        stacks: &[StackId],
        request: &RunRequest,
    ) -> Result<Vec<RunId>, Refusal> {
        for stack in stacks {
            self.existing_stack(stack.as_str())?.check_enabled()?;
        }
        let mut queued: BTreeMap<StackId, RunId> = BTreeMap::new();
        for stack in self.with_downstream(stacks) {
            let all = self.dependencies.values();
            let upstream = all.filter(|dependency| dependency.stack == stack);
            let waits: Vec<(StackId, RunId)> = upstream
                .filter_map(|dependency| {
                    let run = queued.get(&dependency.depends_on)?;
                    Some((dependency.depends_on.clone(), run.clone()))
                })
                .collect();
            let waits_for = waits.iter().map(|(_, run)| run.clone()).collect();
            let run = if stacks.contains(&stack) {
                self.queue_run(&stack, request, waits_for)?
            } else {
                let Some((cause, _)) = waits.first() else { continue };
                let request = RunRequest {
                    of_dependency: true,
                    ..RunRequest::tracked(Some(cause.as_str()))
                };
                match self.queue_run(&stack, &request, waits_for) {
                    Ok(run) => run,
                    // A disabled stack gets no run; stacks that also depend on others still do.
                    Err(_) => continue,
                }
            };
            queued.insert(stack, run);
        }
        Ok(stacks
            .iter()
            .filter_map(|stack| queued.get(stack).cloned())
            .collect())
    }

    pub(crate) fn upstream_is_over(&self, run: &Run) -> bool {
        self.upstream_runs(run).all(Run::is_over)
    }

    /// How a queued run ends without having started because of the runs that it waits for, and why.
    pub(crate) fn ends_with_upstream(&self, run: &Run) -> Option<(RunState, &'static str)> {
        let failed = |upstream: &Run| {
            upstream.is_over() && !upstream.state().succeeded() && *upstream.state() != RunState::Skipped
        };
        if self.upstream_runs(run).any(failed) {
            return Some((RunState::Canceled, "an upstream run did not finish"));
        }
        let wanted = |upstream: &Run| self.wants_run_after(&run.stack, upstream);
        let is_skipped =
            run.of_dependency && self.upstream_is_over(run) && !self.upstream_runs(run).any(wanted);
        is_skipped.then_some((RunState::Skipped, "no output that it refers to has changed"))
    }

    /// Whether a stack has to run after the end of an upstream run. Without references, it has to after every finished
    /// run; with them, after one that changed outputs.
    fn wants_run_after(&self, stack: &StackId, upstream: &Run) -> bool {
        let all = self.dependencies.values();
        let mut between =
            all.filter(|dependency| dependency.stack == *stack && dependency.depends_on == upstream.stack);
        // A dependency that was deleted in the meantime prevents no run.
        between.next().is_none_or(|dependency| {
            let references = &dependency.references;
            let always = dependency.trigger_always || references.iter().any(|one| one.trigger_always);
            always || upstream.changed_outputs() || (references.is_empty() && upstream.state().succeeded())
        })
    }

    fn upstream_runs<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = &'a Run> {
        run.waits_for.iter().filter_map(|id| self.run(id.as_str()))
    }
}

impl Run {
    /// Whether the run applied and changed outputs.
    fn changed_outputs(&self) -> bool {
        self.changes_outputs
            && self.state().succeeded()
            && self.history.iter().any(|entry| entry.state == RunState::Applying)
    }
}
