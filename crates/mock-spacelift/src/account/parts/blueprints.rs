//! The blueprints.

use std::collections::BTreeMap;

use crate::account::parts::spaces::Spaces;
use crate::model::blueprint::{Blueprint, BlueprintState, NewBlueprint};
use crate::model::clock::Timestamp;
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::template;

#[derive(Debug, Default)]
pub(crate) struct Blueprints {
    by_id: BTreeMap<String, Blueprint>,
}

impl Blueprints {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Blueprint> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Blueprint> {
        self.by_id.get(id)
    }

    fn existing(&self, id: &str) -> Result<&Blueprint, Refusal> {
        self.get(id).ok_or_else(|| Refusal::unknown("blueprint", id))
    }

    pub(crate) fn published(&self, id: &str) -> Result<&Blueprint, Refusal> {
        let blueprint = self.existing(id)?;
        if blueprint.state == BlueprintState::Draft {
            return Err(Refusal::BlueprintDraft { id: id.to_owned() });
        }
        Ok(blueprint)
    }

    pub(crate) fn create(&mut self, new: NewBlueprint, spaces: &Spaces) -> Result<Blueprint, Refusal> {
        let id = slug("blueprint", &new.name)?;
        if self.by_id.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "blueprint" });
        }
        self.keep(id, new, None, spaces)
    }

    pub(crate) fn update(
        &mut self,
        id: &str,
        new: NewBlueprint,
        spaces: &Spaces,
    ) -> Result<Blueprint, Refusal> {
        let old = self.existing(id)?.clone();
        self.keep(id.to_owned(), new, Some(&old), spaces)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Blueprint> {
        self.by_id.remove(id)
    }

    fn keep(
        &mut self,
        id: String,
        new: NewBlueprint,
        old: Option<&Blueprint>,
        spaces: &Spaces,
    ) -> Result<Blueprint, Refusal> {
        let inputs =
            template::inputs(&new.template).map_err(|reason| Refusal::BlueprintTemplate { reason })?;
        let now = Timestamp::now();
        let published_at = (new.state == BlueprintState::Published)
            .then(|| old.and_then(|old| old.published_at).unwrap_or(now));
        let blueprint = Blueprint {
            id: id.clone(),
            space: spaces.existing(&new.space)?,
            name: new.name,
            description: new.description,
            state: new.state,
            labels: new.labels,
            template: new.template,
            inputs,
            created_at: old.map_or(now, |old| old.created_at),
            updated_at: now,
            published_at,
        };
        self.by_id.insert(id, blueprint.clone());
        Ok(blueprint)
    }
}
