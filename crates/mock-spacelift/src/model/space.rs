//! Spaces: the tree to which everything else belongs.

use chain::SpaceId;

use crate::account::state::Account;
use crate::model::refusal::Refusal;
use crate::model::slug::slug;

/// The id of the space that every account has.
pub(crate) const ROOT: &str = "root";

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

impl Account {
    pub(crate) fn space(&self, id: &str) -> Option<&Space> {
        self.spaces.get(&id.parse().ok()?)
    }

    pub(crate) fn existing_space(&self, id: &str) -> Result<SpaceId, Refusal> {
        let space = self.space(id).ok_or_else(|| Refusal::Unknown {
            what: "space",
            id: id.to_owned(),
        })?;
        Ok(space.id.clone())
    }

    /// The space and those that it inherits from, nearest first.
    pub(crate) fn inherited_spaces(&self, id: &SpaceId) -> Vec<SpaceId> {
        let mut reached = vec![id.clone()];
        let mut space = self.spaces.get(id);
        while let Some(parent) = space
            .filter(|space| space.inherit_entities)
            .and_then(|space| space.parent.as_ref())
        {
            reached.push(parent.clone());
            space = self.spaces.get(parent);
        }
        reached
    }

    /// Spaces may have the same name: the id is the name's slug and a ULID.
    pub(crate) fn create_space(&mut self, new: NewSpace) -> Result<Space, Refusal> {
        let id = format!("{}-{}", slug("space", &new.name)?, self.ulid());
        self.create_space_with_id(&id, new)
    }

    pub(crate) fn create_space_with_id(&mut self, id: &str, new: NewSpace) -> Result<Space, Refusal> {
        let parent = self
            .space(&new.parent)
            .ok_or(Refusal::ParentSpaceNotFound)?
            .id
            .clone();
        let no_slug = |_| Refusal::NoSlug {
            what: "space",
            name: new.name.clone(),
        };
        let id: SpaceId = id.parse().map_err(no_slug)?;
        if self.spaces.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "space" });
        }
        let space = Space {
            id,
            name: new.name,
            description: new.description,
            parent: Some(parent),
            inherit_entities: new.inherit_entities,
            labels: new.labels,
        };
        self.spaces.insert(space.id.clone(), space.clone());
        Ok(space)
    }

    pub(crate) fn update_space(&mut self, id: &str, new: NewSpace) -> Result<Space, Refusal> {
        let id = self.existing_space(id)?;
        let parent = self
            .space(&new.parent)
            .ok_or(Refusal::ParentSpaceNotFound)?
            .id
            .clone();
        let updated = Space {
            id: id.clone(),
            name: new.name,
            description: new.description,
            parent: (id.as_str() != ROOT).then_some(parent),
            inherit_entities: new.inherit_entities,
            labels: new.labels,
        };
        self.spaces.insert(id, updated.clone());
        Ok(updated)
    }

    /// `None` if the space does not exist.
    pub(crate) fn delete_space(&mut self, id: &str) -> Result<Option<Space>, Refusal> {
        if id == ROOT {
            return Err(Refusal::RootSpace);
        }
        let Some(space) = self.space(id).cloned() else {
            return Ok(None);
        };
        if let Some(content) = self.content_of(&space.id) {
            return Err(Refusal::SpaceNotEmpty {
                id: id.to_owned(),
                content,
            });
        }
        self.spaces.remove(&space.id);
        Ok(Some(space))
    }

    /// An object in the space, if there is one.
    fn content_of(&self, space: &SpaceId) -> Option<String> {
        let child = self
            .spaces
            .values()
            .find(|child| child.parent.as_ref() == Some(space));
        let stack = self.stacks.values().find(|stack| stack.space == *space);
        let context = self.contexts.values().find(|context| context.space == *space);
        let blueprint = self
            .blueprints
            .values()
            .find(|blueprint| blueprint.space == *space);
        let policy = self.policies.values().find(|policy| policy.space == *space);
        let webhook = self
            .named_webhooks
            .values()
            .find(|webhook| webhook.space == *space);
        None.or(child.map(|child| format!("space `{}`", child.id)))
            .or(stack.map(|stack| format!("stack `{}`", stack.id)))
            .or(context.map(|context| format!("context `{}`", context.id)))
            .or(blueprint.map(|blueprint| format!("blueprint `{}`", blueprint.id)))
            .or(policy.map(|policy| format!("policy `{}`", policy.id)))
            .or(webhook.map(|webhook| format!("webhook `{}`", webhook.id)))
    }
}
