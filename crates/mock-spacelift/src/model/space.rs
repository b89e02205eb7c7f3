//! Spaces: the tree to which everything else belongs.

use async_graphql::Enum;
use chain::SpaceId;

/// The id of the space that every account has.
pub(crate) const ROOT: &str = "root";

/// The rights in a space that people had before there were roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum SpaceAccessLevel {
    Admin,
    Read,
    Write,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    pub id: SpaceId,
    pub name: String,
    pub description: String,
    /// `None` only for the root.
    pub parent: Option<SpaceId>,
    /// Whether it inherits the contexts, policies and webhooks of its parent.
    pub inherit_entities: bool,
    pub labels: Vec<String>,
}

impl Space {
    pub(crate) fn root() -> Self {
        Self {
            id: ROOT.parse().expect("`root` is a space id"),
            name: ROOT.to_owned(),
            description: "Root of the space tree".to_owned(),
            parent: None,
            inherit_entities: false,
            labels: Vec::new(),
        }
    }
}

/// A space to be created.
#[derive(Debug, Clone)]
pub struct NewSpace {
    pub name: String,
    pub description: String,
    pub parent: String,
    pub inherit_entities: bool,
    pub labels: Vec<String>,
}

impl NewSpace {
    /// A space below the root that inherits from it.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            parent: ROOT.to_owned(),
            inherit_entities: true,
            labels: Vec::new(),
        }
    }
}
