//! Stacks.

use async_graphql::{ComplexObject, Context, ID, SimpleObject};
use chain::RunType;

use super::blueprint::BlueprintNode;
use super::caller::mock;
use super::config::{self, ConfigNode};
use super::context::StackContextAttachment;
use super::dependency::DependencyNode;
use super::enums::{RunState, StackState};
use super::integrations::Integrations;
use super::policy::StackPolicyAttachment;
use super::resource::ManagedEntity;
use super::run::RunNode;
use super::space::SpaceNode;
use super::webhook::WebhooksIntegration;
use super::worker_pool::WorkerPool;
use crate::account::state::Account;
use crate::model::commit::Commit;
use crate::model::dependency::NativeDependency;
use crate::model::hooks::Hooks;
use crate::model::refusal::Refusal;
use crate::model::stack::{Stack, StackSettings, VcsProvider};
use crate::model::vendor::VendorConfig;

/// Runs on one page of `runs`, `proposedRuns` and `tasks`.
const PAGE: usize = 50;

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Stack", complex)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are Spacelift's fields, one for one"
)]
pub(crate) struct StackNode {
    pub id: ID,
    #[graphql(flatten)]
    pub settings: StackSettings,
    #[graphql(flatten)]
    flat_hooks: Hooks,
    hooks: Hooks,
    pub space: ID,
    pub vendor_config: Option<VendorConfig>,
    manages_state_file: bool,
    is_disabled: bool,
    #[graphql(skip)]
    pub state_name: String,
    pub state: StackState,
    state_set_at: Option<i64>,
    needs_approval: Option<bool>,
    deleted: bool,
    deleting: bool,
    locked_at: Option<i64>,
    pub locked_by: Option<String>,
    lock_note: Option<String>,
    pub created_at: i64,
    can_write: bool,
    /// Always false: stars belong to people, and the account knows only an API key.
    pub starred: bool,
    api_host: Option<String>,
    pub tracked_commit: Option<Commit>,
    tracked_commit_set_by: Option<String>,
    terraform_version: Option<String>,
}

/// The source of a variable or file of a run: a context, or without one the stack itself.
#[derive(SimpleObject)]
struct RuntimeConfig {
    context: Option<StackContextAttachment>,
    element: ConfigNode,
}

/// Stacks use the account's default integration, which is not shown.
#[derive(SimpleObject)]
struct StackVcsIntegration {
    id: ID,
    name: String,
    description: Option<String>,
    is_default: bool,
    provider: VcsProvider,
}

/// Runs of this account have no outputs.
#[derive(SimpleObject)]
struct StackOutput {
    id: ID,
    value: Option<String>,
    sensitive: bool,
    description: Option<String>,
}

#[derive(SimpleObject)]
pub(crate) struct RunResourceState {
    id: ID,
    state: RunState,
    finished: bool,
}

impl StackNode {
    pub(crate) fn of(account: &Account, stack: &Stack) -> Self {
        let latest = account.runs.latest_tracked(&stack.id);
        Self {
            id: ID::from(stack.id.as_str()),
            settings: stack.settings.clone(),
            flat_hooks: stack.hooks.clone(),
            hooks: stack.hooks.clone(),
            space: ID::from(stack.space.as_str()),
            vendor_config: Some(stack.vendor.clone()),
            manages_state_file: stack.manages_state,
            is_disabled: stack.disabled,
            state_name: account.runs.stack_state(&stack.id).to_string(),
            state: StackState::from(&account.runs.stack_state(&stack.id)),
            state_set_at: latest.map(|run| run.last().at.seconds()),
            needs_approval: Some(false),
            deleted: false,
            deleting: false,
            locked_at: stack.lock.as_ref().map(|lock| lock.at.seconds()),
            locked_by: stack.lock.as_ref().map(|lock| lock.by.clone()),
            lock_note: stack.lock.as_ref().and_then(|lock| lock.note.clone()),
            created_at: stack.created_at.seconds(),
            can_write: true,
            starred: false,
            api_host: None,
            tracked_commit: Some(stack.tracked_commit.clone()),
            tracked_commit_set_by: stack.tracked_commit_set_by.clone(),
            terraform_version: match &stack.vendor {
                VendorConfig::Terraform(terraform) => terraform.version.clone(),
                _ => None,
            },
        }
    }

    /// Reads the stack itself, if it still exists.
    fn with<T>(&self, ctx: &Context<'_>, look: impl FnOnce(&Account, &Stack) -> T) -> Option<T> {
        mock(ctx).read(|account| account.stacks.find(&self.id).map(|stack| look(account, stack)))
    }

    /// The stack's runs, newest first, after the one called `before`.
    fn page(
        &self,
        ctx: &Context<'_>,
        before: Option<&ID>,
        belongs: impl Fn(&RunType) -> bool,
    ) -> Vec<RunNode> {
        let before = before.map(|id| id.as_str()).filter(|id| !id.is_empty());
        self.with(ctx, |account, stack| {
            let runs = account.runs.of_stack_before(&stack.id, before);
            runs.filter(|run| belongs(&run.run_type))
                .take(PAGE)
                .map(|run| RunNode::of(account, run))
                .collect()
        })
        .unwrap_or_default()
    }
}

#[ComplexObject]
impl StackNode {
    async fn space_details(&self, ctx: &Context<'_>) -> Result<SpaceNode, Refusal> {
        mock(ctx)
            .read(|account| account.spaces.get(&self.space).map(SpaceNode::from))
            .ok_or(Refusal::NotFound)
    }

    async fn blocker(&self, ctx: &Context<'_>) -> Option<RunNode> {
        mock(ctx).read(|account| {
            account
                .runs
                .blocker(&self.id)
                .map(|index| RunNode::of(account, &account.runs[index]))
        })
    }

    async fn run(&self, ctx: &Context<'_>, id: ID) -> Option<RunNode> {
        mock(ctx).read(|account| {
            account
                .runs
                .get_of(&self.id, &id)
                .map(|run| RunNode::of(account, run))
        })
    }

    /// Tracked, testing and destroy runs.
    async fn runs(&self, ctx: &Context<'_>, before: Option<ID>) -> Vec<RunNode> {
        self.page(ctx, before.as_ref(), |run_type| {
            !matches!(run_type, RunType::Proposed | RunType::Task)
        })
    }

    async fn proposed_runs(&self, ctx: &Context<'_>, before: Option<ID>) -> Vec<RunNode> {
        self.page(ctx, before.as_ref(), |run_type| *run_type == RunType::Proposed)
    }

    async fn tasks(&self, ctx: &Context<'_>, before: Option<ID>) -> Vec<RunNode> {
        self.page(ctx, before.as_ref(), |run_type| *run_type == RunType::Task)
    }

    /// All stacks run in the public pool.
    async fn worker_pool(&self) -> Option<WorkerPool> {
        None
    }

    async fn config(&self, ctx: &Context<'_>) -> Vec<ConfigNode> {
        self.with(ctx, |_, stack| config::nodes(&stack.config))
            .unwrap_or_default()
    }

    async fn config_element(&self, ctx: &Context<'_>, id: ID) -> Option<ConfigNode> {
        self.with(ctx, |_, stack| config::find(&stack.config, &id))
            .flatten()
    }

    async fn runtime_config(&self, ctx: &Context<'_>) -> Option<Vec<RuntimeConfig>> {
        self.with(ctx, |account, stack| {
            let own = stack.config.iter().map(|element| (None, element));
            let attached = account.contexts.of_stack(stack, &account.spaces);
            let attached = attached.iter().flat_map(|(attachment, context)| {
                context
                    .config
                    .iter()
                    .map(move |element| (Some((attachment, *context)), element))
            });
            own.chain(attached)
                .map(|(source, element)| RuntimeConfig {
                    context: source.map(|(one, context)| StackContextAttachment::of(stack, one, context)),
                    element: ConfigNode::from(element),
                })
                .collect()
        })
    }

    async fn attached_contexts(&self, ctx: &Context<'_>) -> Vec<StackContextAttachment> {
        self.with(ctx, |account, stack| {
            let attached = account.contexts.of_stack(stack, &account.spaces);
            attached
                .iter()
                .map(|(attachment, context)| StackContextAttachment::of(stack, attachment, context))
                .collect()
        })
        .unwrap_or_default()
    }

    async fn integrations(&self, ctx: &Context<'_>) -> Option<Integrations> {
        self.with(ctx, |_, stack| Integrations {
            webhooks: stack.webhooks.iter().map(WebhooksIntegration::from).collect(),
            ..Integrations::default()
        })
    }

    async fn attached_policies(&self, ctx: &Context<'_>) -> Vec<StackPolicyAttachment> {
        self.with(ctx, |account, stack| {
            let attached = account.policies.of_stack(stack, &account.spaces);
            attached
                .map(|policy| StackPolicyAttachment::of(stack, policy))
                .collect()
        })
        .unwrap_or_default()
    }

    async fn vcs_integration(&self) -> Option<StackVcsIntegration> {
        None
    }

    /// Resources to which a test gave a name.
    async fn entities(&self, ctx: &Context<'_>) -> Vec<ManagedEntity> {
        self.with(ctx, |_, stack| {
            stack.resources.iter().map(ManagedEntity::from).collect()
        })
        .unwrap_or_default()
    }

    async fn outputs(&self) -> Vec<StackOutput> {
        Vec::new()
    }

    async fn depends_on(&self, ctx: &Context<'_>) -> Vec<DependencyNode> {
        mock(ctx).read(|account| {
            let own = account.dependencies.of(&self.id);
            own.map(DependencyNode::from).collect()
        })
    }

    async fn is_depended_on_by(&self, ctx: &Context<'_>) -> Vec<DependencyNode> {
        mock(ctx).read(|account| {
            let all = account.dependencies.all();
            let others = all.filter(|dependency| dependency.depends_on.as_str() == *self.id);
            others.map(DependencyNode::from).collect()
        })
    }

    async fn dependency(
        &self,
        ctx: &Context<'_>,
        id: Option<ID>,
        depends_on_stack_id: Option<ID>,
    ) -> Option<DependencyNode> {
        // Clients that look for one of the two send an empty text for the other.
        let [id, depends_on_stack_id] = [id, depends_on_stack_id].map(|id| id.filter(|id| !id.is_empty()));
        mock(ctx).read(|account| {
            let mut own = account.dependencies.of(&self.id);
            let fits = |dependency: &&NativeDependency| {
                id.as_ref().is_none_or(|id| dependency.id == **id)
                    && depends_on_stack_id
                        .as_ref()
                        .is_none_or(|id| dependency.depends_on.as_str() == **id)
            };
            own.find(fits).map(DependencyNode::from)
        })
    }

    /// The blueprint that it was created from.
    async fn blueprint(&self, ctx: &Context<'_>) -> Option<BlueprintNode> {
        self.with(ctx, |account, stack| {
            stack
                .blueprint
                .as_ref()
                .and_then(|id| account.blueprints.get(id))
                .map(BlueprintNode::from)
        })
        .flatten()
    }

    async fn run_resource_state(&self, ctx: &Context<'_>, id: ID) -> Option<RunResourceState> {
        mock(ctx).read(|account| {
            account.runs.get_of(&self.id, &id).map(|run| RunResourceState {
                id,
                state: RunState::from(run.state()),
                finished: run.is_over(),
            })
        })
    }
}
