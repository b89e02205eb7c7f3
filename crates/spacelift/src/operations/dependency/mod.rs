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
    /// How many outputs of the other stack are inputs of this one.
    pub references: u32,
    /// Whether it triggers although no output changed.
    pub trigger_always: bool,
}

impl StackDependency {
    pub(super) fn from_fields(dependency: DependencyFields) -> Result<Self, Unusable> {
        Ok(Self {
            id: dependency.id,
            stack: id(dependency.stack_id)?,
            depends_on: id(dependency.depends_on_stack_id)?,
            references: references(dependency.reference_count)?,
            trigger_always: dependency.trigger_always.unwrap_or_default(),
        })
    }
}

/// A dependency whose outputs nobody counted must not be taken for one without outputs.
fn references(count: Option<i64>) -> Result<u32, Unusable> {
    let count = count.ok_or_else(|| Unusable::Mismatch("referenceCount is null".to_owned()))?;
    u32::try_from(count).map_err(|_| Unusable::Mismatch(format!("referenceCount is {count}")))
}
