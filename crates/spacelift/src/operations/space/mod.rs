//! Spaces: where things belong, and who may see them.

mod create;
mod delete;
mod list;
mod show;

pub use create::NewSpace;

use chain::SpaceId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    pub id: SpaceId,
    pub name: String,
    pub description: String,
    /// `None` for the root.
    pub parent: Option<SpaceId>,
    /// Whether what is attached to the parent counts here too.
    pub inherit_entities: bool,
    pub labels: Vec<String>,
}

/// The generated type of the same fragment is another one in each operation; its conversion is written once.
macro_rules! space_from {
    ($module:ident) => {
        fn space_from(space: $module::SpaceFields) -> Result<$crate::Space, $crate::transport::Unusable> {
            use $crate::operations::id;

            Ok($crate::Space {
                id: id(space.id)?,
                name: space.name,
                description: space.description.unwrap_or_default(),
                parent: space
                    .parent_space
                    .filter(|parent| !parent.is_empty())
                    .map(id)
                    .transpose()?,
                inherit_entities: space.inherit_entities,
                labels: space.labels.unwrap_or_default(),
            })
        }
    };
}
use space_from;
