//! Spaces: the tree that decides who may see and use what.

mod create;
mod delete;
mod list;
mod show;

pub use create::NewSpace;

use chain::SpaceId;

/// The fragment's generated type. Each operation that uses the fragment generates an identical one; this one is used
/// for all.
pub(super) use self::show::space::SpaceFields;
use super::id;
use crate::transport::Unusable;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    pub id: SpaceId,
    pub name: String,
    pub description: String,
    /// `None` for the root.
    pub parent: Option<SpaceId>,
    /// Whether the space inherits what is attached to its parent.
    pub inherit_entities: bool,
    pub labels: Vec<String>,
}

impl Space {
    pub(super) fn from_fields(space: SpaceFields) -> Result<Self, Unusable> {
        Ok(Self {
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
}
