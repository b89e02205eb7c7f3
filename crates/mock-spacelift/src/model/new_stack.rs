//! A stack as a test or a seed describes it.

use crate::model::space::ROOT;
use crate::model::stack::StackSettings;
use crate::model::vendor::Vendor;

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
    pub(crate) needs_review: bool,
    pub(crate) finds_changes: bool,
    pub(crate) fails_next: usize,
    pub(crate) changes_outputs: bool,
    pub(crate) native_upstream: Vec<String>,
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
