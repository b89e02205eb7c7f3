//! The facts about a stack that the dependency graph needs.

use chain::StackFacts;

use super::Stack;

impl Stack {
    /// The repository with its namespace: two namespaces can have repositories of the same name.
    pub fn full_repository(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.repository),
            None => self.repository.clone(),
        }
    }
}

impl From<Stack> for StackFacts {
    fn from(stack: Stack) -> Self {
        Self {
            repository: stack.full_repository(),
            id: stack.id,
            name: stack.name,
            space: Some(stack.space),
            labels: stack.labels,
            disabled: stack.is_disabled,
            locked_by: stack.lock.map(|lock| lock.by),
            branch: stack.branch,
            tracked_commit: stack.tracked_commit,
            autodeploy: stack.autodeploy,
            native_dependencies: stack
                .depends_on
                .into_iter()
                .map(|native| native.depends_on)
                .collect(),
        }
    }
}
