//! Creates, changes and deletes stacks.

use async_graphql::{Context, ID, InputObject, Object};

use super::caller::{authorized, session};
use super::config::{ConfigInput, ConfigNode};
use super::stack::StackNode;
use crate::account::state::Account;
use crate::mock::MockSpacelift;
use crate::model::context::{ConfigElement, merge, take};
use crate::model::hooks::{Hooks, HooksInput};
use crate::model::refusal::Refusal;
use crate::model::space::ROOT;
use crate::model::stack::{StackSettings, VcsProvider};
use crate::model::vendor::{Vendor, VendorConfig, VendorConfigInput};
use crate::runs::deletion::delete_stack;

/// The Terraform provider always sends all flags; other clients leave most of them out.
#[derive(Debug, InputObject)]
struct StackInput {
    name: String,
    repository: String,
    branch: String,
    description: Option<String>,
    labels: Option<Vec<String>>,
    namespace: Option<String>,
    #[graphql(name = "repositoryURL")]
    repository_url: Option<String>,
    provider: Option<VcsProvider>,
    project_root: Option<String>,
    additional_project_globs: Option<Vec<String>>,
    git_sparse_checkout_paths: Option<Vec<String>>,
    administrative: Option<bool>,
    autodeploy: Option<bool>,
    autoretry: Option<bool>,
    github_action_deploy: Option<bool>,
    local_preview_enabled: Option<bool>,
    protect_from_deletion: Option<bool>,
    enable_well_known_secret_masking: Option<bool>,
    enable_sensitive_output_upload: Option<bool>,
    is_disabled: Option<bool>,
    runner_image: Option<String>,
    space: Option<ID>,
    vcs_integration_id: Option<ID>,
    vendor_config: Option<VendorConfigInput>,
    worker_pool: Option<ID>,
    #[graphql(flatten)]
    hooks: HooksInput,
}

impl StackInput {
    fn settings(&self, account: &Account) -> StackSettings {
        let defaults = StackSettings::new(&self.name, &self.repository, &self.branch);
        StackSettings {
            description: self.description.clone(),
            labels: self.labels.clone().unwrap_or_default(),
            namespace: self.namespace.clone().unwrap_or_else(|| account.name.to_string()),
            repository: self.repository.clone(),
            repository_url: self.repository_url.clone(),
            provider: self.provider.unwrap_or(defaults.provider),
            project_root: self.project_root.clone(),
            additional_project_globs: self.additional_project_globs.clone().unwrap_or_default(),
            git_sparse_checkout_paths: self.git_sparse_checkout_paths.clone().unwrap_or_default(),
            administrative: self.administrative.unwrap_or(defaults.administrative),
            autodeploy: self.autodeploy.unwrap_or(defaults.autodeploy),
            autoretry: self.autoretry.unwrap_or(defaults.autoretry),
            github_action_deploy: self.github_action_deploy.unwrap_or(defaults.github_action_deploy),
            local_preview_enabled: self
                .local_preview_enabled
                .unwrap_or(defaults.local_preview_enabled),
            protect_from_deletion: self
                .protect_from_deletion
                .unwrap_or(defaults.protect_from_deletion),
            enable_well_known_secret_masking: self
                .enable_well_known_secret_masking
                .unwrap_or(defaults.enable_well_known_secret_masking),
            enable_sensitive_output_upload: self
                .enable_sensitive_output_upload
                .unwrap_or(defaults.enable_sensitive_output_upload),
            runner_image: self.runner_image.clone(),
            ..defaults
        }
    }

    fn space(&self) -> String {
        self.space
            .as_ref()
            .map_or_else(|| ROOT.to_owned(), |id| id.to_string())
    }

    fn vendor(&self) -> VendorConfig {
        let chosen = self.vendor_config.clone().map(VendorConfigInput::chosen);
        chosen.unwrap_or_else(|| Vendor::default().config(&self.name))
    }
}

#[derive(Default)]
pub(crate) struct StackMutation;

#[Object]
impl StackMutation {
    async fn stack_create(
        &self,
        ctx: &Context<'_>,
        input: StackInput,
        manage_state: bool,
        #[graphql(name = "stackObjectID")] _stack_object_id: Option<String>,
        slug: Option<String>,
    ) -> Result<StackNode, Refusal> {
        authorized(ctx)?.write(|account| {
            let settings = input.settings(account);
            let hooks = Hooks::from(input.hooks.clone());
            let stack =
                account.create_stack(settings, hooks, input.vendor(), &input.space(), slug.as_deref())?;
            stack.manages_state = manage_state;
            stack.disabled = input.is_disabled.unwrap_or(false);
            let id = stack.id.clone();
            Ok(StackNode::of(account, account.stacks.existing(id.as_str())?))
        })
    }

    async fn stack_update(&self, ctx: &Context<'_>, id: ID, input: StackInput) -> Result<StackNode, Refusal> {
        change(authorized(ctx)?, &id, |account| {
            let settings = input.settings(account);
            let space = account.spaces.existing(&input.space())?;
            let head = account.repositories.head_of_stack(&settings);
            let stack = account.stacks.existing_mut(&id)?;
            let moved = (stack.settings.full_repository(), &stack.settings.branch)
                != (settings.full_repository(), &settings.branch);
            if moved {
                stack.tracked_commit = head;
            }
            stack.settings = settings;
            stack.space = space;
            stack.hooks = input.hooks.clone().into();
            if input.vendor_config.is_some() {
                stack.vendor = input.vendor();
            }
            stack.disabled = input.is_disabled.unwrap_or(stack.disabled);
            Ok(())
        })
    }

    /// Null if the stack does not exist.
    async fn stack_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(name = "destroyResources")] _destroy_resources: Option<bool>,
    ) -> Result<Option<StackNode>, Refusal> {
        authorized(ctx)?.write(|account| {
            account.check_access(&id)?;
            let node = account
                .stacks
                .find(&id)
                .map(|stack| StackNode::of(account, stack));
            delete_stack(account, &id)?;
            Ok(node)
        })
    }

    async fn stack_lock(
        &self,
        ctx: &Context<'_>,
        id: ID,
        note: Option<String>,
    ) -> Result<StackNode, Refusal> {
        let login = &session(ctx)?.login;
        change(authorized(ctx)?, &id, |account| {
            account.lock_stack(&id, login, note)
        })
    }

    async fn stack_unlock(&self, ctx: &Context<'_>, id: ID) -> Result<StackNode, Refusal> {
        let login = &session(ctx)?.login;
        change(authorized(ctx)?, &id, |account| account.unlock_stack(&id, login))
    }

    async fn stack_enable(&self, ctx: &Context<'_>, id: ID) -> Result<StackNode, Refusal> {
        change(authorized(ctx)?, &id, |account| {
            account
                .stacks
                .existing_mut(&id)
                .map(|stack| stack.disabled = false)
        })
    }

    async fn stack_disable(&self, ctx: &Context<'_>, id: ID) -> Result<StackNode, Refusal> {
        change(authorized(ctx)?, &id, |account| {
            account
                .stacks
                .existing_mut(&id)
                .map(|stack| stack.disabled = true)
        })
    }

    async fn stack_set_current_commit(
        &self,
        ctx: &Context<'_>,
        id: ID,
        sha: String,
    ) -> Result<StackNode, Refusal> {
        let login = session(ctx)?.login.clone();
        change(authorized(ctx)?, &id, |account| {
            let repository = account.stacks.existing(&id)?.settings.full_repository();
            let commit = account.repositories.commit(&repository, &sha);
            let stack = account.stacks.existing_mut(&id)?;
            stack.tracked_commit = commit;
            stack.tracked_commit_set_by = Some(login);
            Ok(())
        })
    }

    /// Makes the stack track the head of its branch again.
    async fn stack_sync_commit(&self, ctx: &Context<'_>, id: ID) -> Result<StackNode, Refusal> {
        change(authorized(ctx)?, &id, |account| {
            let settings = account.stacks.existing(&id)?.settings.clone();
            let head = account.repositories.head_of_stack(&settings);
            let stack = account.stacks.existing_mut(&id)?;
            stack.tracked_commit = head;
            stack.tracked_commit_set_by = None;
            Ok(())
        })
    }

    async fn stack_config_add(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        config: ConfigInput,
    ) -> Result<ConfigNode, Refusal> {
        let element = ConfigElement::from(config);
        authorized(ctx)?.write(|account| {
            account.check_access(&stack)?;
            merge(
                &mut account.stacks.existing_mut(&stack)?.config,
                vec![element.clone()],
            );
            Ok(ConfigNode::from(&element))
        })
    }

    async fn stack_config_delete(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        id: ID,
    ) -> Result<Option<ConfigNode>, Refusal> {
        authorized(ctx)?.write(|account| {
            account.check_access(&stack)?;
            Ok(take(&mut account.stacks.existing_mut(&stack)?.config, &id)
                .as_ref()
                .map(ConfigNode::from))
        })
    }
}

/// Changes a stack, and returns the result.
fn change(
    mock: &MockSpacelift,
    id: &ID,
    change: impl FnOnce(&mut Account) -> Result<(), Refusal>,
) -> Result<StackNode, Refusal> {
    mock.write(|account| {
        account.check_access(id)?;
        change(account)?;
        Ok(StackNode::of(account, account.stacks.existing(id)?))
    })
}
