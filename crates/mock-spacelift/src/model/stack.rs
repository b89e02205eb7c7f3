//! A stack: its settings and its state.

use async_graphql::{Enum, SimpleObject};
use chain::{RunType, SpaceId, StackId};

use crate::model::clock::Timestamp;
use crate::model::commit::Commit;
use crate::model::context::{ConfigElement, ContextAttachment};
use crate::model::hooks::Hooks;
use crate::model::refusal::Refusal;
use crate::model::resource::Resource;
use crate::model::run::Outcome;
use crate::model::vendor::VendorConfig;
use crate::model::webhook::{StackWebhook, Target};

/// The host of a stack's repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, serde::Deserialize)]
#[graphql(name = "VCSProvider")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum VcsProvider {
    AzureDevops,
    BitbucketCloud,
    BitbucketDatacenter,
    Git,
    Github,
    GithubEnterprise,
    Gitlab,
    Showcase,
    Spacelift,
}

impl VcsProvider {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AzureDevops => "AZURE_DEVOPS",
            Self::BitbucketCloud => "BITBUCKET_CLOUD",
            Self::BitbucketDatacenter => "BITBUCKET_DATACENTER",
            Self::Git => "GIT",
            Self::Github => "GITHUB",
            Self::GithubEnterprise => "GITHUB_ENTERPRISE",
            Self::Gitlab => "GITLAB",
            Self::Showcase => "SHOWCASE",
            Self::Spacelift => "SPACELIFT",
        }
    }
}

/// The settings of a stack: the fields that GraphQL returns as they were given.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are Spacelift's switches, one for one"
)]
pub(crate) struct StackSettings {
    pub name: String,
    pub description: Option<String>,
    pub labels: Vec<String>,
    pub namespace: String,
    pub repository: String,
    #[graphql(name = "repositoryURL")]
    pub repository_url: Option<String>,
    pub branch: String,
    pub provider: VcsProvider,
    pub project_root: Option<String>,
    pub additional_project_globs: Vec<String>,
    pub git_sparse_checkout_paths: Vec<String>,
    pub administrative: bool,
    pub autodeploy: bool,
    pub autoretry: bool,
    pub github_action_deploy: bool,
    pub local_preview_enabled: bool,
    pub protect_from_deletion: bool,
    pub enable_well_known_secret_masking: bool,
    pub enable_sensitive_output_upload: bool,
    pub runner_image: Option<String>,
}

impl StackSettings {
    /// Spacelift's defaults for a stack of a repository `owner/name`.
    pub(crate) fn new(name: &str, repository: &str, branch: &str) -> Self {
        let (namespace, repository) = repository.split_once('/').unwrap_or(("", repository));
        Self {
            name: name.to_owned(),
            description: None,
            labels: Vec::new(),
            namespace: namespace.to_owned(),
            repository: repository.to_owned(),
            repository_url: None,
            branch: branch.to_owned(),
            provider: VcsProvider::Github,
            project_root: None,
            additional_project_globs: Vec::new(),
            git_sparse_checkout_paths: Vec::new(),
            administrative: false,
            autodeploy: false,
            autoretry: false,
            github_action_deploy: true,
            local_preview_enabled: false,
            protect_from_deletion: false,
            enable_well_known_secret_masking: false,
            enable_sensitive_output_upload: true,
            runner_image: None,
        }
    }

    /// `owner/name`, as in webhooks.
    pub(crate) fn full_repository(&self) -> String {
        if self.namespace.is_empty() {
            self.repository.clone()
        } else {
            format!("{}/{}", self.namespace, self.repository)
        }
    }
}

/// Who locked a stack, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lock {
    pub by: String,
    pub note: Option<String>,
    pub at: Timestamp,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent switches")]
pub(crate) struct Stack {
    pub id: StackId,
    pub space: SpaceId,
    pub settings: StackSettings,
    pub hooks: Hooks,
    pub vendor: VendorConfig,
    pub manages_state: bool,
    pub disabled: bool,
    pub needs_review: bool,
    pub lock: Option<Lock>,
    pub created_at: Timestamp,
    pub tracked_commit: Commit,
    pub tracked_commit_set_by: Option<String>,
    pub config: Vec<ConfigElement>,
    pub attachments: Vec<ContextAttachment>,
    pub webhooks: Vec<StackWebhook>,
    pub blueprint: Option<String>,
    /// Whether a plan of this stack finds changes.
    pub finds_changes: bool,
    /// Whether an apply of this stack changes the outputs that others refer to.
    pub changes_outputs: bool,
    /// The managed resources, if they have names.
    pub resources: Vec<Resource>,
    /// The addresses of the resources that the next run changes, if they have names.
    pub next_changes: Option<Vec<String>>,
    /// The results of the next tracked runs, one entry for each.
    pub next_outcomes: Vec<Outcome>,
}

impl Stack {
    pub(crate) fn new(
        id: StackId,
        space: SpaceId,
        settings: StackSettings,
        hooks: Hooks,
        vendor: VendorConfig,
        tracked_commit: Commit,
    ) -> Self {
        Self {
            id,
            space,
            settings,
            hooks,
            vendor,
            manages_state: true,
            disabled: false,
            needs_review: false,
            lock: None,
            created_at: Timestamp::now(),
            tracked_commit,
            tracked_commit_set_by: None,
            config: Vec::new(),
            attachments: Vec::new(),
            webhooks: Vec::new(),
            blueprint: None,
            finds_changes: true,
            changes_outputs: true,
            resources: Vec::new(),
            next_changes: None,
            next_outcomes: Vec::new(),
        }
    }

    pub(crate) fn check_enabled(&self) -> Result<(), Refusal> {
        if self.disabled {
            return Err(Refusal::StackDisabled {
                id: self.id.to_string(),
            });
        }
        Ok(())
    }

    pub(crate) fn set_lock(&mut self, by: &str, note: Option<String>) -> Result<(), Refusal> {
        if let Some(lock) = &self.lock {
            return Err(Refusal::StackLocked {
                id: self.id.to_string(),
                by: lock.by.clone(),
            });
        }
        self.lock = Some(Lock {
            by: by.to_owned(),
            note,
            at: Timestamp::now(),
        });
        Ok(())
    }

    /// Only the lock's owner can remove it.
    pub(crate) fn remove_lock(&mut self, by: &str) -> Result<(), Refusal> {
        let owner = self.lock_owner()?;
        if owner != by {
            return Err(Refusal::LockedByOther {
                id: self.id.to_string(),
                by: owner.to_owned(),
                wanted: "unlock it",
            });
        }
        self.lock = None;
        Ok(())
    }

    pub(crate) fn lock_owner(&self) -> Result<&str, Refusal> {
        let lock = self.lock.as_ref().ok_or_else(|| Refusal::StackNotLocked {
            id: self.id.to_string(),
        })?;
        Ok(&lock.by)
    }

    /// Whether somebody else's lock prevents this login from triggering runs.
    pub(crate) fn is_locked_for(&self, by: Option<&str>) -> bool {
        self.lock
            .as_ref()
            .is_some_and(|lock| by != Some(lock.by.as_str()))
    }

    /// What the next run of this kind will find. Tracked runs consume the requested results.
    pub(crate) fn next_outcome(&mut self, run_type: &RunType) -> Outcome {
        if *run_type == RunType::Tracked && !self.next_outcomes.is_empty() {
            return self.next_outcomes.remove(0);
        }
        if self.finds_changes {
            Outcome::Changes
        } else {
            Outcome::NoChanges
        }
    }

    pub(crate) fn is_attached_to(&self, context: &str) -> bool {
        self.attachments
            .iter()
            .any(|attachment| attachment.context == context)
    }

    pub(crate) fn attach(&mut self, attachment: ContextAttachment) -> Result<(), Refusal> {
        if self.is_attached_to(&attachment.context) {
            return Err(Refusal::AlreadyAttached {
                context: attachment.context,
                stack: self.id.to_string(),
            });
        }
        self.attachments.push(attachment);
        Ok(())
    }

    pub(crate) fn detach(&mut self, attachment: &str) -> Option<ContextAttachment> {
        let index = self.attachments.iter().position(|one| one.id == attachment)?;
        Some(self.attachments.remove(index))
    }

    pub(crate) fn add_webhook(&mut self, id: String, target: Target) -> StackWebhook {
        let webhook = StackWebhook { id, target };
        self.webhooks.push(webhook.clone());
        webhook
    }

    pub(crate) fn webhook_mut(&mut self, id: &str) -> Result<&mut StackWebhook, Refusal> {
        self.webhooks
            .iter_mut()
            .find(|webhook| webhook.id == id)
            .ok_or(Refusal::NotFound)
    }

    pub(crate) fn remove_webhook(&mut self, id: &str) -> Result<StackWebhook, Refusal> {
        let index = self
            .webhooks
            .iter()
            .position(|webhook| webhook.id == id)
            .ok_or(Refusal::NotFound)?;
        Ok(self.webhooks.remove(index))
    }

    /// Adds a resource, or replaces the one at its address.
    pub(crate) fn keep_resource(&mut self, resource: Resource) {
        self.resources.retain(|other| other.address != resource.address);
        self.resources.push(resource);
    }
}
