//! Stacks, and the native dependencies between them.

use chain::{RunState, StackId};

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::dependency::{DependencyReference, ENVIRONMENT_VARIABLE, NativeDependency};
use crate::model::hooks::Hooks;
use crate::model::new_stack::NewStack;
use crate::model::refusal::Refusal;
use crate::model::run::Outcome;
use crate::model::slug::slug;
use crate::model::stack::{Stack, StackSettings};
use crate::model::vendor::VendorConfig;

impl Account {
    pub(crate) fn add_stack(&mut self, new: NewStack) -> Result<StackId, Refusal> {
        let vendor = new.vendor.config(&new.settings.name);
        let repository = new.settings.full_repository();
        let id = self.create_stack(
            new.settings,
            Hooks::default(),
            vendor,
            &new.space,
            new.slug.as_deref(),
        )?;
        let commit = new
            .commit
            .as_ref()
            .map(|hash| self.repositories.old_commit(&repository, hash));
        let stack = self.stack_mut(id.as_str())?;
        stack.tracked_commit = commit.unwrap_or_else(|| stack.tracked_commit.clone());
        stack.disabled = new.disabled;
        stack.needs_review = new.needs_review;
        stack.finds_changes = new.finds_changes;
        stack.changes_outputs = new.changes_outputs;
        stack.next_outcomes = vec![Outcome::FailsIn(RunState::Planning); new.fails_next];
        for upstream in &new.native_upstream {
            self.create_dependency(id.as_str(), upstream, false)?;
        }
        Ok(id)
    }

    pub(crate) fn create_stack(
        &mut self,
        settings: StackSettings,
        hooks: Hooks,
        vendor: VendorConfig,
        space: &str,
        wanted_slug: Option<&str>,
    ) -> Result<StackId, Refusal> {
        let space = self.spaces.existing(space)?;
        let text = match wanted_slug {
            Some(slug) => slug.to_owned(),
            None => slug("stack", &settings.name)?,
        };
        let no_slug = || Refusal::NoSlug {
            what: "stack",
            name: text.clone(),
        };
        let id: StackId = text.parse().map_err(|_| no_slug())?;
        if self.stacks.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "stack" });
        }
        let stack = Stack {
            id: id.clone(),
            space,
            tracked_commit: self.repositories.head_of_stack(&settings),
            settings,
            hooks,
            vendor,
            manages_state: true,
            disabled: false,
            needs_review: false,
            lock: None,
            created_at: Timestamp::now(),
            tracked_commit_set_by: None,
            config: Vec::new(),
            attachments: Vec::new(),
            webhooks: Vec::new(),
            blueprint: None,
            runs: Vec::new(),
            finds_changes: true,
            changes_outputs: true,
            resources: Vec::new(),
            next_changes: None,
            next_outcomes: Vec::new(),
        };
        self.stacks.insert(id.clone(), stack);
        for target in self.webhooks_for_new_stacks.clone() {
            self.attach_webhook(id.as_str(), target)?;
        }
        Ok(id)
    }

    pub(crate) fn create_dependency(
        &mut self,
        stack: &str,
        depends_on: &str,
        trigger_always: bool,
    ) -> Result<NativeDependency, Refusal> {
        let stack = self.existing_stack(stack)?.id.clone();
        let depends_on = self.existing_stack(depends_on)?.id.clone();
        let id = self.ulid();
        self.dependencies.create(id, stack, depends_on, trigger_always)
    }

    /// Adds a reference to an output, and the dependency if there is none yet.
    pub(crate) fn refer_to_output(
        &mut self,
        stack: &str,
        depends_on: &str,
        trigger_always: bool,
    ) -> Result<(), Refusal> {
        let id = match self.dependencies.between(stack, depends_on) {
            Some(known) => known.id.clone(),
            None => self.create_dependency(stack, depends_on, false)?.id,
        };
        let reference = DependencyReference {
            id: self.ulid(),
            output_name: "output".to_owned(),
            input_name: "TF_VAR_input".to_owned(),
            input_type: ENVIRONMENT_VARIABLE.to_owned(),
            trigger_always,
        };
        let dependency = self.dependencies.existing_mut(&id)?;
        dependency.references.push(reference);
        Ok(())
    }
}
