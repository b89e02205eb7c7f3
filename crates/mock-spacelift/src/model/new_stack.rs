//! A stack as a test or a seed describes it.

use chain::{RunState, StackId};

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::hooks::Hooks;
use crate::model::refusal::Refusal;
use crate::model::run::Fate;
use crate::model::slug::slug;
use crate::model::space::ROOT;
use crate::model::stack::{Stack, StackSettings};
use crate::model::vendor::{Vendor, VendorConfig};

/// A stack to be added: `NewStack::named("db").depends_on("vpc")`.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts")]
pub struct NewStack {
    pub(crate) settings: StackSettings,
    pub(crate) slug: Option<String>,
    pub(crate) space: String,
    pub(crate) vendor: Vendor,
    pub(crate) commit: Option<String>,
    pub(crate) disabled: bool,
    needs_review: bool,
    pub(crate) finds_changes: bool,
    fails_next: usize,
    pub(crate) changes_outputs: bool,
    native_upstream: Vec<String>,
}

impl NewStack {
    /// A stack in the root space that deploys automatically and finds changes in every plan.
    pub fn named(name: &str) -> Self {
        let mut settings = StackSettings::new(name, "acme/infra", "main");
        settings.autodeploy = true;
        Self {
            settings,
            slug: None,
            space: ROOT.to_owned(),
            vendor: Vendor::default(),
            commit: None,
            disabled: false,
            needs_review: false,
            finds_changes: true,
            fails_next: 0,
            changes_outputs: true,
            native_upstream: Vec::new(),
        }
    }

    /// Its id, if it is not derived from the name.
    #[must_use]
    pub fn slug(mut self, slug: &str) -> Self {
        self.slug = Some(slug.to_owned());
        self
    }

    /// Labels it `dependsOn:<stack>`.
    #[must_use]
    pub fn depends_on(self, stack: &str) -> Self {
        self.label(&format!("dependsOn:{stack}"))
    }

    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.settings.labels.push(label.to_owned());
        self
    }

    /// `false`: its runs wait for a person before they apply.
    #[must_use]
    pub fn autodeploy(mut self, autodeploy: bool) -> Self {
        self.settings.autodeploy = autodeploy;
        self
    }

    #[must_use]
    pub fn description(mut self, description: &str) -> Self {
        self.settings.description = Some(description.to_owned());
        self
    }

    /// The id of the space it is in.
    #[must_use]
    pub fn space(mut self, space: &str) -> Self {
        space.clone_into(&mut self.space);
        self
    }

    /// `owner/name`.
    #[must_use]
    pub fn repository(mut self, repository: &str) -> Self {
        let (namespace, name) = repository.split_once('/').unwrap_or(("", repository));
        namespace.clone_into(&mut self.settings.namespace);
        name.clone_into(&mut self.settings.repository);
        self
    }

    #[must_use]
    pub fn branch(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.settings.branch);
        self
    }

    #[must_use]
    pub fn project_root(mut self, directory: &str) -> Self {
        self.settings.project_root = Some(directory.to_owned());
        self
    }

    /// The commit that it tracks; the default is the head of its repository and branch.
    #[must_use]
    pub fn commit(mut self, sha: &str) -> Self {
        self.commit = Some(sha.to_owned());
        self
    }

    #[must_use]
    pub fn vendor(mut self, vendor: Vendor) -> Self {
        self.vendor = vendor;
        self
    }

    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// An approval policy requires that somebody reviews each plan.
    #[must_use]
    pub fn needs_review(mut self) -> Self {
        self.needs_review = true;
        self
    }

    #[must_use]
    pub fn protected_from_deletion(mut self) -> Self {
        self.settings.protect_from_deletion = true;
        self
    }

    /// Its plans find no changes.
    #[must_use]
    pub fn no_changes(mut self) -> Self {
        self.finds_changes = false;
        self
    }

    /// Its next `times` tracked runs fail while they plan.
    #[must_use]
    pub fn fails_next(mut self, times: usize) -> Self {
        self.fails_next = times;
        self
    }

    /// Its applies change no output that others refer to.
    #[must_use]
    pub fn outputs_unchanged(mut self) -> Self {
        self.changes_outputs = false;
        self
    }

    /// A native dependency, in addition to those in labels.
    #[must_use]
    pub fn native_dependency(mut self, stack: &str) -> Self {
        self.native_upstream.push(stack.to_owned());
        self
    }
}

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
        let commit = new.commit.as_ref().map(|hash| self.old_commit(&repository, hash));
        let stack = self.stack_mut(id.as_str())?;
        stack.tracked_commit = commit.unwrap_or_else(|| stack.tracked_commit.clone());
        stack.disabled = new.disabled;
        stack.needs_review = new.needs_review;
        stack.finds_changes = new.finds_changes;
        stack.changes_outputs = new.changes_outputs;
        stack.next_fates = vec![Fate::FailsIn(RunState::Planning); new.fails_next];
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
        let space = self.existing_space(space)?;
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
            tracked_commit: self.head_of_stack(&settings),
            settings,
            hooks,
            vendor,
            manages_state: true,
            disabled: false,
            needs_review: false,
            starred: false,
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
            next_fates: Vec::new(),
        };
        self.stacks.insert(id.clone(), stack);
        for target in self.webhooks_for_new_stacks.clone() {
            self.attach_webhook(id.as_str(), target)?;
        }
        Ok(id)
    }
}

impl Account {
    /// Deletes a stack with its dependencies, and ends its runs. `None` if the stack does not exist.
    pub(crate) fn delete_stack(&mut self, id: &str) -> Result<Option<Stack>, Refusal> {
        let Some(stack) = self.stack(id) else {
            return Ok(None);
        };
        if stack.settings.protect_from_deletion {
            return Err(Refusal::StackProtected { id: id.to_owned() });
        }
        let id = stack.id.clone();
        let open: Vec<usize> = self
            .active_runs
            .iter()
            .copied()
            .filter(|&place| self.runs[place].stack == id)
            .collect();
        for place in open {
            self.transition(place, RunState::Canceled, None, Some("the stack was deleted"));
        }
        self.dependencies
            .retain(|_, dependency| dependency.stack != id && dependency.depends_on != id);
        Ok(self.stacks.remove(&id))
    }
}
