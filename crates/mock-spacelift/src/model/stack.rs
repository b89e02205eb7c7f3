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
use crate::model::webhook::StackWebhook;

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
    /// Indexes of its runs in the account's list, oldest first.
    pub runs: Vec<usize>,
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
    pub(crate) fn check_enabled(&self) -> Result<(), Refusal> {
        if self.disabled {
            return Err(Refusal::StackDisabled {
                id: self.id.to_string(),
            });
        }
        Ok(())
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

    /// Adds a resource, or replaces the one at its address.
    pub(crate) fn keep_resource(&mut self, resource: Resource) {
        self.resources.retain(|other| other.address != resource.address);
        self.resources.push(resource);
    }
}
