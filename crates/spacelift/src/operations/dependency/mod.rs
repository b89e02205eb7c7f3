//! Native dependencies: Spacelift's own dependencies between stacks, which are not labels.

mod create;
mod delete;
mod list;

use chain::StackId;

use self::create::stack_dependency_create::DependencyFields;
use super::id;
use crate::transport::Unusable;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackDependency {
    pub id: String,
    pub stack: StackId,
    pub depends_on: StackId,
}

impl StackDependency {
    pub(super) fn from_fields(dependency: DependencyFields) -> Result<Self, Unusable> {
        Ok(Self {
            id: dependency.id,
            stack: id(dependency.stack_id)?,
            depends_on: id(dependency.depends_on_stack_id)?,
        })
    }
}
