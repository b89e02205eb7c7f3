//! Blueprints, and what their templates need of the account.

use std::collections::BTreeMap;

use chain::StackId;

use crate::account::state::Account;
use crate::model::blueprint::{Blueprint, BlueprintState, NewBlueprint};
use crate::model::clock::Timestamp;
use crate::model::context::{ConfigElement, merge};
use crate::model::hooks::Hooks;
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::stack::StackSettings;
use crate::model::template::{self, TemplateStack};
use crate::model::vendor::Vendor;

impl Account {
    pub(crate) fn create_blueprint(&mut self, new: NewBlueprint) -> Result<Blueprint, Refusal> {
        let id = slug("blueprint", &new.name)?;
        if self.blueprints.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "blueprint" });
        }
        self.keep_blueprint(id, new, None)
    }

    pub(crate) fn update_blueprint(&mut self, id: &str, new: NewBlueprint) -> Result<Blueprint, Refusal> {
        let unknown = || Refusal::unknown("blueprint", id);
        let old = self.blueprints.get(id).cloned().ok_or_else(unknown)?;
        self.keep_blueprint(id.to_owned(), new, Some(&old))
    }

    fn keep_blueprint(
        &mut self,
        id: String,
        new: NewBlueprint,
        old: Option<&Blueprint>,
    ) -> Result<Blueprint, Refusal> {
        let inputs =
            template::inputs(&new.template).map_err(|reason| Refusal::BlueprintTemplate { reason })?;
        let now = Timestamp::now();
        let published_at = (new.state == BlueprintState::Published)
            .then(|| old.and_then(|old| old.published_at).unwrap_or(now));
        let blueprint = Blueprint {
            id: id.clone(),
            space: self.spaces.existing(&new.space)?,
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
        self.blueprints.insert(id, blueprint.clone());
        Ok(blueprint)
    }

    pub(crate) fn published_blueprint(&self, id: &str) -> Result<&Blueprint, Refusal> {
        let unknown = || Refusal::unknown("blueprint", id);
        let blueprint = self.blueprints.get(id).ok_or_else(unknown)?;
        if blueprint.state == BlueprintState::Draft {
            return Err(Refusal::BlueprintDraft { id: id.to_owned() });
        }
        Ok(blueprint)
    }

    /// The values that the template's expressions may refer to.
    pub(crate) fn template_values(
        &mut self,
        blueprint: &Blueprint,
        given: &BTreeMap<String, String>,
        login: &str,
    ) -> Result<BTreeMap<String, String>, Refusal> {
        let refuse = |id: &str, reason: String| Refusal::BlueprintInput {
            id: id.to_owned(),
            reason,
        };
        if let Some(unknown) = given
            .keys()
            .find(|id| !blueprint.inputs.iter().any(|input| input.id == **id))
        {
            return Err(refuse(unknown, "the blueprint has no such input".to_owned()));
        }
        let mut values = BTreeMap::new();
        for input in &blueprint.inputs {
            let value = given.get(&input.id).or(input.default.as_ref());
            let value = value.ok_or_else(|| refuse(&input.id, "a value is required".to_owned()))?;
            input.check(value).map_err(|reason| refuse(&input.id, reason))?;
            values.insert(format!("inputs.{}", input.id), value.clone());
        }
        let random = self.ulid();
        let context = [
            ("random_string", random[random.len() - 6..].to_ascii_lowercase()),
            ("random_uuid", random.clone()),
            ("random_number", "424242".to_owned()),
            ("user.login", login.to_owned()),
            ("user.name", login.to_owned()),
            ("user.account", self.name.to_string()),
            ("blueprint.name", blueprint.name.clone()),
        ];
        values.extend(context.map(|(name, value)| (format!("context.{name}"), value)));
        Ok(values)
    }

    /// Creates one of the stacks that a template describes.
    pub(crate) fn create_stack_from_template(
        &mut self,
        stack: TemplateStack,
        blueprint: &str,
    ) -> Result<StackId, Refusal> {
        let tool = stack.vendor.keys().next().map(String::as_str).unwrap_or_default();
        let vendor = Vendor::named(tool).ok_or_else(|| Refusal::BlueprintTemplate {
            reason: format!("vendor `{tool}` is unknown"),
        })?;
        let mut settings = StackSettings::new(&stack.name, &stack.vcs.repository, &stack.vcs.branch);
        settings.namespace = stack.vcs.namespace.unwrap_or_else(|| self.name.to_string());
        settings.project_root = stack.vcs.project_root;
        settings.description = stack.description;
        settings.labels = stack.labels;
        settings.administrative = stack.administrative;
        settings.autodeploy = stack.auto_deploy;
        settings.autoretry = stack.auto_retry;
        settings.protect_from_deletion = stack.protect_from_deletion;
        settings.runner_image = stack.runner_image;
        let config = vendor.config(&stack.name);
        let id = self.create_stack(settings, Hooks::default(), config, &stack.space, None)?;
        for attached in &stack.attachments.contexts {
            self.attach_context(&attached.id, id.as_str(), attached.priority)?;
        }
        let made = self.stack_mut(id.as_str())?;
        made.disabled = stack.is_disabled;
        made.blueprint = Some(blueprint.to_owned());
        let variables = stack
            .environment
            .variables
            .into_iter()
            .map(|variable| ConfigElement {
                write_only: variable.secret,
                description: variable.description,
                ..ConfigElement::variable(&variable.name, &variable.value)
            });
        let files = stack
            .environment
            .mounted_files
            .into_iter()
            .map(|file| ConfigElement {
                write_only: file.secret,
                description: file.description,
                ..ConfigElement::file(&file.path, &file.content)
            });
        merge(&mut made.config, variables.chain(files).collect());
        Ok(id)
    }
}
