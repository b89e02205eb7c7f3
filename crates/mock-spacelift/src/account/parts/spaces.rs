//! The tree of spaces, and those of them that the API key does not see.

use std::collections::{BTreeMap, BTreeSet};

use chain::SpaceId;

use crate::account::parts::ids::Ids;
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::space::{NewSpace, ROOT, Space};

#[derive(Debug)]
pub(crate) struct Spaces {
    by_id: BTreeMap<SpaceId, Space>,
    /// Spaces that were revoked from the API key.
    revoked: BTreeSet<SpaceId>,
}

impl Default for Spaces {
    fn default() -> Self {
        let root = Space::root();
        Self {
            by_id: BTreeMap::from([(root.id.clone(), root)]),
            revoked: BTreeSet::new(),
        }
    }
}

impl Spaces {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Space> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Space> {
        self.by_id.get(&id.parse().ok()?)
    }

    pub(crate) fn existing(&self, id: &str) -> Result<SpaceId, Refusal> {
        let space = self.get(id).ok_or_else(|| Refusal::unknown("space", id))?;
        Ok(space.id.clone())
    }

    /// The space and those that it inherits from, nearest first.
    pub(crate) fn inherited(&self, id: &SpaceId) -> Vec<SpaceId> {
        let mut reached = vec![id.clone()];
        let mut space = self.by_id.get(id);
        while let Some(parent) = space
            .filter(|space| space.inherit_entities)
            .and_then(|space| space.parent.as_ref())
        {
            reached.push(parent.clone());
            space = self.by_id.get(parent);
        }
        reached
    }

    /// Spaces may have the same name: the id is the name's slug and a ULID.
    pub(crate) fn create(&mut self, new: NewSpace, ids: &mut Ids) -> Result<Space, Refusal> {
        let id = format!("{}-{}", slug("space", &new.name)?, ids.ulid());
        self.create_with_id(&id, new)
    }

    pub(crate) fn create_with_id(&mut self, id: &str, new: NewSpace) -> Result<Space, Refusal> {
        let parent = self.parent(&new)?;
        let no_slug = |_| Refusal::NoSlug {
            what: "space",
            name: new.name.clone(),
        };
        let id: SpaceId = id.parse().map_err(no_slug)?;
        if self.by_id.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "space" });
        }
        Ok(self.keep(id, Some(parent), new))
    }

    pub(crate) fn update(&mut self, id: &str, new: NewSpace) -> Result<Space, Refusal> {
        let id = self.existing(id)?;
        let parent = self.parent(&new)?;
        let parent = (id.as_str() != ROOT).then_some(parent);
        Ok(self.keep(id, parent, new))
    }

    pub(crate) fn remove(&mut self, id: &SpaceId) {
        self.by_id.remove(id);
    }

    fn parent(&self, new: &NewSpace) -> Result<SpaceId, Refusal> {
        let parent = self.get(&new.parent).ok_or(Refusal::ParentSpaceNotFound)?;
        Ok(parent.id.clone())
    }

    fn keep(&mut self, id: SpaceId, parent: Option<SpaceId>, new: NewSpace) -> Space {
        let space = Space {
            id: id.clone(),
            name: new.name,
            description: new.description,
            parent,
            inherit_entities: new.inherit_entities,
            labels: new.labels,
        };
        self.by_id.insert(id, space.clone());
        space
    }

    /// Revokes the API key's access to a space and all below it.
    pub(crate) fn revoke(&mut self, id: &str) -> Result<(), Refusal> {
        let id = self.existing(id)?;
        self.revoked.insert(id);
        Ok(())
    }

    /// Restores the API key's access to a space.
    pub(crate) fn grant(&mut self, id: &str) -> Result<(), Refusal> {
        let id = self.existing(id)?;
        self.revoked.remove(&id);
        Ok(())
    }

    /// Whether the key sees a space: neither it nor a space above it was revoked.
    pub(crate) fn sees(&self, space: &SpaceId) -> bool {
        let mut space = Some(space);
        while let Some(id) = space {
            if self.revoked.contains(id) {
                return false;
            }
            space = self.by_id.get(id).and_then(|space| space.parent.as_ref());
        }
        true
    }
}
