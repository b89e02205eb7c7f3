//! Spacelift's own dependencies between stacks. Chains do not follow them: they follow labels.

mod create;
mod delete;
mod list;

use chain::StackId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackDependency {
    pub id: String,
    pub stack: StackId,
    pub depends_on: StackId,
}

/// The generated type of the same fragment is another one in each operation; its conversion is written once.
macro_rules! dependency_from {
    ($module:ident) => {
        fn dependency_from(
            dependency: $module::DependencyFields,
        ) -> Result<$crate::StackDependency, $crate::transport::Unusable> {
            use $crate::operations::id;

            Ok($crate::StackDependency {
                id: dependency.id,
                stack: id(dependency.stack_id)?,
                depends_on: id(dependency.depends_on_stack_id)?,
            })
        }
    };
}
use dependency_from;
